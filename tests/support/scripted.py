"""An image provider that does as its script says and remembers every call."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sessions.artifacts import Made
from sessions.errors import (
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)
from sessions.money import Usage
from sessions.ports import ImageCall

Step = Exception | Callable[[ImageCall], Awaitable[Made]]

USAGE = Usage(input_tokens=100, output_tokens=1000)


def made(call: ImageCall) -> Made:
    """Return a picture in name only: the bytes are the prompt, so that tests see what it was made from."""
    return Made(
        data=call.prompt.encode(),
        media_type=f"image/{call.format}",
        model=call.model,
        request_id="req-1",
        usage=USAGE,
        width=1024,
        height=1024,
    )


def throttled(*, retry_after: timedelta = timedelta(milliseconds=20)) -> Throttled:
    """Return a request to wait."""
    return Throttled("Too many requests.", advice="It goes on by itself.", retry_after=retry_after)


def unpaid() -> BillingStopped:
    """Return an exhausted quota."""
    return BillingStopped("The quota is used up.", advice="Add credit to the account, then retry.")


def broken() -> TransientFailure:
    """Return a server error."""
    return TransientFailure("The provider answered 500.", advice="Retry in a minute.", request_id="req-500")


def unanswered() -> UncertainOutcome:
    """Return a connection that broke after the request had left."""
    return UncertainOutcome("The answer broke off.", advice="It may have been billed.")


def refused() -> ContentRejected:
    """Return a refusal on grounds of content; the provider has counted tokens for it."""
    return ContentRejected("Refused by moderation: violence.", advice="Soften the wording.", usage=USAGE)


def forbidden() -> PermanentFailure:
    """Return a call that cannot work."""
    return PermanentFailure("The key is not valid.", advice="Set OPENAI_API_KEY to a valid key.")


class Gate:
    """A step that holds the provider's answer, or its failure, back until the test opens it."""

    def __init__(self, *, failing: Exception | None = None) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self._failure = failing

    async def __call__(self, call: ImageCall) -> Made:
        self.reached.set()
        await self.opened.wait()
        if self._failure is not None:
            raise self._failure
        return made(call)


class ScriptedImages:
    """Each item follows its own script; when that has ended, every call succeeds."""

    def __init__(self) -> None:
        self.calls: dict[str, list[ImageCall]] = defaultdict(list)
        self._scripts: dict[str, deque[Step]] = {}
        self._gates: list[Gate] = []

    def script(self, label: str, *steps: Step) -> None:
        """Let the next calls for the item with this label go so."""
        self._scripts[label] = deque(steps)
        self._gates += [step for step in steps if isinstance(step, Gate)]

    def open_gates(self) -> None:
        """Let every call that is held back go on, and hold none back any more."""
        for gate in self._gates:
            gate.opened.set()

    def count(self, label: str) -> int:
        """Return how many calls there were for the item with this label."""
        return len(self.calls[label])

    async def generate(self, call: ImageCall) -> Made:
        found = re.search(r"^Image: (.*)$", call.prompt, re.MULTILINE)
        assert found is not None
        label = found[1]
        self.calls[label].append(call)
        script = self._scripts.get(label)
        if not script:
            return made(call)
        step = script.popleft()
        if isinstance(step, Exception):
            raise step
        return await step(call)
