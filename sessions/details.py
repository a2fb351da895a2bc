"""The table of items that Temporal's UI shows of a running session, in Markdown."""

from sessions.state import ItemState, SessionState

_SHOWN_ITEMS = 100
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>()#+-.!|"} | {"\n": " "})


def details_table(state: SessionState) -> str:
    """Return the items as a table. The server takes 20 kB, so long stories show their first items only."""
    lines = [
        f"**{state.status}** in round {state.round}",
        "",
        "| Item | Status | Attempts | Last error |",
        "| --- | --- | --- | --- |",
        *(_row(item) for item in state.items[:_SHOWN_ITEMS]),
    ]
    if len(state.items) > _SHOWN_ITEMS:
        lines += ["", f"… and {len(state.items) - _SHOWN_ITEMS} more"]
    return "\n".join(lines)


def _row(item: ItemState) -> str:
    error = f"{item.error.type}: {item.error.message}"[:120].translate(_MARKDOWN) if item.error else ""
    return f"| {item.label[:40].translate(_MARKDOWN)} | {item.status} | {item.attempt} | {error} |"
