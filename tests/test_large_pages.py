from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from pathlib import Path
from hearsight import large_pages
large_pages._SWITCH = Path(sys.argv[1])
print("begun", flush=True)
large_pages.begin_with_large_pages()
print(os.environ.get("GLIBC_TUNABLES"), *sys.argv[2:], sys.stdin.read())
"""


@pytest.fixture
def switch(tmp_path: Path) -> Path:
    return tmp_path / "enabled"


def run(switch: Path, before: str = "", **environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    command = [sys.executable, "-c", before + PROGRAM, str(switch), "-x", "two words"]
    done = subprocess.run(
        command, env=inherited | environment, input="said", capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_program_begins_anew_with_large_pages_and_all_that_it_was_given(switch: Path) -> None:
    switch.write_text("always [madvise] never\n")
    assert run(switch) == ["begun", "begun", "glibc.malloc.hugetlb=1 -x two words said"]


@pytest.mark.parametrize("lent", ["[always] madvise never", "always madvise [never]"])
def test_it_goes_on_where_asking_is_of_no_use(switch: Path, lent: str) -> None:
    switch.write_text(lent)
    assert run(switch) == ["begun", "None -x two words said"]


def test_it_goes_on_where_there_is_no_such_switch(switch: Path) -> None:
    assert run(switch) == ["begun", "None -x two words said"]


@pytest.mark.parametrize("interpreter", ["''", "'/no/such/python'"])
def test_it_goes_on_where_it_cannot_begin_anew(switch: Path, interpreter: str) -> None:
    switch.write_text("always [madvise] never\n")
    begun, told = run(switch, f"import sys; sys.executable = {interpreter}")
    assert begun == "begun" and told.endswith("-x two words said")


def test_who_has_tuned_glibc_is_left_alone(switch: Path) -> None:
    switch.write_text("always [madvise] never\n")
    assert run(switch, GLIBC_TUNABLES="")[1:] == [" -x two words said"]


CONTENT = """
import subprocess
from hearsight.large_pages import be_content_with_large_pages
be_content_with_large_pages()
print(open("/proc/self/status").read(), subprocess.check_output(["cat", "/proc/self/status"], text=True))
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists() or "THP_enabled" not in Path("/proc/self/status").read_text(),
    reason="this system does not tell who gets large pages",
)
def test_who_is_content_gets_no_more_and_neither_do_programs_it_begins() -> None:
    done = subprocess.run([sys.executable, "-c", CONTENT], capture_output=True, text=True, check=True)
    assert done.stdout.count("THP_enabled:\t0") == 2
