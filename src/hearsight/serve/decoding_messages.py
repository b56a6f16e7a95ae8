"""What the server and a decoding process say to each other: a head of a few names, and bytes.

Nothing that comes out of a decoding process is trusted more than what went in: a damaged recording may have
taken it over. So messages are plain data of known sizes, and nothing in them is executed.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Literal

import numpy as np

from hearsight.recognizer.session import Ticks
from hearsight.serve.protocol import Format
from hearsight.serve.sight import Look, Mouths
from hearsight.types import CROP_SIZE, SAMPLES_PER_FRAME, Crops

Head = dict[str, Any]
Source = Format | Literal["file"]
"""What a stream's messages are: those of a live client, or the pieces of a recording."""

SIZES = struct.Struct("<II")
"""Bytes of the head, and of what follows it."""
MOST_BYTES = 32 << 20
"""More is no message."""


def pack(head: Head, *parts: bytes | memoryview) -> bytes:
    """A message."""
    text = json.dumps(head, separators=(",", ":")).encode()
    return b"".join([SIZES.pack(len(text), sum(map(len, parts))), text, *parts])


def unpack_sizes(content: bytes) -> tuple[int, int]:
    """How long head and body are; raises ValueError if they cannot be."""
    sizes: tuple[int, int] = SIZES.unpack(content)
    if sum(sizes) > MOST_BYTES:
        raise ValueError("a message is too long")
    return sizes


def pack_mouths(head: Head, mouths: Mouths) -> bytes:
    """A message with cropped input; pixels only where a mouth is seen."""
    crops, look = mouths.crops, mouths.look
    head |= {"start": crops.start, "ticks": len(mouths), "pictures": mouths.pictures}
    if look is not None:
        transform = None if look.transform is None else look.transform.tolist()
        head["look"] = {"tick": look.tick, "size": look.size, "box": look.box, "transform": transform}
    seen = crops.video_present
    return pack(
        head,
        np.packbits(seen).tobytes(),
        np.packbits(mouths.audio_present).tobytes(),
        mouths.samples.astype("<f4", copy=False).tobytes(),
        crops.pixels[seen].tobytes(),
    )


def unpack_mouths(head: Head, body: bytes) -> Mouths:
    """The same again.

    Raises:
        ValueError: the body is not what the head says.
    """
    ticks, start = int(head["ticks"]), int(head["start"])
    flags, sound = (ticks + 7) // 8, ticks * SAMPLES_PER_FRAME * 4
    seen, heard = (
        np.unpackbits(np.frombuffer(body, np.uint8, flags, place), count=ticks).astype(np.bool_)
        for place in (0, flags)
    )
    samples = np.frombuffer(body, "<f4", ticks * SAMPLES_PER_FRAME, 2 * flags).astype(np.float32)
    pixels = Ticks.empty(ticks).crops
    given = np.frombuffer(body, np.uint8, offset=2 * flags + sound)
    pixels[seen] = given.reshape(int(seen.sum()), CROP_SIZE, CROP_SIZE)
    look = head.get("look")
    crop = pixels[-1] if ticks and seen[-1] else None
    look = _look(head["look"], crop) if "look" in head else None
    return Mouths(Crops(start, pixels, seen), samples, heard, look, int(head["pictures"]))


def _look(look: Head, crop: Any) -> Look:
    size, box, transform = look["size"], look["box"], look["transform"]
    return Look(
        int(look["tick"]),
        size=None if size is None else (int(size[0]), int(size[1])),
        box=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        transform=None if transform is None else np.array(transform, float).reshape(2, 3),
        crop=crop,
    )
