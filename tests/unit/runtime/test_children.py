import sys
from pathlib import Path

import pytest

from runtime.children import Children, reachable, wanted_ports
from runtime.settings import Settings
from runtime.temporal_server import find_binary, log_writer, server_command


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_every_port_is_asked_for_under_its_setting(settings: Settings) -> None:
    """All four servers of the plain product are looked at before anything starts."""
    found = {(wanted.setting, wanted.port) for wanted in wanted_ports(settings)}
    expected = {
        ("RETAKES_API_PORT", 8000),
        ("RETAKES_TEMPORAL_PORT", 7233),
        ("RETAKES_TEMPORAL_UI_PORT", 8233),
        ("RETAKES_OFFLINE_PORT", 8900),
    }
    assert expected == found


def test_only_ports_that_will_be_used_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a server and a provider elsewhere, the API's port is left, and the worker's when it has one."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://models:8080/v1")
    monkeypatch.setenv("RETAKES_WORKER_METRICS_PORT", "9464")
    found = [wanted.setting for wanted in wanted_ports(Settings())]
    assert ["RETAKES_API_PORT", "RETAKES_WORKER_METRICS_PORT"] == found


def test_children_are_pointed_at_the_offline_provider(settings: Settings) -> None:
    """Without a key and an address, every child is given those of the offline provider."""
    environment = Children(settings).worker().environment
    expected = ("http://127.0.0.1:8900/v1", "offline", "true")
    names = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "RETAKES_UNDER_SUPERVISOR")
    assert expected == tuple(environment[name] for name in names)


def test_a_real_provider_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key, nothing about the provider changes."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    environment = Children(Settings()).worker().environment
    assert environment["OPENAI_API_KEY"] == "sk-1"
    assert "OPENAI_BASE_URL" not in environment


def test_our_own_children_run_our_own_code(settings: Settings) -> None:
    """They are this Python running `retakes`, and the current folder shadows none of our packages."""
    children = Children(settings)
    found = [child.command for child in (children.worker(), children.api(), children.database(), children.provider())]
    python = (sys.executable, "-P", str(Path(sys.executable).with_name("retakes")))
    expected = [
        (*python, "worker"),
        (*python, "api"),
        (*python, "db", "upgrade"),
        (*python, "offline-provider", "--port", "8900"),
    ]
    assert expected == found


def test_temporal_listens_to_this_machine_only(settings: Settings) -> None:
    """The embedded server binds loopback, keeps its file in the data folder, and knows what sessions are found by."""
    command = server_command(settings, binary="/x/temporal")
    text = " ".join(command)
    assert command[:3] == ("/x/temporal", "server", "start-dev")
    assert "--ip 127.0.0.1 " in text
    assert f"--db-filename {settings.data_dir / 'temporal.sqlite3'} " in text
    assert "--sqlite-pragma journal_mode=WAL" in text
    assert "--search-attribute RetakesFailedItems=Int" in text
    assert "--namespace" not in text


def test_a_namespace_that_is_set_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded server makes the namespace that clients will ask for."""
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "studio")
    assert "--namespace studio" in " ".join(server_command(Settings(data_dir=tmp_path), binary="temporal"))


def test_the_binary_of_the_environment_comes_first() -> None:
    """The server that was installed with us is used, not another on PATH."""
    assert str(Path(sys.executable).with_name("temporal")) == find_binary()


def test_the_log_starts_anew_before_it_gets_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and one predecessor are all that is kept."""
    monkeypatch.setattr("runtime.temporal_server._LARGEST_LOG", 100)
    write = log_writer(tmp_path / "logs" / "temporal.log")
    for number in range(60):
        write(f"line {number}")
    kept = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert ["temporal.log", "temporal.log.1"] == kept
    assert (tmp_path / "logs" / "temporal.log").read_text().endswith("line 59\n")
    assert all(path.stat().st_size < 120 for path in (tmp_path / "logs").iterdir())


@pytest.mark.parametrize(("host", "expected"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1")])
def test_a_wildcard_is_reached_over_loopback(host: str, expected: str) -> None:
    """Nobody can open the page of 0.0.0.0."""
    assert expected == reachable(host)
