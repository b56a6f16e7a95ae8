"""The load that is put on a server is what browsers would send, when they would send it."""

from __future__ import annotations

import io
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.serve_curve import plot, sentence, table
from benchmarks.serve_load import SLICE_S, Take, spread, tick_take, webm_take
from hearsight.serve.limits import Limits
from hearsight.serve.tick_messages import parse_ticks

EXAMPLE = Path(__file__).parents[2] / "examples" / "set_white_by_k_four_soon.mp4"
LATE_S = 0.11
"""Encoders keep a frame or two to themselves, as a browser's do: about 80 ms."""


@pytest.fixture(scope="module")
def take() -> Take:
    return webm_take(EXAMPLE, 2.0)


def test_each_slice_ends_where_its_time_does(take: Take) -> None:
    assert len(take.messages) == 20
    content, ends = b"".join(take.messages), list(accumulate(map(len, take.messages)))
    with av.open(io.BytesIO(content), format="matroska") as container:
        packets = [packet for packet in container.demux() if packet.size]
    for number, end in enumerate(ends[:-1], 1):
        sent = [float(packet.pts * packet.time_base) for packet in packets if packet.pos + packet.size <= end]
        assert number * SLICE_S - LATE_S <= max(sent, default=0.0) <= number * SLICE_S


@pytest.mark.parametrize("crops", [True, False])
def test_messages_of_ticks_hold_the_whole_clip_in_order(crops: bool) -> None:
    take = tick_take(EXAMPLE, 2.0, crops=crops)
    messages = [parse_ticks(memoryview(message), Limits()) for message in take.messages]
    assert sum(message.ticks for message in messages) == 50
    made = [message.make(0) for message in messages]
    assert np.abs(np.concatenate([each.samples for each in made])).max() > 0.01
    seen = sum(each.crops.video_present.sum() for each in made)
    assert seen > 45 if crops else seen == 0


def test_what_was_measured_is_shown() -> None:
    lags = spread([number / 1000 for number in range(201)])
    rows = [{"streams": 2, "taken": 1, "refused": ["busy"], **lags}]
    rows[0] |= {"cpu_share": 0.2, "cpu_clients": 0.05, "cpu_per_stream": 0.1, "memory_mb": 200}
    assert "| 2 | 1 | 100 ms | 190 ms | 198 ms | 200 ms | 0.2 | 0.05 | 0.1 | 200 MB |" in table(rows)
    assert plot(rows, 0.7).count("<polyline") == 3


def test_refusals_are_told_in_a_sentence() -> None:
    found = {"came": 9, "taken": 4, "refused": ["busy"], "first_refused_s": 4.2}
    found |= {"before": spread([0.1, 0.2]), "after": spread([0.3])}
    assert (
        "9 streams came, one a second: 4 were taken, the others refused (busy) from second 4.2"
        in sentence(found)
    )
    none = sentence({**found, "taken": 9, "first_refused_s": None})
    assert none.endswith("9 were taken, none refused; 95 % of events within 100 ms.")


def test_the_first_part_of_a_take_is_its_first_slices(take: Take) -> None:
    part = take.first(1.5)
    assert (part.messages, part.seconds) == (take.messages[:15], 1.5)
