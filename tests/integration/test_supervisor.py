"""The supervisor with real processes: small Python programs, and Temporal's own server."""

import asyncio
import fcntl
import os
import signal
import sys
import textwrap
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from runtime.ports import WantedPort, reason_against
from runtime.readiness import TemporalReadiness
from runtime.settings import Settings
from runtime.supervisor import Child, StartFailed, Supervisor, Timing
from runtime.temporal import RETENTION, SEARCH_ATTRIBUTES, connect, ensure_retention, ensure_search_attributes
from runtime.temporal_server import find_binary, log_writer, server_command
from tests.support.eventually import eventually
from tests.support.product import free_port

QUICK = Timing(
    ready_within=timedelta(seconds=20),
    look_every=timedelta(milliseconds=10),
    first_pause=timedelta(milliseconds=10),
    longest_pause=timedelta(milliseconds=40),
)
PATIENT = timedelta(seconds=20)
NONE = timedelta(0)

WAIT_FOR_TERM = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("bye", flush=True)))
print("up", flush=True)
while True: signal.pause()
"""
IGNORE_TERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True: signal.pause()
"""


class Toys:
    """Makes children out of Python programs, and remembers what they and the supervisor said."""

    def __init__(self) -> None:
        self.supervisor = Supervisor(say=self._say, timing=QUICK)
        self.said: list[str] = []
        self.printed: dict[str, list[str]] = {}

    def _say(self, line: str) -> None:
        self.said.append(line)

    def child(
        self, name: str, program: str = WAIT_FOR_TERM, *, is_ready: Callable[[int], Awaitable[bool]] | None = None
    ) -> Child:
        """A child that is ready once it has printed a line, unless told otherwise."""
        printed = self.printed.setdefault(name, [])

        async def has_printed(_pid: int) -> bool:
            return bool(printed)

        return Child(
            name=name,
            command=(sys.executable, "-c", textwrap.dedent(program)),
            environment=os.environ,
            is_ready=is_ready or has_printed,
            write=printed.append,
        )

    async def stop(self, grace: timedelta = PATIENT) -> None:
        await self.supervisor.stop(grace=grace, last_grace=NONE)


@pytest.fixture
async def toys() -> AsyncIterator[Toys]:
    toys = Toys()
    yield toys
    await toys.stop(NONE)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def never(_pid: int) -> bool:
    return False


async def always(_pid: int) -> bool:
    return True


async def test_a_stage_is_ready_before_the_next_begins(toys: Toys, tmp_path: Path) -> None:
    """Children of one stage start side by side; the next stage finds them ready."""
    mark = tmp_path / "ready"

    async def marked(_pid: int) -> bool:
        return mark.exists()

    first = f"import pathlib; pathlib.Path({str(mark)!r}).touch()" + WAIT_FOR_TERM
    second = f"import pathlib; print(pathlib.Path({str(mark)!r}).exists(), flush=True)" + WAIT_FOR_TERM
    await toys.supervisor.start(toys.child("first", first, is_ready=marked), toys.child("beside"))
    await toys.supervisor.start(toys.child("second", second))
    assert toys.printed["second"][0] == "True"


async def test_a_child_that_dies_is_started_again_and_it_is_said(toys: Toys) -> None:
    """A killed child gets a new process; one line tells its death, one its return."""
    await toys.supervisor.start(toys.child("worker"))
    before = toys.supervisor.pid_of("worker")
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: len(toys.said) == 2)
    assert before != toys.supervisor.pid_of("worker")
    assert ["worker was ended by SIGKILL; starting it again in 0.01 s", "worker is back"] == toys.said


async def test_pauses_grow_up_to_the_longest(toys: Toys) -> None:
    """A child that dies again and again is started after 1, 2, 4, 4 … times the first pause."""
    await toys.supervisor.start(toys.child("api", "import sys; print('up'); sys.exit(3)", is_ready=always))
    await eventually(lambda: len([line for line in toys.said if "again" in line]) >= 5)
    deaths = [line for line in toys.said if "again" in line]
    pauses = ["0.01", "0.02", "0.04", "0.04", "0.04"]
    assert [f"api ended with exit code 3; starting it again in {pause} s" for pause in pauses] == deaths[:5]


async def test_a_child_that_was_stable_starts_over_with_the_first_pause() -> None:
    """Yesterday's deaths don't count once a child has run long enough."""
    toys = Toys()
    stable_at_once = Timing(look_every=QUICK.look_every, first_pause=QUICK.first_pause, stable_after=NONE)
    toys.supervisor = Supervisor(say=toys.said.append, timing=stable_at_once)
    await toys.supervisor.start(toys.child("api", "print('up')", is_ready=always))
    await eventually(lambda: len([line for line in toys.said if "again" in line]) >= 3)
    await toys.stop()
    assert all("in 0.01 s" in line for line in toys.said if "again" in line)


async def test_children_end_in_the_opposite_order(toys: Toys) -> None:
    """The latest stage ends first, and whole, before the one it needs is asked to."""
    order: list[str] = []

    def recording(name: str) -> Child:
        child = toys.child(name)
        return Child(
            name=name,
            command=child.command,
            environment=child.environment,
            is_ready=child.is_ready,
            write=lambda line: order.append(name) if line == "bye" else child.write(line),
        )

    await toys.supervisor.start(recording("temporal"))
    await toys.supervisor.start(recording("worker"), recording("api"))
    pids = [toys.supervisor.pid_of(name) for name in ("temporal", "worker", "api")]
    await toys.stop()
    assert ["api", "worker"] == sorted(order[:2])
    assert ["temporal"] == order[2:]
    assert not any(is_running(pid) for pid in pids)
    assert [] == toys.said


async def test_a_child_that_overruns_its_grace_is_killed_with_what_it_started(toys: Toys) -> None:
    """SIGKILL follows SIGTERM after the grace, for the child's own children, too."""
    program = f"""
import subprocess, sys
grandchild = subprocess.Popen([sys.executable, "-c", {IGNORE_TERM!r}], stdout=subprocess.PIPE)
grandchild.stdout.readline()
print(grandchild.pid, flush=True)
"""
    await toys.supervisor.start(toys.child("worker", program + IGNORE_TERM))
    grandchild = int(toys.printed["worker"][0])
    await eventually(lambda: "up" in toys.printed["worker"])
    await toys.stop(timedelta(milliseconds=200))
    assert ["worker took too long to end: killed"] == toys.said
    assert not is_running(toys.supervisor.pid_of("worker"))
    await eventually(lambda: not is_running(grandchild) or is_zombie(grandchild))


def is_zombie(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


async def test_impatience_ends_a_stop_at_once(toys: Toys) -> None:
    """`kill` finishes a stop that still waits for somebody."""
    await toys.supervisor.start(toys.child("worker", IGNORE_TERM))
    stopping = asyncio.create_task(toys.stop(timedelta(minutes=5)))
    await asyncio.wait({stopping}, timeout=0.1)
    assert not stopping.done()
    toys.supervisor.kill()
    async with asyncio.timeout(10):
        await stopping
    assert not is_running(toys.supervisor.pid_of("worker"))


async def test_a_stop_during_a_pause_starts_nothing(toys: Toys) -> None:
    """A child that is down when everything ends stays down."""
    toys.supervisor = Supervisor(say=toys.said.append, timing=Timing(first_pause=timedelta(minutes=5)))
    await toys.supervisor.start(toys.child("worker"))
    os.kill(toys.supervisor.pid_of("worker"), signal.SIGKILL)
    await eventually(lambda: toys.said)
    async with asyncio.timeout(10):
        await toys.stop()
    assert ["worker was ended by SIGKILL; starting it again in 300 s"] == toys.said


async def test_a_child_that_never_gets_ready_fails_the_start(toys: Toys) -> None:
    """The line names the child and its last words; what had started is ended by the stop."""
    toys.supervisor = Supervisor(
        say=toys.said.append, timing=Timing(look_every=QUICK.look_every, ready_within=timedelta(milliseconds=500))
    )
    with pytest.raises(StartFailed, match=r"^worker was not ready within 0\.5 s"):
        await toys.supervisor.start(toys.child("api"), toys.child("worker", is_ready=never))
    pids = [toys.supervisor.pid_of("api"), toys.supervisor.pid_of("worker")]
    await toys.stop()
    assert not any(is_running(pid) for pid in pids)


async def test_a_child_that_ends_before_it_is_ready_fails_the_start(toys: Toys) -> None:
    """Nobody waits for the dead: the line tells the exit code and the last words at once."""
    program = "import sys; print('file is locked'); sys.exit(3)"
    with pytest.raises(StartFailed) as failed:
        await toys.supervisor.start(toys.child("temporal", program, is_ready=never))
    expected = "temporal ended with exit code 3 before it was ready; its last line: file is locked"
    assert expected == str(failed.value)


async def test_a_missing_program_fails_the_start(toys: Toys) -> None:
    """A command that isn't there is named."""
    child = Child(name="x", command=("/nonexistent/x",), environment={}, is_ready=never, write=toys.said.append)
    with pytest.raises(StartFailed, match=r"exit code 127.*/nonexistent/x can't be started: No such file"):
        await toys.supervisor.start(child)


async def test_a_child_with_an_end_is_waited_for(toys: Toys) -> None:
    """Exit code 0 is success, any other fails the start."""
    await toys.supervisor.run_to_end(toys.child("database", "print('upgraded')"))
    assert ["upgraded"] == toys.printed["database"]
    with pytest.raises(StartFailed, match=r"^database ended with exit code 1; its last line: RuntimeError: Error"):
        await toys.supervisor.run_to_end(toys.child("database", "raise RuntimeError('Error')"))


async def test_every_kind_of_output_arrives(toys: Toys) -> None:
    """Long lines, broken UTF-8, both streams and a last line without an end all arrive."""
    program = """
        import sys
        sys.stdout.buffer.write(b"x" * 300_000 + b"\\n" + b"caf\\xe9\\n")
        sys.stdout.flush()
        print("to error", file=sys.stderr, flush=True)
        sys.stdout.write("no end")
    """
    await toys.supervisor.run_to_end(toys.child("noisy", program))
    *long, broken, error, last = toys.printed["noisy"]
    assert "x" * 300_000 == "".join(long)
    assert ("caf\ufffd", "to error", "no end") == (broken, error, last)


async def test_a_terminals_ctrl_c_reaches_the_supervisor_alone(toys: Toys) -> None:
    """Children live in sessions of their own, so that they end in order and not all at once."""
    await toys.supervisor.start(toys.child("worker"))
    pid = toys.supervisor.pid_of("worker")
    assert (pid, pid) == (os.getsid(pid), os.getpgid(pid))


@pytest.mark.parametrize("leash", ["kernel", "pipe"])
async def test_no_child_outlives_a_killed_supervisor(leash: str, tmp_path: Path) -> None:
    """After SIGKILL of the supervisor its children are gone, on both kinds of system."""
    if leash == "kernel" and sys.platform != "linux":
        pytest.skip("only Linux tells a process of its parent's death")
    locked = tmp_path / "locked"
    child = f"import fcntl; file = open({str(locked)!r}, 'w'); fcntl.flock(file, fcntl.LOCK_EX)" + WAIT_FOR_TERM
    program = f"""
        import asyncio, os, sys
        from runtime.supervisor import Child, Supervisor

        async def main():
            printed = []
            async def is_ready(pid): return bool(printed)
            child = Child(
                name="child", command=(sys.executable, "-c", {child!r}), environment=os.environ,
                is_ready=is_ready, write=printed.append,
            )
            await (supervisor := Supervisor(say=print, leash={leash!r})).start(child)
            print("ready", flush=True)
            await supervisor.keep()

        asyncio.run(main())
    """
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(program), stdout=PIPE)
    assert supervisor.stdout is not None
    assert await supervisor.stdout.readline() == b"ready\n"
    with locked.open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        supervisor.kill()
        await supervisor.wait()

        def is_free() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        await eventually(is_free)


async def test_the_embedded_temporal_comes_back_with_its_sessions(toys: Toys, tmp_path: Path) -> None:
    """Killed with SIGKILL, Temporal's server is back on its port with what it had, and what we asked of it."""
    settings = Settings(data_dir=tmp_path, temporal_port=free_port(), temporal_ui_port=free_port())
    binary = find_binary()
    assert binary is not None
    toys.supervisor = Supervisor(say=toys.said.append, timing=QUICK)
    server = Child(
        name="temporal",
        command=server_command(settings, binary=binary),
        environment=os.environ,
        is_ready=TemporalReadiness(settings).serves,
        write=log_writer(tmp_path / "temporal.log"),
    )
    await toys.supervisor.start(server)
    client = await connect(settings)
    await client.start_workflow("Nobody", id="kept", task_queue="nobody")
    os.kill(toys.supervisor.pid_of("temporal"), signal.SIGKILL)
    await eventually(lambda: "temporal is back" in toys.said, timeout=PATIENT)

    assert (await client.get_workflow_handle("kept").describe()).id == "kept"
    await ensure_search_attributes(client)
    await ensure_retention(client)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    assert SEARCH_ATTRIBUTES.items() <= known.custom_attributes.items()
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert RETENTION == described.config.workflow_execution_retention_ttl.ToTimedelta()
    await toys.stop()
    assert (tmp_path / "temporal.log").read_text()


async def test_the_whole_product_starts_once_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    """A second `up` on the same folder is refused; Ctrl-C ends every child within ten seconds, with exit code 0."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RETAKES_", "OPENAI_", "TEMPORAL_"))
    }
    settings = [f"RETAKES_{name}_PORT" for name in ("API", "TEMPORAL", "TEMPORAL_UI", "OFFLINE")]
    ports = {setting: free_port() for setting in settings}
    environment = kept | {setting: str(port) for setting, port in ports.items()}

    async def up() -> Process:
        command = (sys.executable, "-P", "-m", "cli.app", "up")
        return await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=environment, stdout=PIPE, stderr=STDOUT)

    first = await up()
    assert first.stdout is not None
    try:
        async with asyncio.timeout(60):
            seen = [await first.stdout.readline()]
            while not seen[-1].startswith(b"Ctrl-C"):
                assert seen[-1], seen
                seen.append(await first.stdout.readline())
        printed = b"".join(seen).decode()
        assert all(f"http://127.0.0.1:{port}" in printed for port in ports.values() if port != ports[settings[1]])

        second = await up()
        refusal, _ = await second.communicate()
        assert (second.returncode, refusal.count(b"\n")) == (2, 1)
        assert f"another `retakes up` (pid {first.pid})" in refusal.decode()
    finally:
        first.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            await first.communicate()
    assert first.returncode == 0
    wanted = [WantedPort(host="127.0.0.1", port=port, setting=setting) for setting, port in ports.items()]
    assert reason_against(wanted, patience=NONE) is None
