"""A story that goes on in another session than the one it was begun in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sessions.artifacts import Artifact
from sessions.items import Items
from sessions.statuses import ItemStatus

SECOND_ROUND = 2
"""The round that such a story begins with: what it makes was tried before."""


@dataclass(frozen=True, kw_only=True)
class KeptStory:
    """What a story begins with that another session has made: artifacts by item, each its first attempt.

    ``store`` puts their bytes under the keys of the session with the id it is given, before anything refers to them.
    """

    title: str
    artifacts: Mapping[str, Artifact]
    store: Callable[[str], Awaitable[None]]
    digest: str
    """Tells what is kept from something else that comes with the same key."""


def going_on(items: Items, *, kept: KeptStory) -> Items:
    """Return the items of a story that begins with what is kept of another."""
    return items.changed(
        *(
            item.model_copy(update={"status": ItemStatus.COMPLETE, "attempt": 1, "artifact": artifact})
            if (artifact := kept.artifacts.get(item.key))
            else item.model_copy(update={"round": SECOND_ROUND})
            for item in items
        )
    )
