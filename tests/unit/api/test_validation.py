from typing import Any

import pytest

from api.validation import field_problems, summary_of
from sessions.problems import FieldProblem


def raw(kind: str, *loc: str | int, **context: object) -> Any:
    """Return an error as pydantic tells it."""
    return {"type": kind, "loc": loc, "msg": "Input should be something else", "ctx": context}


def test_a_pointer_leads_into_the_body() -> None:
    """Names are escaped as JSON pointers and URI fragments want it."""
    (problem,) = field_problems([raw("missing", "body", "a/b~c", 0, "d e")])
    assert FieldProblem(pointer="#/a~1b~0c/0/d%20e", detail="is required") == problem


def test_what_is_outside_the_body_is_named() -> None:
    """Parameters and headers have no pointer."""
    errors = [raw("greater_than_equal", "query", "limit", ge=1), raw("missing", "header", "Key")]
    limit = FieldProblem(parameter="limit", detail="must be at least 1")
    assert (limit, FieldProblem(header="Key", detail="is required")) == field_problems(errors)


@pytest.mark.parametrize("name", ["\ud800", "\udfff/\0", "x" * 100_000, ""])
def test_names_that_cannot_be_shown_still_make_a_problem(name: str) -> None:
    """Half surrogates, control characters and huge names come from whoever sends them."""
    (problem,) = field_problems([raw("extra_forbidden", "body", name)])
    assert len(problem.model_dump_json()) < 500


def test_an_error_nobody_thought_of_keeps_its_words() -> None:
    """A new kind of error is told in the library's words, turned to fit after a name."""
    assert "size: must be something else." == summary_of(field_problems([raw("unheard_of", "body", "size")]))


def test_sentences_name_the_field_and_end() -> None:
    """One sentence a mistake; a mistake of the whole body stands by itself."""
    problems = field_problems([raw("too_long", "body", "images", max_length=1), raw("model_type", "body")])
    assert "images: may have at most 1 entry. The body must be an object." == summary_of(problems)


def test_a_list_that_is_only_wrong_is_not_called_short() -> None:
    """Entries that are wrong are not counted by the library; its complaint about their number is dropped."""
    errors = [
        raw("enum", "body", "images", 0, "type", expected="'main'"),
        raw("too_short", "body", "images", min_length=1),
    ]
    assert ["#/images/0/type"] == [problem.pointer for problem in field_problems(errors)]


def test_no_more_than_twenty_mistakes_are_told() -> None:
    """A request with thousands of mistakes gets a short answer."""
    assert 20 == len(field_problems([raw("missing", "body", number) for number in range(5000)]))
