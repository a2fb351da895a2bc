"""What a running session answers and obeys, the same for every kind."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from sessions.commands import Accepted, Command, CommandRefusedError, Retry
from sessions.present import session_view
from sessions.state import SessionState
from sessions.steering import BudgetChange, CancelItems, Pause, Resume, Retake, Selection
from sessions.view import SessionView
from sessions.wire import (
    BUDGET_UPDATE,
    CANCEL_ITEMS_UPDATE,
    MAY_BEGIN_QUERY,
    PAUSE_UPDATE,
    RESUME_UPDATE,
    RETAKE_UPDATE,
    RETRY_SIGNAL,
    RETRY_UPDATE,
    SELECT_UPDATE,
    SESSION_QUERY,
    STATE_QUERY,
)
from workflows.rounds import Rounds


class SessionHandlers:
    """Base of the workflows: queries, the signal and the updates. Handlers change the state, the run loop acts."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    @workflow.query(name=SESSION_QUERY)
    def session(self) -> SessionView:
        """The session as the API shows it, without the attempts under way, which only the server knows."""
        return session_view(self._rounds.state)

    @workflow.query(name=STATE_QUERY)
    def state(self) -> SessionState:
        """The session's state itself."""
        return self._rounds.state

    @workflow.query(name=MAY_BEGIN_QUERY)
    def may_begin(self, spent_in_round_microdollars: int) -> bool:
        """Whether a further attempt of an item may begin, whose round has spent so much already."""
        return self._rounds.state.may_begin(spent_in_round_microdollars=spent_in_round_microdollars)

    @workflow.signal(name=RETRY_SIGNAL)
    async def retry_failed(self, request: Retry | None = None) -> None:
        """Retry failed items: those named, or all. A request that does not fit the state is logged and ignored."""
        try:
            await self._rounds.obey_once_heard(request or Retry())
        except CommandRefusedError as error:
            workflow.logger.warning("a retry by signal was refused: %s", error)

    @workflow.update(name=RETRY_UPDATE)
    async def retry(self, request: Retry | None = None) -> Accepted:
        """Retry failed items: those named, or all."""
        return await self._obeyed(request or Retry())

    @retry.validator
    def _can_retry(self, request: Retry | None = None) -> None:
        self._check(request or Retry())

    @workflow.update(name=RETAKE_UPDATE)
    async def retake(self, request: Retake) -> Accepted:
        """Make another version of a finished item."""
        return await self._obeyed(request)

    @retake.validator
    def _can_retake(self, request: Retake) -> None:
        self._check(request)

    @workflow.update(name=SELECT_UPDATE)
    async def select(self, request: Selection) -> Accepted:
        """Choose which version of an item counts."""
        return await self._obeyed(request)

    @select.validator
    def _can_select(self, request: Selection) -> None:
        self._check(request)

    @workflow.update(name=PAUSE_UPDATE)
    async def pause(self) -> Accepted:
        """Begin nothing further; what is being made goes on to its end."""
        return await self._obeyed(Pause())

    @pause.validator
    def _can_pause(self) -> None:
        self._check(Pause())

    @workflow.update(name=RESUME_UPDATE)
    async def resume(self) -> Accepted:
        """Go on after a pause."""
        return await self._obeyed(Resume())

    @resume.validator
    def _can_resume(self) -> None:
        self._check(Resume())

    @workflow.update(name=CANCEL_ITEMS_UPDATE)
    async def cancel_items(self, request: CancelItems) -> Accepted:
        """Stop items that are waiting or being made."""
        return await self._obeyed(request)

    @cancel_items.validator
    def _can_cancel_items(self, request: CancelItems) -> None:
        self._check(request)

    @workflow.update(name=BUDGET_UPDATE)
    async def budget(self, request: BudgetChange) -> Accepted:
        """Change what the session may cost."""
        return await self._obeyed(request)

    @budget.validator
    def _can_change_budget(self, request: BudgetChange) -> None:
        self._check(request)

    async def _obeyed(self, command: Command) -> Accepted:
        try:
            await self._rounds.obey_what_was_accepted(command)
        except CommandRefusedError as error:
            raise _refusal(error) from error
        # Small, since histories keep it: whoever wants to see the session reads it.
        return Accepted(revision=self._rounds.state.revision, round=self._rounds.state.round)

    def _check(self, command: Command) -> None:
        try:
            self._rounds.checked(command)
        except CommandRefusedError as error:
            raise _refusal(error) from error


def _refusal(error: CommandRefusedError) -> ApplicationError:
    return ApplicationError(str(error), type=type(error).__name__, non_retryable=True)
