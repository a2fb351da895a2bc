"""Errors in OpenAI's form."""

import math
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from providers.offline.faults import (
    Auth,
    BadRequest,
    Fault,
    Forbidden,
    Moderation,
    NotFound,
    Quota,
    RateLimit,
    ServerError,
)

INVALID_REQUEST = "invalid_request_error"


class ModerationDetails(BaseModel):
    """Why content was blocked, and whether before or after it was made."""

    model_config = ConfigDict(frozen=True)

    categories: tuple[str, ...]
    moderation_stage: str


class ErrorDetail(BaseModel):
    """What is wrong."""

    model_config = ConfigDict(frozen=True)

    message: str
    type: str
    param: str | None = None
    code: str | None = None
    moderation_details: ModerationDetails | None = None


class ErrorBody(BaseModel):
    """The body of an answer that is an error."""

    model_config = ConfigDict(frozen=True)

    error: ErrorDetail

    def to_json(self) -> bytes:
        """Return the body; moderation details are left out where there are none, other fields never."""
        no_details = {"error": {"moderation_details"}} if self.error.moderation_details is None else None
        return self.model_dump_json(exclude=no_details).encode()


@dataclass
class ApiError(Exception):
    """An answer with an error status."""

    status: int
    detail: ErrorDetail
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail.message


def invalid_request(
    message: str, *, param: str | None = None, code: str | None = "invalid_value", status: int = 400
) -> ApiError:
    """Return the error of a request that is wrong in itself."""
    return ApiError(status, ErrorDetail(message=message, type=INVALID_REQUEST, param=param, code=code))


def moderation_blocked(fault: Moderation) -> ApiError:
    """Return the error of blocked content."""
    details = ModerationDetails(categories=fault.categories, moderation_stage=fault.stage)
    detail = ErrorDetail(
        message="The safety system rejected this request.",
        type="image_generation_user_error",
        code="moderation_blocked",
        moderation_details=details,
    )
    return ApiError(400, detail)


def planned_error(fault: Fault | None) -> ApiError | None:
    """Return the error a fault answers with, or None where it does not answer with one."""
    match fault:
        case RateLimit():
            detail = ErrorDetail(message="Too many requests; wait a little.", type="requests", code=fault.code)
            return ApiError(429, detail, _wait_headers(fault.retry_after))
        case Quota():
            message = "The quota is used up; check plan and billing."
            return ApiError(429, ErrorDetail(message=message, type="insufficient_quota", code=fault.code))
        case ServerError():
            return ApiError(fault.status, _server_detail(fault.status), _wait_headers(fault.retry_after))
        case Moderation():
            return moderation_blocked(fault)
        case BadRequest() | Auth() | Forbidden() | NotFound():
            return _rejected(fault)
        case _:
            return None


def _rejected(fault: BadRequest | Auth | Forbidden | NotFound) -> ApiError:
    match fault:
        case BadRequest():
            return invalid_request("The value of 'prompt' is not supported.", param="prompt")
        case Auth():
            return invalid_request("The API key is not valid.", code="invalid_api_key", status=401)
        case Forbidden():
            return invalid_request("The organization may not use this model.", code=None, status=403)
        case NotFound():
            return invalid_request("The model does not exist.", code="model_not_found", status=404)


def _server_detail(status: int) -> ErrorDetail:
    match status:
        case 503:
            return ErrorDetail(
                message="The server is overloaded.", type="service_unavailable_error", code="server_is_overloaded"
            )
        case 408:
            return ErrorDetail(message="The request took too long to arrive.", type="timeout")
        case 409:
            return ErrorDetail(message="The request conflicts with another.", type="conflict")
        case _:
            return ErrorDetail(message="The server failed while it worked on the request.", type="server_error")


def _wait_headers(wait: timedelta | None) -> dict[str, str]:
    """Return both headers of the real service: whole seconds, rounded up, and exact milliseconds."""
    if wait is None:
        return {}
    seconds = wait.total_seconds()
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(round(seconds * 1000))}
