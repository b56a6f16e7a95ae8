"""Processes that decode what live clients send, so that the networks' process has Python's lock for itself.

What a client sends goes to a process, which each stream keeps; mouth crops and sound come back, pictures do
not. A process that a damaged recording has brought down takes its own few streams with it, and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count

from hearsight.serve.decoding_messages import SIZES, Head, Source, pack, unpack_mouths, unpack_sizes
from hearsight.serve.inbox import weight
from hearsight.serve.limits import Limits
from hearsight.serve.protocol import CLOSE_CODES, Refusal
from hearsight.serve.sight import Mouths
from hearsight.types import Modality

log = logging.getLogger(__name__)

_PROGRAM = (sys.executable, "-P", "-m", "hearsight.serve.decoding_process")
_LEAST, _MOST = 2, 8
"""Processes: one alone would take all streams with it; beyond eight the networks' own thread is the limit."""
_BUFFER_BYTES = 1 << 20
_FAREWELL_S = 2.0
_LATE_CHUNKS: dict[Source, int] = {"ticks": 0, "webm": 2, "file": 2}
"""Chunks that may still hold some of what had been read before them: in a recording sound and pictures wait
for each other, in messages of ticks they come together."""


def enough_for(cores: float) -> int:
    """How many processes make sense on so many processors."""
    return max(_LEAST, min(_MOST, math.ceil(cores)))


class Decoders:
    """The processes. Belongs to one event loop; nothing is started before :meth:`warm_up` or :meth:`open`.

    Args:
        limits: of each stream's input.
        spent: told CPU seconds that the processes have spent.
        most: processes.
        niceness: how far they give way to others, see nice(1).
    """

    def __init__(
        self, limits: Limits, spent: Callable[[float], None], most: int, *, niceness: int = 0
    ) -> None:
        self._limits, self._spent, self._most, self._niceness = limits, spent, most, niceness
        self._processes: list[_DecodingProcess] = []
        self._numbers = count()

    def warm_up(self) -> None:
        """See to it that one process has nothing to do yet, unless there are enough of them."""
        self._processes = [each for each in self._processes if each.is_alive]
        if len(self._processes) < self._most and all(each.streams for each in self._processes):
            self._processes.append(_DecodingProcess(self._spent, self._niceness))

    def open(self, format: Source, modality: Modality, block: int) -> Decoding:
        """A new stream, in the process that has fewest.

        Args:
            format: of its messages.
            modality: the senses in use.
            block: ticks of a chunk, where the client does not decide it.
        """
        self.warm_up()
        process = min(self._processes, key=lambda each: len(each.streams))
        decoding = Decoding(process, next(self._numbers), self._limits, _LATE_CHUNKS[format])
        decoding.tell("open", format=format, modality=modality, block=block, limits=asdict(self._limits))
        self.warm_up()
        return decoding

    @property
    def process_ids(self) -> list[int]:
        """Of those that run."""
        return [each.id for each in self._processes if each.id is not None and each.is_alive]

    async def close(self) -> None:
        """End the processes."""
        processes, self._processes = self._processes, []
        await asyncio.gather(*(each.close() for each in processes))


@dataclass(frozen=True, slots=True)
class Found:
    """What a recording holds.

    Attributes:
        video: whether it has pictures.
        audio: whether it has sound.
        seconds: its length as it declares it, None if it does not.
    """

    video: bool
    audio: bool
    seconds: float | None


class Decoding:
    """One stream's input: messages are put in; iterating gives mouths, each with the time its input came.

    Iterating raises a Refusal where the input cannot be decoded.

    Args:
        process: that decodes it.
        number: of the stream.
        limits: of its input.
        late: chunks after that with which a message was read, until all of it is here.

    Attributes:
        settled: messages of which all is here, so that it is not lost with the process.
    """

    def __init__(self, process: _DecodingProcess, number: int, limits: Limits, late: int) -> None:
        self._process, self._number, self._most_bytes = process, number, limits.inbox_bytes
        self._sent = self._taken = self.settled = 0
        self._ends = deque[int]()  # what had been sent with each message that is not settled
        self._read = deque([0] * (late + 1), late + 1)  # what had been taken with each of the last chunks
        # Clients that cut their input into crumbs would wait for ever for the first to be settled.
        self._most_unsettled = limits.unacknowledged // 2
        self._found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._room, self._made = asyncio.Event(), asyncio.Queue[tuple[Mouths, float] | Refusal | None]()
        process.streams[number] = self

    async def put(self, content: memoryview) -> None:
        """Hand in a message, waiting for room."""
        size = weight(content)
        # A single one may be larger than there is room.
        while self._sent > self._taken and self._sent + size - self._taken > self._most_bytes:
            self._room.clear()
            await self._room.wait()
        self._sent += size
        self._ends.append(self._sent)
        self.tell("take", content, stamp=time.monotonic())

    def end(self) -> None:
        """There is no more input."""
        self.tell("end")

    def use(self, modality: Modality) -> None:
        """Other senses from now on: mouths are only looked for where they are used."""
        self.tell("modality", modality=modality)

    def close(self) -> None:
        """Nobody waits for what is still to come."""
        self.tell("close")
        self._process.streams.pop(self._number, None)
        self._made.put_nowait(None)
        self._free()

    async def found(self) -> Found:
        """What is in a recording, once all of it has been put in; raises a Refusal where nothing is."""
        return await asyncio.shield(self._found)

    async def __aiter__(self) -> AsyncIterator[tuple[Mouths, float]]:
        while (made := await self._made.get()) is not None:
            if isinstance(made, Refusal):
                raise made
            yield made
            self.tell("go_on")

    def tell(self, what: str, content: bytes | memoryview = b"", **more: object) -> None:
        """Say something to the process."""
        self._process.say(pack({"do": what, "stream": self._number, **more}, content))

    def hear(self, head: Head, body: bytes) -> None:
        """What the process says."""
        self._taken = head["taken"]
        self._room.set()
        if head["is"] == "mouths":
            self._read.append(self._taken)
        self._settle()
        match head["is"]:
            case "mouths":
                self._made.put_nowait((unpack_mouths(head, body), head["stamp"]))
            case "found":
                if not self._found.done():
                    self._found.set_result(Found(head["video"], head["audio"], head["seconds"]))
            case "refused" if head["code"] in CLOSE_CODES:
                self._refuse(Refusal(head["code"], head["message"]))
            case "over":
                self._made.put_nowait(None)

    def _settle(self) -> None:
        """Count messages of which all is here, now that more has come."""
        while self._ends and self._ends[0] <= self._read[0]:
            self._ends.popleft()
            self.settled += 1
        while len(self._ends) > self._most_unsettled and self._ends[self._most_unsettled] <= self._taken:
            self._ends.popleft()
            self.settled += 1

    def lose(self) -> None:
        """The process is no more."""
        self._refuse(Refusal("internal", "decoding has broken down: begin a new stream"))
        self._free()

    def _refuse(self, refusal: Refusal) -> None:
        self._made.put_nowait(refusal)
        if not self._found.done():
            self._found.set_exception(refusal)
            self._found.exception()  # where nobody asks, nothing is logged

    def _free(self) -> None:
        self._sent = self._taken = 0
        self._room.set()


class _DecodingProcess:
    """A process and its streams.

    Attributes:
        streams: by number.
        id: the process's, None before it runs.
    """

    def __init__(self, spent: Callable[[float], None], niceness: int) -> None:
        self.streams: dict[int, Decoding] = {}
        self.id: int | None = None
        self._spent, self._niceness, self._cpu_s = spent, niceness, 0.0
        self._unsent: list[bytes] | None = []
        self._process: Process | None = None
        self._over = False
        self._conversation = asyncio.create_task(self._converse())

    @property
    def is_alive(self) -> bool:
        """Whether it can take streams; so it can while it starts."""
        return not self._over

    def say(self, message: bytes) -> None:
        """Send a message; what is said to a process that is no more is lost."""
        if self._unsent is not None:
            self._unsent.append(message)
        elif self.is_alive and self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(message)

    async def close(self) -> None:
        """End it."""
        self._over = True
        self._conversation.cancel()
        with suppress(asyncio.CancelledError):
            await self._conversation

    async def _converse(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *_PROGRAM, str(self._niceness), stdin=PIPE, stdout=PIPE, limit=_BUFFER_BYTES
            )
            self.id = self._process.pid
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.writelines(self._unsent or ())
            self._unsent = None
            while True:
                await self._hear(self._process.stdout)
        except (EOFError, ConnectionError):
            log.error("a decoding process has ended: its %d streams are lost", len(self.streams))
        except Exception:
            log.exception("a decoding process cannot be run or understood")
        finally:
            self._over = True
            streams, self.streams = self.streams, {}
            for stream in streams.values():
                stream.lose()
            if self._process is not None:
                await _end(self._process)

    async def _hear(self, output: asyncio.StreamReader) -> None:
        head_bytes, body_bytes = unpack_sizes(await output.readexactly(SIZES.size))
        head: Head = json.loads(await output.readexactly(head_bytes))
        body = await output.readexactly(body_bytes)
        # What starting has cost is no cost of a stream.
        if head["is"] != "ready":
            self._spent(head["cpu"] - self._cpu_s)
        self._cpu_s = head["cpu"]
        if (stream := self.streams.get(head.get("stream", -1))) is not None:
            stream.hear(head, body)


async def _end(process: Process) -> None:
    """It ends when there is no more to be read; if it does not, it is ended."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _FAREWELL_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
