"""HTTP answers that several addresses give."""

from __future__ import annotations

from starlette.responses import JSONResponse


class HttpError(Exception):
    """The request is answered by an error in OpenAI's form.

    Args:
        status: of HTTP.
        message: one sentence for people.
        code: for programs.
        param: the field of the form that is at fault.
        retry_s: when to try again.
    """

    def __init__(
        self, status: int, message: str, code: str, param: str | None = None, retry_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.param, self.retry_s = param, retry_s

    def body(self) -> dict[str, object]:
        """As OpenAI's clients read it."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The answer."""
        headers = {} if self.retry_s is None else {"Retry-After": str(self.retry_s)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers)
