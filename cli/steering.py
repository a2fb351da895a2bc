"""Commands that change what a session does, from `retry` to `budget`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from runtime.refusal import Refused

if TYPE_CHECKING:
    from client.call import Call
    from sessions.commands import RetryRequest
    from sessions.outlines import OutlineDecision
    from sessions.view import SessionView

_ID = "ses-aaaabbbbccccdddd"


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command(
        epilog=options.examples(
            f"retakes retry {_ID}",
            f"retakes retry {_ID} lifestyle --note 'without people'",
        )
    )(retry)
    app.command(
        epilog=options.examples(
            f"retakes retake {_ID} main --note 'brighter'",
            f"retakes retake {_ID} main --note 'remove the shadow' --from-previous",
        )
    )(retake)
    app.command(epilog=options.examples(f"retakes select {_ID} main 2"))(select)
    app.command(epilog=options.examples(f"retakes approve {_ID}", f"retakes approve {_ID} --outline outline.json"))(
        approve
    )
    app.command(epilog=options.examples(f"retakes pause {_ID}"))(pause)
    app.command(epilog=options.examples(f"retakes resume {_ID}"))(resume)
    app.command(epilog=options.examples(f"retakes cancel {_ID}", f"retakes cancel {_ID} lifestyle"))(cancel)
    app.command(epilog=options.examples(f"retakes delete {_ID}", f"retakes delete {_ID} --yes"))(delete)
    app.command(epilog=options.examples(f"retakes budget {_ID} 2.50", f"retakes budget {_ID} none"))(budget)


def retry(
    session_id: options.SessionId,
    keys: options.FailedKeys = None,
    *,
    note: options.Note = None,
    max_attempts: Annotated[int | None, typer.Option(metavar="1-10", help="Attempts for each item.")] = None,
    detach: options.Detach = False,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Make again what failed, and watch.

    What is complete is not touched. Works while the session is open and after it has closed. Exits as
    `retakes watch` does.
    """
    from cli.requests import checked
    from client import calls
    from sessions.commands import RetryRequest

    def asked(failed: tuple[str, ...]) -> "RetryRequest":
        named = keys or (failed if note is not None else ())
        items = [{"key": key, "note": note} if note is not None else {"key": key} for key in named]
        return checked(RetryRequest, {"items": items, "max_attempts": max_attempts})

    from cli.asking import asking
    from cli.following import go_on

    asked(())  # what is wrong with the options is said before the server is asked
    with asking() as retakes:
        # A note belongs to items, so all that failed have to be named for it.
        failed = retakes.ask(calls.session(session_id)).retry_info.failed_items if note is not None else ()
        sent = retakes.ask(calls.retry(session_id, asked(failed)).with_text())
        go_on(retakes, sent, detach=detach, as_json=as_json, quiet=quiet)


def retake(
    session_id: options.SessionId,
    key: options.ItemKey,
    *,
    note: options.Note = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="A prompt of your own in place of ours.")] = None,
    from_previous: Annotated[
        bool, typer.Option("--from-previous", help="Start from the picture there is; change only what the note says.")
    ] = False,
    detach: options.Detach = False,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Make another version of something finished.

    Every version stays; the newest counts until you select another.
    """
    from cli.asking import asking
    from cli.following import go_on
    from cli.requests import checked
    from client import calls
    from sessions.steering import RetakeRequest

    request = checked(RetakeRequest, {"note": note, "prompt": prompt, "from_previous": from_previous or None})
    with asking() as retakes:
        sent = retakes.ask(calls.retake(session_id, key, request).with_text())
        go_on(retakes, sent, detach=detach, as_json=as_json, quiet=quiet)


def select(
    session_id: options.SessionId,
    key: options.ItemKey,
    attempt: Annotated[
        int, typer.Argument(metavar="ATTEMPT", min=1, max=1_000_000, help="The attempt that made the version.")
    ],
    *,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Choose which version of an item counts."""
    from client import calls

    _change(calls.select(session_id, key, attempt=attempt), as_json=as_json, quiet=quiet)


def approve(
    session_id: options.SessionId,
    *,
    outline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Put this outline in its place, as `retakes outline --json` prints one.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    detach: options.Detach = False,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Approve the outline that a story waits with.

    Then watch until the sets are written.
    """
    from cli.asking import asking
    from cli.following import go_on
    from client import calls
    from sessions.outlines import OutlineDecision

    decision = OutlineDecision(approve=True) if outline is None else _replacing(outline)
    with asking() as retakes:
        sent = retakes.ask(calls.decide_on_outline(session_id, decision).with_text())
        go_on(retakes, sent, detach=detach, as_json=as_json, quiet=quiet)


def pause(session_id: options.SessionId, *, as_json: options.Json = False, quiet: options.Silent = False) -> None:
    """Begin nothing further. What is being made comes to its end."""
    from client import calls

    _change(calls.pause(session_id), as_json=as_json, quiet=quiet)


def resume(session_id: options.SessionId, *, as_json: options.Json = False, quiet: options.Silent = False) -> None:
    """Go on after a pause."""
    from client import calls

    _change(calls.resume(session_id), as_json=as_json, quiet=quiet)


def cancel(
    session_id: options.SessionId,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Only these items.")] = None,
    *,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Stop a session, or some items. What is complete is kept."""
    from client import calls

    _change(calls.cancel(session_id, items=keys or ()), as_json=as_json, quiet=quiet)


def delete(
    session_id: options.SessionId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    quiet: options.Silent = False,
) -> None:
    """Remove a session that has settled, its results and its attempts, for good.

    What it has cost stays in the sums of the month.
    """
    from cli.asking import asking
    from cli.output import plain, say
    from client import calls

    with asking() as retakes:
        if not yes:
            session = retakes.ask(calls.session(session_id))
            if not sys.stdin.isatty():
                raise Refused("nobody is there to be asked whether that is meant; add --yes")
            typer.confirm(f"Delete {session.id} ({plain(session.title)}) for good?", abort=True)
        retakes.ask(calls.delete(session_id))
    if not quiet:
        say(f"{session_id} is deleted.")


def budget(
    session_id: options.SessionId,
    amount: Annotated[str, typer.Argument(metavar="USD|none", help="The most it may cost; none lifts the limit.")],
    *,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Change what a session may cost. One that waits for its budget goes on when it is raised."""
    from client import calls

    try:
        limit = None if amount == "none" else float(amount.removeprefix("$"))
    except ValueError:
        raise Refused(f"USD must be an amount such as 2.50, or none; not '{amount}'") from None
    if limit is not None and not 0 <= limit <= 1_000_000:
        raise Refused("USD must be between 0 and 1,000,000")
    _change(calls.set_budget(session_id, budget_usd=limit), as_json=as_json, quiet=quiet)


def _replacing(file: Path) -> "OutlineDecision":
    import json

    from cli.requests import checked
    from sessions.outlines import OutlineDecision

    try:
        sent = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{file} holds no outline: {error}") from error
    return checked(OutlineDecision, {"outline": sent})


def _change(call: "Call[SessionView]", *, as_json: bool, quiet: bool) -> None:
    from cli.asking import asking
    from cli.output import print_json, say

    with asking() as retakes:
        sent = retakes.ask(call.with_text())
    if as_json:
        print_json(sent.data)
        return
    session = sent.value
    if quiet:
        return
    say(session.message)
    if not session.status.is_settled:
        say(f"`retakes watch {session.id}` shows how it goes on.")
