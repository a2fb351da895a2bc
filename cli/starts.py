"""What starting has in common for both kinds: uploads, estimates, and following what was started."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from cli.display.words import dollars_of
from cli.exporting import download
from cli.following import Showing, follow
from cli.outcomes import exit_code
from cli.output import complain, plain, print_json, say
from client import calls
from client.call import Call, Sent
from client.errors import InvalidRequestError, RetakesError
from client.retakes import Retakes
from runtime.refusal import Refused
from sessions.estimates import AmountRange, ImageEstimateRequest, StoryEstimateRequest
from sessions.view import SessionView

_MOST_PICTURE_BYTES: Final = 20 * 2**20


def uploaded(retakes: Retakes, *, photos: Sequence[Path], style: Path | None) -> dict[str, object]:
    """Upload reference photos, and return the fields of a request that name them.

    Raises:
        Refused: a file cannot be read, or cannot be used.
        RetakesError: as `client.errors` draws them.
    """
    references = [_uploaded(retakes, photo) for photo in photos]
    return {"references": references, "style_reference": _uploaded(retakes, style) if style else None}


def _uploaded(retakes: Retakes, photo: Path) -> str:
    try:
        if photo.stat().st_size > _MOST_PICTURE_BYTES:
            raise Refused(f"{photo} is larger than 20 MB; send a smaller picture")
        return retakes.ask(calls.upload(photo)).id
    except OSError as error:
        raise Refused(f"{photo} cannot be read: {error.strerror}") from error
    except InvalidRequestError as error:
        raise Refused(plain(f"{photo}: {error}")) from error


def keys_for(idempotency_key: str | None, *, count: int) -> list[str | None]:
    """Return an Idempotency-Key for each of several starts, by the one that was given."""
    if idempotency_key is None or count == 1:
        return [idempotency_key] * count
    return [f"{idempotency_key}-{number}" for number in range(1, count + 1)]


def started_and_followed(
    retakes: Retakes,
    starts: Sequence[Call[SessionView]],
    *,
    detach: bool,
    as_json: bool,
    quiet: bool,
    save_to: Path | None,
) -> None:
    """Start sessions, all of them before the first is followed, and end with the worst exit code.

    Raises:
        typer.Exit: always, unless all are complete.
    """
    if save_to is not None:
        _refuse_unless_it_can_be_saved(save_to, starts=len(starts), detach=detach)
    sent = _all_started(retakes, starts)
    if quiet:
        for one in sent:
            say(one.value.id)
    if detach:
        _tell_of_started(sent, as_json=as_json, quiet=quiet)
        return
    showing = Showing.JSON if as_json else Showing.NOTHING if quiet else Showing.PROGRESS
    codes = []
    for one in sent:
        try:
            session = follow(retakes, one, showing=showing)
        except typer.Exit:
            if len(sent) > 1:
                complain(f"all {len(sent)} sessions go on; `retakes list` shows them")
            raise
        codes.append(exit_code(session.status))
        if save_to is not None and session.counts.complete:
            path = download(retakes, calls.archive(session.id), to=save_to, overwrite=False)
            if showing is Showing.PROGRESS:
                say(f"Saved as {path}.")
    if worst := max(codes):
        raise typer.Exit(worst)


def _refuse_unless_it_can_be_saved(path: Path, *, starts: int, detach: bool) -> None:
    """Find out before anything is paid for whether its download would be refused."""
    if detach or (starts > 1 and not path.is_dir()):
        raise Refused("--output needs a session to wait for, and a folder where there are several")
    if path.is_file():
        raise Refused(f"{path} is there already; -o PATH writes another")
    if not path.parent.is_dir():
        raise Refused(f"there is no folder {path.parent} to write {path.name} into")


def _all_started(retakes: Retakes, starts: Sequence[Call[SessionView]]) -> list[Sent[SessionView]]:
    sent: list[Sent[SessionView]] = []
    for start in starts:
        try:
            sent.append(retakes.ask(start.with_text()))
        except RetakesError:
            for one in sent:
                complain(f"{one.value.id} “{one.value.title}” was started before this went wrong")
            raise
        except KeyboardInterrupt:
            complain("interrupted before the server answered; `retakes list` shows what was started")
            raise
    return sent


def _tell_of_started(sent: Sequence[Sent[SessionView]], *, as_json: bool, quiet: bool) -> None:
    for one in sent:
        if as_json:
            print_json(one.data)
        elif not quiet:
            session = one.value
            say(f"Started {session.id} “{session.title}”; `retakes watch {session.id}` shows how it goes.")


def estimated(
    retakes: Retakes, requests: Sequence[ImageEstimateRequest | StoryEstimateRequest], *, as_json: bool
) -> None:
    """Tell what sessions would cost."""
    for request in requests:
        sent = retakes.ask(calls.estimate(request).with_text())
        if as_json:
            print_json(sent.data)
            continue
        estimate = sent.value
        for items in estimate.items:
            times = f" × {items.count}" if items.count > 1 else ""
            say(f"{items.label}{times}: {_amount(items.estimated_usd)}")
        say(
            f"Together {_amount(estimate.estimated_usd)} with {estimate.model}, {dollars_of(estimate.worst_case_usd)} "
            "at worst."
        )
        for note in estimate.notes:
            say(f"  {note}")


def _amount(amount: AmountRange) -> str:
    if amount.low == amount.high:
        return dollars_of(amount.expected)
    return f"{dollars_of(amount.expected)} ({dollars_of(amount.low)} to {dollars_of(amount.high)})"
