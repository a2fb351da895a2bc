"""Runs child processes in the foreground: in stages, each ready before the next, restarted when one dies.

Children get sessions of their own, so that a terminal's Ctrl-C reaches the supervisor alone and it decides who ends
when; and each is leashed, so that none outlives a killed supervisor.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from runtime.together import together

_LEASH: Final = Path(__file__).with_name("leash.py")
_LONGEST_LINE: Final = 64 * 1024
_DRAIN: Final = timedelta(seconds=0.5)


class StartFailed(Exception):
    """Something did not become ready. The message is one line that names it and says what was seen of it."""


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process to run.

    Attributes:
        name: what lines about it call it.
        command: program and arguments.
        environment: its whole environment.
        is_ready: asked with its pid, again and again, until it says yes.
        write: takes each line that it prints, without the line's end.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[int], Awaitable[bool]]
    write: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How patient a supervisor is.

    Attributes:
        ready_within: from a child's first start until it must be ready.
        look_every: between two looks at whether it is.
        first_pause: before a child that died is started again; it doubles with each death …
        longest_pause: … up to this,
        stable_after: … and begins anew once the child has run so long.
    """

    ready_within: timedelta = timedelta(seconds=60)
    look_every: timedelta = timedelta(milliseconds=50)
    first_pause: timedelta = timedelta(milliseconds=500)
    longest_pause: timedelta = timedelta(seconds=10)
    stable_after: timedelta = timedelta(seconds=30)


class _Running:
    """A child and its process of the moment."""

    def __init__(self, child: Child, process: Process) -> None:
        self.child = child
        self.process = process
        self.started_at = asyncio.get_running_loop().time()
        self.last_line = ""
        self.output = asyncio.create_task(self._read_output())

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    def terminate(self) -> None:
        with suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        # The whole group: what a child has started itself goes with it.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def ended(self) -> None:
        await self.process.wait()
        # A grandchild may hold the output open for ever.
        await asyncio.wait({self.output}, timeout=_DRAIN.total_seconds())
        self.output.cancel()

    def end_in_words(self) -> str:
        code = self.process.returncode or 0
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def _read_output(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        unfinished = b""
        while chunk := await self.process.stdout.read(_LONGEST_LINE):
            *lines, unfinished = (unfinished + chunk).split(b"\n")
            if len(unfinished) > _LONGEST_LINE:
                lines, unfinished = [*lines, unfinished], b""
            for line in lines:
                self._pass_on(line)
        if unfinished:
            self._pass_on(unfinished)

    def _pass_on(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        self.last_line = text or self.last_line
        self.child.write(text)


class Supervisor:
    """Starts children in stages, keeps them running, and ends them in the opposite order."""

    def __init__(
        self,
        *,
        say: Callable[[str], None],
        timing: Timing | None = None,
        leash: Literal["kernel", "pipe"] = "kernel" if sys.platform == "linux" else "pipe",
    ) -> None:
        self._say = say
        self._timing = timing or Timing()
        self._leash = leash
        self._stages: list[dict[str, _Running]] = []
        self._keepers: list[asyncio.Task[None]] = []

    def pid_of(self, name: str) -> int:
        """Return the pid of a child's process of the moment.

        Raises:
            KeyError: no such child was started.
        """
        return next(stage[name] for stage in self._stages if name in stage).process.pid

    async def start(self, *children: Child) -> None:
        """Start children side by side, as the next stage, and keep them running once all are ready.

        Raises:
            StartFailed: one ended, or took too long, before it was ready. `stop` is the caller's to call.
        """
        stage: dict[str, _Running] = {}
        self._stages.append(stage)
        await together(*(self._start_first(child, stage) for child in children))
        self._keepers += [asyncio.create_task(self._keep(child, stage)) for child in children]

    async def run_to_end(self, child: Child) -> None:
        """Run a child that has an end, and wait for it. Its readiness is not asked for.

        Raises:
            StartFailed: it ended with another exit code than 0.
        """
        stage: dict[str, _Running] = {}
        self._stages.append(stage)
        running = await self._spawn(child, stage)
        await running.ended()
        if running.process.returncode != 0:
            raise StartFailed(_in_one_line(running, "", running.end_in_words()))

    async def keep(self) -> None:
        """Go on for as long as the children are kept running: until `stop`, or until a probe raised an error."""
        await asyncio.gather(*self._keepers)

    async def stop(self, *, grace: timedelta, last_grace: timedelta) -> None:
        """End all children with SIGTERM, the latest stage first, and kill those who overrun.

        Args:
            grace: for all stages together, except the first;
            last_grace: what the first stage may take beyond that.
        """
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        deadline = asyncio.get_running_loop().time() + grace.total_seconds()
        for number, stage in reversed(list(enumerate(self._stages))):
            await self._end(stage, deadline=deadline + (last_grace.total_seconds() if number == 0 else 0))

    def kill(self) -> None:
        """Have a `stop` under way finish at once, with SIGKILL."""
        for stage in self._stages:
            for running in stage.values():
                if running.is_alive:
                    running.kill()

    async def _start_first(self, child: Child, stage: dict[str, _Running]) -> None:
        running = await self._spawn(child, stage)
        patience = self._timing.ready_within
        try:
            async with asyncio.timeout(patience.total_seconds()):
                is_ready = await self._until_ready(running)
        except TimeoutError:
            reason = f"was not ready within {patience.total_seconds():g} s"
            raise StartFailed(_in_one_line(running, "", reason)) from None
        if not is_ready:
            raise StartFailed(_in_one_line(running, " before it was ready", running.end_in_words()))

    async def _keep(self, child: Child, stage: dict[str, _Running]) -> None:
        pause = self._timing.first_pause
        while True:
            running = stage[child.name]
            await running.ended()
            lived = asyncio.get_running_loop().time() - running.started_at
            if lived >= self._timing.stable_after.total_seconds():
                pause = self._timing.first_pause
            again = f"starting it again in {pause.total_seconds():g} s"
            self._say(f"{child.name} {running.end_in_words()}; {again}")
            await asyncio.sleep(pause.total_seconds())
            pause = min(pause * 2, self._timing.longest_pause)
            # No deadline: it may have to wait for another child that is down as well.
            if await self._until_ready(await self._spawn(child, stage)):
                self._say(f"{child.name} is back")

    async def _spawn(self, child: Child, stage: dict[str, _Running]) -> _Running:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LEASH), self._leash, str(os.getpid()), *child.command),
            env=child.environment,
            stdin=DEVNULL if self._leash == "kernel" else PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
        )
        stage[child.name] = _Running(child, process)
        return stage[child.name]

    async def _until_ready(self, running: _Running) -> bool:
        """Return True once the child is ready, False when it has ended before."""
        ended = asyncio.create_task(running.ended())
        try:
            while not ended.done():
                if await running.child.is_ready(running.process.pid):
                    return True
                await asyncio.wait({ended}, timeout=self._timing.look_every.total_seconds())
            return False
        finally:
            ended.cancel()

    async def _end(self, stage: Mapping[str, _Running], *, deadline: float) -> None:
        alive = {asyncio.create_task(running.ended()): running for running in stage.values() if running.is_alive}
        if not alive:
            return
        for running in alive.values():
            running.terminate()
        left = deadline - asyncio.get_running_loop().time()
        _, late = await asyncio.wait(alive, timeout=max(left, 0))
        for task in late:
            self._say(f"{alive[task].child.name} took too long to end: killed")
            alive[task].kill()
        await asyncio.gather(*alive)


def _in_one_line(running: _Running, when: str, what: str) -> str:
    last = f"; its last line: {running.last_line}" if running.last_line else ""
    return f"{running.child.name} {what}{when}{last}"
