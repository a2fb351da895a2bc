"""A text provider that does as its script says, writes valid stories otherwise, and remembers every call."""

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable

from sessions.money import Usage
from sessions.pending import PendingCall
from sessions.ports import OnPending, TextCall, Written

Outcome = Exception | str | Callable[[TextCall], Awaitable[Written]]
"""What a call comes to: a failure, a text that is answered as it is, or whatever is awaited."""

TEXT_USAGE = Usage(input_tokens=200, output_tokens=300)

_SET = re.compile(r"^Set (\d+) of (\d+) \(segments (\d+)-(\d+)\)$", re.MULTILINE)
_PART = re.compile(r"^Outline part (\d+) of \d+ \(sets (\d+)-(\d+)\)$", re.MULTILINE)
_OUTLINE = re.compile(r"^Outline of (\d+) sets? .*?(?:in (\d+) parts)?$", re.MULTILINE)
_TITLE = re.compile(r"^Title: (.*)$", re.MULTILINE)

TITLE = "The Last Light"


def answered(call: TextCall, text: str) -> Written:
    """Return a text as the provider's answer."""
    return Written(text=text, model=call.model, request_id="req-1", usage=TEXT_USAGE)


def item_of(prompt: str) -> str:
    """Return the key of the item that a prompt asks for."""
    if found := _SET.search(prompt):
        return f"set-{int(found[1]):02d}"
    if found := _PART.search(prompt):
        return f"outline-{int(found[1]):02d}"
    return "outline"


def valid_answer(prompt: str) -> str:
    """Return what a good model would write."""
    if found := _SET.search(prompt):
        number, total, first, last = (int(group) for group in found.groups())
        title = _TITLE.search(prompt)
        assert title is not None
        return set_answer(range(first, last + 1), title=title[1], is_first=number == 1, is_last=number == total)
    if found := _PART.search(prompt):
        return json.dumps({"sets": [_outlined(number) for number in range(int(found[2]), int(found[3]) + 1)]})
    found = _OUTLINE.search(prompt)
    assert found is not None
    return outline_answer(sets=int(found[1]), parts=int(found[2] or 0))


def outline_answer(*, sets: int, parts: int = 0) -> str:
    """Return an outline for so many sets, or for so many parts."""
    parts_of_it = {"parts": [_outlined(number, of="part") for number in range(1, parts + 1)]}
    return json.dumps(
        {
            "title": TITLE,
            "short_summary": "A keeper and a light.",
            "description": "Two people keep a lighthouse going through one long winter.",
            "hashtags": [f"#tag{number}" for number in range(7)],
            "narrator_voice": "Calm and close.",
            "characters": [_character("ada", "Ada"), _character("ben", "Ben")],
            **(parts_of_it if parts else {"sets": [_outlined(number) for number in range(1, sets + 1)]}),
        }
    )


def set_answer(numbers: range, *, title: str = TITLE, is_first: bool = False, is_last: bool = False) -> str:
    """Return a set with these segments."""
    segments = [
        {
            "number": number,
            "scene": f"{title}: the harbour." if is_first and number == numbers[0] else "On the stairs.",
            "content_type": "narration",
            "narration": f"What happens in segment {number}.",
            "dialogue": [],
            "characters_present": ["ada"],
            "camera": "Wide shot.",
            "background_definition": "Grey sea.",
            "music": "Low strings.",
            "sound_effects": "Wind.",
            "mood": "Quiet.",
            "transition": "end" if is_last and number == numbers[-1] else "cut",
        }
        for number in numbers
    ]
    return json.dumps({"segments": segments})


def _character(key: str, name: str) -> dict[str, str]:
    return {
        "id": key,
        "name": name,
        "physical_appearance": "Tall.",
        "clothing": "An oilskin.",
        "personality": "Patient.",
        "role": "Keeper.",
        "voice": "Low.",
    }


def _outlined(number: int, *, of: str = "set") -> dict[str, object]:
    state = {"begins": f"Before {of} {number}.", "ends": f"After {of} {number}."}
    return (
        {"summary": f"Part {number}.", **state} if of == "part" else {"beats": [f"Beat {number}.", "Another."], **state}
    )


class HeldText:
    """A step that holds a good answer back until the test opens it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, call: TextCall) -> Written:
        self.reached.set()
        await self.opened.wait()
        return answered(call, valid_answer(call.prompt))


class PendingText:
    """A step that goes on without its caller until the test ends it, with a good answer unless the test says else."""

    def __init__(self, name: str = "resp_1") -> None:
        self.call = PendingCall(id=name, request_id=f"req-of-{name}")
        self.ended = asyncio.Event()
        self.outcome: Exception | str | None = None

    def end(self, outcome: Exception | str | None = None) -> None:
        """Let it come to something."""
        self.outcome = outcome
        self.ended.set()

    async def answer(self, call: TextCall) -> Written:
        """Wait for its end."""
        await self.ended.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        written = answered(call, self.outcome or valid_answer(call.prompt))
        return written.model_copy(update={"request_id": self.call.request_id})


Step = Outcome | PendingText


class ScriptedTexts:
    """Each item follows its own script; when that has ended, every call is answered well.

    Attributes:
        pending: the calls that go on without their caller, by their ids. One that is taken away is not known any more.
        taken_up: the ids of calls that somebody else has waited for than who made them, in order.
        given_up: the ids of calls that were ended.
    """

    def __init__(self) -> None:
        self.calls: dict[str, list[TextCall]] = defaultdict(list)
        self.pending: dict[str, PendingText] = {}
        self.taken_up: list[str] = []
        self.given_up: list[str] = []
        self._scripts: dict[str, deque[Step]] = {}
        self._held: list[HeldText] = []

    def script(self, item: str, *steps: Step) -> None:
        """Let the next calls for the item with this key go so."""
        self._scripts[item] = deque(steps)
        self._held += [step for step in steps if isinstance(step, HeldText)]

    def count(self, item: str) -> int:
        """Return how many calls there were for an item."""
        return len(self.calls[item])

    def open_gates(self) -> None:
        """Let every call that is held back go on, and hold none back any more."""
        for gate in self._held:
            gate.opened.set()
        for pending in self.pending.values():
            pending.ended.set()

    async def write(self, call: TextCall, *, on_pending: OnPending) -> Written:
        item = item_of(call.prompt)
        self.calls[item].append(call)
        script = self._scripts.get(item)
        step = script.popleft() if script else valid_answer(call.prompt)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, PendingText):
            self.pending[step.call.id] = step
            on_pending(step.call)
            return await step.answer(call)
        return answered(call, step) if isinstance(step, str) else await step(call)

    async def take_up(self, pending: PendingCall, *, call: TextCall) -> Written | None:
        self.taken_up.append(pending.id)
        step = self.pending.get(pending.id)
        return None if step is None else await step.answer(call)

    async def give_up(self, pending: PendingCall) -> None:
        self.given_up.append(pending.id)
