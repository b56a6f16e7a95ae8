"""The audio stream on the clock: 640 samples for each tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from av.filter import Graph
from numpy.typing import NDArray

from hearsight.capture.timeline import Timeline, time_stamp
from hearsight.types import SAMPLE_RATE, SAMPLES_PER_FRAME

Samples = NDArray[np.float32]

_HOLE_S = 0.05
"""A time stamp this far from where the samples before it end begins anew; less may be jitter."""
_DRIFT_S = 0.02
"""The same for the mean over many frames, where jitter cancels out."""
_DRIFT_SMOOTHING = 0.1
_MIN_SAMPLES = SAMPLE_RATE // 100
"""A tick has sound if at least this much of it comes from the input."""
_CREDIBLE_RATES = range(1_000, 1_000_001)
"""Samples a second; anything else is a damaged header, which would make hours of seconds."""
_FULL_SCALE = np.float32(32768)


def sound_ticks(frames: Iterable[AudioFrame | None], timeline: Timeline) -> Iterator[tuple[Samples, bool]]:
    """Samples of each tick from tick 0 to the end of the stream, and whether the tick has sound.

    Holes are silence without sound, overlaps are cut, and what is left of a clock that runs too fast or
    too slow is corrected every 20 ms, so that sound stays in step with the pictures. A rest of less than
    10 ms makes no tick.

    Args:
        frames: decoded frames in order; a None among them lets one tick pass in silence, without waiting
            for the next frame.
        timeline: places their time stamps on the clock.

    Yields:
        ``(640,)`` float32 in [-1, 1], zeros without sound, and the flag.
    """
    line = _Line()
    run: _Run | None = None
    for frame in frames:
        if frame is None:
            if run is not None:
                line.add(run.finish())
                run = None
            line.pad()
        elif frame.sample_rate in _CREDIBLE_RATES:
            duration = frame.samples / frame.sample_rate
            begin = timeline.place(time_stamp(frame), duration)
            if run is None or not run.continues(frame, begin):
                if run is not None:
                    line.add(run.finish())
                yield from line.seek(round(begin * SAMPLE_RATE))
                run = _Run(frame, begin)
            line.add(run.add(frame))
        yield from line.ticks()
    if run is not None:
        line.add(run.finish())
    yield from line.ticks()
    yield from line.rest()


class _Line:
    """The samples so far, cut into ticks."""

    def __init__(self) -> None:
        self._pending: Samples = np.zeros(0, np.float32)
        self._real: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._position = 0
        self._overlap = 0

    def add(self, samples: Samples) -> None:
        """Append sound, less what overlaps with the sound before."""
        cut = min(self._overlap, len(samples))
        self._overlap -= cut
        self._append(samples[cut:], real=True)

    def seek(self, target: int) -> Iterator[tuple[Samples, bool]]:
        """Go on at sample ``target``: fill with silence up to it, or drop as much of what comes."""
        self._overlap = max(0, self._position - target)
        while (gap := target - self._position) > 0:
            # In steps of a tick, so that an hour of silence takes no memory.
            self._append(np.zeros(min(gap, SAMPLES_PER_FRAME), np.float32), real=False)
            yield from self.ticks()

    def pad(self) -> None:
        """Complete the tick that has begun, or add one, with silence."""
        missing = SAMPLES_PER_FRAME - len(self._pending) % SAMPLES_PER_FRAME
        self._append(np.zeros(missing, np.float32), real=False)

    def ticks(self) -> Iterator[tuple[Samples, bool]]:
        """The ticks that are complete."""
        while len(self._pending) >= SAMPLES_PER_FRAME:
            samples, self._pending = self._pending[:SAMPLES_PER_FRAME], self._pending[SAMPLES_PER_FRAME:]
            real, self._real = self._real[:SAMPLES_PER_FRAME], self._real[SAMPLES_PER_FRAME:]
            present = bool(np.count_nonzero(real) >= _MIN_SAMPLES)
            yield samples if present else np.zeros_like(samples), present

    def rest(self) -> Iterator[tuple[Samples, bool]]:
        """The last tick, where enough is left for one."""
        if np.count_nonzero(self._real) >= _MIN_SAMPLES:
            self.pad()
            yield from self.ticks()

    def _append(self, samples: Samples, *, real: bool) -> None:
        self._position += len(samples)
        self._pending = np.concatenate([self._pending, samples])
        self._real = np.concatenate([self._real, np.full(len(samples), real)])


class _Run:
    """Frames of one kind that follow each other without a hole, resampled together."""

    def __init__(self, frame: AudioFrame, begin: float) -> None:
        self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
        self._mixer: _EvenMixer | None = None
        self._kind = _kind(frame)
        self._expected = begin
        self._drift = 0.0
        self._broken = False

    def continues(self, frame: AudioFrame, begin: float) -> bool:
        """Whether a frame that begins at ``begin`` s belongs to this run."""
        error = begin - self._expected
        self._drift += _DRIFT_SMOOTHING * (error - self._drift)
        steady = abs(error) <= _HOLE_S and abs(self._drift) <= _DRIFT_S
        return steady and not self._broken and _kind(frame) == self._kind

    def add(self, frame: AudioFrame) -> Samples:
        """Hand in the next frame; returns the samples that are ready."""
        self._expected += frame.samples / frame.sample_rate
        try:
            if _is_unnamed(frame.layout):
                self._mixer = self._mixer or _EvenMixer(frame)
                frame = self._mixer.mix(frame)
            return self._resample(frame)
        except (FFmpegError, ValueError):
            # A kind of sound that cannot be converted is a hole.
            self._broken = True
            return np.zeros(0, np.float32)

    def finish(self) -> Samples:
        """The samples still in the resampler."""
        return np.zeros(0, np.float32) if self._broken else self._resample(None)

    def _resample(self, frame: AudioFrame | None) -> Samples:
        # 16-bit output makes the mixing of channels keep to full scale, as float output would not.
        blocks = [block.to_ndarray()[0] for block in self._resampler.resample(frame) if block is not None]
        if not blocks:
            return np.zeros(0, np.float32)
        return np.concatenate(blocks).astype(np.float32) / _FULL_SCALE


def _kind(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


class _EvenMixer:
    """Averages channels of which nobody says where they stand, and which so cannot be weighted.

    FFmpeg does it: PyAV 18 reads past the end of the list of channels where there are more than seven.
    """

    def __init__(self, frame: AudioFrame) -> None:
        channels = "+".join(f"c{number}" for number in range(frame.layout.nb_channels))
        self._graph = Graph()
        self._graph.link_nodes(
            self._graph.add_abuffer(
                sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout.name
            ),
            self._graph.add("pan", f"mono|c0<{channels}"),
            self._graph.add("abuffersink"),
        ).configure()

    def mix(self, frame: AudioFrame) -> AudioFrame:
        """The same frame with one channel."""
        self._graph.push(frame)
        return cast(AudioFrame, self._graph.pull())


def _is_unnamed(layout: AudioLayout) -> bool:
    return layout.name == f"{layout.nb_channels} channels" or layout.name.startswith("ambisonic")
