"""On a busy computer less is done, so that the words keep coming; with room again, everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from hearsight.recognizer.effort import Effort, EffortController, EffortRules

STEP_S = 0.16


class Simulation:
    """A computer that gives so much of its time, and an input that waits for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting = 0.0
        self.controller = EffortController(EffortRules(), lambda: self.now)
        self.efforts: list[Effort] = []

    def run(self, seconds: float, cost: Callable[[Effort], float]) -> list[Effort]:
        """Take 160 ms of input at a time, at ``cost`` seconds of computing for a second of input."""
        end, seen = self.now + seconds, []
        while self.now < end:
            busy = STEP_S * cost(self.controller.effort)
            self.waiting = max(0.0, self.waiting + busy - STEP_S)
            self.now += max(STEP_S, busy) if self.waiting == 0.0 else busy
            seen.append(self.controller.step(self.waiting, busy))
        self.efforts += seen
        return seen


def costs(full: float, by_ear: float, least: float) -> Callable[[Effort], float]:
    return lambda effort: (full, by_ear, least)[effort]


def test_an_easy_life_does_everything() -> None:
    assert set(Simulation().run(120, costs(0.3, 0.1, 0.1))) == {Effort.FULL}


def test_pictures_go_first_and_only_they_if_that_is_enough() -> None:
    efforts = Simulation().run(20, costs(1.5, 0.4, 0.3))
    assert Effort.BY_EAR in efforts
    assert Effort.LEAST not in efforts


def test_then_the_least_is_done() -> None:
    simulation = Simulation()
    assert simulation.run(20, costs(3.0, 1.3, 0.9))[-1] is Effort.LEAST


def test_it_reacts_within_two_seconds() -> None:
    simulation = Simulation()
    simulation.run(10, costs(0.3, 0.1, 0.1))
    efforts = simulation.run(2, costs(3.0, 0.6, 0.5))
    assert efforts[-1] is not Effort.FULL


def test_with_room_again_everything_is_done_again() -> None:
    simulation = Simulation()
    simulation.run(20, costs(3.0, 1.3, 0.9))
    efforts = simulation.run(20, costs(0.3, 0.1, 0.1))
    assert efforts[-1] is Effort.FULL
    assert Effort.BY_EAR in efforts, "one step at a time"


def test_it_tries_ever_more_rarely_where_trying_fails() -> None:
    simulation = Simulation()
    efforts = simulation.run(600, costs(3.0, 0.3, 0.2))
    trials = [a is Effort.BY_EAR and b is Effort.FULL for a, b in itertools.pairwise(efforts)]
    assert 3 <= sum(trials) <= 15
    assert simulation.waiting < 1.5


def test_a_busy_computer_is_not_given_more_to_do() -> None:
    simulation = Simulation()
    simulation.run(20, costs(1.5, 0.7, 0.6))
    assert set(simulation.run(60, costs(1.5, 0.7, 0.6))) == {Effort.BY_EAR}


def test_the_load_is_that_of_the_last_seconds() -> None:
    simulation = Simulation()
    simulation.run(20, costs(0.9, 0.9, 0.9))
    assert abs(simulation.controller.load - 0.9) < 0.06
    simulation.run(6, costs(0.2, 0.2, 0.2))
    assert abs(simulation.controller.load - 0.2) < 0.03


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), max_size=200))
def test_it_changes_by_one_step_at_a_time_and_not_at_once_again(steps: list[tuple[float, float]]) -> None:
    now = 0.0
    controller = EffortController(clock=lambda: now)
    before, changed, lowered = Effort.FULL, -10.0, False
    for waiting, busy in steps:
        now += 0.1 + busy
        effort = controller.step(waiting, busy)
        assert abs(effort - before) <= 1
        assert controller.load >= 0
        if effort != before:
            if effort > before and lowered:
                assert now - changed >= EffortRules().settle_s
            lowered, changed = effort > before, now
        before = effort
