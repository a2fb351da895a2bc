"""Reading and judging bodies that are JSON, the same for pictures and texts."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from providers.offline.errors import ApiError, invalid_request

Parameters = TypeVar("Parameters", bound=BaseModel)


async def read_object(request: Request) -> Mapping[str, object]:
    """Return the fields of a body.

    Raises:
        ApiError: it is no JSON object.
    """
    try:
        fields = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise invalid_request("The body is not valid JSON.", code=None) from error
    if not isinstance(fields, dict):
        raise invalid_request("The body must be a JSON object.", code=None)
    return fields


def judged(kind: type[Parameters], fields: Mapping[str, object]) -> Parameters:
    """Return fields as parameters.

    Raises:
        ApiError: one is missing, unknown or wrong; it is named.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as invalid:
        raise _as_api_error(invalid) from invalid


def printable(text: str) -> str:
    """Return a text that can be written down: a lone surrogate is valid in JSON and in no file."""
    return text.encode(errors="replace").decode()


def _as_api_error(invalid: ValidationError) -> ApiError:
    first = invalid.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    match first["type"]:
        case "missing":
            return invalid_request(
                f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
            )
        case "extra_forbidden":
            return invalid_request(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        case _:
            problem = first["msg"].removeprefix("Value error, ")
            return invalid_request(f"Invalid value for '{name}': {problem}.", param=name)
