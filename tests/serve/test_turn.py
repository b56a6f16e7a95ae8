from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hearsight.serve.turn import Turn

PATIENCE_S = 5.0


def begin(turn: Turn, name: str, done: list[str]) -> threading.Thread:
    """A thread that waits for its turn and then says so."""

    def work() -> None:
        with turn:
            done.append(name)

    thread = threading.Thread(target=work, daemon=True)
    before = len(turn._waiting)
    thread.start()
    while len(turn._waiting) == before and thread.is_alive():
        time.sleep(0.001)
    return thread


def test_one_thread_at_a_time_has_the_turn() -> None:
    turn, busy = Turn(), threading.Lock()

    def work(_: int) -> bool:
        alone = True
        for _ in range(200):
            with turn:
                alone = alone and busy.acquire(blocking=False)
                busy.release()
        return alone

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4), timeout=PATIENCE_S))


def test_the_turn_goes_round_in_the_order_in_which_threads_came() -> None:
    turn, done = Turn(), []
    with turn:
        threads = [begin(turn, name, done) for name in "abc"]
    for thread in threads:
        thread.join(PATIENCE_S)
    assert done == ["a", "b", "c"]


def test_who_gives_it_up_gets_it_again_after_those_that_wait() -> None:
    turn, done = Turn(), []
    with turn:
        threads = [begin(turn, name, done) for name in "ab"]
        with turn.given_up():
            pass
        done.append("again")
    for thread in threads:
        thread.join(PATIENCE_S)
    assert done == ["a", "b", "again"]


def test_the_turn_is_free_after_an_error() -> None:
    turn, done = Turn(), []
    try:
        with turn, turn.given_up():
            raise KeyError
    except KeyError:
        pass
    begin(turn, "next", done).join(PATIENCE_S)
    assert done == ["next"]
