"""The items of a session: one value each, and the collection that a session's state holds of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Self

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sessions.artifacts import Artifact
from sessions.errors import ItemError
from sessions.model import Value
from sessions.pending import PendingAttempt
from sessions.statuses import ItemStatus, SessionStatus, session_status

DEFAULT_MAX_ATTEMPTS = 3


class ItemState(Value):
    """One item. ``attempt`` is the number of its last finished attempt over its whole life, 0 before the first.

    ``attempts_before_round`` and ``max_attempts`` belong to the round the item is, or was last, made in.
    """

    key: str
    label: str
    status: ItemStatus = ItemStatus.PENDING
    attempt: int = Field(default=0, ge=0)
    round: int = Field(default=1, ge=1)
    attempts_before_round: int = Field(default=0, ge=0)
    max_attempts: int = Field(default=DEFAULT_MAX_ATTEMPTS, ge=1)
    made_in_round: int = Field(default=0, ge=0)
    """Attempts of its round from before it was handed out last: the pauses grow over the whole round."""
    note: str | None = None
    """What a person asked for when retrying; it goes into the prompt of this round."""
    error: ItemError | None = None
    """Why the last attempt failed. An item that is complete has one where a retake of it has failed."""
    artifact: Artifact | None = None
    """The version that counts: the newest, until a person chooses another."""
    others: tuple[Artifact, ...] = ()
    """The other versions, by attempt. None is ever dropped."""
    is_chosen: bool = False
    """Whether a person has chosen the version that counts; a newer one then does not take its place."""
    prompt: str | None = None
    """The prompt that a person wrote for this round in place of ours."""
    is_refined: bool = False
    """Whether this round starts from the picture that counts, changing only what the note asks for."""
    was_interrupted: bool = False
    """Whether the attempt to come was begun before and cut off without being counted."""
    handed_out_again_at: datetime | None = None
    """When it was handed out for what was left of its round. What was seen of it before counts no more."""
    pending: PendingAttempt | None = None
    """That attempt, if its call goes on at the provider: it is taken up, not made again."""
    is_stopping: bool = False
    """Whether no attempt of its round is under way any more, and it is being found out what they have come to."""
    is_budgeted: bool = False
    """Whether it was handed out under a budget. It then comes back once an attempt may have cost something: what is
    set aside for it is what one attempt costs at worst."""
    stage: int = Field(default=0, ge=0)
    """An item is made once every item of the stages before its own is complete."""
    is_blocked: bool = False
    """Whether it failed without an attempt, because an item of a stage before its own did."""
    correction: str | None = None
    """What was wrong with the last result, in words for the model; the next attempt's prompt says so."""

    @property
    def versions(self) -> tuple[Artifact, ...]:
        """Everything that attempts have made of the item, by attempt."""
        known = self.others if self.artifact is None else (*self.others, self.artifact)
        return tuple(sorted(known, key=lambda version: version.attempt))

    @property
    def last_number(self) -> int:
        """The last number that was given to an attempt, or to a version that a person has sent."""
        return max([self.attempt, *(version.attempt for version in self.versions)])

    def with_version(self, artifact: Artifact) -> "ItemState":
        """Return the item with one more version, which counts unless a person has chosen another."""
        if self.artifact is None:
            return self.model_copy(update={"artifact": artifact})
        counts, other = (self.artifact, artifact) if self.is_chosen else (artifact, self.artifact)
        return self.model_copy(update={"artifact": counts, "others": (*self.others, other)})


class Items(Collection[ItemState]):
    """Items in their order, none with the key of another. Immutable.

    A session may have a thousand items, and every event of its workflow asks how they stand: so they are found by
    key, and counted by stage and status, without looking through them all.
    """

    __slots__ = ("_by_key", "_counts")

    def __init__(self, items: Iterable[ItemState] = ()) -> None:
        listed = tuple(items)
        self._by_key = {item.key: item for item in listed}
        self._counts = Counter((item.stage, item.status) for item in listed)
        if len(self._by_key) < len(listed):
            raise ValueError("two items have the same key")

    def __iter__(self) -> Iterator[ItemState]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, ItemState) and self._by_key.get(item.key) == item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Items) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Items({list(self)!r})"

    def of(self, key: str) -> ItemState:
        """Return the item with a key.

        Raises:
            KeyError: there is none.
        """
        return self._by_key[key]

    def changed(self, *items: ItemState) -> Self:
        """Return the items with some replaced by those of the same keys."""
        known = self._by_key.copy()
        counts = self._counts.copy()
        for item in items:
            replaced = known[item.key]
            known[item.key] = item
            counts[replaced.stage, replaced.status] -= 1
            counts[item.stage, item.status] += 1
        new = type(self).__new__(type(self))
        new._by_key, new._counts = known, +counts
        return new

    @property
    def status(self) -> SessionStatus:
        """The status of a session with these items."""
        return session_status({status for _, status in self._counts})

    @property
    def counts(self) -> Mapping[ItemStatus, int]:
        """How many items there are of each status."""
        return {status: self.count(status) for status in ItemStatus}

    def count(self, status: ItemStatus) -> int:
        """Return how many items have a status."""
        return sum(number for (_, counted), number in self._counts.items() if counted is status)

    def with_status(self, status: ItemStatus) -> tuple[ItemState, ...]:
        """Return the items of one status, in their order."""
        if not self.count(status):
            return ()
        return tuple(item for item in self if item.status is status)

    @property
    def open_stage(self) -> int | None:
        """The first stage with an item that is not complete, None where all are complete."""
        return min((stage for stage, status in self._counts if status is not ItemStatus.COMPLETE), default=None)

    def statuses_of(self, stage: int) -> frozenset[ItemStatus]:
        """Return the statuses that items of a stage have."""
        return frozenset(status for counted, status in self._counts if counted == stage)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read and write the items as a list."""
        listed = core_schema.list_schema(handler.generate_schema(ItemState))
        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(cls, listed),
                core_schema.no_info_after_validator_function(
                    cls, core_schema.tuple_variable_schema(handler.generate_schema(ItemState))
                ),
            ],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(
                list, return_schema=listed, when_used="always"
            ),
        )


def new_items(labels: Iterable[tuple[str, str]], *, max_attempts: int) -> Items:
    """Return the items of a new session from their keys and labels, in order."""
    return Items(ItemState(key=key, label=label, max_attempts=max_attempts) for key, label in labels)
