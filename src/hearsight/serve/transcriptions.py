"""A recording to text, in the forms that OpenAI's endpoint has."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from typing import Any, BinaryIO, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from hearsight.captions import WRITERS
from hearsight.errors import HearsightError, MediaError
from hearsight.serve.admission import Busy
from hearsight.serve.answers import HttpError
from hearsight.serve.decoding import Decoders, Decoding
from hearsight.serve.engine import Engine
from hearsight.serve.lane import Lane, StreamEnded
from hearsight.serve.limits import Limits
from hearsight.serve.metrics import Metrics
from hearsight.serve.protocol import Refusal, event_values
from hearsight.serve.sight import Mouths
from hearsight.serve.uploads import Form, read_form
from hearsight.types import FRAME_RATE, Event, Modality

log = logging.getLogger(__name__)

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
GRANULARITIES = ("segment", "word")
_RETRY_S = 10
_PIECE_BYTES = 256 << 10
_PROGRESS_S = 0.25
_TURN_S = 0.1
"""How often a recording that waits for its turn asks for it."""
_LANGUAGES = {"en": "english"}
"""OpenAI writes them out."""


class Transcriptions:
    """The endpoint.

    Args:
        engine: where recordings are recognised, after live streams.
        decoders: where they are decoded.
        limits: of a recording.
        metrics: counts them.
    """

    def __init__(self, engine: Engine, decoders: Decoders, limits: Limits, metrics: Metrics) -> None:
        self._engine, self._decoders, self._limits, self._metrics = engine, decoders, limits, metrics
        self._uploads = 0

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        stack = AsyncExitStack()
        try:
            stack.enter_context(self._counted())
            form = await stack.enter_async_context(read_form(request, self._limits))
            wish = _Wish.of(form, self._engine.recognizer.modality)
            block = self._engine.recognizer.bundle.config.block
            decoding = stack.enter_context(closing(self._decoders.open("file", wish.modality, block)))
            length_s = await self._length_s(form.recording, decoding, wish.modality)
            lane = await stack.enter_async_context(await self._open(wish.modality))
        except BaseException as error:
            await stack.aclose()
            self._metrics.transcriptions.labels("refused").inc()
            raise _as_http(error) from None
        reading = asyncio.create_task(self._read(decoding, lane, wish.modality))
        if wish.stream:
            content = self._sent_as_events(lane, wish, length_s)
            return _EventStream(content, lane, reading, stack, self._limits.send_s)
        async with stack:
            events = await self._all_events(request, lane, reading)
        return wish.response(events, lane.heard_s, self._engine.recognizer.bundle.config.language)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Uploads take disk before they take time: their number is bounded too."""
        if self._uploads >= self._limits.uploads:
            raise Busy("this server is receiving as many recordings as it can: try again in a minute")
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def _open(self, modality: Modality) -> Lane:
        """A place in the engine, for which it waits a while."""
        until = time.monotonic() + self._limits.place_s
        while True:
            try:
                return self._engine.open(modality, patient=True)
            except Busy:
                if time.monotonic() >= until:
                    raise
            await asyncio.sleep(_TURN_S)

    async def _length_s(self, recording: BinaryIO, decoding: Decoding, modality: Modality) -> float | None:
        """Hand it in. How long it says it is; refuses at once what cannot be used."""
        while content := recording.read(_PIECE_BYTES):
            await decoding.put(memoryview(content))
        decoding.end()
        found = await decoding.found()
        has = {"av": True, "audio": found.audio, "video": found.video}[modality]
        if not has:
            raise MediaError(_lacks(modality))
        if found.seconds is not None and found.seconds > self._limits.recording_s:
            raise self._too_long()
        return found.seconds

    def _too_long(self) -> HttpError:
        hours = self._limits.recording_s / 3600
        return HttpError(413, f"The recording is longer than {hours:g} hours.", "too_long", "file")

    async def _read(self, decoding: Decoding, lane: Lane, modality: Modality) -> None:
        """Hand on to the engine what has been decoded; a stream that is closed ends it."""
        usable = False
        try:
            async for mouths, arrived in decoding:
                usable = usable or _is_usable(mouths, modality)
                if (mouths.crops.start + len(mouths)) / FRAME_RATE > self._limits.recording_s:
                    raise self._too_long()
                await lane.push(mouths, arrived)
            if not usable:
                raise MediaError(_lacks(modality))
            lane.end()
        except StreamEnded:
            pass
        except Exception as error:
            lane.fail(error)

    async def _all_events(self, request: Request, lane: Lane, reading: asyncio.Future[None]) -> list[Event]:
        """The finals; given up when the client has gone."""

        async def collect() -> list[Event]:
            return [event async for event in lane.events() if event.kind == "final"]

        collecting = asyncio.create_task(collect())
        leaving = asyncio.create_task(_until_gone(request))
        try:
            async with asyncio.timeout(self._limits.transcription_s):
                await asyncio.wait({collecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not collecting.done():
                raise HttpError(499, "The client has gone.", "gone")
            events = await collecting
        except BaseException as error:
            self._metrics.transcriptions.labels("failed").inc()
            raise _as_http(error) from None
        finally:
            lane.close()
            collecting.cancel()
            leaving.cancel()
            await asyncio.gather(collecting, leaving, reading, return_exceptions=True)
        self._metrics.transcriptions.labels("done").inc()
        return events

    async def _sent_as_events(self, lane: Lane, wish: _Wish, length_s: float | None) -> AsyncIterator[str]:
        """Server-sent events."""
        status = "failed"
        try:
            async with asyncio.timeout(self._limits.transcription_s):
                async for message in _messages(lane, wish, length_s):
                    yield f"data: {json.dumps(message, ensure_ascii=False)}\n\n"
            status = "done"
        except Exception as error:
            # The answer has begun, so that the status cannot tell any more.
            told = _as_http(error)
            if isinstance(told, HttpError):
                yield f"data: {json.dumps(told.body(), ensure_ascii=False)}\n\n"
        finally:
            self._metrics.transcriptions.labels(status).inc()


class _EventStream(StreamingResponse):
    """Server-sent events that leave nothing behind, whether or not the client stays to the end."""

    def __init__(
        self,
        content: AsyncIterator[str],
        lane: Lane,
        reading: asyncio.Future[None],
        stack: AsyncExitStack,
        send_s: float,
    ) -> None:
        super().__init__(content, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._lane, self._reading, self._stack, self._send_s = lane, reading, stack, send_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._send_s):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        finally:
            self._lane.close()
            await asyncio.gather(self._reading, return_exceptions=True)
            await self._stack.aclose()


async def _messages(lane: Lane, wish: _Wish, length_s: float | None) -> AsyncIterator[dict[str, Any]]:
    """Words as soon as they will stay; with progress, if that is asked for."""
    text, said = "", 0
    progress_due = time.monotonic()
    async for heard in lane.outbox:
        event = heard.event
        final = event.kind == "final"
        if wish.progress:
            yield {"type": "hearsight.event", **event_values(event, heard.utterance)}
        stays = event.words if final else event.words[: event.stable]
        if delta := "".join(f" {word.text}" for word in stays[said:]):
            delta = delta if text else delta[1:]
            text += delta
            yield {"type": "transcript.text.delta", "delta": delta}
        said = 0 if final else max(said, len(stays))
        if wish.progress and (final or time.monotonic() >= progress_due):
            progress_due = time.monotonic() + _PROGRESS_S
            yield {"type": "hearsight.progress", "heard": round(lane.heard_s, 2), "duration": length_s}
    yield {"type": "transcript.text.done", "text": text, "usage": _usage(lane.heard_s)}


class _Wish:
    """What the form asks for.

    Raises:
        HttpError: something that does not exist.
    """

    def __init__(
        self, format: str, granularities: frozenset[str], modality: Modality, stream: bool, progress: bool
    ) -> None:
        self.format, self.granularities, self.modality = format, granularities, modality
        self.stream, self.progress = stream, progress

    @classmethod
    def of(cls, form: Form, modality: Modality) -> _Wish:
        """Out of the form's fields."""
        format = _one_of("response_format", form.text("response_format", "json"), FORMATS)
        named = "timestamp_granularities[]"
        given = form.fields.get(named, []) + form.fields.get("timestamp_granularities", [])
        granularities = frozenset(_one_of(named, each, GRANULARITIES) for each in given)
        chosen = cast(Modality, _one_of("modality", form.text("modality", modality), get_args(Modality)))
        return cls(
            format, granularities or frozenset({"segment"}), chosen, form.yes("stream"), form.yes("progress")
        )

    def response(self, events: Sequence[Event], length_s: float, language: str) -> Response:
        """The answer in the form that was asked for."""
        text = " ".join(event.text for event in events)
        if self.format == "json":
            return JSONResponse({"text": text, "usage": _usage(length_s)})
        if self.format == "verbose_json":
            return JSONResponse(self._verbose(events, text, length_s, language))
        if self.format == "text":
            return PlainTextResponse(f"{text}\n")
        return PlainTextResponse("".join(WRITERS[self.format](events)))

    def _verbose(self, events: Sequence[Event], text: str, length_s: float, language: str) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "task": "transcribe",
            "language": _LANGUAGES.get(language, language),
            "duration": round(length_s, 2),
            "text": text,
            "usage": _usage(length_s),
        }
        if "word" in self.granularities:
            answer["words"] = [
                {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
                for event in events
                for word in event.words
            ]
        if "segment" in self.granularities:
            answer["segments"] = [_segment(number, event) for number, event in enumerate(events)]
        return answer


def _segment(number: int, event: Event) -> dict[str, Any]:
    """An utterance as OpenAI's clients expect one; what is not known here is null."""
    logs = [math.log(max(word.confidence, 1e-6)) for word in event.words]
    content = event.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": round(event.start, 3),
        "end": round(event.words[-1].end if event.words else event.end, 3),
        "text": event.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(sum(logs) / len(logs), 4) if logs else None,
        "compression_ratio": round(len(content) / len(zlib.compress(content)), 3),
        "no_speech_prob": None,
    }


def _usage(length_s: float) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(length_s)}


def _one_of(param: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise HttpError(400, f"{param} is not one of {', '.join(allowed)}.", "invalid_value", param)
    return value


def _is_usable(mouths: Mouths, modality: Modality) -> bool:
    seen = modality != "audio" and mouths.pictures > 0
    return seen or (modality != "video" and bool(mouths.audio_present.any()))


def _lacks(modality: Modality) -> str:
    lacking = {"av": "sound or pictures", "audio": "sound", "video": "pictures"}[modality]
    return f"the file has no {lacking} to recognise by: send another recording."


async def _until_gone(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.5)


def _as_http(error: BaseException) -> BaseException | HttpError:
    """The answer to what has gone wrong."""
    match error:
        case HttpError():
            return error
        case Busy():
            return HttpError(429, _sentence(error), "busy", retry_s=_RETRY_S)
        case HearsightError() | Refusal(code="bad_media"):
            return HttpError(400, _sentence(error), "bad_media", "file")
        case TimeoutError():
            return HttpError(503, "The recording took too long to transcribe.", "timeout", "file")
        case Exception():
            log.error("a recording could not be transcribed", exc_info=error)
            return HttpError(500, "The server has made a mistake.", "internal")
    return error


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
