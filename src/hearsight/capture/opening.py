"""Opening an input with PyAV: which streams are meant, and one clear sentence when it cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from hearsight.capture.untrusted import Untrusted
from hearsight.errors import MediaError

_NOT_A_RECORDING = Disposition.attached_pic | Disposition.timed_thumbnails
"""Pictures that go with a recording, such as the cover of a song."""
_TEXT_ART = frozenset({"ansi", "bintext", "idf", "xbin"})
"""FFmpeg draws any text file as a picture with these decoders."""
_OPEN_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 30.0
_LARGE_PICTURE = 1920 * 1088
"""Pixels above which one core no longer decodes in real time."""
_LARGE_PICTURE_THREADS = 4


Source = str | Path | Untrusted
"""Path or address of a recording, or the bytes of one."""


def is_file(source: Source) -> bool:
    """Whether ``source`` is an ordinary file, which can be opened twice."""
    return source.rereadable if isinstance(source, Untrusted) else os.path.isfile(source)


def open_container(source: Source, format: str | None, options: dict[str, str] | None) -> InputContainer:
    """Open a file, address or device for reading.

    Args:
        source: path, address, bytes, or what else FFmpeg takes (``/dev/video0``, a lavfi graph).
        format: FFmpeg's name of the container format, where it cannot be found out.
        options: FFmpeg's options of that format.

    Raises:
        MediaError: the source does not exist, may not be read, or is no recording.
    """
    if isinstance(source, Untrusted):
        return _open_untrusted(source, options)
    name = str(source)
    # An absolute path behind "file:" keeps FFmpeg from reading "12:30 talk.mp4" as an address.
    address = f"file:{os.path.abspath(source)}" if is_file(source) and format is None else name
    # Only addresses can hang; a camera or a pipe may rightly be silent for long.
    timeout = (_OPEN_TIMEOUT_S, _READ_TIMEOUT_S) if "://" in name else None
    try:
        return av.open(
            address, format=format, options=options or {}, metadata_errors="replace", timeout=timeout
        )
    except (FFmpegError, ValueError) as error:
        raise MediaError(_why_not(source, error)) from error


def _open_untrusted(source: Untrusted, options: dict[str, str] | None) -> InputContainer:
    try:
        return source.container(options or {})
    except (FFmpegError, ValueError) as error:
        raise MediaError(
            f"{source} cannot be read as sound or video ({_reason(error)}): "
            "see whether a player opens it, or convert it, for example to H.264 and AAC in MP4."
        ) from error


def _why_not(source: str | Path, error: Exception) -> str:
    """The sentence for an input that does not open."""
    address = "://" in str(source)
    match error:
        case FileNotFoundError() if not address:
            return f"{source} does not exist: check the path."
        case IsADirectoryError():
            return f"{source} is a folder: name a file in it."
        case PermissionError() if not address:
            return f"{source} may not be read: change its permissions, or close the program that uses it."
        case av.error.ProtocolNotFoundError() | av.error.DemuxerNotFoundError():
            return f"{source} cannot be opened, its kind of address is unknown: check the spelling."
        case av.error.InvalidDataError() if is_file(source) and os.path.getsize(source) == 0:
            return f"{source} is empty: copy or record it again."
        case av.error.InvalidDataError():
            return (
                f"{source} is not a sound or video file, or its beginning or index is missing: "
                "see whether a player opens it, and copy or record it again."
            )
        case _ if address:
            reason = "no answer came in time" if isinstance(error, av.error.ExitError) else _reason(error)
            return f"{source} cannot be reached ({reason}): check the address and the network."
    return f"{source} cannot be opened ({_reason(error)}): see whether a player opens it."


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, FFmpegError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]


def choose_streams(container: InputContainer, name: str) -> tuple[VideoStream | None, AudioStream | None]:
    """The video and the audio stream that are meant, None where there is none.

    Of several streams it is FFmpeg's best (the default one, then the one with most data); a cover
    picture is no video.

    Raises:
        MediaError: there is neither, or no decoder for any.
    """
    videos = [stream for stream in container.streams.video if _is_recording(stream)]
    audios = list(container.streams.audio)
    decodable_videos = [stream for stream in videos if stream.codec_context is not None]
    decodable_audios = [stream for stream in audios if stream.codec_context is not None]
    if not videos and not audios:
        raise MediaError(f"{name} holds neither sound nor video: give a recording of someone who speaks.")
    if not decodable_videos and not decodable_audios:
        raise MediaError(
            f"{name} is coded in a way that is unknown here: convert it, for example to H.264 and AAC in MP4."
        )
    best_video = container.streams.best("video")
    video = best_video if best_video in decodable_videos else next(iter(decodable_videos), None)
    best_audio = container.streams.best("audio", video)
    audio = best_audio if best_audio in decodable_audios else next(iter(decodable_audios), None)
    assert video is None or isinstance(video, VideoStream)
    assert audio is None or isinstance(audio, AudioStream)
    return video, audio


def _is_recording(stream: VideoStream) -> bool:
    context = stream.codec_context
    is_text = context is not None and context.name in _TEXT_ART
    return not (stream.disposition & _NOT_A_RECORDING) and not is_text


def set_threads(stream: VideoStream | AudioStream) -> None:
    """One thread decodes, which costs least and delays nothing; only pictures above full HD get more."""
    context = stream.codec_context
    large = isinstance(stream, VideoStream) and stream.width * stream.height > _LARGE_PICTURE
    context.thread_count = min(_LARGE_PICTURE_THREADS, os.cpu_count() or 1) if large else 1
    context.thread_type = "AUTO"
