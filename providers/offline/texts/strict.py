"""Judging a JSON schema the way strict structured output does, in its essentials."""

from collections.abc import Mapping
from typing import Final

from providers.offline.errors import ApiError, invalid_request
from providers.offline.texts.vocabulary import listed

_UNSUPPORTED: Final = listed("""
    allOf oneOf not if then else dependentRequired dependentSchemas patternProperties propertyNames
    minProperties maxProperties unevaluatedProperties unevaluatedItems contains minContains maxContains
    uniqueItems prefixItems default
""")
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_MAX_NESTING: Final = 10
_MAX_PROPERTIES: Final = 5000
_MAX_CHOICES: Final = 1000


def judge(schema: Mapping[str, object], *, name: str, param: str) -> None:
    """Say what is wrong with a schema.

    Args:
        schema: the JSON schema.
        name: what the request calls it.
        param: the parameter that holds it.

    Raises:
        ApiError: strict mode does not take it. The message tells the place and what to change.
    """
    _Judge(schema, name=name, param=param).judge()


class _Judge:
    def __init__(self, root: Mapping[str, object], *, name: str, param: str) -> None:
        self._root = root
        self._name = name
        self._param = param
        self._properties = 0
        self._choices = 0

    def judge(self) -> None:
        if self._root.get("type") != "object":
            raise self._wrong("", "the root must have the type 'object'")
        self._visit(self._root, place="", nesting=1)
        definitions = self._root.get("$defs", {})
        if not isinstance(definitions, Mapping):
            raise self._wrong("$defs", "must be an object")
        for key, definition in definitions.items():
            self._visit(definition, place=f"$defs.{key}", nesting=1)
        if self._properties > _MAX_PROPERTIES:
            raise self._wrong("", f"{self._properties} properties are more than {_MAX_PROPERTIES}")
        if self._choices > _MAX_CHOICES:
            raise self._wrong("", f"{self._choices} enum values are more than {_MAX_CHOICES}")

    def _visit(self, schema: object, *, place: str, nesting: int) -> None:
        if not isinstance(schema, Mapping):
            raise self._wrong(place, "must be a schema, as a JSON object")
        if nesting > _MAX_NESTING:
            raise self._wrong(place, f"is nested deeper than {_MAX_NESTING} levels")
        if unsupported := [keyword for keyword in _UNSUPPORTED if keyword in schema]:
            raise self._wrong(place, f"'{unsupported[0]}' is not supported")
        if "$ref" in schema:
            self._visit_reference(schema, place=place)
        elif "anyOf" in schema:
            self._visit_alternatives(schema["anyOf"], place=place, nesting=nesting)
        elif "enum" in schema or "const" in schema:
            self._visit_choices(schema, place=place)
        else:
            self._visit_type(schema, place=place, nesting=nesting)

    def _visit_reference(self, schema: Mapping[str, object], *, place: str) -> None:
        if others := [keyword for keyword in schema if keyword != "$ref"]:
            raise self._wrong(place, f"'$ref' must stand alone, without '{others[0]}'")
        if resolved(schema["$ref"], root=self._root) is None:
            raise self._wrong(place, f"'$ref' to {schema['$ref']!r} leads nowhere")

    def _visit_alternatives(self, alternatives: object, *, place: str, nesting: int) -> None:
        if not isinstance(alternatives, list) or not alternatives:
            raise self._wrong(place, "'anyOf' must be a list of schemas")
        for number, alternative in enumerate(alternatives):
            self._visit(alternative, place=_inside(place, f"anyOf.{number}"), nesting=nesting)

    def _visit_choices(self, schema: Mapping[str, object], *, place: str) -> None:
        choices = schema.get("enum", [schema.get("const")])
        if not isinstance(choices, list) or not choices:
            raise self._wrong(place, "'enum' must be a list of values")
        self._choices += len(choices)

    def _visit_type(self, schema: Mapping[str, object], *, place: str, nesting: int) -> None:
        named = schema.get("type")
        kinds = named if isinstance(named, list) else [named]
        if not kinds or not all(isinstance(kind, str) and kind in _TYPES for kind in kinds):
            raise self._wrong(place, "needs a 'type' that JSON schema knows, or 'anyOf', 'enum' or '$ref'")
        if "object" in kinds:
            self._visit_object(schema, place=place, nesting=nesting)
        if "array" in kinds:
            if "items" not in schema:
                raise self._wrong(place, "an array needs 'items'")
            self._visit(schema["items"], place=_inside(place, "items"), nesting=nesting + 1)

    def _visit_object(self, schema: Mapping[str, object], *, place: str, nesting: int) -> None:
        if schema.get("additionalProperties") is not False:
            raise self._wrong(place, "'additionalProperties' must be there and be false")
        properties = schema.get("properties", {})
        required = schema.get("required")
        if not isinstance(properties, Mapping):
            raise self._wrong(place, "'properties' must be an object")
        if not isinstance(required, list):
            raise self._wrong(place, "'required' must be there and list every property")
        if missing := [key for key in properties if key not in required]:
            raise self._wrong(place, f"'required' must list every property; '{missing[0]}' is missing")
        if unknown := [key for key in required if not isinstance(key, str) or key not in properties]:
            raise self._wrong(place, f"'required' lists '{unknown[0]}', which is no property")
        self._properties += len(properties)
        for key, child in properties.items():
            self._visit(child, place=_inside(place, f"properties.{key}"), nesting=nesting + 1)

    def _wrong(self, place: str, problem: str) -> ApiError:
        message = f"Invalid schema '{self._name}', {'at ' + place if place else 'at its root'}: {problem}."
        return invalid_request(message, param=self._param, code="invalid_json_schema")


def resolved(reference: object, *, root: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the schema that a ``$ref`` within the document names, or None where there is none."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: object = root
    for key in reference.removeprefix("#").removeprefix("/").split("/") if reference != "#" else ():
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found if isinstance(found, Mapping) else None


def _inside(place: str, step: str) -> str:
    return f"{place}.{step}" if place else step
