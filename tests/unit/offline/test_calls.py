"""The log of calls."""

import hashlib
from pathlib import Path

from providers.offline.calls import Asked, Call, CallLog


def enter(log: CallLog, prompt: str | None = "Product: Mug") -> Call:
    return log.received(
        Asked(model="gpt-image-2", prompt=prompt, size="1024x1024", quality="low", images=1),
        method="POST",
        path="/v1/images/edits",
        request_id="req_1",
        fault=None,
        has_key=True,
    )


def test_calls_are_numbered_in_the_order_of_arrival() -> None:
    """Each call has the next number, and can be asked for from a number on."""
    log = CallLog()
    first, second = enter(log), enter(log)

    assert [first.n, second.n] == [1, 2]
    assert (first, second) == log.since()
    assert (second,) == log.since(1)


def test_end_of_a_call_is_entered_at_its_place() -> None:
    """A call keeps its place and gains its status."""
    log = CallLog()
    first, second = enter(log), enter(log)
    log.ended(first.n, status=200, answered=True)

    assert [(call.status, call.answered) for call in log.since()] == [(200, True), (None, False)]
    assert second == log.since()[1]


def test_log_survives_its_process(tmp_path: Path) -> None:
    """Another log on the same file knows all calls, also those whose end was never written, and counts on."""
    path = tmp_path / "calls.jsonl"
    log = CallLog(path)
    enter(log)
    enter(log)
    log.ended(1, status=500, answered=True)
    log.close()

    revived = CallLog(path)
    third = enter(revived)
    revived.close()

    assert [(call.n, call.status) for call in revived.since()] == [(1, 500), (2, None), (3, None)]
    assert third.n == 3


def test_line_cut_off_by_a_kill_harms_no_other(tmp_path: Path) -> None:
    """Half a line at the end of the file is passed over, and the next call is not glued to it."""
    path = tmp_path / "calls.jsonl"
    log = CallLog(path)
    enter(log)
    log.close()
    with path.open("a") as file:
        file.write('{"n": 2, "prom')

    revived = CallLog(path)
    enter(revived)
    revived.close()
    again = CallLog(path)
    again.close()

    assert [call.n for call in again.since()] == [1, 2]


def test_cleared_log_is_empty_in_the_file_too(tmp_path: Path) -> None:
    """After clearing, a call still under way is not brought back, and numbers go on."""
    path = tmp_path / "calls.jsonl"
    log = CallLog(path)
    enter(log)
    log.clear()
    log.ended(1, status=200, answered=True)
    later = enter(log)
    log.close()

    assert later.n == 2
    assert [call.n for call in log.since()] == [2]
    assert len(path.read_text().splitlines()) == 1


def test_prompt_hash_is_of_the_prompt() -> None:
    """The hash is SHA-256 of the text in UTF-8, as in the product's ledger; without a prompt there is none."""
    assert hashlib.sha256("Product: Größe".encode()).hexdigest() == enter(CallLog(), "Product: Größe").prompt_sha256
    assert enter(CallLog(), prompt=None).prompt_sha256 is None
