"""The description of the API for programs: which problems each call answers with."""

from typing import Any, Final

from fastapi import FastAPI

from sessions.problems import MEDIA_TYPE, Problem

_SCHEMAS: Final = "#/components/schemas/"
_MEANINGS: Final = {
    400: "The request cannot be read.",
    401: "A key is needed.",
    403: "Another site sent this request.",
    404: "There is no such thing.",
    409: "The state of things does not allow this; nothing has changed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Something in the request is wrong; nothing has happened.",
    500: "Something broke.",
    503: "Temporal, the records or the artifacts are out of reach, or more is asked for than can be begun; try again.",
}
_EVERYWHERE: Final = (400, 401, 422, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of problems that a call answers with, beside those that every call may."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    return {
        status: {"description": _MEANINGS[status], "content": content} for status in sorted({*_EVERYWHERE, *statuses})
    }


class DescribedApi(FastAPI):
    """An application whose description holds the schema of problems.

    Named as a response's ``model`` it would be described as ordinary JSON, which it is not.
    """

    def openapi(self) -> dict[str, Any]:
        """Return the description."""
        description = super().openapi()
        schema = Problem.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}", mode="serialization")
        schemas = description["components"]["schemas"]
        schemas.update(schema.pop("$defs", {}))
        schemas["Problem"] = schema
        return description
