"""Messages of sound and pictures: what is sent arrives, and anything else is refused before it costs much."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hearsight.recognizer.session import Ticks
from hearsight.serve import tick_messages
from hearsight.serve.limits import Limits
from hearsight.serve.protocol import Refusal
from hearsight.serve.sight import Mouths
from hearsight.serve.tick_messages import jpeg_size, parse_ticks
from hearsight.types import Chunk
from tests.serve.clips import clip
from tests.serve.serving import tick_message

LIMITS = Limits()


def jpeg(
    width: int, height: int, *, grey: bool = False, quality: int = 90, progressive: bool = False
) -> bytes:
    picture = np.random.default_rng(width).integers(0, 256, (height, width, 1 if grey else 3), np.uint8)
    picture = cv2.blur(picture, (5, 5))
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    return cv2.imencode(".jpg", picture, options)[1].tobytes()


@given(seed=st.integers(0, 1000), ticks=st.integers(1, 25), start=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_grey_crops_and_sound_arrive_as_they_were_sent(seed, ticks, start) -> None:
    sent = clip(seed, 50).part(0, ticks)
    given = parse_ticks(memoryview(tick_message(sent)), LIMITS)
    made = given.make(start)
    assert isinstance(made, Mouths)
    assert given.ticks == len(made) == ticks
    assert made.crops.start == start
    assert np.array_equal(made.crops.pixels, sent.crops)
    assert np.array_equal(made.crops.video_present, sent.video_present)
    assert np.abs(made.samples - sent.samples).max() <= 1 / 32768
    assert (made.audio_present == sent.audio_present.any()).all()


def test_pictures_and_crops_may_be_jpeg_files() -> None:
    nothing = Ticks.empty(3)
    message = tick_message(nothing, jpegs=[jpeg(64, 48), b"", jpeg(64, 48)], pictures=3)
    pictures = parse_ticks(memoryview(message), LIMITS)
    made = pictures.make(7)
    assert isinstance(made, Chunk)
    shapes = [None if frame is None else frame.shape for frame in made.frames]
    assert shapes == [(48, 64, 3), None, (48, 64, 3)]
    assert pictures.size == 2 * 64 * 48 * 3
    message = tick_message(nothing, jpegs=[jpeg(96, 96, grey=True), b"", jpeg(96, 96)], pictures=2)
    crops = parse_ticks(memoryview(message), LIMITS).make(0)
    assert crops.crops.video_present.tolist() == [True, False, True]


def test_colours_are_not_exchanged() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 2] = 255
    file = cv2.imencode(".jpg", red)[1].tobytes()
    made = parse_ticks(memoryview(tick_message(Ticks.empty(1), jpegs=[file], pictures=3)), LIMITS).make(0)
    assert made.frames[0][8, 8, 0] > 200 > 50 > made.frames[0][8, 8, 2]


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    grey=st.booleans(),
    progressive=st.booleans(),
    quality=st.integers(1, 100),
)
@settings(max_examples=25, deadline=None)
def test_the_size_is_read_from_the_header(width, height, grey, progressive, quality) -> None:
    file = jpeg(width, height, grey=grey, progressive=progressive, quality=quality)
    assert jpeg_size(memoryview(file)) == (width, height)


@given(content=st.binary(max_size=200), head=st.binary(min_size=0, max_size=4))
@settings(max_examples=300, deadline=None)
def test_rubbish_is_refused_and_raises_nothing_else(content, head) -> None:
    for message in (content, head + content, bytes([1, 0, 1, 0]) + content, bytes([2, 0, 3, 0]) + content):
        try:
            parse_ticks(memoryview(message), LIMITS).make(0)
        except Refusal as refusal:
            assert refusal.code in ("bad_message", "too_large", "bad_media")


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_jpeg_file_is_decoded_or_refused(data) -> None:
    file = bytearray(jpeg(96, 96, progressive=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    del file[data.draw(st.integers(1, len(file))) :]
    for pictures in (2, 3):
        message = tick_message(Ticks.empty(1), jpegs=[bytes(file)], pictures=pictures)
        try:
            given = parse_ticks(memoryview(message), LIMITS)
            assert given.size <= 1920 * 1920 * 3
            given.make(0)
        except Refusal as refusal:
            assert refusal.code in ("bad_message", "too_large", "bad_media")


@pytest.mark.parametrize(
    ("file", "pictures", "code"),
    [
        (bytes(9215), 1, "bad_message"),
        (bytes(9216), 2, "bad_message"),
        (jpeg(95, 96), 2, "bad_message"),
        (jpeg(16, 16)[:40], 3, "bad_message"),
        (jpeg(1921, 8), 3, "too_large"),
        (b"\xff\xd8" + bytes(600_000), 3, "too_large"),
    ],
)
def test_pictures_of_the_wrong_kind_are_refused_undecoded(file, pictures, code, monkeypatch) -> None:
    for decoder in ("decode_image_jpegturbo", "_decode_damaged"):
        monkeypatch.setattr(tick_messages, decoder, lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(Refusal) as refusal:
        parse_ticks(memoryview(tick_message(Ticks.empty(1), jpegs=[file], pictures=pictures)), LIMITS)
    assert refusal.value.code == code


def decoded(file: bytes) -> np.ndarray:
    """The picture of a message with one."""
    made = parse_ticks(memoryview(tick_message(Ticks.empty(1), jpegs=[file], pictures=3)), LIMITS).make(0)
    assert isinstance(made, Chunk)
    [picture] = made.frames
    assert picture is not None and picture.dtype == np.uint8 and picture.flags.c_contiguous
    return picture


def upright(file: bytes, mode: str) -> np.ndarray:
    """What Pillow makes of it, which turns nothing by itself."""
    with Image.open(BytesIO(file)) as picture:
        return np.asarray(picture.convert(mode))


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 200),
    grey=st.booleans(),
    progressive=st.booleans(),
    quality=st.integers(1, 100),
)
@settings(max_examples=50, deadline=None)
def test_every_pixel_is_decoded_as_other_programs_do(width, height, grey, progressive, quality) -> None:
    file = jpeg(width, height, grey=grey, progressive=progressive, quality=quality)
    assert np.array_equal(decoded(file), upright(file, "RGB"))


@pytest.mark.parametrize("grey", [True, False])
def test_crops_are_decoded_to_grey(grey: bool) -> None:
    file = jpeg(96, 96, grey=grey)
    made = parse_ticks(memoryview(tick_message(Ticks.empty(1), jpegs=[file], pictures=2)), LIMITS).make(0)
    assert np.abs(made.crops.pixels[0].astype(int) - upright(file, "L")).max() <= 2


def test_how_the_camera_was_held_is_ignored() -> None:
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(file, "JPEG", exif=exif)
    assert decoded(file.getvalue()).shape == (48, 64, 3)


def test_files_with_a_few_bytes_too_many_as_webcams_send_them_are_read() -> None:
    file = jpeg(64, 48)
    assert np.array_equal(decoded(file[:-2] + b"\x00\x00" + file[-2:]), decoded(file))
    assert np.array_equal(decoded(file + bytes(100)), decoded(file))


def test_files_in_four_colours_are_read() -> None:
    file = BytesIO()
    Image.new("CMYK", (64, 48), (0, 255, 255, 0)).save(file, "JPEG")
    red, green, blue = decoded(file.getvalue())[24, 32]
    assert red > 200 > 60 > max(green, blue)


def test_a_second_header_brings_no_larger_picture(monkeypatch) -> None:
    """The first one was checked; nothing may be set aside for the second."""
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was decoded"))
    file = jpeg(64, 48)
    at = file.index(b"\xff\xc0")
    header = bytearray(file[at : at + 19])
    header[5:9] = b"\x40\x00" * 2
    with pytest.raises(Refusal) as refusal:
        decoded(file[: at + 19] + bytes(header) + file[at + 19 :])
    assert refusal.value.code == "bad_media"


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_file_that_breaks_off_is_refused(kept: float) -> None:
    file = jpeg(200, 160)
    with pytest.raises(Refusal) as refusal:
        decoded(file[: int(kept * len(file))])
    assert refusal.value.code == "bad_media"
