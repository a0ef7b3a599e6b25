"""Errors as OpenAI's API words them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer with an error body; raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }
        self.headers: dict[str, str] = {}


def missing(name: str) -> ApiError:
    """A required parameter that is not there."""
    return ApiError(
        400, f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name
    )


def no_file(file_id: str) -> ApiError:
    """A file that was never uploaded, was deleted, or has expired."""
    return ApiError(404, f"No such File object: {file_id}", param="id")


def no_batch(batch_id: str) -> ApiError:
    """A batch that does not exist."""
    return ApiError(404, f"No batch found with id '{batch_id}'.")


def unseen_input(file_id: str) -> str:
    """The text about an input file that the API does not see, at create or at validation."""
    return f"Cannot find file {file_id}, or organization org-emulator does not have access to it."
