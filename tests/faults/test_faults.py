"""Whatever breaks while captions run, they go on with what is left, say so, and recover."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hearsight.recognizer import Recognizer
from hearsight.recognizer.effort import EffortController, EffortRules
from hearsight.recognizer.live import LiveCaptions, LiveStatus
from hearsight.types import FRAME_RATE, Event, Word
from tests.faults.injection import FAULTS, Fault
from tests.recognizer.live_fake import CHUNK, FakeCapture, Tick, ticks_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "set_white_by_k_four_soon.mp4"
CLIP_S = 3.0
SHORT = (2.4, 4.4)
"""Begin and end of a fault in a sentence said twice."""
LONG = (3.6, 6.6)
"""Begin and end of a fault in a sentence said four times: it begins in the second and ends in the third."""
RESUMED_WITHIN_S = 2.0
NEAR_S = 0.35


@dataclass
class Session:
    """What happened while captions ran."""

    events: list[Event] = field(default_factory=list)
    statuses: list[LiveStatus] = field(default_factory=list)

    @property
    def finals(self) -> list[Event]:
        return [event for event in self.events if event.kind == "final"]

    def text(self, sentence: int) -> str:
        """What was said in one of the sentences, by the times of the words."""
        words = [word for event in self.finals for word in event.words]
        begin = sentence * CLIP_S
        return " ".join(word.text for word in words if begin <= word.end - 0.3 < begin + CLIP_S)


def caption(recognizer: Recognizer, ticks: list[Tick], fault: Fault, span: tuple[float, float]) -> Session:
    """Run the whole of live captions, threads and all, on input with a fault."""
    begin, end = (round(second * FRAME_RATE) for second in span)
    fault.inject(ticks, begin, end)
    session = Session()
    capture = FakeCapture(
        ticks,
        queued_s=lambda tick: 1.0 if fault.busy and begin <= tick < end else 0.0,
        before=lambda tick: session.statuses.append(captions.status),
    )
    controller = EffortController(EffortRules(calm_s=0.3, settle_s=0.5), clock=lambda: capture.now)
    captions = LiveCaptions(recognizer, capture, modality=fault.modality, controller=controller)
    with captions:
        session.events += captions
    return session


@pytest.fixture(scope="module")
def small() -> Recognizer:
    return Recognizer.load("small")


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_ends_the_captions_and_the_status_names_it(name: str, small: Recognizer) -> None:
    fault = FAULTS[name]
    session = caption(small, ticks_of(EXAMPLE, 2), fault, SHORT)
    assert session.events[-1].kind == "final"
    if fault.modality == "av":
        assert session.finals[0].text == "set white by k four soon", "what came before is not harmed"
    begin, end = (round(second * FRAME_RATE / CHUNK) for second in SHORT)
    during = session.statuses[begin + 2 : end]
    if fault.says is None:
        assert all(status.senses for status in during)
    else:
        assert any(notice.endswith(fault.says) for status in during for notice in status.notices)
        assert during[-1].senses == fault.left
    assert session.statuses[-1].notices == ()


@pytest.mark.shared_data
@pytest.mark.parametrize("name", FAULTS)
def test_words_are_back_within_two_seconds(name: str, small: Recognizer, shared_data: Path) -> None:
    grid = shared_data / "grid"
    rows = map(json.loads, (grid / "manifest.jsonl").read_text().splitlines())
    row = next(row for row in rows if row["split"] == "dev_seen" and row.get("words"))
    session = caption(small, ticks_of(grid / row["media"], 4), FAULTS[name], LONG)
    spoken = [(text, end + 2 * CLIP_S) for text, _, end in row["words"] if end + 2 * CLIP_S > LONG[1]]
    back = min(event.end for event in session.events if any(right(word, spoken) for word in event.words))
    assert back - LONG[1] <= RESUMED_WITHIN_S
    heard, said = session.text(3).split(), row["text"].split()
    assert len(heard) == len(said), "the next sentence is whole"
    # By one sense alone the model may mistake a letter, faults or not.
    assert sum(one != other for one, other in zip(heard, said, strict=True)) <= 1


def right(word: Word, spoken: list[tuple[str, float]]) -> bool:
    return any(word.text == text and abs(word.end - end) <= NEAR_S for text, end in spoken)
