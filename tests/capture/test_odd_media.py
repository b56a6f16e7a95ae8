"""Whatever a user has on the disk is read, or refused with one sentence that names it."""

from __future__ import annotations

import pytest

from hearsight.capture import probe
from hearsight.errors import MediaError
from tests.capture.odd_media import ODD_MEDIA
from tests.capture.reading import read

READABLE = [name for name, odd in ODD_MEDIA.items() if odd.readable]
REFUSED = [name for name, odd in ODD_MEDIA.items() if not odd.readable]


@pytest.mark.parametrize("name", READABLE)
def test_odd_media_are_read(name, tmp_path):
    odd = ODD_MEDIA[name]
    source = odd.write(tmp_path)
    reading = read(source)
    assert len(reading) >= 1
    assert reading.video_present.any() == odd.video
    assert reading.audio_present.any() == odd.audio
    info = probe(source)
    assert (info.has_video, info.has_audio) == (odd.video, odd.audio)


@pytest.mark.parametrize("name", REFUSED)
def test_broken_media_are_refused_with_one_sentence(name, tmp_path, capfd):
    source = ODD_MEDIA[name].write(tmp_path)
    for use in (read, probe):
        with pytest.raises(MediaError) as refusal:
            use(source)
        sentence = str(refusal.value)
        assert sentence.startswith(str(source)) and sentence.endswith(".") and "\n" not in sentence
        said = sentence.removeprefix(str(source))
        assert ". " not in said, "it is one sentence"
        assert ":" in said, "it says what to do"
    assert capfd.readouterr() == ("", ""), "FFmpeg keeps silent"
