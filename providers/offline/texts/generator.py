"""Writing a document for any JSON schema: valid, small, and always the same for the same prompt."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from providers.offline.dice import Dice
from providers.offline.errors import invalid_request
from providers.offline.texts.strict import resolved

_SENTENCES = (
    "The lamp in the window was left on for whoever comes late.",
    "A small door leads to a surprisingly large room.",
    "It rained all morning, and the afternoon apologised.",
    "Somebody has drawn a fish on the map, exactly where the sea begins.",
    "The clock is wrong twice a day, which is more than it admits.",
    "There was one biscuit left, and four good reasons to share it.",
)
_FORMATS = {
    "date-time": "2026-01-01T12:00:00Z",
    "date": "2026-01-01",
    "time": "12:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_SIMPLE = 6
"""Deeper than this, a document gets no more than it must have: a schema may refer to itself."""
_DEEPEST = 40
_MOST_ENTRIES = 10_000
_USUAL_ENTRIES = 2

Document = Any  # What JSON can hold; a recursive type would be narrower and say no more.


def sentence_for(prompt: str) -> str:
    """Return a plain sentence, where no form is asked for."""
    return Dice(prompt).pick("sentence", _SENTENCES)


def document_for(schema: Mapping[str, object], *, prompt: str) -> Document:
    """Return a document that fits a schema. Patterns are not followed.

    Raises:
        ApiError: the schema has no finite document, refers to nothing, or asks for very much.
    """
    return _Generator(schema, Dice(prompt)).document(schema, place="", depth=0)


class _Generator:
    def __init__(self, root: Mapping[str, object], dice: Dice) -> None:
        self._root = root
        self._dice = dice

    def document(self, schema: object, *, place: str, depth: int) -> Document:
        if depth > _DEEPEST:
            raise invalid_request(f"The schema has no finite document at {place[:60]}.", code="invalid_json_schema")
        if not isinstance(schema, Mapping):
            return self._sentence(place)
        if "$ref" in schema:
            target = resolved(schema["$ref"], root=self._root)
            if target is None:
                message = f"The schema refers to {schema['$ref']!r}, which leads nowhere."
                raise invalid_request(message, code="invalid_json_schema")
            return self.document(target, place=place, depth=depth + 1)
        if "const" in schema:
            return schema["const"]
        for keyword in ("enum", "anyOf", "oneOf", "allOf"):
            choices = schema.get(keyword)
            if isinstance(choices, list) and choices:
                return self._chosen(keyword, choices, place=place, depth=depth)
        return self._of_type(schema, place=place, depth=depth)

    def _chosen(self, keyword: str, choices: Sequence[object], *, place: str, depth: int) -> Document:
        if keyword == "enum":
            return self._dice.pick(place, choices)
        nothing = [choice for choice in choices if isinstance(choice, Mapping) and choice.get("type") == "null"]
        others = [choice for choice in choices if choice not in nothing]
        wanted = nothing if nothing and (depth > _SIMPLE or not others) else others
        return self.document(wanted[0], place=place, depth=depth + 1)

    def _of_type(self, schema: Mapping[str, object], *, place: str, depth: int) -> Document:
        named = schema.get("type", "object" if "properties" in schema else "string")
        kinds = named if isinstance(named, list) else [named]
        kind = next((kind for kind in kinds if kind != "null"), "null")
        written: Document = None
        match kind:
            case "object":
                written = self._object(schema, place=place, depth=depth)
            case "array":
                written = self._array(schema, place=place, depth=depth)
            case "integer":
                written = math.ceil(self._number(schema, place=place))
            case "number":
                written = self._number(schema, place=place)
            case "boolean":
                written = self._dice.flip(place)
            case "string":
                written = self._text(schema, place=place)
        return written

    def _object(self, schema: Mapping[str, object], *, place: str, depth: int) -> Document:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        return {
            name: self.document(child, place=f"{place}.{name}", depth=depth + 1) for name, child in properties.items()
        }

    def _array(self, schema: Mapping[str, object], *, place: str, depth: int) -> Document:
        least = _number_in(schema, "minItems", 0)
        most = _number_in(schema, "maxItems", math.inf)
        count = least if depth > _SIMPLE else min(max(least, _USUAL_ENTRIES), most)
        if count > _MOST_ENTRIES:
            raise invalid_request(f"More than {_MOST_ENTRIES} entries at {place[:60]}.", code="invalid_json_schema")
        items = schema.get("items")
        return [self.document(items, place=f"{place}.{number}", depth=depth + 1) for number in range(int(count))]

    def _number(self, schema: Mapping[str, object], *, place: str) -> float:
        low = max(_number_in(schema, "minimum", -math.inf), _number_in(schema, "exclusiveMinimum", -math.inf) + 1)
        high = min(_number_in(schema, "maximum", math.inf), _number_in(schema, "exclusiveMaximum", math.inf) - 1)
        if math.isinf(low):
            low = min(1.0, high)
        if math.isinf(high):
            high = low + 9
        # Whole steps up from the least: what fits a number fits an integer too.
        return low + math.floor(self._dice.fraction(place) * (math.floor(high - low) + 1)) if high >= low else low

    def _text(self, schema: Mapping[str, object], *, place: str) -> str:
        written = _FORMATS.get(str(schema.get("format")), self._sentence(place))
        least = int(min(_number_in(schema, "minLength", 0), _MOST_ENTRIES))
        most = _number_in(schema, "maxLength", math.inf)
        if len(written) < least:
            written = (written + " ") * (least // (len(written) + 1) + 1)
        return written if len(written) <= max(most, least) else written[: int(max(most, least))]

    def _sentence(self, place: str) -> str:
        return self._dice.pick(place, _SENTENCES)


def _number_in(schema: Mapping[str, object], keyword: str, default: float) -> float:
    value = schema.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return value
