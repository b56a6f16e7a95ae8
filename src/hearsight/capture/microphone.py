"""A microphone as a source of sound: PortAudio's callback only enqueues, a thread does the rest."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from hearsight.capture.clock import Clock
from hearsight.capture.devices import load_sounddevice, numbered_microphones
from hearsight.capture.drift import DriftCorrector
from hearsight.capture.feed import SoundQueue, put_sound
from hearsight.capture.retry import Retry
from hearsight.capture.sound import Samples
from hearsight.errors import MediaError
from hearsight.types import SAMPLE_RATE

_BLOCK_S = 0.01
_MAX_BLOCKS = 1_000
"""Blocks that may wait for the thread."""
_POLL_S = 0.1
_SILENT_S = 1.5
"""A microphone that sends no blocks for so long, not even of silence, is lost."""
_FIRST_BLOCK_S = 5.0
"""The same at its beginning: sound servers take their time."""
_MAX_LATENCY_S = 0.1
"""Longer ones are claimed, but not true."""
_SAMPLE = Fraction(1, SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Block:
    """What a microphone sends.

    Attributes:
        samples: ``(samples, channels)`` float32.
        arrival: when it came, in seconds on our clock.
    """

    samples: NDArray[np.float32]
    arrival: float


class OpenMicrophone(Protocol):
    """A microphone that sends.

    Attributes:
        rate: samples a second.
        latency: seconds from the air to the arrival of a block, as far as is known.
        dropped: samples that found no room.
        gone: whether the system has given it up.
    """

    rate: int
    latency: float
    dropped: int
    gone: bool

    def next_block(self, timeout: float) -> Block | None:
        """The next block, None if none comes within ``timeout`` s."""


MicrophoneOpener = Callable[[], AbstractContextManager[OpenMicrophone]]
"""Opens a microphone; raises MediaError if there is none."""


class Microphone:
    """Reads a microphone in a thread of its own, opened again when it was unplugged.

    Args:
        open: opens the microphone.
        sounds: where the sound goes, 16 kHz, placed on our clock with the drift of the card corrected.
        clock: tells the time.
        bell: rings when anything changes.
    """

    def __init__(
        self, open: MicrophoneOpener, sounds: SoundQueue, clock: Clock, bell: threading.Condition
    ) -> None:
        self._open, self._sounds, self._clock = open, sounds, clock
        self._retry = Retry(clock, bell)
        self._drift_s = 0.0
        self._corrector = DriftCorrector()

    @property
    def failure(self) -> MediaError | None:
        """Why it could not be opened in the first place."""
        return self._retry.failure

    @property
    def drift_ms(self) -> float:
        """By how much its sound would have drifted without correction since the beginning."""
        return 1000 * (self._drift_s + self._corrector.drift_s)

    def run(self) -> None:
        """Read until stopped."""
        self._retry.run(self._read_once)

    def stop(self) -> None:
        """Read no more."""
        self._retry.stop()

    def _read_once(self) -> None:
        """Read from opening the microphone to where it is lost."""
        with self._open() as microphone:
            self._drift_s += self._corrector.drift_s
            self._corrector = DriftCorrector(min(max(microphone.latency, 0.0), _MAX_LATENCY_S))
            to_16_khz = _To16Khz(microphone.rate)
            for block in self._blocks(microphone):
                self._retry.succeeded()
                self._put(*self._corrector.push(to_16_khz.convert(block.samples), block.arrival))
                self._sounds.dropped += microphone.dropped + self._corrector.lost_samples
                self._corrector.lost_samples = microphone.dropped = 0

    def _blocks(self, microphone: OpenMicrophone) -> Iterator[Block]:
        """Blocks until the microphone is lost."""
        until = self._clock.now() + _FIRST_BLOCK_S
        while not (self._retry.stopped or microphone.gone):
            block = microphone.next_block(_POLL_S)
            if block is not None:
                until = self._clock.now() + _SILENT_S
                yield block
            elif self._clock.now() >= until:
                return

    def _put(self, place: int, samples: Samples) -> None:
        if len(samples) == 0:
            return
        frame = AudioFrame.from_ndarray(np.clip(samples, -1, 1)[None], format="flt", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, _SAMPLE, place
        put_sound(self._sounds, frame, place / SAMPLE_RATE)


class _To16Khz:
    """Mixes channels to one and resamples where the card cannot do it."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = AudioResampler("flt", "mono", SAMPLE_RATE)

    def convert(self, samples: NDArray[np.float32]) -> Samples:
        mono: Samples = samples.mean(axis=1, dtype=np.float32)
        if self._rate == SAMPLE_RATE:
            return mono
        frame = AudioFrame.from_ndarray(mono[None], format="flt", layout="mono")
        frame.sample_rate = self._rate
        blocks = [block.to_ndarray()[0] for block in self._resampler.resample(frame)]
        return np.concatenate(blocks) if blocks else mono[:0]


class PortAudioMicrophone:
    """A microphone that PortAudio has opened.

    Attributes:
        rate: samples a second.
        latency: seconds from the air to the arrival of a block, as PortAudio says.
        dropped: samples that found no room.
        gone: whether PortAudio has given it up.
    """

    def __init__(self, clock: Clock, channels: int, rate: int) -> None:
        self._clock, self._channels = clock, channels
        self.rate, self.latency, self.dropped, self.gone = rate, 0.0, 0, False
        self._blocks: queue.Queue[tuple[bytes, float]] = queue.Queue(_MAX_BLOCKS)

    def callback(self, data: Any, frames: int, time: object, status: object) -> None:
        """Called by PortAudio for each block, in its own thread: whatever takes time here costs sound."""
        try:
            self._blocks.put_nowait((bytes(data), self._clock.now()))
        except queue.Full:
            self.dropped += frames

    def ended(self) -> None:
        """Called by PortAudio when it gives the device up."""
        self.gone = True

    def next_block(self, timeout: float) -> Block | None:
        """The next block, None if none comes within ``timeout`` s."""
        try:
            data, arrival = self._blocks.get(timeout=timeout)
        except queue.Empty:
            return None
        return Block(np.frombuffer(data, np.float32).reshape(-1, self._channels), arrival)


def microphone_opener(id: str, clock: Clock) -> MicrophoneOpener:
    """Opens the microphone with this number or name, or the system's if it is ``default``."""
    opened_before = False

    @contextmanager
    def open() -> Iterator[PortAudioMicrophone]:
        nonlocal opened_before
        sounddevice = load_sounddevice()
        if opened_before:
            # PortAudio looks for devices only when it starts: what was replugged is found by a new start.
            sounddevice._terminate()
            sounddevice._initialize()
        opened_before = True
        device = None if id == "default" else _number_of(id)
        stream, microphone = _open_stream(sounddevice, device, id, clock)
        try:
            stream.start()
            yield microphone
        except sounddevice.PortAudioError as error:
            raise MediaError(_refusal(id, error)) from error
        finally:
            stream.close(ignore_errors=True)

    return open


def _number_of(id: str) -> int | str:
    """PortAudio's number of the microphone with this id now; numbers change when devices come and go."""
    for number, device in numbered_microphones():
        if device.id == id:
            return number
    return int(id) if id.isdecimal() else id


def _open_stream(
    sounddevice: Any, device: int | str | None, id: str, clock: Clock
) -> tuple[Any, PortAudioMicrophone]:
    """The stream in the first form that the device can do."""
    try:
        about = sounddevice.query_devices(device, "input")
    except (sounddevice.PortAudioError, ValueError) as error:
        raise MediaError(_refusal(id, error)) from error
    own_rate = round(about["default_samplerate"])
    problem: Exception | None = None
    for channels, rate in ((1, SAMPLE_RATE), (1, own_rate), (about["max_input_channels"], own_rate)):
        microphone = PortAudioMicrophone(clock, channels, rate)
        try:
            stream = sounddevice.RawInputStream(
                device=device,
                channels=channels,
                samplerate=rate,
                dtype="float32",
                blocksize=round(_BLOCK_S * rate),
                latency="low",
                callback=microphone.callback,
                finished_callback=microphone.ended,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            problem = error
            continue
        microphone.latency = float(stream.latency)
        return stream, microphone
    raise MediaError(_refusal(id, problem)) from problem


def _refusal(id: str, error: object) -> str:
    if id == "default":
        return "no microphone was found: connect one, or go on by eye with --microphone none."
    return f"microphone {id} cannot be opened ({error}): `hearsight devices` lists those that are there."
