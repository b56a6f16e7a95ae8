"""What a server under load spends: processors and memory, with all its processes."""

from __future__ import annotations

import asyncio
import math
import time
import urllib.request

import psutil


class Meter:
    """CPU time of the server with its processes, and of this one, in the middle of a run, when all is steady.

    Args:
        server: its process.
        url: where it tells what it has heard.

    Attributes:
        rates: CPU seconds a second, of the server and of the clients.
        cost: CPU seconds of the server for each second of a stream that it has heard.
        memory: bytes of the server.
    """

    def __init__(self, server: psutil.Process, url: str) -> None:
        self._server, self._url = server, url
        self.rates, self.cost, self.memory = (0.0, 0.0), math.nan, 0

    def _processes(self) -> list[psutil.Process]:
        return [self._server, *self._server.children(recursive=True)]

    def _spent(self) -> tuple[float, float, float]:
        with urllib.request.urlopen(f"{self._url}metrics") as answer:
            lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines())
        server = sum(sum(each.cpu_times()[:2]) for each in self._processes())
        return server, time.process_time(), float(lines["hearsight_heard_seconds"])

    async def run(self, begin_s: float, end_s: float) -> None:
        """Measure between these two times from now, in seconds."""
        await asyncio.sleep(begin_s)
        began, before = time.perf_counter(), await asyncio.to_thread(self._spent)
        await asyncio.sleep(end_s - begin_s)
        seconds, after = time.perf_counter() - began, await asyncio.to_thread(self._spent)
        server, clients, heard = (late - early for late, early in zip(after, before, strict=True))
        self.rates, self.cost = (server / seconds, clients / seconds), server / max(heard, 1e-3)
        self.memory = sum(each.memory_info().rss for each in self._processes())
