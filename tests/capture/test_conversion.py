"""Every kind of stored frame becomes an upright RGB picture with square pixels."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.capture.conversion import PictureConverter, upright

LIMITED, FULL = 1, 2
PIXELS = [
    "yuv420p",
    "yuvj420p",
    "yuv422p",
    "yuv444p",
    "yuv410p",
    "yuv420p10le",
    "yuv422p10be",
    "yuv444p16le",
    "yuva420p",
    "nv12",
    "nv21",
    "yuyv422",
    "uyvy422",
    "p010le",
    "gray",
    "gray10le",
    "gray16be",
    "ya8",
    "rgb24",
    "bgr24",
    "rgba",
    "argb",
    "bgra",
    "abgr",
    "0rgb",
    "rgb48le",
    "rgb565le",
    "rgb8",
    "bgr4_byte",
    "gbrp",
    "gbrp10le",
    "gbrap",
]


def frame_of(levels, pixels="rgb24"):
    """A frame of two halves of grey."""
    rgb = np.repeat(np.repeat(np.array(levels, np.uint8), 16)[None, :, None], 24, axis=0).repeat(3, axis=2)
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format=pixels)


@pytest.mark.parametrize("pixels", PIXELS)
def test_every_pixel_format_gives_the_same_light(pixels):
    picture = PictureConverter(None).convert(frame_of([60, 255], pixels))
    assert picture.shape == (24, 32, 3)
    coarse = pixels in ("rgb8", "bgr4_byte", "rgb565le")
    assert picture[:, :14].mean() == pytest.approx(60, abs=30 if coarse else 4)
    assert picture[:, 18:].mean() == pytest.approx(255, abs=4)


def test_a_palette_is_looked_up():
    frame = av.VideoFrame(32, 24, "pal8")
    frame.planes[0].update(bytes([3]) * frame.planes[0].buffer_size)
    frame.planes[1].update((b"\x00\x00\x00\xff" * 3 + b"\x20\x40\x60\xff").ljust(1024, b"\x00"))
    picture = PictureConverter(None).convert(frame)
    assert picture[0, 0].tolist() == [0x60, 0x40, 0x20]


@pytest.mark.parametrize(("color_range", "stored_white"), [(LIMITED, 235), (FULL, 255)])
@pytest.mark.parametrize("colorspace", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14])
def test_white_is_white_in_every_colour_space_and_range(colorspace, color_range, stored_white):
    frame = av.VideoFrame(32, 24, "yuv420p")
    for plane, value in zip(frame.planes, (stored_white, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.color_range, frame.colorspace = color_range, colorspace
    picture = PictureConverter(None).convert(frame)
    assert picture.min() >= 250


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [
        (None, (24, 32, 3)),
        (Fraction(0), (24, 32, 3)),
        (Fraction(3, 2), (24, 48, 3)),
        (Fraction(1, 2), (24, 16, 3)),
        (Fraction(1, 255), (24, 32, 3)),
    ],
)
def test_long_pixels_become_square_where_they_are_credible(aspect, shape):
    assert PictureConverter(aspect).convert(frame_of([0, 255])).shape == shape


@pytest.mark.parametrize(
    ("size", "shape"),
    [((3840, 2160), (1080, 1920, 3)), ((1080, 4000), (1920, 518, 3)), ((1920, 1080), (1080, 1920, 3))],
)
def test_pictures_above_full_hd_are_reduced(size, shape):
    assert PictureConverter(None).convert(av.VideoFrame(*size, "yuv420p")).shape == shape


def test_pictures_keep_their_size_when_the_stream_changes_it():
    converter = PictureConverter(None)
    shapes = [
        converter.convert(av.VideoFrame(*size, "yuv420p")).shape
        for size in [(64, 48), (32, 24), (640, 480), (48, 64), (64, 48)]
    ]
    assert shapes == [(48, 64, 3)] * 3 + [(64, 48, 3), (48, 64, 3)]


@given(st.sampled_from([1, -1]), st.sampled_from([1, -1]), st.booleans())
def test_turned_pictures_have_each_pixel_where_the_matrix_puts_it(sign_x, sign_y, swapped):
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    matrix = (0, sign_y, sign_x, 0) if swapped else (sign_x, 0, 0, sign_y)
    turned = upright(stored, matrix)
    a, b, c, d = matrix
    places = {(y, x): (a * x + c * y, b * x + d * y) for y in range(2) for x in range(3)}
    left = min(x for x, _ in places.values())
    top = min(y for _, y in places.values())
    for (y, x), (new_x, new_y) in places.items():
        assert turned[new_y - top, new_x - left].tolist() == stored[y, x].tolist()


@given(st.sampled_from([1, -1]), st.sampled_from([1, -1]), st.booleans())
def test_turned_pictures_lie_in_memory_row_by_row(sign_x, sign_y, swapped):
    turned = upright(
        np.zeros((4, 6, 3), np.uint8), (0, sign_y, sign_x, 0) if swapped else (sign_x, 0, 0, sign_y)
    )
    assert turned.dtype == np.uint8 and turned.flags.c_contiguous
    assert turned.shape == ((6, 4, 3) if swapped else (4, 6, 3))
