"""Steering a session: make something again, choose a version, pause, go on, stop items, change the budget."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from sessions.artifacts import Artifact
from sessions.commands import (
    Command,
    CommandRefusedError,
    NoApprovalAwaitedError,
    WrongRequestError,
    refuse_too_much_text,
)
from sessions.holding import budget_set, session_paused, session_resumed
from sessions.items import ItemState
from sessions.model import RequestModel
from sessions.money import Dollars, dollars, microdollars
from sessions.state import SessionState, item_retaken, items_cancelled, outline_approved, version_selected
from sessions.statuses import ItemStatus, SessionKind
from sessions.stories import set_number_of
from sessions.texts import ManyLines, Note

MAX_PROMPT_CHARACTERS = 32_000
MAX_VERSIONS = 2000
"""Of all items of a session together: each is in its state, which travels in one payload."""


class RetakeRequest(RequestModel):
    """How a finished item is to be made again. With a ``prompt`` of one's own ours is not used.

    ``from_previous`` gives the picture that counts along, so that only what the note asks for changes.
    """

    note: Note | None = None
    prompt: Annotated[str, StringConstraints(max_length=MAX_PROMPT_CHARACTERS), ManyLines] | None = None
    from_previous: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.note is not None and self.prompt is not None:
            raise ValueError("send a note, which is added to the prompt, or a prompt of your own, not both")
        if self.from_previous and self.note is None and self.prompt is None:
            raise ValueError("say in a note what is to change in the picture")
        return self


class Retake(Command, RetakeRequest):
    """Make another version of a finished item."""

    key: str = Field(max_length=64)
    with_what_follows: bool = False
    """Whether what was made by an outline that waits for its approval is made again with it. Not so in sessions that
    began before this could be said: they would not replay."""

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state in the next round."""
        item = _item(state, self.key)
        _refuse_unless_finished(item)
        _refuse_for_a_settled_outline(item, state=state)
        _refuse_without_what_it_waits_for(item, state=state)
        if self.from_previous and (state.kind is not SessionKind.IMAGES or item.artifact is None):
            raise WrongRequestError(f"'{self.key}' has no picture to start from; leave from_previous out.")
        if sum(len(known.versions) for known in state.items) >= MAX_VERSIONS:
            raise CommandRefusedError(f"The session has {MAX_VERSIONS:,} versions already; start another for more.")
        following = _made_by(item, state=state) if self.with_what_follows else ()
        retaken = item_retaken(
            state,
            key=self.key,
            note=self.note,
            prompt=self.prompt,
            is_refined=self.from_previous,
            following=following,
            now=now,
        )
        refuse_too_much_text(retaken)
        return retaken


class SelectionRequest(RequestModel):
    """Which version of an item counts."""

    attempt: int = Field(ge=1, le=1_000_000, strict=True)


class Selection(Command, SelectionRequest):
    """Choose which version of an item counts."""

    key: str = Field(max_length=64)

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state with that version."""
        item = _item(state, self.key)
        attempts = [version.attempt for version in item.versions]
        if self.attempt not in attempts:
            known = ", ".join(map(str, attempts)) or "none"
            raise WrongRequestError(
                f"Attempt {self.attempt} at '{self.key}' has no result. Attempts that can be selected: {known}."
            )
        if state.kind is SessionKind.STORY and set_number_of(self.key) is None:
            raise CommandRefusedError(
                "Versions of an outline are not selected: read the one you want, and send it with PUT …/outline."
            )
        return version_selected(state, key=self.key, attempt=self.attempt, now=now)


class Pause(Command):
    """Begin nothing further; what is being made goes on to its end."""

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state as paused."""
        if state.status.is_settled:
            raise CommandRefusedError(f"The session is {state.status}, so there is nothing to pause.")
        if state.is_paused:
            raise CommandRefusedError("The session is paused already.")
        return session_paused(state, now=now)


class Resume(Command):
    """Go on after a pause."""

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state as going on."""
        if not state.is_paused:
            raise CommandRefusedError(
                f"The session is not paused (it is {state.status}), so there is nothing to resume."
            )
        return session_resumed(state, now=now)


class CancelItems(Command):
    """Stop items that are waiting or being made. What has a version stays complete with it."""

    items: tuple[Annotated[str, StringConstraints(max_length=64)], ...] = Field(min_length=1, max_length=2000)

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state without those that wait; those being made end by themselves when they are stopped.

        Who has not heard that it was obeyed asks again: what is cancelled already stays as it is.
        """
        wanted = [item for key in self.items if (item := _item(state, key)).status is not ItemStatus.CANCELLED]
        for item in wanted:
            if item.status.is_settled:
                raise CommandRefusedError(f"'{item.key}' is {item.status} already, so there is nothing to cancel.")
        return items_cancelled(state, keys={item.key for item in wanted}, now=now) if wanted else state

    def stops(self, state: SessionState) -> Collection[str]:
        """Return those that are being made."""
        return [key for key in self.items if state.item(key).status is ItemStatus.PROCESSING]


class BudgetChange(Command):
    """Change what the session may cost, in US dollars; None lifts the limit."""

    budget_usd: Dollars | None

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state with that budget."""
        if self.budget_usd is None:
            return budget_set(state, microdollars=None, now=now)
        spent = state.spending.spent_microdollars + state.spending.uncertain_microdollars
        if microdollars(self.budget_usd) < spent:
            raise WrongRequestError(
                f"The session has spent {dollars(spent)} US dollars already, what is uncertain included; "
                "the budget cannot be below that."
            )
        return budget_set(state, microdollars=microdollars(self.budget_usd), now=now)


class OutlineApproval(Command):
    """The outline is approved; ``replaced`` holds what a person put in its place, by item, and its title."""

    replaced: Mapping[str, Artifact] = Field(default_factory=dict)
    title: str | None = None

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state in which the sets may begin."""
        if not state.awaits_approval:
            raise NoApprovalAwaitedError(
                f"This session does not wait for an approval (it is {state.status}); nothing has changed."
            )
        for key, artifact in self.replaced.items():
            if artifact.attempt != state.item(key).last_number + 1:
                raise NoApprovalAwaitedError(f"Somebody else has replaced '{key}' meanwhile. Read it again first.")
        return outline_approved(state, replaced=self.replaced, title=self.title, now=now)


def _item(state: SessionState, key: str) -> ItemState:
    try:
        return state.item(key)
    except KeyError:
        raise WrongRequestError(f"There is no item '{key}' in this session.") from None


def _made_by(item: ItemState, *, state: SessionState) -> Collection[str]:
    """Return the items before the approval that were made by this one: parts of an outline, by the whole of it."""
    if not state.awaits_approval or state.approval_before_stage is None:
        return ()
    return [one.key for one in state.items if item.stage < one.stage < state.approval_before_stage]


def _refuse_unless_finished(item: ItemState) -> None:
    if item.status in (ItemStatus.PENDING, ItemStatus.PROCESSING):
        raise CommandRefusedError(f"'{item.key}' is being made; wait until it is finished, or cancel it first.")
    if item.status is ItemStatus.FAILED:
        raise CommandRefusedError(f"'{item.key}' has failed; retry it instead.")


def _refuse_for_a_settled_outline(item: ItemState, *, state: SessionState) -> None:
    """An outline that sets were written by stays: another one would tear the story apart."""
    is_outline = state.kind is SessionKind.STORY and set_number_of(item.key) is None
    if is_outline and item.artifact is not None and not state.awaits_approval:
        raise CommandRefusedError(
            "Sets are written by this outline, so it stays as it is. Start another story instead."
        )


def _refuse_without_what_it_waits_for(item: ItemState, *, state: SessionState) -> None:
    missing = next((one for one in state.items if one.stage < item.stage and one.artifact is None), None)
    if missing is not None:
        raise CommandRefusedError(
            f"'{item.key}' cannot be made before '{missing.key}', which is {missing.status}; make that again first."
        )
