"""Odd and broken media by name, each written on demand: what users really have on their disks.

``ODD_MEDIA`` is for every test that wants to show that nothing in it ends in a traceback.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tests.capture.broken_media import REFUSED
from tests.capture.media import (
    AAC,
    PCM,
    Audio,
    Video,
    clip,
    edited,
    first_part,
    frame_times,
    video_at,
    write,
)


@dataclass(frozen=True)
class OddMedia:
    """One kind of input.

    Attributes:
        write: writes it into a directory and returns its path or address.
        readable: whether it is read, or refused with one sentence.
        video: whether it has pictures, if it is read.
        audio: whether it has sound, if it is read.
    """

    write: Callable[[Path], Path | str]
    readable: bool = True
    video: bool = True
    audio: bool = True


def _irregular() -> list[float]:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.09, 40))
    return [0.0, *(round(float(time), 3) for time in times)]


def _scratched(content: bytes) -> bytes:
    """Overwrite a tenth of the middle."""
    middle, length = len(content) // 2, len(content) // 10
    noise = np.random.default_rng(2).bytes(length)
    return content[:middle] + noise + content[middle + length :]


def _joined(folder: Path) -> Path:
    """Two transport streams in one file, as cameras leave them: the time stamps begin anew."""
    first = write(folder / "first.ts", Video(), AAC)
    path = folder / "joined.ts"
    path.write_bytes(first.read_bytes() * 2)
    return path


def _resized(folder: Path) -> Path:
    """The picture becomes smaller in the middle, as in calls on a bad line."""
    parts = [
        write(
            folder / f"{number}.ts", Video(size=size, times=frame_times(25, 1.0, start), options={"bf": "0"})
        )
        for number, (size, start) in enumerate([((64, 48), 0.0), ((32, 24), 1.0)])
    ]
    path = folder / "resized.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def _cover_art(name: str, codec: str) -> Callable[[Path], Path]:
    def write_song(folder: Path) -> Path:
        with av.open(str(folder / name), "w") as container:
            sound = container.add_stream(codec, rate=16_000, layout="mono")
            cover = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), format="rgb24")
            packets = cover.encode(picture.reformat(format="yuvj420p")) + cover.encode(None)
            for _ in range(20):
                frame = av.AudioFrame.from_ndarray(
                    np.full((1, 1600), 1000, np.int16), format="s16", layout="mono"
                )
                frame.sample_rate = 16_000
                packets += sound.encode(frame)
            for packet in packets + sound.encode(None):
                container.mux(packet)
        return folder / name

    return write_song


def _still(name: str) -> Callable[[Path], Path]:
    def write_still(folder: Path) -> Path:
        cv2.imwrite(str(folder / name), np.full((48, 64, 3), 128, np.uint8))
        return folder / name

    return write_still


def _unnamed_channels(folder: Path) -> Path:
    """A wave file of three channels that says nothing about where the loudspeakers stand."""
    samples = np.repeat(np.round(10_000 * np.sin(np.arange(32_000) * 0.4)).astype("<i2")[:, None], 3, axis=1)
    data = samples.tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 3,
                       16_000, 96_000, 6, 16, b"data", len(data))  # fmt: skip
    (folder / "three.wav").write_bytes(head + data)
    return folder / "three.wav"


READABLE = {
    "15 frames a second": OddMedia(clip("15.mp4", video_at(15), AAC)),
    "23.976 frames a second": OddMedia(clip("film.mp4", video_at(24_000 / 1001), AAC)),
    "30 frames a second": OddMedia(clip("30.mkv", video_at(30), Audio())),
    "60 frames a second": OddMedia(clip("60.mp4", video_at(60), AAC)),
    "1 frame a second": OddMedia(clip("slides.mp4", video_at(1), AAC)),
    "declares 25 frames a second and has 12.5": OddMedia(clip("liar.mkv", video_at(12.5, 25), Audio())),
    "irregular frames": OddMedia(clip("phone.mkv", Video(times=_irregular()), Audio())),
    "late sound": OddMedia(clip("late.mkv", Video(), Audio(offset=0.7))),
    "late pictures": OddMedia(clip("early.mkv", Video(times=frame_times(25, 1.27, 0.73)), Audio())),
    "time stamps below zero": OddMedia(
        clip(
            "negative.mkv",
            Video(times=frame_times(25, 2.0, -1.0)),
            replace(PCM, offset=-1.0),
            options={"avoid_negative_ts": "disabled"},
        )
    ),
    "time stamps that wrap": OddMedia(
        clip(
            "wrapped.flv",
            Video(times=frame_times(25, 2.0, -1.0)),
            Audio(codec="aac", format="fltp", rate=44_100, offset=-1.0),
            options={"avoid_negative_ts": "disabled"},
        )
    ),
    "no time stamps": OddMedia(clip("raw.h264", Video(options={"bf": "0"}), format="h264"), audio=False),
    "pictures out of order in AVI": OddMedia(
        clip("old.avi", Video(codec="mpeg4", time_base=Fraction(1, 25), options={"bf": "2"}), PCM)
    ),
    "no sound": OddMedia(clip("mute.mp4", video_at(25)), audio=False),
    "no pictures": OddMedia(clip("voice.flac", Audio()), video=False),
    "sound stops early": OddMedia(clip("short-sound.mkv", Video(), Audio(spans=[(0.0, 0.9)]))),
    "pictures stop early": OddMedia(clip("short-pictures.mkv", Video(times=frame_times(25, 0.9)), Audio())),
    "holes in the sound": OddMedia(
        clip("holes.mkv", Video(), replace(PCM, spans=[(0.0, 0.3), (0.8, 1.1), (1.3, 2.0)]))
    ),
    "a hole in the pictures": OddMedia(
        clip("frozen.mkv", Video(times=[t for t in frame_times(25, 2.0) if not 0.2 < t < 1.6]), Audio())
    ),
    "held upright": OddMedia(
        clip("portrait.mp4", replace(video_at(25), rotation=-90, marked_corner=True), AAC)
    ),
    "10 bits": OddMedia(clip("hdr.mkv", Video(pixels="yuv420p10le"), Audio())),
    "full range": OddMedia(clip("webcam.avi", Video(codec="mjpeg", pixels="yuvj422p"), PCM)),
    "grey": OddMedia(clip("grey.mkv", Video(codec="ffv1", pixels="gray"), Audio())),
    "transparent": OddMedia(clip("overlay.mov", Video(codec="qtrle", pixels="argb"), PCM)),
    "odd size": OddMedia(clip("odd.mkv", Video(codec="ffv1", pixels="yuv420p", size=(61, 43)), Audio())),
    "long pixels": OddMedia(
        clip("dvd.mkv", Video(pixel_aspect=Fraction(16, 11), options={"aq-mode": "0"}), Audio())
    ),
    "animated picture": OddMedia(
        clip("wave.gif", Video(codec="gif", pixels="rgb8", time_base=Fraction(1, 100))), audio=False
    ),
    "photograph": OddMedia(_still("face.jpg"), audio=False),
    "screenshot": OddMedia(_still("face.png"), audio=False),
    "8 kHz, 8 bits": OddMedia(
        clip("dictaphone.wav", Audio(codec="pcm_u8", format="u8", rate=8_000)), video=False
    ),
    "telephone": OddMedia(clip("call.wav", Audio(codec="pcm_alaw", rate=8_000)), video=False),
    "5.1 channels in floats": OddMedia(
        clip("film.wav", Audio(codec="pcm_f32le", format="flt", layout="5.1", rate=48_000)), video=False
    ),
    "192 kHz, 24 bits": OddMedia(clip("studio.flac", Audio(format="s32", rate=192_000)), video=False),
    "channels without names": OddMedia(_unnamed_channels, video=False),
    "song with a cover (FLAC)": OddMedia(_cover_art("song.flac", "flac"), video=False),
    "song with a cover (MP3)": OddMedia(_cover_art("song.mp3", "libmp3lame"), video=False),
    "two pictures and two languages": OddMedia(
        clip(
            "conference.mkv",
            Video(size=(32, 24)),
            Video(default=True),
            Audio(spans=[(0.0, 0.1)]),
            Audio(default=True),
        )
    ),
    "sound after all pictures": OddMedia(clip("apart.mkv", Video(), Audio(), interleave=False)),
    "from a browser": OddMedia(
        clip(
            "browser.webm",
            Video(codec="libvpx", options={"deadline": "realtime", "cpu-used": "8"}),
            Audio(codec="libopus", format="flt", rate=48_000),
            options={"live": "1"},
        )
    ),
    "time stamps begin anew": OddMedia(_joined),
    "changes its size": OddMedia(_resized, audio=False),
    "cut off (Matroska)": OddMedia(edited(clip("cut.mkv", Video(), Audio()), first_part)),
    "cut off (transport stream)": OddMedia(edited(clip("cut.ts", Video(), AAC), first_part)),
    "cut off (MP4, index first)": OddMedia(
        edited(
            clip("cut.mp4", video_at(25), AAC, options={"movflags": "faststart"}),
            lambda content: content[: len(content) * 8 // 10],
        )
    ),
    "scratched (Matroska)": OddMedia(edited(clip("scratch.mkv", Video(), PCM), _scratched)),
    "scratched (MP4)": OddMedia(
        edited(clip("scratch.mp4", video_at(25), AAC, options={"movflags": "faststart"}), _scratched)
    ),
    "scratched (transport stream)": OddMedia(edited(clip("scratch.ts", Video(), AAC), _scratched)),
    "name like an address": OddMedia(clip("12:30 talk — ä%d.mkv", Video(), Audio())),
    "wrong ending": OddMedia(
        lambda folder: write(folder / "a.mkv", Video(), Audio()).rename(folder / "clip.txt")
    ),
}

ODD_MEDIA: dict[str, OddMedia] = {
    **READABLE,
    **{name: OddMedia(write_it, readable=False) for name, write_it in REFUSED.items()},
}
