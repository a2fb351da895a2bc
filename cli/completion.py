"""Completion in the shell: ids and keys, asked of the server. Whatever goes wrong, there are just none."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import typer

if TYPE_CHECKING:
    from client.call import Call
    from sessions.view import SessionView

_PATIENCE: Final = timedelta(seconds=1)

T = TypeVar("T")


def session_ids(incomplete: str) -> list[tuple[str, str]]:
    """Return the newest sessions, each with its title."""
    from client import calls

    page = _answer(lambda: calls.sessions(limit=50))
    return [] if page is None else list(_described(page.sessions, incomplete=incomplete))


def item_keys(context: typer.Context, incomplete: str) -> list[str]:
    """Return the items of the session that was named before."""
    session = _session_of(context)
    return [] if session is None else _keys((item.key for item in session.items), incomplete=incomplete)


def failed_items(context: typer.Context, incomplete: str) -> list[str]:
    """Return the failed items of the session that was named before."""
    session = _session_of(context)
    return [] if session is None else _keys(session.retry_info.failed_items, incomplete=incomplete)


def _session_of(context: typer.Context) -> "SessionView | None":
    from client import calls

    session_id = str(context.params.get("session_id") or "")
    return _answer(lambda: calls.session(session_id)) if session_id else None


def _described(sessions: "tuple[SessionView, ...]", *, incomplete: str) -> Iterator[tuple[str, str]]:
    from sessions.identifiers import is_session_id

    for session in sessions:
        if is_session_id(session.id) and session.id.startswith(incomplete):
            yield session.id, f"{inert(session.title)} ({session.status})"


def inert(title: str) -> str:
    """Return a title without whatever means something to a shell: some of them evaluate what completes."""
    return "".join(character if character.isalnum() or character in " .,-" else "_" for character in title)


def _keys(keys: Iterable[str], *, incomplete: str) -> list[str]:
    from sessions.identifiers import is_item_key

    return [key for key in keys if is_item_key(key) and key.startswith(incomplete)]


def _answer(call: "Callable[[], Call[T]]") -> T | None:
    from client.errors import RetakesError
    from client.retakes import Retakes
    from runtime.client_settings import load_client_settings
    from runtime.refusal import Refused

    try:
        settings = load_client_settings()
        with Retakes(settings.address, key=settings.key, timeout=_PATIENCE) as retakes:
            return retakes.ask(call())
    except (RetakesError, Refused):
        return None


def choices(*values: str) -> Callable[[str], list[str]]:
    """Return the completion of an option that takes one of these values; the server says which it takes today."""

    def complete(incomplete: str) -> list[str]:
        return [value for value in values if value.startswith(incomplete)]

    return complete
