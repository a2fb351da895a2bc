"""Callbacks as people see them: which addresses are taken, what became of them, and a call to try one out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from service.errors import CallbackRefusedError, OutOfReachError, SessionNotFoundError
from sessions.addresses import why_private_host
from sessions.callbacks import CallbackBody, CallbackMessage, CallbackTest, CallbackType, host_of, shown_url
from sessions.deliveries import DeliveryList, DeliveryOutcome, TriedCallback, delivery_view, milliseconds
from sessions.identifiers import is_session_id, new_test_id
from sessions.ports import CallbackSender, DeliveryRecords
from sessions.records import RecordsOutOfReachError
from sessions.view import SessionView

_TEST_PATIENCE = timedelta(seconds=9)
"""An answer is promised within ten seconds."""


@dataclass(frozen=True, kw_only=True)
class CallbackRules:
    """What the installation says of callbacks.

    ``installation_url`` is called for sessions that name no address; ``can_sign`` is whether there is a secret.
    """

    allow_private: bool = False
    can_sign: bool = True
    installation_url: str | None = None

    def url_for(self, asked: str | None) -> str | None:
        """Return where a session calls that asks for this address, None for nowhere.

        Raises:
            CallbackRefusedError: the address lies in a private network, or nothing can be signed here.
        """
        url = asked or self.installation_url
        if url is None:
            return None
        if not self.allow_private and (reason := why_private_host(host_of(url))):
            raise CallbackRefusedError(
                f"The callback address is refused: {reason}. Use an address of the public internet, or have whoever "
                "runs this set RETAKES_WEBHOOK_ALLOW_PRIVATE=true."
            )
        if not self.can_sign:
            raise CallbackRefusedError(
                "Callbacks cannot be signed here. Have whoever runs this set RETAKES_WEBHOOK_SECRET or "
                "RETAKES_WEBHOOK_SECRET_FILE for the API and every worker, or leave callback_url out."
            )
        return url


class KnownSessions(Protocol):
    """Tells which sessions there are."""

    async def session(self, session_id: str) -> SessionView:
        """Return a session.

        Raises:
            SessionNotFoundError: there is no such session.
            OutOfReachError: whether there is cannot be found out.
        """
        ...


class CallbackService:
    """Shows what became of callbacks, and tries addresses out."""

    def __init__(
        self, *, rules: CallbackRules, sender: CallbackSender, records: DeliveryRecords, sessions: KnownSessions
    ) -> None:
        self._rules = rules
        self._sender = sender
        self._records = records
        self._sessions = sessions

    async def deliveries(self, session_id: str) -> DeliveryList:
        """Return every attempt to tell of a session, oldest first.

        Raises:
            SessionNotFoundError: there is no such session.
            OutOfReachError: the records do not answer.
        """
        if not is_session_id(session_id):
            raise SessionNotFoundError(session_id)
        try:
            found = await self._records.deliveries(session_id)
        except RecordsOutOfReachError as error:
            raise OutOfReachError("The records do not answer. Try again in a moment.") from error
        if not found:
            await self._sessions.session(session_id)
        return DeliveryList(deliveries=tuple(delivery_view(delivery) for delivery in found))

    async def try_out(self, url: str | None) -> TriedCallback:
        """Call an address once, or the installation's, and return what came of it, within ten seconds.

        Raises:
            CallbackRefusedError: as `CallbackRules.url_for` does, or there is no address to call.
        """
        address = self._rules.url_for(url)
        if address is None:
            raise CallbackRefusedError("Name the url to call: RETAKES_CALLBACK_URL, which would stand in, is not set.")
        body = CallbackBody(type=CallbackType.TEST, timestamp=datetime.now(UTC), data=CallbackTest())
        message = CallbackMessage(id=new_test_id(), url=address, body=body.model_dump_json())
        answer = await self._sender.send(message, patience=_TEST_PATIENCE)
        return TriedCallback(
            id=message.id,
            url=shown_url(address),
            delivered=answer.outcome is DeliveryOutcome.DELIVERED,
            status=answer.status,
            error=answer.reason,
            duration_ms=milliseconds(answer.duration),
        )
