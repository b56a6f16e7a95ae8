"""The page and the server together: a headless Chromium has the example clip as its camera and microphone."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hearsight.captions import write_captions
from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from tests.serve.browser import CLIP_MS, PATIENCE_MS, chromium, in_real_time, opened
from tests.serve.conftest import ROOMY
from tests.serve.fake_devices import write_devices
from tests.serve.sent import Sent
from tests.serve.serving import EXAMPLE, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def address(small: Recognizer) -> Iterator[str]:
    with running(small, Options(port=0, room=ROOMY)) as server:
        yield f"{server.url}/"


LEAD_S, PAUSE_S = 0.8, 9.0


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("devices")
    return write_devices(EXAMPLE, folder, lead=LEAD_S, pause=PAUSE_S, repeats=1)


@pytest.fixture(scope="module")
def browser(devices: tuple[Path, Path]) -> Iterator[Browser]:
    camera, microphone = devices
    flags = f"--use-file-for-fake-video-capture={camera}", f"--use-file-for-fake-audio-capture={microphone}"
    with chromium(*flags) as running_browser:
        yield running_browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        page.goto(address)
        yield page


@pytest.mark.parametrize("broken", [False, True], ids=["connected", "connection_breaks"])
def test_captions_equal_the_transcript_of_the_file(
    page: Page, small: Recognizer, devices: tuple[Path, Path], broken: bool, tmp_path: Path
) -> None:
    spoken = [event.text for event in small.transcribe(EXAMPLE) if event.kind == "final"]
    sent = Sent.by(page)
    page.click("#focus")  # painting the camera's picture costs as much as all the rest
    page.click("#start")
    with in_real_time():
        page.wait_for_selector("#running .may-change", timeout=CLIP_MS)
        if broken:
            page.evaluate("dispatchEvent(new Event('offline'))")
            page.wait_for_selector("#state[data-state=reconnecting]", timeout=PATIENCE_MS)
        page.wait_for_selector("#said p", timeout=CLIP_MS)
    assert page.get_attribute("#state", "data-state") == "listening"
    page.click("#start")
    page.wait_for_selector("#state[data-state=idle]", timeout=PATIENCE_MS)
    said = page.locator("#said p").all_text_contents()
    assert said == sent.transcript(small, tmp_path)
    assert "heard and lip-read" in (page.locator("#transcript .senses-used").first.text_content() or "")
    played = sent.compared(*devices, LEAD_S, PAUSE_S)
    print(f"captions {said}; the fake devices: {played}")
    if said != spoken and not played.faithful:
        pytest.skip(f"captions are those of what was sent, but Chromium did not play the clip: {played}")
    assert said == spoken


def drop(page: Page, content: bytes, name: str) -> None:
    """Drop a file on the page as a file manager would."""
    page.evaluate(
        """([content, name]) => {
            const dataTransfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], name));
            for (const type of ["dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
        }""",
        [base64.b64encode(content).decode(), name],
    )


def test_a_recording_dropped_on_the_page_is_transcribed(page: Page, small: Recognizer) -> None:
    drop(page, EXAMPLE.read_bytes(), EXAMPLE.name)
    page.wait_for_selector("#file-cancel", state="hidden", timeout=PATIENCE_MS)
    assert page.text_content("#file-state") == f"{EXAMPLE.name} is transcribed."
    expected = io.StringIO()
    write_captions(small.transcribe(EXAMPLE), "srt", expected)
    with page.expect_download() as saving:
        page.click("#downloads [data-format=srt]")
    assert saving.value.suggested_filename == EXAMPLE.with_suffix(".srt").name
    assert Path(saving.value.path()).read_text() == expected.getvalue()


def test_a_file_that_is_no_recording_is_refused_in_a_sentence(browser: Browser, address: str) -> None:
    with opened(browser, address, refused=(400,)) as page:
        page.goto(address)
        drop(page, b"not a recording", "notes.txt")
        page.wait_for_selector("#problem:not([hidden])", timeout=PATIENCE_MS)
        assert (page.text_content("#problem-text") or "").endswith((".", "?"))
