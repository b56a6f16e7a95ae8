"""Ctrl-C ends work that is spread over processes at once, without a word from the workers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

SCRIPT = """
import sys, time
from hearsight.lab.data.shard_writing import run_jobs
if __name__ == "__main__":
    print("begins", flush=True)
    try:
        list(run_jobs(time.sleep, {number: (600,) for number in range(4)}, 2))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_workers_do_not_finish_what_was_interrupted(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "begins\n"
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in complaints
