from datetime import timedelta
from itertools import pairwise

import pytest

from cli.display.words import (
    changes,
    countdown,
    detail_of,
    dollars_of,
    duration_of,
    size_of,
    summary,
    way_on,
)
from cli.outcomes import exit_code
from sessions.messages import Holding, session_message
from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from tests.unit.cli.sessions_shown import BROKEN, NOW, item, session

PROCESSING, COMPLETE, FAILED = ItemStatus.PROCESSING, ItemStatus.COMPLETE, ItemStatus.FAILED


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.9, "59 s"), (65, "1 min 5 s"), (601, "10 min"), (7800, "2 h 10 min"), (200_000, "2 days")],
)
def test_durations_have_two_units_at_most(seconds: float, expected: str) -> None:
    """Nobody wants the seconds of an hour."""
    assert expected == duration_of(timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "expected"), [(4.2, "in 5 s"), (0.1, "in 1 s"), (0, "now"), (-3, "now")])
def test_countdowns_never_run_below_now(seconds: float, expected: str) -> None:
    """A countdown ends with now, and rounds up until then."""
    assert expected == countdown(timedelta(seconds=seconds))


def test_sizes_and_amounts_are_for_people() -> None:
    """As many digits as say something."""
    assert ["999 bytes", "54 kB", "1.2 MB"] == [size_of(count) for count in (999, 54_321, 1_234_567)]
    assert ["$0.00", "$0.27", "$0.0012"] == [dollars_of(amount) for amount in (0, 0.27, 0.0012)]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (item("main"), ""),
        (item("main", PROCESSING, attempt=1), ""),
        (item("main", PROCESSING, attempt=2, error=BROKEN), "before: The provider broke."),
        (
            item("main", PROCESSING, attempt=1, error=BROKEN, waits=timedelta(seconds=4)),
            "tries again in 4 s · The provider broke.",
        ),
        (item("main", FAILED, attempt=3, error=BROKEN), "The provider broke. Retry later."),
        (item("main", COMPLETE, attempt=1), "1024×768, 54 kB"),
        (
            item("main", COMPLETE, attempt=2, error=BROKEN),
            "1024×768, 54 kB · a retake failed: The provider broke.",
        ),
    ],
)
def test_an_item_says_what_there_is_to_say(shown: object, expected: str) -> None:
    """Beside its status: when it is tried again, why it failed and what to do, what came of it."""
    assert expected == detail_of(shown, now=NOW)  # type: ignore[arg-type] # a parameter of pytest has no type


def test_the_first_view_says_what_it_is_and_what_is_being_made() -> None:
    """Who comes back to a session of a thousand items is not told of all that were made before."""
    first = session([item("main", COMPLETE, attempt=1), item("side", PROCESSING, attempt=2), item("back")])
    assert ["Steel bottle · ses-aaaabbbbccccdddd · 3 images", "It goes on.", "Side: attempt 2 of 3"] == list(
        changes(None, first, now=NOW)
    )


def test_a_change_is_one_line() -> None:
    """An item's life, a line for each step, and none where nothing has changed."""
    life = [
        item("main"),
        item("main", PROCESSING, attempt=1),
        item("main", PROCESSING, attempt=1, error=BROKEN, waits=timedelta(seconds=4)),
        item("main", PROCESSING, attempt=2, error=BROKEN),
        item("main", PROCESSING, attempt=2, error=BROKEN),
        item("main", FAILED, attempt=3, error=BROKEN),
        item("main", PROCESSING, attempt=4),
        item("main", COMPLETE, attempt=4),
    ]
    views = [session([step, item("other")]) for step in life]
    told = [list(changes(before, after, now=NOW)) for before, after in pairwise(views)]
    assert [
        ["Main: attempt 1 of 3"],
        ["Main: attempt 1 of 3 failed, tries again in 4 s · The provider broke."],
        ["Main: attempt 2 of 3"],
        [],
        ["Main: failed after attempt 3 of 3: The provider broke. Retry later."],
        ["Main: attempt 4 of 3"],
        ["Main: complete, attempt 4 of 3 (1024×768, 54 kB)"],
    ] == told


def test_what_the_session_says_is_told_when_no_item_tells_it() -> None:
    """A pause changes no item, and is told all the same; so is every hold."""
    before = session([item("main")])
    paused = session([item("main")], message="Paused: nothing further begins.", is_paused=True)
    assert ["Paused: nothing further begins."] == list(changes(before, paused, now=NOW))
    assert [] == list(changes(paused, paused, now=NOW))


def test_an_outline_that_waits_is_told_with_the_way_on() -> None:
    """Once, with both commands: the hint goes by what the session's message says."""
    items = [item("outline", COMPLETE, attempt=1), item("set-01")]
    message = session_message(SessionStatus.PROCESSING, kind=SessionKind.STORY, items=items, holding=Holding.APPROVAL)
    before = session([item("outline", PROCESSING, attempt=1), item("set-01")], kind=SessionKind.STORY)
    waiting = session(items, kind=SessionKind.STORY, message=message)
    hint = way_on(waiting)
    assert hint is not None
    assert "`retakes outline ses-aaaabbbbccccdddd`" in hint
    assert "`retakes approve ses-aaaabbbbccccdddd`" in hint
    assert hint == list(changes(before, waiting, now=NOW))[-1]
    assert hint not in list(changes(waiting, waiting, now=NOW))


@pytest.mark.parametrize(
    ("holding", "expected"),
    [
        (Holding.PAUSE, "`retakes resume ses-aaaabbbbccccdddd`"),
        (Holding.BUDGET, "`retakes budget ses-aaaabbbbccccdddd USD`"),
        (Holding.MONTH, None),
        (None, None),
    ],
)
def test_a_session_that_is_held_says_how_it_goes_on(holding: Holding | None, expected: str | None) -> None:
    """The command that lets it go on, where there is one."""
    items = [item("main"), item("side", COMPLETE, attempt=1)]
    message = session_message(SessionStatus.PROCESSING, kind=SessionKind.IMAGES, items=items, holding=holding)
    hint = way_on(session(items, message=message))
    assert hint == expected or (hint is not None and expected is not None and expected in hint)


def test_the_summary_says_what_to_do_next() -> None:
    """Retry what failed, export what is there, and what may have been billed."""
    shown = session(
        [item("main", COMPLETE, attempt=1), *(item(f"no-{n}", FAILED, attempt=3, error=BROKEN) for n in range(7))],
        message="1 of 8 images are ready.",
        uncertain=0.05,
    )
    assert [
        "Partial: 1 of 8 images are ready.",
        *(f"  no-{n}: The provider broke." for n in range(5)),
        "  … and 2 more: `retakes show ses-aaaabbbbccccdddd`",
        "$0.11 spent, up to $0.05 more may have been billed.",
        "Next: `retakes retry ses-aaaabbbbccccdddd` makes only what failed again.",
        "Also: `retakes export ses-aaaabbbbccccdddd` downloads what is complete.",
    ] == list(summary(shown))


def test_every_end_has_its_exit_code() -> None:
    """Scripts rely on these."""
    codes = {status: exit_code(status) for status in SessionStatus if status.is_settled}
    assert {"complete": 0, "partial": 3, "failed": 4, "cancelled": 5} == codes
    assert 4 == exit_code(SessionStatus.PROCESSING)
