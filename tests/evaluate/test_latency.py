"""Words are timed from the end of their sound to the event that shows them, and to their final."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hearsight.cli import app
from hearsight.errors import HearsightError
from hearsight.evaluate.latency import Lingering, Playback, latencies
from hearsight.evaluate.latency_plot import check_plot_path, draw
from hearsight.evaluate.latency_report import summary
from hearsight.evaluate.latency_run import ModelLatency, measure_latency, spread
from hearsight.evaluate.manifest import Row
from hearsight.evaluate.showing import ShownWord, follow
from hearsight.types import Chunk, Event, Word

ROW = Row(
    "a", Path("a.mkv"), "bin blue now", words=(("bin", 0.2, 0.5), ("blue", 0.5, 0.8), ("now", 0.8, 1.0))
)


def event(kind: str, text: str, emitted: float) -> Event:
    words = tuple(Word(word, 0, 1, 1.0) for word in text.split())
    return Event(kind, words, 0, emitted, ("audio",), emitted)  # type: ignore[arg-type]


def test_a_word_is_shown_from_the_event_since_which_it_stands() -> None:
    events = [
        event("partial", "bin", 1.0),
        event("partial", "bin glue", 1.3),
        event("partial", "bin blue at", 1.6),
        event("final", "bin blue", 2.0),
    ]
    showing = follow(events)
    assert showing.words == (ShownWord("bin", 1.0, 2.0), ShownWord("blue", 1.6, 2.0))
    assert (showing.shown, showing.rewritten, showing.first_s) == (4, 2, 1.0)


def test_a_word_said_twice_is_shown_once_at_first() -> None:
    showing = follow([event("partial", "two", 1.0), event("final", "two two", 2.0)])
    assert [word.shown_s for word in showing.words] == [1.0, 2.0]
    assert showing.rewritten == 0


def test_words_of_a_later_utterance_follow_those_of_the_first() -> None:
    events = [event("final", "bin", 1.0), event("partial", "blue", 1.5), event("final", "blue", 2.0)]
    assert follow(events).words == (ShownWord("bin", 1.0, 1.0), ShownWord("blue", 1.5, 2.0))


def test_words_that_vanish_without_a_final_are_rewritten() -> None:
    showing = follow([event("partial", "bin blue", 1.0)])
    assert (showing.words, showing.rewritten) == ((), 2)


def test_only_rightly_recognised_words_are_timed() -> None:
    showing = follow([event("partial", "bin", 0.9), event("final", "bin glue now", 2.0)])
    found = latencies(ROW, showing)
    assert [round(word.shown_s, 3) for word in found] == [0.4, 1.0]
    assert [round(word.final_s, 3) for word in found] == [1.5, 1.0]


def played(*events: Event) -> Playback:
    showing = follow(events)
    return Playback(ROW, showing.text, "bin blue now", latencies(ROW, showing), showing, 4.0, 4.2, 0.42, 0)


def measured(*events: Event) -> ModelLatency:
    return ModelLatency("small", 0.32, 0.16, [played(*events)])


def test_a_summary_gives_percentiles_in_milliseconds_and_cost() -> None:
    figures = summary(measured(event("partial", "bin", 0.9), event("final", "bin blue now", 2.0)))
    assert figures["shown_ms"] == {"p50": 1000, "p90": 1160, "p99": 1196}
    assert figures["first_word_ms"]["p50"] == 700
    assert (figures["words"], figures["wer"], figures["rewritten"]) == (3, 0.0, 0.0)
    assert (figures["rtf"], figures["cpu"], figures["segment_ms"]) == (0.105, 10.0, 320)
    assert figures["as_file"] == 1


def test_nothing_recognised_is_no_error() -> None:
    figures = summary(measured())
    assert (figures["shown_ms"], figures["rewritten"], figures["wer"]) == (None, None, 100.0)
    assert draw([measured()]).startswith("<svg")


def test_the_plot_has_two_curves_and_a_name_for_each_model() -> None:
    model = measured(event("final", "bin blue now", 2.0))
    picture = ET.fromstring(draw([model, ModelLatency("fast & small", 0.16, 0.08, model.played)]))
    paths = [node for node in picture if node.tag.endswith("path") and node.get("fill") == "none"]
    texts = " ".join(node.text or "" for node in picture.iter() if node.tag.endswith("text"))
    assert len(paths) == 4
    assert "small, 320 + 160 ms" in texts and "fast & small, 160 + 80 ms" in texts


def test_a_plot_of_another_kind_is_refused_before_anything_is_played() -> None:
    with pytest.raises(HearsightError, match=r"ends in \.svg"):
        check_plot_path(Path("plot.png"))


def test_a_limit_takes_rows_from_all_over_the_manifest() -> None:
    rows = [Row(str(number), "a", "") for number in range(10)]
    assert [row.id for row in spread(rows, 3)] == ["0", "3", "6"]
    assert spread(rows, 20) == rows


def test_rows_without_word_times_are_refused_when_there_are_no_others(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"id": "a", "media": "a.mkv", "text": "bin"}\n')
    with pytest.raises(HearsightError, match="no word times"):
        measure_latency(manifest)


class ShortCapture:
    """Three ticks of sound and pictures, at once."""

    began = status = 0.0

    def __enter__(self) -> ShortCapture:
        self.began = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None: ...

    def __iter__(self) -> Iterator[Chunk]:
        picture = np.full((4, 4, 3), 7, np.uint8)
        for start, ticks in ((0, 2), (2, 1)):
            yield Chunk(start, [picture] * ticks, np.ones(640 * ticks, np.float32), np.ones(ticks, np.bool_))

    def stop(self) -> None: ...


def test_an_input_is_followed_by_its_last_picture_and_silence_in_step_with_the_clock() -> None:
    with Lingering(ShortCapture(), linger_s=0.08) as capture:  # type: ignore[arg-type]
        chunks = list(capture)
        assert time.monotonic() - capture.began >= 5 / 25
    assert [chunk.start for chunk in chunks] == [0, 2, 3, 4]
    assert all(not chunk.samples.any() and chunk.frames[0][0, 0, 0] == 7 for chunk in chunks[2:])
    assert capture.ticks == 5


@pytest.mark.shared_data
def test_a_clip_played_live_is_shown_word_by_word(shared_data: Path) -> None:
    arguments = ["bench", "latency", str(shared_data / "grid" / "manifest.jsonl"), "--model", "small"]
    result = CliRunner().invoke(app, [*arguments, "--split", "dev_seen", "--limit", "1"])
    assert result.exit_code == 0, result.output
    assert "320 + 160" in result.output
    assert "The same words as from the file: 1 of 1" in result.output
