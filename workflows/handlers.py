"""What a running session answers and obeys, the same for every kind."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from sessions.commands import CommandRefusedError, RetryRequest
from sessions.present import session_view
from sessions.state import SessionState
from sessions.view import SessionView
from sessions.wire import RETRY_SIGNAL, RETRY_UPDATE, SESSION_QUERY, STATE_QUERY
from workflows.rounds import Rounds


class SessionHandlers:
    """Base of the workflows: queries, the signal and the update. Handlers change the state, the run loop acts."""

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

    @workflow.signal(name=RETRY_SIGNAL)
    def retry_failed(self, request: RetryRequest | None = None) -> None:
        """Retry failed items: those named, or all. A request that does not fit the state is logged and ignored."""
        try:
            self._rounds.retry(request or RetryRequest())
        except CommandRefusedError as error:
            workflow.logger.warning("a retry by signal was refused: %s", error)

    @workflow.update(name=RETRY_UPDATE)
    def retry(self, request: RetryRequest | None = None) -> SessionView:
        """Retry failed items: those named, or all. Answers with the session once the round has been accepted."""
        self._rounds.retry(request or RetryRequest())
        return session_view(self._rounds.state)

    @retry.validator
    def _can_retry(self, request: RetryRequest | None = None) -> None:
        try:
            self._rounds.items_to_retry(request or RetryRequest())
        except CommandRefusedError as error:
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
