"""What people type into forms, as requests take it. What cannot be read is left as it is: the request then says why."""

import secrets
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Self, TypeVar, cast

from fastapi import Form
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData

from api.validation import RawError, is_aftermath
from sessions.model import RequestModel

_MOST_DIGITS: Final = 10

RequestT = TypeVar("RequestT", bound=RequestModel)

TypedText = Annotated[str, Form(max_length=100_000)]


class TypedForm(RequestModel):
    """A form as it was filled in: texts, and of choices any number. ``token`` tells it from others like it."""

    token: str = ""

    def renewed(self) -> Self:
        """Return the same as another form, which starts something of its own."""
        return self.model_copy(update={"token": secrets.token_hex(8)})

    def differs_in(self, names: Iterable[str]) -> bool:
        """Whether any of these fields is not as the form has it when nothing is filled in."""
        return any(getattr(self, name) != type(self).model_fields[name].default for name in names)

    @classmethod
    def sent(cls, data: FormData) -> Self:
        """Return the form that a browser has sent. Fields that it did not send have their defaults."""
        values: dict[str, str | tuple[str, ...]] = {}
        for name, field in cls.model_fields.items():
            if given := tuple(value for value in data.getlist(name) if isinstance(value, str)):
                values[name] = given[-1] if field.annotation is str else given
        return cls.model_validate(values)


def lines(text: str) -> tuple[str, ...]:
    """Return the lines that say something, without the spaces around them."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def line_number(text: str, index: int) -> int:
    """Return the number, from 1, by which a person counts one of `lines`: blank ones count, too."""
    return [number for number, line in enumerate(text.splitlines(), start=1) if line.strip()][index]


def whole_number(text: str) -> int | str | None:
    """Return a whole number, None for nothing."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < _MOST_DIGITS else text or None


def amount(text: str) -> float | str | None:
    """Return an amount in US dollars, with or without its sign, None for nothing."""
    text = text.strip()
    try:
        return float(Decimal(text.removeprefix("$"))) if text else None
    except InvalidOperation:
        return text


def typed(text: str) -> str | None:
    """Return what a person typed with the line ends of a text, None for nothing: browsers send those of the network."""
    return "\n".join(text.splitlines()).strip() or None


def asked(model: type[RequestT], **values: Any) -> RequestT:
    """Return what a form asks for.

    Raises:
        RequestValidationError: something in it cannot be.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = cast(list[RawError], error.errors(include_url=False, include_input=False))
        told = [raw for raw in errors if not is_aftermath(raw, errors=errors)]
        raise RequestValidationError([{**raw, "loc": ("body", *_label(raw["loc"]))} for raw in told]) from error


def _label(place: Sequence[int | str]) -> tuple[str, ...]:
    """Return what a person reads beside the field that a mistake is in."""
    return tuple(str(name).removesuffix("_usd").replace("_", " ").capitalize() for name in place[-1:])
