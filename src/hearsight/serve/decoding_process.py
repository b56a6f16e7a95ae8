"""The program of a decoding process: what clients send goes in, mouth crops and sound come out.

Started by :mod:`hearsight.serve.decoding`, with which it talks over standard input and output; it ends when
its input does. A thread for each stream decodes; they take turns, a piece of input each.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from hearsight.capture.files import probe, read_chunks
from hearsight.errors import HearsightError
from hearsight.recognizer import memory
from hearsight.serve.decoding_messages import SIZES, Head, Source, pack, pack_mouths, unpack_sizes
from hearsight.serve.inbox import Inbox
from hearsight.serve.limits import Limits
from hearsight.serve.protocol import Refusal, parse_modality
from hearsight.serve.recordings import whole_recording
from hearsight.serve.sight import Eye, Input, Mouths
from hearsight.serve.tick_messages import parse_ticks
from hearsight.serve.turn import Turn
from hearsight.serve.webm import webm_chunks
from hearsight.types import Modality

log = logging.getLogger(__name__)

AHEAD = 4
"""Chunks of a stream that may be on their way to the server."""
CROWD = 6
"""With more streams than this work is spared: two processors keep up with two processes of so many."""
_REPORT_BYTES, _REPORT_MESSAGES = 64 << 10, 16
"""Input taken without a chunk coming of it, after which the server is told."""


def main() -> None:
    """Serve the server."""
    # Ctrl-C goes to all processes of a terminal: this one ends when the server has.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if len(sys.argv) > 1 and hasattr(os, "nice"):
        os.nice(int(sys.argv[1]))
    memory.keep_little()
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print does not get between the messages
    # For pictures of this size a second thread of kornia-rs is only overhead.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    from hearsight.face import FacePath

    FacePath.load()
    gc.freeze()  # what is there now stays: nobody need look through it again
    DecodingProcess(sys.stdin.buffer, output).run()
    # Threads may be in the middle of a picture: nobody waits for it.
    os._exit(0)


class DecodingProcess:
    """Obeys the server until it says no more.

    Args:
        input: where its messages come from.
        output: where the answers go.
    """

    def __init__(self, input: BinaryIO, output: BinaryIO) -> None:
        self._input, self._output = input, output
        self._saying = threading.Lock()
        self._turn = Turn()
        self._streams: dict[int, _Stream] = {}

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many streams that each has to spare work."""
        return len(self._streams) > CROWD

    def run(self) -> None:
        """Until the input ends."""
        self.say(pack({"is": "ready", "cpu": time.process_time()}))
        while len(sizes := self._input.read(SIZES.size)) == SIZES.size:
            head_bytes, body_bytes = unpack_sizes(sizes)
            head = json.loads(self._input.read(head_bytes))
            self._obey(head, self._input.read(body_bytes))

    def say(self, message: bytes) -> None:
        """Answer; any thread may."""
        with self._saying:
            rest = memoryview(message)
            while rest:
                rest = rest[self._output.write(rest) :]

    def _obey(self, head: Head, body: bytes) -> None:
        number = head["stream"]
        if head["do"] == "open":
            self._streams[number] = _Stream(self, self._turn, number, head)
        elif (stream := self._streams.get(number)) is not None:
            match head["do"]:
                case "take":
                    stream.inbox.put(body, head["stamp"])
                case "go_on":
                    stream.room.release()
                case "modality":
                    stream.modality = parse_modality(head["modality"])
                case "end":
                    stream.inbox.close()
                case "close":
                    self._streams.pop(number).close()


class _Stream:
    """One stream, decoded in a thread of its own."""

    def __init__(self, process: DecodingProcess, turn: Turn, number: int, head: Head) -> None:
        self.inbox, self.room = Inbox(self._taken, turn.given_up), threading.Semaphore(AHEAD)
        self.modality: Modality = parse_modality(head["modality"])
        self._format: Source = head["format"]
        self._block: int = head["block"]
        self._limits = Limits(**head["limits"])
        self._process, self._turn, self._number = process, turn, number
        self._eye = Eye()
        self._told = self._untold = 0
        self._closed = False
        threading.Thread(target=self._run, name=f"hearsight-input-{number}", daemon=True).start()

    def close(self) -> None:
        """Nobody waits for it any more."""
        self._closed = True
        self.inbox.close(drop=True)
        self.room.release()

    def _run(self) -> None:
        with self._turn:
            self._decode()
        # Pictures that PyAV was asked for their side data hold themselves, and much memory that Python does
        # not know of: it would not look for them soon.
        gc.collect()
        memory.give_back()

    def _decode(self) -> None:
        try:
            sources = {"webm": self._from_webm, "ticks": self._from_ticks, "file": self._from_file}
            for mouths in sources[self._format]():
                with self._turn.given_up():
                    self.room.acquire()
                if self._closed:
                    return
                self._process.say(pack_mouths(self._head("mouths", stamp=self.inbox.stamp), mouths))
            self._say("over")
        except Refusal as refusal:
            self._say("refused", code=refusal.code, message=refusal.message)
        except HearsightError as error:
            self._say("refused", code="bad_media", message=str(error).rstrip("."))
        except Exception:
            log.exception("input of a session cannot be decoded")
            self._say("refused", code="internal", message="the server has made a mistake: try again")

    def _from_webm(self) -> Iterator[Mouths]:
        if self.inbox.peek() is None:
            return
        for chunk in webm_chunks(self.inbox, self._block):
            yield self._look(chunk)
        if not self.inbox.closed:
            raise Refusal("bad_media", "the stream breaks off, it is damaged: begin a new one")

    def _from_file(self) -> Iterator[Mouths]:
        with whole_recording(self.inbox) as recording:
            found = probe(recording)
            self._say("found", video=found.has_video, audio=found.has_audio, seconds=found.duration_s)
            for chunk in read_chunks(recording, ticks=self._block):
                yield self._look(chunk)

    def _from_ticks(self) -> Iterator[Mouths]:
        tick = 0
        while (content := self.inbox.get()) is not None:
            message = parse_ticks(memoryview(content), self._limits)
            mouths = self._look(message.make(tick))
            if len(mouths) != message.ticks:
                raise ValueError(f"a message of {message.ticks} ticks has {len(mouths)}")
            yield mouths
            tick += message.ticks

    def _look(self, given: Input) -> Mouths:
        self._eye.spares = self._process.is_crowded
        return self._eye.mouths(given, self.modality)

    def _taken(self) -> None:
        """Input that brings no mouths for long is told of too."""
        self._untold += 1
        if self.inbox.taken - self._told >= _REPORT_BYTES or self._untold >= _REPORT_MESSAGES:
            self._say("taken")

    def _head(self, what: str, **more: Any) -> Head:
        self._told, self._untold = self.inbox.taken, 0
        return {"is": what, "stream": self._number, "taken": self._told, "cpu": time.process_time(), **more}

    def _say(self, what: str, **more: Any) -> None:
        self._process.say(pack(self._head(what, **more)))


if __name__ == "__main__":
    main()
