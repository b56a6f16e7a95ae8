"""Binary messages of sound and pictures in step: checked cheaply at once, decoded by a worker later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from kornia_rs.io import decode_image_jpegturbo
from numpy.typing import NDArray

from hearsight.serve.limits import Limits
from hearsight.serve.protocol import Refusal
from hearsight.serve.sight import Input, Mouths
from hearsight.types import CROP_SIZE, SAMPLES_PER_FRAME, Chunk, Crops

MAX_TICKS = 25
_HEAD_BYTES = 4
_NO_PICTURES, _GREY_CROPS, _JPEG_CROPS, _JPEG_PICTURES = range(4)
_FULL_SCALE = np.float32(32768)
# Markers of JPEG files: those that stand alone, and those that begin a frame and so tell its size.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})


@dataclass(frozen=True, slots=True)
class TickMessage:
    """A checked message.

    Attributes:
        ticks: how many.
        size: bytes that its pictures will take when they are decoded.
        make: decodes it; its argument is the tick at which it begins.
    """

    ticks: int
    size: int
    make: Callable[[int], Input]


def parse_ticks(content: memoryview, limits: Limits) -> TickMessage:
    """Check a message of kind 2.

    Raises:
        Refusal: it is not what the protocol says, or a picture is too large.
    """
    if len(content) < _HEAD_BYTES:
        raise Refusal("bad_message", "a message of ticks is too short")
    ticks, sound, pictures = content[0], content[1], content[2]
    if not 1 <= ticks <= MAX_TICKS or sound > 1 or pictures > _JPEG_PICTURES or content[3]:
        raise Refusal("bad_message", "a message of ticks has a head that means nothing")
    samples_end = _HEAD_BYTES + sound * ticks * SAMPLES_PER_FRAME * 2
    if len(content) < samples_end:
        raise Refusal("bad_message", "a message of ticks ends within its sound")
    samples = _samples(content[_HEAD_BYTES:samples_end], ticks)
    present = np.full(ticks, bool(sound))
    files = _pictures(content[samples_end:], ticks if pictures else 0)
    if pictures == _JPEG_PICTURES:
        size = sum(_check_picture(file, limits) for file in files)
        return TickMessage(ticks, size, lambda start: Chunk(start, [*map(_colour, files)], samples, present))
    crops = np.zeros((ticks, CROP_SIZE, CROP_SIZE), np.uint8)
    seen = np.array([len(file) > 0 for file in files], np.bool_) if files else np.zeros(ticks, np.bool_)
    read = _checked_crop_reader(files, pictures)

    def make(start: int) -> Input:
        for index in seen.nonzero()[0]:
            crops[index] = read(files[index])
        return Mouths(Crops(start, crops, seen), samples, present)

    return TickMessage(ticks, crops.nbytes, make)


def _samples(content: memoryview, ticks: int) -> NDArray[np.float32]:
    if not len(content):
        return np.zeros(ticks * SAMPLES_PER_FRAME, np.float32)
    return np.frombuffer(content, "<i2").astype(np.float32) / _FULL_SCALE


def _pictures(content: memoryview, count: int) -> list[memoryview]:
    """The files one after the other; an empty one stands for no picture."""
    files = []
    for _ in range(count):
        length = int.from_bytes(content[:4], "little")
        if len(content) < 4 + length:
            raise Refusal("bad_message", "a message of ticks ends within its pictures")
        files.append(content[4 : 4 + length])
        content = content[4 + length :]
    if len(content):
        raise Refusal("bad_message", "a message of ticks goes on behind its last picture")
    return files


def _check_picture(file: memoryview, limits: Limits) -> int:
    """Bytes of the decoded picture, read from the header; nothing is decoded."""
    if not len(file):
        return 0
    if len(file) > limits.picture_bytes:
        raise Refusal("too_large", f"a picture has more than {limits.picture_bytes} bytes")
    width, height = jpeg_size(file)
    if max(width, height) > limits.picture_side:
        raise Refusal("too_large", f"a picture is larger than {limits.picture_side} pixels")
    return width * height * 3


def _checked_crop_reader(files: list[memoryview], pictures: int) -> Callable[[memoryview], NDArray[np.uint8]]:
    """How to read the crops, after a look at whether they can be crops."""
    for file in filter(len, files):
        if pictures == _GREY_CROPS and len(file) != CROP_SIZE * CROP_SIZE:
            raise Refusal("bad_message", f"a crop is not {CROP_SIZE}x{CROP_SIZE} bytes")
        if pictures == _JPEG_CROPS and jpeg_size(file) != (CROP_SIZE, CROP_SIZE):
            raise Refusal("bad_message", f"a crop is not {CROP_SIZE}x{CROP_SIZE} pixels")
    return _grey if pictures == _JPEG_CROPS else _raw


def jpeg_size(file: memoryview) -> tuple[int, int]:
    """Width and height in pixels of a JPEG file, from its header alone.

    Raises:
        Refusal: it is no JPEG file of the usual kinds.
    """
    no_jpeg = Refusal("bad_message", "a picture is not a JPEG file")
    if bytes(file[:2]) != b"\xff\xd8":
        raise no_jpeg
    at = 2
    while at + 4 <= len(file):
        if file[at] != 0xFF:
            raise no_jpeg
        marker = file[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        length = int.from_bytes(file[at + 2 : at + 4], "big")
        if marker in _FRAMES and length >= 8 and at + 9 <= len(file):
            height, width = (int.from_bytes(file[at + place : at + place + 2], "big") for place in (5, 7))
            if width and height:
                return width, height
        if marker in _FRAMES | _OTHER_FRAMES or marker in (0xD9, 0xDA) or length < 2:
            raise no_jpeg
        at += 2 + length
    raise no_jpeg


def _colour(file: memoryview) -> NDArray[np.uint8] | None:
    """RGB, or None where there is no picture."""
    return None if not len(file) else _decode(file, "RGB")


def _grey(file: memoryview) -> NDArray[np.uint8]:
    return _decode(file, "L")


def _raw(file: memoryview) -> NDArray[np.uint8]:
    return np.frombuffer(file, np.uint8).reshape(CROP_SIZE, CROP_SIZE)


def _decode(file: memoryview, mode: Literal["RGB", "L"]) -> NDArray[np.uint8]:
    """``(height, width, 3)`` RGB or ``(height, width)`` grey; how the camera was held is ignored."""
    content = bytes(file)
    try:
        picture = decode_image_jpegturbo(content, "rgb" if mode == "RGB" else "mono")
    except Exception:  # whatever is wrong, it raises nothing more exact
        return _decode_damaged(content, mode)
    return picture if mode == "RGB" else picture[..., 0]


def _decode_damaged(content: bytes, mode: Literal["RGB", "L"]) -> NDArray[np.uint8]:
    """Cameras send files with a few bytes too many or in four colours: Pillow is slower and reads them.

    Raises:
        Refusal: so much is damaged that nobody can.
    """
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=["JPEG"]) as picture:
            # A second header must not bring a larger picture than the one that was checked.
            if picture.size == jpeg_size(memoryview(content)):
                picture.draft(mode, picture.size)
                return np.asarray(picture.convert(mode))
    except Exception as error:  # nor does Pillow promise which
        raise Refusal("bad_media", "a picture cannot be decoded") from error
    raise Refusal("bad_media", "a picture cannot be decoded")
