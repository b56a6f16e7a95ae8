"""What `serve_load` has measured stands in docs/serve.md as it was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serve_docs import BEGIN, DOCS, END, measured, replaced


def row(streams: int, lag: float, **more: Any) -> dict[str, Any]:
    lags = {"median_s": lag, "p95_s": 2 * lag, "p99_s": 3 * lag}
    cost = {"cpu_share": 1.0, "cpu_clients": 0.05, "cpu_per_stream": 0.066, "memory_mb": 1234}
    return {"streams": streams, **lags, **cost, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    arrivals = {"came": 40, "taken": 27, "first_refused_s": 28.0}
    arrivals |= {"before": {"p95_s": 0.31}, "after": {"p95_s": 0.42}}
    other = {"cpu_per_stream": 0.088, "memory_mb": 4321}
    for name, rows in {
        "serve_load_webm.json": [row(8, 0.15), row(32, 1.5)],
        "serve_load_crops.json": [row(16, 0.1)],
        "separate/serve_load_webm.json": [row(8, 0.15, separate=other)],
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"streams": rows, "arrivals": arrivals}))
    return tmp_path


def test_figures_come_into_the_page_and_the_picture(folder: Path) -> None:
    text, picture = measured(folder)
    assert "| 8 | 150 ms | 300 ms | 450 ms | 1.05 | 0.066 | 1,234 MB |" in text
    assert "| 32 | 1.5 s | 3.0 s | 4.5 s | 1.05 | 0.066 | 1,234 MB |" in text
    told = " ".join(text.split())
    assert "of 40 that came one a second (`--arrivals 40`) it took 27" in told
    assert "0.088 CPU seconds a second, with one server 0.066, which is 0.75 of it" in told
    assert picture.startswith("<svg") and picture.count("<polyline") == 3


def test_the_rest_of_the_page_stays(folder: Path) -> None:
    text, _ = measured(folder)
    page = (DOCS / "serve.md").read_text()
    once = replaced(page, text)
    assert replaced(once, text) == once
    assert once.split(BEGIN)[0] == page.split(BEGIN)[0]
    assert once.split(END)[1] == page.split(END)[1]
