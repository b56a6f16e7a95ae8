"""Many streams in one process: one thread runs the networks for all of them, block by block."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from hearsight.recognizer import Recognizer, memory
from hearsight.serve.admission import Load, Room
from hearsight.serve.batching import Batcher, Outcome
from hearsight.serve.calibration import first_cost
from hearsight.serve.lane import Lane, Outgoing
from hearsight.serve.sight import Sight
from hearsight.types import Modality

log = logging.getLogger(__name__)

_WAIT_S = 0.01
"""For each live stream, a round waits this much longer for others to join in (at most a block)."""

_TIDY_S = 5.0
"""So often memory that long utterances took is given back."""

_READ_ALONG = 4
"""With more live streams than this, a second pass reads finals alone."""


class Engine:
    """Recognises what is pushed into its streams, each as if it were alone.

    In each round, at most one block (160 ms) of every stream that has one goes through the networks, so that
    no stream can take the time of the others, however much it pushes. Recordings ("patient" streams) come
    after live streams.

    Args:
        recognizer: the model, beam width and endpoints; its modality is what streams have unless they say.
        room: how many streams are taken.
        load: measures what streams cost.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        room: Room | None = None,
        load: Load | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.room = room or Room()
        self.load = load or Load(first_cost(recognizer.bundle), clock=clock)
        self.batcher = Batcher(recognizer.bundle)
        self.recognizer = replace(recognizer, bundle=self.batcher.bundle)
        self.heard_ticks = 0
        """Input recognised so far, of all streams."""
        self._clock = clock
        self._lanes: list[Lane] = []
        self._left: list[Lane] = []
        self._something = threading.Condition()
        self._stirred = self._closed = False
        self._due = self._tidied = 0.0
        self._thread = threading.Thread(target=self._run, name="hearsight-engine", daemon=True)
        self._thread.start()

    def open(self, modality: Modality | None = None, *, patient: bool = False) -> Lane:
        """A new stream.

        Args:
            modality: senses to use; the recognizer's own if None.
            patient: for recordings: takes its turn after the live streams.

        Raises:
            Busy: there is no room for another one now.
            ValueError: the modality is not one of ``av``, ``audio``, ``video``, or the engine is closed.
        """
        chosen = modality or self.recognizer.modality
        self.recognizer.stream(chosen)  # refuses what is no modality
        lane = Lane(
            self.recognizer.stream("av"),
            Sight(chosen),
            block=self.recognizer.bundle.config.block,
            patient=patient,
            wake=self._stir,
            leave=self._leave,
            clock=self._clock,
        )
        with self._something:
            if self._closed:
                raise ValueError("the engine is closed")
            running = sum(each.patient == patient for each in self._lanes)
            if patient:
                self.room.check_file(running)
            else:
                self.room.check_stream(running, self.load)
            self._lanes.append(lane)
        return lane

    @property
    def is_alive(self) -> bool:
        """Whether streams are being recognised."""
        return self._thread.is_alive()

    def check_room(self) -> None:
        """Raise Busy if a live stream could not be opened now."""
        self.room.check_stream(self.streams, self.load)

    @property
    def streams(self) -> int:
        """Live streams that are open."""
        return sum(not lane.patient for lane in list(self._lanes))

    @property
    def files(self) -> int:
        """Recordings that are being transcribed."""
        return sum(lane.patient for lane in list(self._lanes))

    def close(self) -> None:
        """End all streams and threads."""
        with self._something:
            self._closed = True
            lanes = list(self._lanes)
            self._something.notify_all()
        for lane in lanes:
            lane.close()
        self._thread.join()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _leave(self, lane: Lane) -> None:
        with self._something:
            if lane in self._lanes:
                self._lanes.remove(lane)
            self._left.append(lane)
        self._stir()

    def _stir(self) -> None:
        with self._something:
            self._stirred = True
            self._something.notify_all()

    def _run(self) -> None:
        """Rounds, until the engine is closed."""
        while True:
            with self._something:
                while not (self._stirred or self._closed):
                    self._something.wait()
                if self._closed:
                    return
                self._stirred = False
                lanes = list(self._lanes)
                left, self._left = self._left, []
            self._release(left)
            ready = [lane for lane in lanes if lane.has_work]
            try:
                self._step(ready)
            except Exception as error:
                # Whatever it was, it must not end the thread that all streams depend on.
                log.exception("a round has failed")
                for lane in ready:
                    lane.fail(error)

    def _release(self, left: list[Lane]) -> None:
        """Free what the streams that are over took, and whatever long utterances took now and then."""
        for lane in left:
            lane.release()
        if left or self._clock() >= self._tidied + _TIDY_S:
            memory.give_back()
            self._tidied = self._clock()

    def _step(self, ready: list[Lane]) -> None:
        """A round with those streams whose turn it is; if it is nobody's yet, wait."""
        live, patient = [lane for lane in ready if not lane.patient], [lane for lane in ready if lane.patient]
        early_s = self._due - self._clock()
        if live and (early_s <= 0 or any(lane.is_behind for lane in live)):
            self._due = self._clock() + self._interval_s()
            self._round([*live, *patient[:1]])
            self._put_last(patient[:1])
        elif patient:
            self._round(patient)
        elif live:
            with self._something:
                self._something.wait(early_s)
        # Whoever had work may have more.
        self._stirred = self._stirred or bool(ready)

    def _interval_s(self) -> float:
        """From one round to the next: longer with more streams, so that more of them share its calls."""
        config = self.recognizer.bundle.config
        streams = self.streams
        return 0.0 if streams < 2 else min(streams * _WAIT_S, config.block / config.frame_rate)

    def _round(self, turn: list[Lane]) -> None:
        """One block of each of these streams."""
        for lane in turn:
            lane.read_along(not lane.patient and self.streams <= _READ_ALONG)
        began = time.thread_time()
        outcomes = self.batcher.run([lane.work for lane in turn])
        spent_s = (time.thread_time() - began) / len(turn)
        for lane, outcome in zip(turn, outcomes, strict=True):
            self._deliver(lane, outcome)
        self._account(turn, outcomes, spent_s)

    def _account(self, turn: list[Lane], outcomes: list[Outcome[Outgoing]], spent_s: float) -> None:
        """Tell the measurement of the load what this round was."""
        for lane in turn:
            if lane.patient:
                self.load.spent_on_files(spent_s)
        results = zip(turn, outcomes, strict=True)
        live = [outcome.result for lane, outcome in results if outcome.result and not lane.patient]
        lags = [result.lag_s for result in live if result.lag_s is not None]
        self.load.heard(sum(result.ticks for result in live), lags)

    def _put_last(self, lanes: list[Lane]) -> None:
        """Recordings take turns."""
        with self._something:
            for lane in lanes:
                if lane in self._lanes:
                    self._lanes.remove(lane)
                    self._lanes.append(lane)

    def _deliver(self, lane: Lane, outcome: Outcome[Outgoing]) -> None:
        if outcome.error is not None:
            log.error("a stream has failed", exc_info=outcome.error)
            lane.fail(outcome.error)
            return
        outgoing = outcome.get()
        self.heard_ticks += outgoing.ticks
        lane.outbox.put(outgoing.events, over=outgoing.over)
