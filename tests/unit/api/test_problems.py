import logging
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from api.problems import STATUSES, problem_of
from runtime.settings import Settings
from service.errors import OutOfReachError, ServiceError, SessionNotFoundError
from sessions.records import InvalidCursorError
from tests.unit.api.in_memory import InMemory, application, client_of

SESSION = "/api/sessions/ses-aaaaaaaaaaaaaaaa"


def test_every_refusal_of_a_service_has_a_status() -> None:
    """A new way to refuse cannot be forgotten here, where it would become a 500."""
    assert set(ServiceError.__subclasses__()) <= set(STATUSES)


def test_a_subclass_has_the_status_of_its_parent() -> None:
    """An error that is a special case of another is answered like it."""

    class StillWarmingUpError(OutOfReachError):
        pass

    assert 503 == problem_of(StillWarmingUpError("Wait.")).status


def test_an_error_without_words_speaks_by_its_docstring() -> None:
    """The docstring of an error says what to do, as its message would."""
    assert "begin with the newest session" in problem_of(InvalidCursorError()).detail


def test_a_problem_says_what_the_service_says() -> None:
    """Services word their refusals for people; they are passed on as they are."""
    assert str(SessionNotFoundError("x")) == problem_of(SessionNotFoundError("x")).detail


async def test_out_of_reach_says_when_to_try_again(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """503 comes with Retry-After."""
    memory.is_down = True
    response = await client.get(SESSION)
    assert 503 == response.status_code
    assert "application/problem+json" == response.headers["content-type"]
    assert int(response.headers["retry-after"]) >= 1


async def test_before_temporal_has_answered_requests_are_put_off() -> None:
    """Nothing is built yet: whatever needs it answers 503, whatever does not answers as ever."""
    app = application(InMemory())
    app.state.backend.services = None
    async with client_of(app) as client:
        assert 503 == (await client.get(SESSION)).status_code
        assert 503 == (await client.get("/", headers={"Accept": "text/html"})).status_code
        assert 200 == (await client.get("/health/live")).status_code
        assert "retakes_records_up 0.0" in (await client.get("/metrics")).text


@pytest.fixture
async def broken(caplog: pytest.LogCaptureFixture) -> AsyncIterator[httpx2.AsyncClient]:
    app = application(InMemory())

    @app.get("/api/broken")
    async def broken() -> None:
        raise RuntimeError("the password is swordfish")

    async with client_of(app) as client:
        yield client


async def test_what_breaks_is_logged_and_not_told(broken: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """A person gets an id; what happened stands in the log under that id."""
    response = await broken.get("/api/broken", headers={"X-Request-ID": "from-outside-1"})
    assert 500 == response.status_code
    assert "application/problem+json" == response.headers["content-type"]
    assert "swordfish" not in response.text
    assert "from-outside-1" == response.headers["x-request-id"]
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert "from-outside-1" == vars(record)["request_id"]
    assert record.exc_info is not None


async def test_a_request_is_logged_without_what_it_holds(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Method, route, status, duration and id: no path, no body, no key."""
    with caplog.at_level(logging.INFO, logger="retakes.api"):
        await client.post(
            "/api/sessions/images?swordfish=1",
            json={"product": {"title": "swordfish"}},
            headers={"Authorization": "Bearer swordfish", "X-Request-ID": "spaces are not taken over"},
        )
        await client.get("/health/live")
    (record,) = caplog.records
    facts = vars(record)
    assert ("POST", "/api/sessions/images", 202) == (facts["method"], facts["route"], facts["status"])
    assert facts["duration_ms"] >= 0
    assert " " not in facts["request_id"]
    assert "swordfish" not in str(facts)


async def test_every_answer_forbids_what_the_page_does_not_need(client: httpx2.AsyncClient) -> None:
    """Scripts from elsewhere, guessed types and framing are forbidden on every answer, problems included."""
    for path in ("/", "/api/sessions", "/api/nothing", "/static/style.css"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "nosniff" == headers["x-content-type-options"]
        assert "same-origin" == headers["referrer-policy"]


async def test_the_description_tells_problems_and_nothing_of_the_frameworks(client: httpx2.AsyncClient) -> None:
    """Every call's problems are described as problem+json with their schema."""
    description = (await client.get("/api/openapi.json")).json()
    assert "HTTPValidationError" not in str(description)
    assert {"Problem", "FieldProblem"} <= set(description["components"]["schemas"])
    for path, operations in description["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if path.startswith("/api/") and int(status) >= 400:
                    assert ["application/problem+json"] == list(response["content"])


async def test_the_viewers_of_the_description_are_off(client: httpx2.AsyncClient) -> None:
    """They would load scripts from another site."""
    for path in ("/docs", "/redoc", "/api/docs"):
        assert 404 == (await client.get(path)).status_code


def test_the_application_is_built_without_reaching_anything(tmp_path: object) -> None:
    """Nothing is connected or created before the application starts."""
    from api.app import create_app

    assert isinstance(create_app(Settings()), FastAPI)
