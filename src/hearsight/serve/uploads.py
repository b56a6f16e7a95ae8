"""Forms with a recording: read within limits, kept in memory or an unnamed temporary file, then forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from hearsight.serve.answers import HttpError
from hearsight.serve.limits import Limits

_FORM_BYTES = 64 << 10
"""What a form may have around its file."""
_FIELDS = 40
_FIELD_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Form:
    """A form that has been read.

    Attributes:
        fields: all values of each field that is no file.
        recording: the file, at its beginning.
    """

    fields: Mapping[str, list[str]]
    recording: BinaryIO

    def text(self, name: str, default: str) -> str:
        """The last value of a field."""
        return self.fields.get(name, [default])[-1]

    def yes(self, name: str) -> bool:
        """Whether a field says true."""
        return self.text(name, "").lower() in ("true", "1", "on")


@asynccontextmanager
async def read_form(request: Request, limits: Limits) -> AsyncIterator[Form]:
    """Read a multipart form with one file; the file is gone afterwards.

    Raises:
        HttpError: it is too large or too slow, or it is no such form.
    """
    form = await _parsed(request, limits)
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HttpError(400, "The form has no file.", "missing_file", "file")
        fields: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(name, []).append(value)
        file.file.seek(0)
        yield Form(fields, file.file)
    finally:
        await form.close()


async def _parsed(request: Request, limits: Limits) -> FormData:
    too_large = HttpError(
        413, f"The file is larger than {limits.upload_bytes >> 20} MB.", "too_large", "file"
    )
    most = limits.upload_bytes + _FORM_BYTES
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise too_large
    limited = Request(request.scope, _limited(request.receive, most, too_large))
    try:
        async with asyncio.timeout(limits.upload_s):
            return await limited.form(max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    except TimeoutError:
        raise HttpError(408, "The file did not come in time.", "timeout", "file") from None
    except ClientDisconnect:
        raise HttpError(400, "The file was cut off.", "cut_off", "file") from None
    except HTTPException as error:
        raise HttpError(400, f"The form cannot be read: {error.detail}", "bad_form") from None


def _limited(receive: Receive, most: int, too_large: HttpError) -> Receive:
    """The same body, refused when it grows too large."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise too_large
        return message

    return counting
