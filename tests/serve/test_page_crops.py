"""The mouth cropped in the browser: the same crops as on the server; nothing else of the picture is sent."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from hearsight.face import FacePath
from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from hearsight.types import CROP_SIZE, SAMPLES_PER_FRAME, Chunk
from tests.serve.browser import CLIP_MS, PATIENCE_MS, chromium, in_real_time, opened
from tests.serve.conftest import ROOMY
from tests.serve.fake_devices import write_devices
from tests.serve.sent import Sent
from tests.serve.serving import EXAMPLE, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

FRAMES = 20
LEAD_S, PAUSE_S = 0.8, 9.0


@pytest.fixture(scope="module")
def address(small: Recognizer) -> Iterator[str]:
    folder = os.environ.get("HEARSIGHT_ONNXRUNTIME_WEB")
    if folder is None:
        pytest.skip("HEARSIGHT_ONNXRUNTIME_WEB does not name the folder dist of npm's onnxruntime-web")
    with running(small, Options(port=0, room=ROOMY, runtime=Path(folder))) as server:
        yield f"{server.url}/"


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("devices")
    return write_devices(EXAMPLE, folder, lead=LEAD_S, pause=PAUSE_S, repeats=1)


@pytest.fixture(scope="module")
def page(address: str, devices: tuple[Path, Path]) -> Iterator[Page]:
    camera, microphone = devices
    flags = f"--use-file-for-fake-video-capture={camera}", f"--use-file-for-fake-audio-capture={microphone}"
    with chromium(*flags) as browser, opened(browser, address) as page:
        page.goto(address)
        yield page


def test_crops_made_in_the_browser_equal_those_of_the_server(page: Page) -> None:
    with av.open(str(EXAMPLE)) as clip:
        pictures = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)][:FRAMES]
    silence = np.zeros(FRAMES * SAMPLES_PER_FRAME, np.float32)
    expected = FacePath.load().process(Chunk(0, pictures, silence, np.zeros(FRAMES, bool)))
    page.evaluate("""async () => {
        const { loadNetworks } = await import("/page/face_networks.js");
        const { FacePath } = await import("/page/face_path.js");
        const addresses = { detector: "/face/detector.onnx", mesh: "/face/mesh.onnx" };
        window.path = new FacePath(await loadNetworks(new URL("/runtime/", location), addresses));
        window.look = async (pixels, width, height) => {
            const data = Uint8ClampedArray.from(atob(pixels), (character) => character.charCodeAt(0));
            return [...(await path.process({ width, height, data })).crop];
        };
    }""")
    for picture, crop in zip(pictures, expected.pixels, strict=True):
        height, width = picture.shape[:2]
        pixels = np.dstack([picture, np.full((height, width), 255, np.uint8)]).tobytes()
        sent = [base64.b64encode(pixels).decode(), width, height]
        made = np.reshape(page.evaluate("sent => look(...sent)", sent), (CROP_SIZE, CROP_SIZE))
        assert np.abs(made - crop.astype(int)).mean() < 2


def test_captions_come_of_crops_and_sound_alone(
    page: Page, small: Recognizer, devices: tuple[Path, Path], tmp_path: Path
) -> None:
    sent = Sent.by(page)
    spoken = [event.text for event in small.transcribe(EXAMPLE) if event.kind == "final"]
    page.click("#settings summary")
    page.check("#here")
    page.click("#focus")
    page.click("#start")
    with in_real_time():
        page.wait_for_selector("#said p", timeout=2 * CLIP_MS)
    page.click("#start")
    page.wait_for_selector("#state[data-state=idle]", timeout=PATIENCE_MS)
    assert "heard and lip-read" in (page.locator("#transcript .senses-used").first.text_content() or "")
    assert sent.kinds == {2}
    assert {content[2] for content in sent.contents} <= {0, 1}  # no pictures, or grey crops
    assert max(map(len, sent.contents)) <= 4 + 2 * (2 * SAMPLES_PER_FRAME + 4 + CROP_SIZE * CROP_SIZE)
    said = page.locator("#said p").all_text_contents()
    assert said == sent.transcript(small, tmp_path)
    played = sent.compared(*devices, LEAD_S, PAUSE_S)
    print(f"captions {said}; the fake devices: {played}")
    if said != spoken and not played.faithful:
        pytest.skip(f"captions are those of what was sent, but Chromium did not play the clip: {played}")
    assert said == spoken
