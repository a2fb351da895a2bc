"""Whatever arrives in place of an answer is borne: web pages, broken JSON, any JSON, any bytes."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.openai_written import written_chat, written_response
from sessions.errors import AttemptError, PermanentFailure, UncertainOutcome
from sessions.ports import Written
from tests.unit.providers.asking_texts import TEXT, a_text_call, an_answer, completion, output_text, response

READERS = {"responses": written_response, "chat": written_chat}
ODD: list[object] = [
    None,
    True,
    -1,
    1.5,
    10**400,
    "",
    "failed",
    "incomplete",
    "error",
    "refusal",
    "message",
    [],
    [[]],
    {},
    {"code": {}},
]
NAMES = (
    "choices code completion_tokens content error finish_reason incomplete_details input_tokens message output phase "
    "reason refusal status text type usage"
)


def nested(children: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(children) | st.dictionaries(st.sampled_from(NAMES.split()) | st.text(), children)


def with_one_odd_field(value: object, *, data: st.DataObject) -> object:
    """Walk down a random way and put something odd at its end."""
    goes_on = data.draw(st.integers(0, 4)) > 0
    if goes_on and isinstance(value, dict) and value:
        name = data.draw(st.sampled_from(sorted(value)))
        return {**value, name: with_one_odd_field(value[name], data=data)}
    if goes_on and isinstance(value, list) and value:
        index = data.draw(st.integers(0, len(value) - 1))
        return [*value[:index], with_one_odd_field(value[index], data=data), *value[index + 1 :]]
    return data.draw(st.sampled_from(ODD))


def assert_borne(read: Callable[..., Written], body: bytes) -> None:
    """What comes of it is a text or an understood failure."""
    try:
        text = read(an_answer(body), call=a_text_call()).text
    except AttemptError as failure:
        text = failure.message
    assert text.strip()
    text.encode()


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
class TestForms:
    @pytest.mark.parametrize("media_type", ["text/html; charset=utf-8", "application/xhtml+xml", "TEXT/HTML"])
    def test_a_web_page_is_no_answer(self, read: Callable[..., Written], media_type: str) -> None:
        """A base address without its /v1 often leads to a page, which is no paid answer."""
        with pytest.raises(PermanentFailure, match="a web page") as caught:
            read(an_answer(b"<html></html>", media_type=media_type), call=a_text_call())
        assert "OPENAI_BASE_URL" in caught.value.advice
        assert caught.value.request_id == "req_1"

    @pytest.mark.parametrize("media_type", ["text/plain", "text/event-stream"])
    def test_another_kind_of_text_is_no_answer(self, read: Callable[..., Written], media_type: str) -> None:
        """Something that speaks another language answers at that address."""
        with pytest.raises(PermanentFailure, match=media_type):
            read(an_answer(b"data: {}\n\n", media_type=media_type), call=a_text_call())

    @pytest.mark.parametrize(
        "body",
        [b"", b'{"id": "resp', b"\xff\xfe", b"[" * 10_000, b'{"usage": 1' + b"0" * 5000 + b"}", b"{} {}", b'"\\ud800"'],
    )
    def test_an_unreadable_answer_is_uncertain(self, read: Callable[..., Written], body: bytes) -> None:
        """It was accepted, so it was probably made and billed."""
        with pytest.raises(UncertainOutcome) as caught:
            read(an_answer(body), call=a_text_call())
        assert caught.value.request_id == "req_1"

    def test_json_that_is_called_a_text_is_read(self, read: Callable[..., Written]) -> None:
        """Some servers know no better."""
        body = response(output_text()) if read is written_response else completion()
        assert TEXT == read(an_answer(body, media_type="text/plain"), call=a_text_call()).text

    @given(body=st.binary())
    def test_any_bytes_are_borne(self, read: Callable[..., Written], body: bytes) -> None:
        """Whatever arrives, it is a text or an understood failure."""
        assert_borne(read, body)

    @given(body=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), nested))
    def test_any_json_is_borne(self, read: Callable[..., Written], body: object) -> None:
        """Whatever arrives, it is a text or an understood failure."""
        assert_borne(read, json.dumps(body).encode())

    @given(data=st.data())
    def test_any_answer_with_one_odd_field_is_borne(self, read: Callable[..., Written], data: st.DataObject) -> None:
        """Wherever in a good answer something else stands, it is a text or an understood failure."""
        body: object = response(output_text()) if read is written_response else completion()
        assert_borne(read, json.dumps(with_one_odd_field(body, data=data)).encode())
