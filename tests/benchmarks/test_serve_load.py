"""The load that is put on a server is what browsers would send, when they would send it."""

from __future__ import annotations

import io
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.serve_load import SLICE_S, Take, plot, table, tick_take, webm_take
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
    row = {"streams": 2, "taken": 1, "refused": ["busy"], "events": 3, "median_s": 0.1, "p95_s": 0.25}
    rows = [{**row, "worst_s": 0.3, "cpu_share": 0.2, "cpu_per_stream": 0.1, "memory_mb": 200}]
    assert "| 2 | 1 | 100 ms | 250 ms | 300 ms | 0.2 | 0.1 | 200 MB |" in table(rows)
    assert plot(rows).count("<polyline") == 2
