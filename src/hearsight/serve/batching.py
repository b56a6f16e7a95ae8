"""Streams that know nothing of each other, run so that each network is called once for all of them.

A stream is ordinary sequential code that now and then calls a network. Here every stream's work runs in a
greenlet (a coroutine that can be left in the middle of any call). Where it calls a network it is left, until
all others have come to a call too or are done; then the calls of one network are stacked, run at once,
and each greenlet goes on with its own rows. So the code of a stream is the same alone and among many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import numpy as np
from greenlet import getcurrent, greenlet
from numpy.typing import NDArray

from hearsight.recognizer import Bundle
from hearsight.recognizer.beam import Step
from hearsight.recognizer.config import GRAPHS, State

Result = TypeVar("Result")

_SAME = 1e-3
"""Outputs of the encoder, whose deviation is about 1, that differ by less count as equal."""
_LARGEST_STATE = 1 << 20
"""Bytes of one stream's state from which on stacking costs more than it saves: to copy the 3 MB that the ear
of `small-en` remembers into a stack of sixteen and out of it makes a call half as long again as alone."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What became of a piece of work: its result, or what it raised."""

    result: Result | None = None
    error: BaseException | None = None

    def get(self) -> Result:
        """The result; raises what the work raised."""
        if self.error is not None:
            raise self.error
        return cast(Result, self.result)


class Batcher:
    """Runs work of several streams side by side. One thread at a time may use it.

    An encoder for which stacking would change results is called for each stream by itself: int8
    matrices that are quantised while they run share one scale over the whole batch, so that what one
    person says would move another's scores. So are networks that remember much.

    Args:
        bundle: a loaded model.

    Attributes:
        bundle: the same model; streams made of it are the ones that can be run together.
        stacked: the networks that are called for all streams at once.
    """

    def __init__(self, bundle: Bundle) -> None:
        kept = {name for name in GRAPHS if _state_bytes(bundle, name) > _LARGEST_STATE}
        self.stacked = frozenset(GRAPHS) - kept - (set() if stacks_exactly(bundle) else {"encoder"})
        self.bundle = _shared(bundle, self.stacked)
        self.calls = 0
        """Calls of networks so far, and ..."""
        self.rows = 0
        """... what they would have been for each stream by itself."""

    def run(self, work: Sequence[Callable[[], Result]]) -> list[Outcome[Result]]:
        """Do all of it, and return what became of each, in the same order."""
        tasks = [_Task(each) for each in work]
        waiting: dict[str, list[_Call]] = {name: [] for name in GRAPHS}
        for task in tasks:
            self._resume(task, None, waiting)
        # The order in which a stream needs them: those that are behind catch up before the next is run.
        while name := next((name for name in GRAPHS if waiting[name]), None):
            calls, waiting[name] = waiting[name], []
            self.calls, self.rows = self.calls + 1, self.rows + len(calls)
            for call, answer in zip(calls, _answer(calls), strict=True):
                self._resume(call.task, answer, waiting)
        return [cast(Outcome[Result], task.outcome) for task in tasks]

    def _resume(self, task: _Task, answer: Any, waiting: dict[str, list[_Call]]) -> None:
        call = task.switch(answer)
        if call is not None:
            waiting[call.step.name].append(call)


def stacks_exactly(bundle: Bundle) -> bool:
    """Whether the encoder's output for one stream is the same whatever is stacked with it; it is tried."""
    config = bundle.config
    window = config.segment + config.right_context
    random = np.random.default_rng(0)
    features = random.standard_normal((2, window, config.feature_dim)).astype(np.float32)
    features[1] *= 4
    inputs = {"features": features, "valid": np.ones((2, window), np.bool_)}
    alone = {name: value[:1] for name, value in inputs.items()}
    together, _ = bundle.encoder(inputs, config.initial_state("encoder", 2))
    one, _ = bundle.encoder(alone, config.initial_state("encoder"))
    return bool(np.abs(together[0] - one[0]).max() < _SAME)


def _state_bytes(bundle: Bundle, name: str) -> int:
    """What one stream remembers in a network."""
    return sum(value.nbytes for value in bundle.config.initial_state(name).values())


def _shared(bundle: Bundle, stacked: frozenset[str]) -> Bundle:
    """The same bundle, with networks that wait for company."""
    shared = Bundle(bundle.folder, bundle.config, bundle.contents)
    for name in GRAPHS:
        # A bundle keeps what it has opened in its dictionary, as every `cached_property` does.
        step = getattr(bundle, name)
        shared.__dict__[name] = _SharedStep(name, step) if name in stacked else step
    shared.__dict__["pieces"] = bundle.pieces
    shared.__dict__["language_model"] = bundle.language_model
    if "second_pass" in bundle.__dict__:  # it is called for each stream by itself, once an utterance
        shared.__dict__["second_pass"] = bundle.second_pass
    return shared


class _Task(greenlet):
    """One stream's work."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work
        self.outcome: Outcome[Any] | None = None

    def run(self, _: None) -> None:
        try:
            self.outcome = Outcome(self._work())
        except Exception as error:
            self.outcome = Outcome(error=error)


@dataclass(slots=True)
class _Call:
    """A call of a network that waits to be run."""

    task: _Task
    step: _SharedStep
    inputs: Mapping[str, NDArray[Any]]
    state: State


class _SharedStep:
    """A network that, called in a task, waits for the calls of the other tasks."""

    def __init__(self, name: str, step: Step) -> None:
        self.name, self.alone = name, step

    def __call__(self, inputs: Mapping[str, NDArray[Any]], state: State) -> tuple[NDArray[Any], State]:
        task = getcurrent()
        if not isinstance(task, _Task):
            return self.alone(inputs, state)
        assert task.parent is not None
        answer = task.parent.switch(_Call(task, self, inputs, state))
        if isinstance(answer, BaseException):
            raise answer
        return cast("tuple[NDArray[Any], State]", answer)


def _answer(calls: list[_Call]) -> list[Any]:
    """The output and next state of each call, or what it raised."""
    step = calls[0].step.alone
    if len(calls) == 1:
        try:
            return [step(calls[0].inputs, calls[0].state)]
        except Exception as error:
            return [error]
    try:
        output, after = step(_stack([call.inputs for call in calls]), _stack([call.state for call in calls]))
    except Exception:
        # One of them does not fit: the others shall not suffer from it.
        return [answer for call in calls for answer in _answer([call])]
    sizes = [len(next(iter(call.inputs.values()))) for call in calls]
    parts = [slice(end - size, end) for size, end in zip(sizes, np.cumsum(sizes).tolist(), strict=True)]
    # Copies: a part of the whole batch's array would keep all of it alive.
    return [
        (output[part].copy(), {name: value[part].copy() for name, value in after.items()}) for part in parts
    ]


def _stack(rows: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([each[name] for each in rows]) for name in rows[0]}
