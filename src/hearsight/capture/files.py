"""Any file, address or device that PyAV opens, as chunks of 25 pictures and 16,000 samples a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np

from hearsight.capture.conversion import Picture, PictureConverter
from hearsight.capture.opening import Source
from hearsight.capture.pictures import picture_ticks
from hearsight.capture.sound import Samples, sound_ticks
from hearsight.capture.timeline import Timeline
from hearsight.capture.tracks import Tracks, open_tracks
from hearsight.errors import MediaError
from hearsight.types import SAMPLES_PER_FRAME, Chunk

_SILENCE = np.zeros(SAMPLES_PER_FRAME, np.float32)

Tick = tuple[Picture | None, Samples, bool]


def read_chunks(
    source: Source,
    *,
    ticks: int = 8,
    format: str | None = None,
    options: dict[str, str] | None = None,
) -> Iterator[Chunk]:
    """Read an input from its beginning to its end, pictures and sound in step by their time stamps.

    The clock begins with the first picture or sound, whichever is earlier, and ends with the last. The
    ticks are the same for every ``ticks``. Memory does not grow with the length of the input.

    A file is read twice side by side, once for each stream. What can be read only once (an address, a
    pipe, a device) is read once; a stream in it that falls more than a few seconds behind the other is
    taken as absent until it has caught up.

    Args:
        source: path or address of a recording or stream with pictures, sound or both, or what else
            FFmpeg opens; or the bytes of a recording.
        ticks: ticks in a chunk; the last chunk may be shorter.
        format: FFmpeg's name of the format, for devices and pipes whose format it cannot guess.
        options: FFmpeg's options of that format.

    Yields:
        Chunks without gaps from tick 0 on. Pictures keep their size, turned upright, with square pixels,
        at most 1920 pixels wide or high; one array may stand in several ticks, so do not write to it.

    Raises:
        MediaError: at the first chunk, the source cannot be read as sound or pictures. An input that
            breaks off later ends there, with a warning in the log.
    """
    if ticks < 1:
        raise ValueError(f"a chunk has at least 1 tick, not {ticks}")
    with open_tracks(source, format, options) as tracks:
        clock, start = _ticks(tracks), 0
        while run := list(islice(clock, ticks)):
            pictures, samples, present = zip(*run, strict=True)
            yield Chunk(start, list(pictures), np.concatenate(samples), np.array(present, np.bool_))
            start += len(run)
    if start == 0:
        raise MediaError(f"{source} holds less than a moment of sound, or it is damaged: record it again.")


def _ticks(tracks: Tracks) -> Iterator[Tick]:
    """Both streams, tick by tick, to the end of the longer one."""
    sounds = sound_ticks(tracks.sounds, Timeline(tracks.zero, tracks.max_length))
    pictures: Iterator[Picture | None] = iter(())
    if tracks.video is not None:
        pictures = picture_ticks(
            tracks.pictures,
            Timeline(tracks.zero, tracks.max_length),
            PictureConverter(tracks.video.sample_aspect_ratio),
            tracks.video.average_rate,
        )
    for picture, sound in zip_longest(pictures, sounds):
        yield (picture, *(sound or (_SILENCE, False)))


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is in an input.

    Attributes:
        has_video: whether it has pictures that can be decoded.
        has_audio: whether it has sound that can be decoded.
        duration_s: length in seconds as the file declares it, None if it does not.
        width: of its pictures in pixels, turned upright, None without pictures.
        height: likewise.
        frame_rate: pictures a second as the file declares it; often wrong, None if it does not.
    """

    has_video: bool
    has_audio: bool
    duration_s: float | None
    width: int | None
    height: int | None
    frame_rate: float | None


def probe(source: Source) -> MediaInfo:
    """Look at the beginning of an input.

    Raises:
        MediaError: it cannot be read as sound or pictures.
    """
    with open_tracks(source) as tracks:
        video = tracks.video
        picture = None
        if video is not None and (frame := next(tracks.pictures)) is not None:
            picture = PictureConverter(video.sample_aspect_ratio).convert(frame)
        rate = None if video is None else video.average_rate
        return MediaInfo(
            has_video=video is not None,
            has_audio=tracks.audio is not None,
            duration_s=tracks.length,
            width=None if picture is None else picture.shape[1],
            height=None if picture is None else picture.shape[0],
            frame_rate=float(rate) if rate else None,
        )
