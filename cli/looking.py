"""Commands that look: `list`, `show`, `watch`, `attempts`, `outline`, `costs`."""

from typing import Annotated, Any

import typer

from cli import options
from cli.completion import choices

_STATUSES = ("pending", "processing", "complete", "partial", "failed", "cancelled")
_BASES = ("day", "kind", "model", "session")


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command(
        "list",
        epilog=options.examples(
            "retakes list --status partial",
            "retakes list --title bottle --limit 5",
            "retakes list --status failed --quiet | xargs -n 1 retakes retry --detach",
        ),
    )(list_sessions)
    app.command(epilog=options.examples("retakes show ses-aaaabbbbccccdddd --json | jq .counts"))(show)
    app.command(epilog=options.examples("retakes watch ses-aaaabbbbccccdddd && echo done"))(watch)
    app.command(epilog=options.examples("retakes attempts ses-aaaabbbbccccdddd"))(attempts)
    app.command(
        epilog=options.examples(
            "retakes outline ses-aaaabbbbccccdddd",
            "retakes outline ses-aaaabbbbccccdddd --json > outline.json",
        )
    )(outline)
    app.command(
        epilog=options.examples("retakes costs --by model", "retakes costs --from 2026-10-01 --to 2026-10-31 --json")
    )(costs)


def list_sessions(
    *,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="images or story.", autocompletion=choices("images", "story"))
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help=f"{', '.join(_STATUSES)}.", autocompletion=choices(*_STATUSES))
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Text that the title holds.")] = None,
    limit: Annotated[int, typer.Option(metavar="1-100", min=1, max=100, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the last list ended.")] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List sessions, newest first."""
    from cli.asking import asking
    from cli.display.tables import print_sessions
    from cli.output import print_json, say
    from client import calls
    from sessions.statuses import SessionKind, SessionStatus

    call = calls.sessions(
        kind=_one_of(SessionKind, kind, option="--kind"),
        status=_one_of(SessionStatus, status, option="--status"),
        title=title,
        limit=limit,
        cursor=cursor,
    )
    with asking() as retakes:
        sent = retakes.ask(call.with_text())
    if as_json:
        print_json(sent.data)
        return
    page = sent.value
    if quiet:
        for session in page.sessions:
            say(session.id)
        return
    print_sessions(page)


def show(session_id: options.SessionId, *, as_json: options.Json = False) -> None:
    """Show a session as it is now, and what to do next."""
    from cli.asking import asking
    from cli.display.tables import print_session
    from cli.following import show_pictures
    from cli.output import print_json
    from client import calls

    with asking() as retakes:
        sent = retakes.ask(calls.session(session_id).with_text())
        if as_json:
            print_json(sent.data)
            return
        session = sent.value
        print_session(session)
        show_pictures(retakes, session)


def watch(
    session_id: options.SessionId,
    *,
    as_json: options.Json = False,
    quiet: options.Silent = False,
) -> None:
    """Watch a session until it has settled. Ctrl-C leaves it running.

    Exits with 0 when all is complete, 3 when some failed, 4 when all failed, 5 when it was cancelled.
    """
    from cli.asking import asking
    from cli.following import follow_to_the_end
    from client import calls

    with asking() as retakes:
        sent = retakes.ask(calls.session(session_id).with_text())
        follow_to_the_end(retakes, sent, as_json=as_json, quiet=quiet)


def attempts(session_id: options.SessionId, *, as_json: options.Json = False) -> None:
    """List every attempt of a session, oldest first.

    Each with what came of it, how long it took and what it cost.
    """
    from cli.asking import asking
    from cli.display.tables import print_attempts
    from cli.output import print_json
    from client import calls

    with asking() as retakes:
        sent = retakes.ask(calls.attempts(session_id).with_text())
    if as_json:
        print_json(sent.data)
        return
    print_attempts(sent.value)


def outline(session_id: options.SessionId, *, as_json: options.Json = False) -> None:
    """Show the outline of a story. `retakes approve` has the sets written by it."""
    from cli.asking import asking
    from cli.display.tables import print_outline
    from cli.output import print_json
    from client import calls

    with asking() as retakes:
        sent = retakes.ask(calls.outline(session_id).with_text())
    if as_json:
        print_json(sent.data)
        return
    print_outline(sent.value)


def costs(
    *,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day, in UTC. [default: of this month]")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, in UTC.")] = None,
    by: Annotated[
        str, typer.Option(metavar="BASIS", help=f"{', '.join(_BASES)}.", autocompletion=choices(*_BASES))
    ] = "day",
    as_json: options.Json = False,
) -> None:
    """Sum up what attempts have cost."""
    from cli.asking import asking
    from cli.display.tables import print_costs
    from cli.output import print_json
    from client import calls
    from sessions.costs import CostBy

    basis = _one_of(CostBy, by, option="--by") or CostBy.DAY
    with asking() as retakes:
        sent = retakes.ask(calls.costs(begin=begin, end=end, by=basis).with_text())
    if as_json:
        print_json(sent.data)
        return
    print_costs(sent.value)


def _one_of(kind: Any, text: str | None, *, option: str) -> Any:
    from runtime.refusal import Refused

    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise Refused(f"{option} must be one of {', '.join(kind)}, not '{text}'") from None
