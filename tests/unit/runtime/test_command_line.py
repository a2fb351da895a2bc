import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def retakes(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-P", "-m", "cli.app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=60, check=False)


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("up", "--fly"), ("offline-provider", "--latency", "soon"), ("db",)]
)
def test_bad_usage_exits_with_2_and_a_hint(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """What the command line does not know ends with exit code 2 and how it is used, never with a traceback."""
    ended = retakes(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert "Usage: retakes" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["up", "worker", "api"])
def test_a_wrong_setting_exits_with_2_and_one_line(command: str, tmp_path: Path) -> None:
    """Every command that reads settings ends with the line that names the wrong one."""
    ended = retakes(command, cwd=tmp_path, RETAKES_RETRY_WINDOW="soon")
    expected = "retakes: RETAKES_RETRY_WINDOW should be a duration such as 90s, 5m, 1h30m or 7d\n"
    assert (2, expected) == (ended.returncode, ended.stderr)


def test_a_taken_port_exits_with_2_and_starts_nothing(tmp_path: Path) -> None:
    """`up` looks before it starts: one line names the port, and the data folder holds nothing of Temporal's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        ended = retakes("up", cwd=tmp_path, RETAKES_API_PORT=port, RETAKES_DATA_DIR=str(tmp_path / "data"))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"retakes: port {port} on 127.0.0.1 is taken (RETAKES_API_PORT)")
    assert ended.stderr.count("\n") == 1
    assert [tmp_path / "data" / "up.lock"] == list((tmp_path / "data").iterdir())


def test_help_is_quick_because_it_imports_little(tmp_path: Path) -> None:
    """Asking for help loads none of the large libraries."""
    program = (
        "import sys; from cli.app import main; sys.argv = ['retakes', '--help']\n"
        "large = {'pydantic', 'temporalio', 'rich', 'sqlalchemy', 'openai', 'httpx2'}\n"
        "try: main()\n"
        "finally: print(sorted(large & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
    )
    assert ended.stdout.splitlines()[-1] == "[]"
