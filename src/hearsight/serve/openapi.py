"""The interface for programs (OpenAPI 3.1) and, made of the same, for people."""

from __future__ import annotations

import html
from typing import Any, get_args

from hearsight import __version__
from hearsight.serve.transcriptions import FORMATS, GRANULARITIES
from hearsight.types import Modality

PROTOCOL = "docs/protocol.md"


def describe(model: str, *, token: bool) -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        model: name of the model that answers.
        token: whether a bearer token is asked for.
    """
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "hearsight",
            "version": __version__,
            "summary": "Turns a face and a voice into text while the person is still speaking.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/audio/transcriptions": {"post": _transcription(model)},
            "/v1/stream": {"get": _stream()},
            "/v1/models": {"get": _get("The model being served, as OpenAI lists it.", "application/json")},
            "/health": {"get": _get("Whether the process lives.", "application/json")},
            "/ready": {
                "get": {
                    **_get("Whether another stream would be taken.", "application/json"),
                    "responses": {
                        "200": {"description": "It would."},
                        "503": {"description": "It would not; `message` says why."},
                    },
                }
            },
            "/metrics": {"get": _get("Figures for Prometheus.", "text/plain")},
        },
        "components": {"schemas": {"Error": _ERROR}},
    }
    if token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}


def _get(summary: str, content: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "Yes.", "content": {content: {}}}}}


def _transcription(model: str) -> dict[str, Any]:
    def choice(values: tuple[str, ...], default: str) -> dict[str, Any]:
        return {"type": "string", "enum": list(values), "default": default}

    fields = {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "Any recording FFmpeg reads; of a video, the lips are read too.",
        },
        "model": {"type": "string", "description": f"Any name; {model} answers."},
        "response_format": choice(FORMATS, "json"),
        "timestamp_granularities[]": {"type": "array", "items": choice(GRANULARITIES, "segment")},
        "stream": {"type": "boolean", "description": "Server-sent events, as the text becomes known."},
        "modality": choice(get_args(Modality), "av"),
        "progress": {"type": "boolean", "description": "With stream: events of our own, see the protocol."},
    }
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {
        "summary": "A recording to text, compatible with OpenAI's endpoint; takes video too.",
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "required": ["file"], "properties": fields}
                }
            },
        },
        "responses": {
            "200": {
                "description": "The text.",
                "content": {"application/json": {}, "text/plain": {}, "text/event-stream": {}},
            },
            "400": {"description": "The form or the recording cannot be read.", **error},
            "401": {"description": "The token is missing or wrong.", **error},
            "403": {"description": "The page that asks may not.", **error},
            "413": {"description": "The recording is too large or too long.", **error},
            "429": {"description": "Busy; Retry-After says when to try again.", **error},
        },
    }


def _stream() -> dict[str, Any]:
    return {
        "summary": "WebSocket of live captions.",
        "description": f"Sound and pictures in, partial and final captions out; see {PROTOCOL}.",
        "responses": {"101": {"description": "Switching to WebSocket."}},
    }


def page(document: dict[str, Any]) -> str:
    """The document to be read by people: no script, nothing from elsewhere."""
    title = html.escape(f"{document['info']['title']} {document['info']['version']}")
    parts = [f"<h1>{title}</h1><p>{html.escape(document['info']['summary'])}</p>"]
    parts.append('<p>For programs: <a href="openapi.json">openapi.json</a></p>')
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(method, path, operation))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><body>' + "".join(parts) + "</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"]
    lines += [
        f"<p>{html.escape(operation[key])}</p>" for key in ("summary", "description") if key in operation
    ]
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        rows = "".join(_row(name, field) for name, field in body["schema"]["properties"].items())
        lines.append(f"<p><code>{kind}</code></p><table>{rows}</table>")
    answers = "".join(
        f"<tr><th>{status}<td>{html.escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    return "".join(lines) + f"<table>{answers}</table>"


def _row(name: str, field: dict[str, Any]) -> str:
    values = field.get("enum") or field.get("items", {}).get("enum") or [field["type"]]
    cells = [html.escape(", ".join(values)), html.escape(field.get("description", ""))]
    return f"<tr><th><code>{html.escape(name)}</code><td>" + "<td>".join(cells)
