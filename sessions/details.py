"""The table of items that Temporal's UI shows of a running session, in Markdown."""

from itertools import chain, islice

from sessions.items import ItemState
from sessions.state import SessionState
from sessions.statuses import ItemStatus

_SHOWN_ITEMS = 60
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>()#+-.!|"} | {"\n": " "})


def details_table(state: SessionState) -> str:
    """Return the items as a table.

    The server takes 20 kB. Of a long story the items that failed come first, and then those that come first anyway.
    """
    failed = state.failed_items if len(state.items) > _SHOWN_ITEMS else ()
    others = (item for item in state.items if not failed or item.status is not ItemStatus.FAILED)
    lines = [
        # A story has its title from its outline, and the summary that Temporal keeps is of the start.
        f"**{state.title.translate(_MARKDOWN)}**",
        "",
        f"**{state.status}** in round {state.round}: {_counted(state)}",
        "",
        "| Item | Status | Attempts | Last error |",
        "| --- | --- | --- | --- |",
        *(_row(item) for item in islice(chain(failed, others), _SHOWN_ITEMS)),
    ]
    if len(state.items) > _SHOWN_ITEMS:
        lines += ["", f"… and {len(state.items) - _SHOWN_ITEMS} more"]
    return "\n".join(lines)


def _counted(state: SessionState) -> str:
    return ", ".join(f"{number} {status}" for status, number in state.items.counts.items() if number)


def _row(item: ItemState) -> str:
    error = f"{item.error.type}: {item.error.message}"[:120].translate(_MARKDOWN) if item.error else ""
    return f"| {item.label[:40].translate(_MARKDOWN)} | {item.status} | {item.attempt} | {error} |"
