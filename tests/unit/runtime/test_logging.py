import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from runtime.logging import configure_logging
from runtime.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(Settings(), stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_context(stream: io.StringIO) -> None:
    """Each line is one JSON object with level, logger, event, what was bound, and an RFC 3339 time in UTC."""
    structlog.contextvars.bind_contextvars(session_id="s1", item="main", attempt=2)
    structlog.get_logger("activities").warning("attempt failed", prompt_sha256="ab")
    (line,) = lines(stream)
    at = datetime.fromisoformat(str(line.pop("timestamp")))
    assert timedelta(0) == at.utcoffset()
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    expected = {"event": "attempt failed", "level": "warning", "logger": "activities", "prompt_sha256": "ab"}
    assert {**expected, "session_id": "s1", "item": "main", "attempt": 2} == line


def test_the_standard_library_speaks_the_same_form(stream: io.StringIO) -> None:
    """Lines of other libraries have the same form, context and extras."""
    structlog.contextvars.bind_contextvars(session_id="s1")
    logging.getLogger("temporalio.worker").warning("%s is late", "it", extra={"temporal_activity": {"attempt": 1}})
    (line,) = lines(stream)
    assert ("it is late", "s1", {"attempt": 1}) == (line["event"], line["session_id"], line["temporal_activity"])


def test_prompts_and_secrets_are_hidden(stream: io.StringIO) -> None:
    """Values of telling keys, and whatever looks like a key in any text or exception, never reach the log."""
    logger = structlog.get_logger("x")
    logger.info("sent sk-proj-private1 to", prompt="private-words", headers={"Authorization": "Bearer private-words"})
    logger.info("url", url="postgresql://user:private-words@db/x", texts=["bearer private-words"])
    try:
        raise ValueError("Incorrect API key provided: sk-private-words")
    except ValueError:
        logger.exception("failed")
    assert "private" not in stream.getvalue()
    assert "postgresql://[hidden]@db/x" in stream.getvalue()


def test_counts_of_tokens_are_no_secret(stream: io.StringIO) -> None:
    """Keys that only sound alike keep their values."""
    structlog.get_logger("x").info("used", input_tokens=3, prompt_sha256="ab")
    (line,) = lines(stream)
    assert (3, "ab") == (line["input_tokens"], line["prompt_sha256"])


@pytest.mark.parametrize("name", ["uvicorn.access", "openai._base_client", "httpx2"])
def test_loggers_that_tell_requests_are_quiet_even_at_debug(name: str) -> None:
    """The vendor's SDK logs whole requests at debug level: those stay out at any level of ours."""
    stream = io.StringIO()
    configure_logging(Settings(log_level="DEBUG"), stream=stream)
    logging.getLogger(name).debug("request")
    logging.getLogger(name).info("request")
    logging.getLogger("ours").debug("seen")
    assert ["seen"] == [line["event"] for line in lines(stream)]


def test_a_terminal_gets_lines_for_people() -> None:
    """On a terminal a line is no JSON, unless the settings ask for it."""
    console, asked_for = Terminal(), Terminal()
    configure_logging(Settings(), stream=console)
    structlog.get_logger("x").info("hello")
    configure_logging(Settings(log_format="json"), stream=asked_for)
    structlog.get_logger("y").info("hello")
    assert "hello" in console.getvalue()
    assert not console.getvalue().startswith("{")
    assert ["hello"] == [line["event"] for line in lines(asked_for)]
