"""Reads the weights in a CTranslate2 model file (binary version 6) without that library."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError

VERSION = 6
_TYPES: dict[int, Any] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def number(self, code: str) -> int:
        (value,) = struct.unpack_from(f"<{code}", self.content, self.place)
        self.place += struct.calcsize(code)
        return int(value)

    def text(self) -> str:
        length = self.number("H")  # counts the zero at the end
        return self.block(length)[:-1].decode()

    def block(self, length: int) -> bytes:
        if self.place + length > len(self.content):
            raise ValueError("it ends too early")
        self.place += length
        return self.content[self.place - length : self.place]


def read_variables(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Every array of floating point in the file by its name, as float32.

    Raises:
        HearsightError: the content is not such a file.
    """
    try:
        return _variables(_Reader(content))
    except (struct.error, ValueError, KeyError) as error:
        raise HearsightError(
            f"The weights are not a CTranslate2 file of version {VERSION} ({error}): fetch them again."
        ) from error


def _variables(reader: _Reader) -> dict[str, NDArray[np.float32]]:
    if (version := reader.number("I")) != VERSION:
        raise ValueError(f"version {version}")
    reader.text()  # the kind of model
    reader.number("I")  # its revision
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = _TYPES[reader.number("B")]
        array = np.frombuffer(reader.block(reader.number("I")), kind).reshape(shape)
        if array.ndim and array.dtype in (np.float16, np.float32):
            variables[name] = array.astype(np.float32)
    return variables
