"""What is read out of an answer: the text, the reason why there is none, and the usage in either case."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from providers.openai_written import written_chat, written_response
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
)
from sessions.money import Usage
from sessions.ports import Written
from tests.unit.providers.asking_texts import (
    COUNTED,
    PROMPT,
    TEXT,
    a_text_call,
    an_answer,
    completion,
    output_text,
    response,
)


def of_response(body: object) -> Written:
    return written_response(an_answer(body), call=a_text_call())


def of_chat(body: object) -> Written:
    return written_chat(an_answer(body), call=a_text_call())


def rejection(read: Callable[[object], Written], body: object) -> ContentRejected:
    with pytest.raises(ContentRejected) as caught:
        read(body)
    assert caught.value.request_id == "req_1"
    assert caught.value.advice
    return caught.value


class TestResponses:
    def test_the_text_is_what_all_messages_hold(self) -> None:
        """In their order, over all parts; reasoning and calls of tools are no text."""
        output = [
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "message", "content": [output_text('{"a"'), output_text(": 1")]},
            {"type": "function_call", "arguments": "{}"},
            {"type": "message", "content": [output_text("}")]},
        ]
        expected = Written(text='{"a": 1}', model="gpt-6-luna", request_id="req_1", usage=COUNTED)
        assert expected == of_response(response(output=output))

    def test_commentary_is_no_part_of_the_text(self) -> None:
        """What a model says on its way would make the JSON unreadable."""
        output = [
            {"type": "message", "phase": "commentary", "content": [output_text("Let me think.")]},
            {"type": "message", "phase": "final_answer", "content": [output_text()]},
        ]
        assert TEXT == of_response(response(output=output)).text

    def test_an_answer_without_a_status_is_taken(self) -> None:
        """Compatible servers leave out what they have no use for."""
        assert TEXT == of_response({"output": [{"type": "message", "content": [output_text()]}]}).text

    @pytest.mark.parametrize("parts", [[output_text('{"title": "The')], []], ids=["half a text", "nothing"])
    def test_a_cut_off_answer_says_so_and_keeps_its_usage(self, parts: list[object]) -> None:
        """Half a document is no document, and was billed."""
        details = {"reason": "max_output_tokens"}
        body = response(*parts, status="incomplete", incomplete_details=details)
        failure = rejection(of_response, body)
        assert failure.message == "The provider's answer was cut off before its end (max_output_tokens)."
        assert "fewer segments in a set" in failure.advice
        assert failure.usage == COUNTED

    def test_a_model_whose_answer_was_cut_off_is_asked_for_a_shorter_one(self) -> None:
        """The same words would be cut off again."""
        failure = rejection(of_response, response(status="incomplete"))
        assert "shorter" in (failure.correction or "")

    def test_a_filtered_answer_says_so_and_keeps_its_usage(self) -> None:
        """The content is to be changed, not the length."""
        body = response(output_text("{"), status="incomplete", incomplete_details={"reason": "content_filter"})
        failure = rejection(of_response, body)
        assert "content filter" in failure.message
        assert "milder" in failure.advice
        assert failure.usage == COUNTED

    @pytest.mark.parametrize("details", [None, [], "x", {"reason": None}, {"reason": 5}])
    def test_an_incomplete_answer_without_a_reason_is_cut_off(self, details: object) -> None:
        """That it is not whole is what matters."""
        failure = rejection(of_response, response(output_text(), status="incomplete", incomplete_details=details))
        assert failure.message == "The provider's answer was cut off before its end."

    def test_a_refusal_is_told_in_the_words_of_the_model(self) -> None:
        """Without the prompt, which it may repeat, and with the usage."""
        refusal = {"type": "refusal", "refusal": f"I cannot write this: {PROMPT}"}
        failure = rejection(of_response, response(output_text(), refusal))
        assert failure.message == "The model refused to write it: I cannot write this: [prompt]"
        assert "another idea" in failure.advice
        assert failure.usage == COUNTED

    @pytest.mark.parametrize("words", [None, "", 5, []])
    def test_a_refusal_without_words_is_one(self, words: object) -> None:
        """Whatever stands there, there is no text."""
        failure = rejection(of_response, response({"type": "refusal", "refusal": words}))
        assert failure.message == "The model refused to write it."

    @pytest.mark.parametrize("status", ["cancelled", "in_progress", "queued"])
    def test_an_answer_that_is_not_finished_is_none(self, status: str) -> None:
        """The document may go on elsewhere, but nobody will fetch it."""
        failure = rejection(of_response, response(output_text(), status=status))
        assert status in failure.message
        assert failure.usage == COUNTED

    @pytest.mark.parametrize(
        "output",
        [
            None,
            [],
            {},
            "text",
            [None],
            [{"type": "message"}],
            [{"type": "message", "content": None}],
            [{"type": "message", "content": [None, 1, {}]}],
            [{"type": "message", "content": [output_text(None), output_text(7), output_text({})]}],
            [{"type": "message", "content": [output_text(" \n")]}],
        ],
    )
    def test_an_answer_without_text_keeps_its_usage(self, output: object) -> None:
        """An empty answer was billed all the same."""
        failure = rejection(of_response, response(output=output))
        assert failure.message == "The provider's answer holds no text."
        assert failure.usage == COUNTED


class TestFailedResponses:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("rate_limit_exceeded", Throttled),
            ("server_is_overloaded", Throttled),
            ("server_error", TransientFailure),
            ("vector_store_timeout", TransientFailure),
            ("something_new", TransientFailure),
            ("insufficient_quota", BillingStopped),
            ("invalid_prompt", ContentRejected),
            ("bio_policy", ContentRejected),
            ("misalignment_policy_violation", ContentRejected),
            ("context_length_exceeded", PermanentFailure),
            ("data_residency_mismatch", PermanentFailure),
            (None, TransientFailure),
        ],
    )
    def test_a_failed_response_is_judged_like_the_error_of_the_same_name(
        self, code: str | None, kind: type[AttemptError]
    ) -> None:
        """It comes with the status 200, and still is what it says."""
        body = response(status="failed", error={"code": code, "message": "Sorry."}, output=[], usage=None)
        with pytest.raises(AttemptError) as caught:
            of_response(body)
        assert kind is type(caught.value)
        assert "Sorry." in caught.value.message
        assert caught.value.request_id == "req_1"

    @pytest.mark.parametrize("code", ["server_error", "invalid_prompt", "insufficient_quota", "rate_limit_exceeded"])
    def test_a_failed_response_keeps_its_usage(self, code: str) -> None:
        """Even an overload that was billed: it fails the attempt, since waiting would lose what it cost."""
        with pytest.raises(AttemptError) as caught:
            of_response(response(status="failed", error={"code": code, "message": "Sorry."}))
        assert caught.value.usage == COUNTED

    def test_an_overload_that_counted_nothing_is_waited_for(self) -> None:
        """Zero tokens are no bill."""
        usage = {"input_tokens": 0, "output_tokens": 0}
        body = response(status="failed", error={"code": "rate_limit_exceeded", "message": ""}, usage=usage)
        with pytest.raises(Throttled) as caught:
            written_response(an_answer(body, retry_after="7"), call=a_text_call())
        assert timedelta(seconds=7) == caught.value.retry_after

    def test_an_overload_that_was_billed_is_transient(self) -> None:
        """It is made again as another attempt, beside the one that was paid for."""
        with pytest.raises(TransientFailure):
            of_response(response(status="failed", error={"code": "rate_limit_exceeded", "message": ""}))

    def test_an_error_without_a_status_is_a_failure(self) -> None:
        """Gateways report what went wrong behind them with 200 and nothing else."""
        with pytest.raises(Throttled):
            of_response({"error": {"code": 429, "message": "Rate-limited upstream."}})

    @pytest.mark.parametrize("error", [None, [], "model not loaded", 5, {"code": [], "message": {}}])
    def test_a_failure_in_any_form_is_transient(self, error: object) -> None:
        """A failure that nobody explains may be gone in a moment."""
        with pytest.raises(TransientFailure):
            of_response(response(status="failed", error=error))

    def test_neither_key_nor_prompt_is_repeated(self) -> None:
        """Even where the provider quotes both."""
        error = {"code": "server_error", "message": f"hidden-1 asked for {PROMPT}"}
        with pytest.raises(TransientFailure) as caught:
            of_response(response(status="failed", error=error))
        assert "hidden-1" not in caught.value.message
        assert "The last lamp" not in caught.value.message


class TestChat:
    @pytest.mark.parametrize(
        "content",
        [TEXT, [{"type": "text", "text": TEXT}], [{"type": "text", "text": TEXT[:5]}, output_text(TEXT[5:])]],
        ids=["text", "a part", "parts"],
    )
    def test_the_text_is_read_in_either_form(self, content: object) -> None:
        """Most servers send a text, some a list of parts."""
        expected = Written(text=TEXT, model="gpt-6-luna", request_id="req_1", usage=COUNTED)
        assert expected == of_chat(completion(content))

    @pytest.mark.parametrize("reason", ["stop", None, "eos"])
    def test_a_server_may_name_the_end_as_it_likes(self, reason: str | None) -> None:
        """Only the names of a broken end are known."""
        assert TEXT == of_chat(completion(finish_reason=reason)).text

    @pytest.mark.parametrize("content", ['{"title": "The', "", None])
    def test_a_cut_off_answer_says_so_and_keeps_its_usage(self, content: str | None) -> None:
        """Half a document is no document, and was billed."""
        failure = rejection(of_chat, completion(content, finish_reason="length"))
        assert failure.message == "The provider's answer was cut off before its end (length)."
        assert failure.usage == COUNTED

    def test_a_filtered_answer_says_so_and_keeps_its_usage(self) -> None:
        """The content is to be changed, not the length."""
        failure = rejection(of_chat, completion(finish_reason="content_filter"))
        assert "content filter" in failure.message
        assert failure.usage == COUNTED

    @pytest.mark.parametrize(
        "message",
        [
            {"content": None, "refusal": f"No: {PROMPT}"},
            {"content": [{"type": "refusal", "refusal": f"No: {PROMPT}"}]},
        ],
        ids=["as a field", "as a part"],
    )
    def test_a_refusal_is_told_in_the_words_of_the_model(self, message: object) -> None:
        """Without the prompt, and with the usage."""
        body = completion(choices=[{"finish_reason": "stop", "message": message}])
        failure = rejection(of_chat, body)
        assert failure.message == "The model refused to write it: No: [prompt]"
        assert failure.usage == COUNTED

    @pytest.mark.parametrize("content", [None, "", "  \n", [], {}, 5, [{"type": "image_url"}], [None]])
    def test_an_answer_without_text_keeps_its_usage(self, content: object) -> None:
        """An empty answer was billed all the same."""
        failure = rejection(of_chat, completion(content))
        assert failure.message == "The provider's answer holds no text."
        assert failure.usage == COUNTED

    @pytest.mark.parametrize("choices", [None, [], {}, "x", [None], [{}], [{"message": None}], [{"message": []}]])
    def test_an_answer_without_a_choice_keeps_its_usage(self, choices: object) -> None:
        """Nor does it break anything."""
        assert rejection(of_chat, completion(choices=choices)).usage == COUNTED

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            ({"code": 429, "message": "Rate-limited upstream."}, Throttled),
            ({"code": 402, "message": "No credit."}, BillingStopped),
            ({"code": 502, "message": "Upstream is gone."}, TransientFailure),
            ({"code": 400, "type": "exceed_context_size_error", "message": "Too long."}, PermanentFailure),
            ({"type": "invalid_request_error", "message": "No."}, PermanentFailure),
            ("the model is gone", TransientFailure),
        ],
    )
    @pytest.mark.parametrize("place", ["call", "choice"])
    def test_an_error_that_a_gateway_reports_with_200_is_judged_by_its_code(
        self, error: object, kind: type[AttemptError], place: str
    ) -> None:
        """Gateways pass on the status they got themselves, for the call or for the choice."""
        body = {"error": error} if place == "call" else {"choices": [{"finish_reason": "error", "error": error}]}
        with pytest.raises(kind):
            of_chat(body)


class TestUsage:
    @pytest.mark.parametrize(
        ("read", "written", "counted"),
        [
            (12, 34, Usage(input_tokens=12, output_tokens=34)),
            (12.0, 34, Usage(input_tokens=12, output_tokens=34)),
            (0, 0, Usage()),
            (12, None, Usage(input_tokens=12)),
            (-1, 34, Usage(output_tokens=34)),
            (1.5, 34, Usage(output_tokens=34)),
            ("12", 34, Usage(output_tokens=34)),
            (True, 34, Usage(output_tokens=34)),
            (10**30, 34, Usage(output_tokens=34)),
            (float("nan"), float("inf"), None),
            (None, None, None),
            ([], {}, None),
        ],
    )
    def test_a_text_is_not_lost_to_usage_that_makes_no_sense(
        self, read: object, written: object, counted: Usage | None
    ) -> None:
        """Compatible servers count differently or not at all; what does make sense is kept."""
        of_responses = {"input_tokens": read, "output_tokens": written}
        of_chats = {"prompt_tokens": read, "completion_tokens": written}
        assert counted == of_response(response(output_text(), usage=of_responses)).usage
        assert counted == of_chat(completion(usage=of_chats)).usage

    @pytest.mark.parametrize("usage", [None, [], "many", 5, {}])
    def test_a_server_need_not_count(self, usage: object) -> None:
        """Then nothing is known of what it used."""
        assert of_response(response(output_text(), usage=usage)).usage is None
        assert of_chat(completion(usage=usage)).usage is None
