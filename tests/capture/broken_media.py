"""Inputs that cannot be read, by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tests.capture.media import AAC, PCM, Audio, Video, clip, edited, first_part, of_bytes, video_at, write


def _with_subtitles(folder: Path) -> Path:
    """Nothing but subtitles."""
    (folder / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n\n")
    return folder / "words.srt"


def _encrypted(folder: Path) -> Path:
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    return write(folder / "locked.mp4", video_at(25), AAC, options=options)


def _folder(folder: Path) -> Path:
    (folder / "holiday.mp4").mkdir()
    return folder / "holiday.mp4"


def _unknown_codec(content: bytes) -> bytes:
    return content.replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC")


_MP4_INDEX_LAST = clip("clip.mp4", video_at(25), AAC)
_TEXT = b"This is a letter, not a recording.\n" * 40

REFUSED = {
    "empty file": of_bytes("empty.mp4", b""),
    "text named .mp4": of_bytes("letter.mp4", _TEXT),
    "text": of_bytes("letter.txt", _TEXT),
    "web page named .mp4": of_bytes("video.mp4", b"<!doctype html><html><body>404</body></html>" * 30),
    "noise named .mp4": of_bytes("noise.mp4", np.random.default_rng(3).bytes(100_000)),
    "noise named .bin": of_bytes("noise.bin", np.random.default_rng(4).bytes(100_000)),
    "zeros": of_bytes("zeros.mkv", bytes(100_000)),
    "archive": of_bytes("clips.zip", b"PK\x03\x04" + np.random.default_rng(5).bytes(5_000)),
    "header of a wave file": edited(clip("stopped.wav", PCM), lambda content: content[:44]),
    "header of a film": edited(clip("stopped.mkv", Video(), Audio()), lambda content: content[:300]),
    "MP4 without its index": edited(_MP4_INDEX_LAST, first_part),
    "subtitles": _with_subtitles,
    "copy-protected": _encrypted,
    "unknown coding": edited(clip("future.mp4", video_at(25)), _unknown_codec),
    "folder": _folder,
    "missing file": lambda folder: folder / "no such file.mp4",
    "missing folder": lambda folder: folder / "no such folder" / "clip.mp4",
    "a link in a circle": lambda folder: _circle(folder),
    "address that refuses": lambda folder: "http://127.0.0.1:9/clip.mp4",
    "address of an unknown kind": lambda folder: "gopher2://127.0.0.1/clip.mp4",
}


def _circle(folder: Path) -> Path:
    os.symlink(folder / "b.mp4", folder / "a.mp4")
    os.symlink(folder / "a.mp4", folder / "b.mp4")
    return folder / "a.mp4"
