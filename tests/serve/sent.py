"""What a page has sent, and how much of what its fake camera and microphone should have played is in it."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer import Recognizer
from hearsight.serve.limits import Limits
from hearsight.serve.sight import Mouths
from hearsight.serve.tick_messages import parse_ticks
from tests.serve.fake_devices import HEIGHT, RATE, SAMPLE_RATE, WIDTH

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocket

THUMB = 32, 24
MOST_MISSING = 0.04
"""Share of the camera's pictures: three of a clip of three seconds."""
MOST_SKEW_S = 0.06
LEAST_LIKENESS = 0.9


class Sent:
    """Binary messages that a page has sent, each once, in their order."""

    def __init__(self) -> None:
        self._contents: dict[int, bytes] = {}
        self.kinds: set[int] = set()

    @classmethod
    def by(cls, page: Page) -> Sent:
        """Those that a page is going to send; to be called before it connects."""
        sent = cls()
        page.on("websocket", sent._follow)
        return sent

    @classmethod
    def of(cls, kind: int, contents: Sequence[bytes]) -> Sent:
        """Messages of a kind."""
        sent = cls()
        sent.kinds, sent._contents = {kind}, dict(enumerate(contents))
        return sent

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framesent", self._note)

    def _note(self, payload: str | bytes) -> None:
        if isinstance(payload, bytes):
            self.kinds.add(payload[0])
            self._contents[int.from_bytes(payload[1:5], "little")] = payload[5:]

    @property
    def contents(self) -> list[bytes]:
        """In order; none may be missing."""
        assert list(self._contents) and sorted(self._contents) == list(range(len(self._contents)))
        return [self._contents[number] for number in range(len(self._contents))]

    def transcript(self, recognizer: Recognizer, folder: Path) -> list[str]:
        """What the recogniser makes of it by itself, without page, server or network."""
        if self.kinds == {1}:
            recording = folder / "sent.webm"
            recording.write_bytes(b"".join(self.contents))
            return [event.text for event in recognizer.transcribe(recording) if event.kind == "final"]
        stream, events = recognizer.stream("av"), []
        for mouths in _mouths(self.contents):
            events += stream.push_crops(mouths.crops, mouths.samples, mouths.audio_present)
        return [event.text for event in events + stream.finish() if event.kind == "final"]

    def compared(self, camera: Path, microphone: Path, lead: float, pause: float) -> Played:
        """With what the devices' files hold between ``lead`` and ``pause`` seconds from their ends."""
        clip = slice(round(lead * SAMPLE_RATE), -round(pause * SAMPLE_RATE))
        with wave.open(str(microphone)) as file:
            spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2")[clip].astype(float)
        if self.kinds == {1}:
            shown = _thumbs(camera)[round(lead * RATE) : -round(pause * RATE)]
            return _played(b"".join(self.contents), shown, spoken)
        mouths = _mouths(self.contents)
        samples = np.concatenate([each.samples for each in mouths])
        crops = np.concatenate([each.crops.pixels for each in mouths])
        start, likeness = _find(spoken, samples)
        first, count = round(start * RATE), round(len(spoken) / SAMPLE_RATE * RATE)
        during = crops[max(0, first) : first + count].reshape(-1, crops[0].size)
        fresh = np.abs(np.diff(during.astype(int), axis=0)).any(axis=1).sum()
        return Played(count - 1 - int(fresh), count - 1, 0.0, likeness)


@dataclass(frozen=True)
class Played:
    """How well the fake devices have played.

    Attributes:
        missing: pictures of the clip that never came.
        pictures: of the clip.
        skew_s: by which pictures came after their sound, at worst.
        likeness: correlation of the sound with the clip's.
    """

    missing: int
    pictures: int
    skew_s: float
    likeness: float

    @property
    def faithful(self) -> bool:
        """Whether the page has been given the clip."""
        whole = self.missing <= MOST_MISSING * self.pictures and self.likeness >= LEAST_LIKENESS
        return whole and abs(self.skew_s) <= MOST_SKEW_S

    def __str__(self) -> str:
        late = f"pictures {1000 * self.skew_s:+.0f} ms after the sound"
        sound = f"likeness of the sound {self.likeness:.2f}"
        return f"{self.missing} of {self.pictures} pictures missing, {late}, {sound}"


def _mouths(contents: Sequence[bytes]) -> list[Mouths]:
    made, tick = [], 0
    for content in contents:
        message = parse_ticks(memoryview(content), Limits())
        mouths = message.make(tick)
        assert isinstance(mouths, Mouths)
        made.append(mouths)
        tick += message.ticks
    return made


def _thumbs(camera: Path) -> NDArray[np.float32]:
    """The camera's pictures, small and grey."""
    content, frame = camera.read_bytes(), WIDTH * HEIGHT * 3 // 2
    start = content.index(b"\n") + 1
    step = len(b"FRAME\n") + frame
    brightness = (
        np.frombuffer(content, np.uint8, WIDTH * HEIGHT, at + len(b"FRAME\n")).reshape(HEIGHT, WIDTH)
        for at in range(start, len(content), step)
    )
    return np.array([_thumb(each) for each in brightness])


def _thumb(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.resize(picture, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()


def _played(webm: bytes, shown: NDArray[np.float32], spoken: NDArray[np.float64]) -> Played:
    with av.open(io.BytesIO(webm)) as container:
        frames = [(frame.time, frame.to_ndarray(format="gray8")) for frame in container.decode(video=0)]
    with av.open(io.BytesIO(webm)) as container:
        resampler, parts, first = av.AudioResampler("s16", "mono", SAMPLE_RATE), [], None
        for frame in container.decode(audio=0):
            first = frame.time if first is None else first
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    start, likeness = _find(spoken, np.concatenate(parts).astype(float))
    start += first or 0.0
    seconds = len(shown) / RATE
    during = [(when, picture) for when, picture in frames if start <= when < start + seconds]
    lags = []
    for when, picture in during:
        nearest = int(np.abs(shown - _thumb(picture)).mean(axis=1).argmin())
        lags.append(when - start - nearest / RATE)
    # Neighbouring pictures are alike, so that single matches may be off.
    thirds = [np.median(part) for part in np.array_split(lags, 3) if len(part)]
    skew = float(max(thirds, key=abs, default=float("inf")))
    return Played(max(0, len(shown) - len(during)), len(shown), skew, likeness)


def _find(spoken: NDArray[np.float64], heard: NDArray[np.floating]) -> tuple[float, float]:
    """Where the clip's sound begins in what was heard, in seconds, and how alike the two are there.

    It may have begun before: then the beginning is negative.
    """
    heard = np.pad(heard, (len(spoken), 0))
    size = 1 << int(np.ceil(np.log2(len(spoken) + len(heard))))
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(spoken, size))
    at = int(np.fft.irfft(product, size)[: len(heard)].argmax())
    part = heard[at : at + len(spoken)]
    norm = np.linalg.norm(part) * np.linalg.norm(spoken[: len(part)])
    return (at - len(spoken)) / SAMPLE_RATE, float(part @ spoken[: len(part)] / max(norm, 1e-9))
