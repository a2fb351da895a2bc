"""What a person is told to do when a text cannot be written: in the words of stories, not of pictures."""

import json

import httpx2
import openai
import pytest

from providers.openai_advice import ASKING_CHAT, ASKING_FOR_PICTURES, ASKING_RESPONSES, Advice
from providers.openai_errors import classified
from sessions.errors import AttemptError, ContentRejected, PermanentFailure, TransientFailure

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/responses")
OF_TEXTS = [ASKING_RESPONSES, ASKING_CHAT]


def of_status(status: int, *, advice: Advice, **error: object) -> AttemptError:
    """What an error comes to that the SDK itself made from a response."""
    response = httpx2.Response(status, content=json.dumps({"error": error}).encode(), request=REQUEST)
    with openai.OpenAI(api_key="k", base_url="http://127.0.0.1/v1") as client:
        return classified(client._make_status_error_from_response(response), prompt="", advice=advice)


@pytest.mark.parametrize("advice", OF_TEXTS, ids=["responses", "chat"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 501, 503])
def test_nobody_who_wants_a_story_is_told_of_pictures(advice: Advice, status: int) -> None:
    """Neither of photos, nor of the setting for the model that draws."""
    failure = of_status(status, advice=advice, message="Words.")
    said = (failure.message + failure.advice).casefold()
    assert not [word for word in ("photo", "picture", "image") if word in said]


@pytest.mark.parametrize("status", [403, 404, 501])
def test_another_model_is_named_by_the_right_setting(status: int) -> None:
    """Texts and pictures have a model each."""
    assert "RETAKES_TEXT_MODEL" in of_status(status, advice=ASKING_RESPONSES).advice
    assert "RETAKES_IMAGE_MODEL" in of_status(status, advice=ASKING_FOR_PICTURES).advice


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_the_api_is_met_with_the_other_one(status: int) -> None:
    """Many servers have only chat completions."""
    assert "RETAKES_TEXT_API=chat" in of_status(status, advice=ASKING_RESPONSES).advice
    assert "RETAKES_TEXT_API=responses" in of_status(status, advice=ASKING_CHAT).advice


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Unsupported value.", "param": "response_format"},
        {"message": "Unsupported value.", "param": "text.format"},
        {"message": "This model does not support response format `json_schema`."},
        {"message": "This response_format type is unavailable now"},
        {"message": "JSON schema conversion failed: unsupported"},
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_writes_by_no_schema_is_told_as_such(status: int, error: dict[str, object]) -> None:
    """Changing the request would not help: another model or server does."""
    failure = of_status(status, advice=ASKING_CHAT, **error)
    assert isinstance(failure, PermanentFailure)
    assert "does not write by this JSON schema" in failure.advice


def test_any_other_bad_request_names_what_to_change() -> None:
    """As for pictures."""
    assert "`model`" in of_status(400, advice=ASKING_CHAT, param="model", message="No.").advice


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": "context_length_exceeded"}),
        (400, {"code": 400, "type": "exceed_context_size_error", "n_ctx": 4096}),
        (500, {"code": 500, "type": "exceed_context_size_error"}),
    ],
)
def test_a_prompt_that_is_too_long_for_the_model_is_not_sent_again(status: int, error: dict[str, object]) -> None:
    """It says what to shorten, whichever status the server chose."""
    failure = of_status(status, advice=ASKING_CHAT, message="Too long.", **error)
    assert isinstance(failure, PermanentFailure)
    assert "too long for the model" in failure.message
    assert "fewer segments in a set" in failure.advice


def test_the_name_of_an_error_is_not_hidden_by_its_status() -> None:
    """Some servers repeat the status as the code."""
    failure = of_status(400, advice=ASKING_CHAT, code=400, type="exceed_context_size_error", message="Too long.")
    assert "(400 exceed_context_size_error): Too long." in failure.message


def test_what_a_server_has_not_built_does_not_come_by_waiting() -> None:
    """501 is no fault that passes, unlike 500."""
    assert isinstance(of_status(501, advice=ASKING_CHAT, type="not_supported_error"), PermanentFailure)
    assert isinstance(of_status(500, advice=ASKING_CHAT, type="server_error"), TransientFailure)


def test_a_refused_prompt_is_to_be_reworded() -> None:
    """By the note, the idea or the characters, which are what a person gave."""
    failure = of_status(400, advice=ASKING_RESPONSES, code="invalid_prompt", message="No.")
    assert isinstance(failure, ContentRejected)
    assert "another idea or other characters" in failure.advice


def test_the_stage_of_a_moderation_speaks_of_texts() -> None:
    """There is nothing but the prompt and what was written."""
    details = {"categories": ["violence"], "moderation_stage": "input"}
    failure = of_status(400, advice=ASKING_CHAT, code="moderation_blocked", moderation_details=details)
    assert "seen in the prompt)" in failure.message
