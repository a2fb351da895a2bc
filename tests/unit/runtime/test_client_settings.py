from pathlib import Path

import pytest

from runtime.client_settings import load_client_settings
from runtime.refusal import Refused
from runtime.settings import load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("URL", "API_KEY", "API_HOST", "API_PORT", "API_KEYS", "API_KEYS_FILE"):
        monkeypatch.delenv(f"RETAKES_{name}", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"URL": "https://retakes.example/below/"}, "https://retakes.example/below"),
        ({"API_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"API_HOST": "0.0.0.0", "API_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"API_HOST": "::"}, "http://[::1]:8000"),
        ({"API_HOST": "10.0.0.5"}, "http://10.0.0.5:8000"),
        ({"URL": "http://other:1", "API_PORT": "9000"}, "http://other:1"),
    ],
)
def test_the_server_is_the_one_that_is_named_or_ours(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an address the server is the one that `retakes up` would start with the same settings."""
    for name, value in variables.items():
        monkeypatch.setenv(f"RETAKES_{name}", value)
    assert expected == load_client_settings().address


def test_our_own_servers_keys_are_shown_to_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of this machine's server open it without more ado; they never leave for another address."""
    (folder / "keys").write_text("\nfrom-file\n")
    monkeypatch.setenv("RETAKES_API_KEYS_FILE", str(folder / "keys"))
    assert "from-file" == load_client_settings().key
    (folder / ".env").write_text("RETAKES_API_KEYS= first ,second\n")
    assert "first" == load_client_settings().key
    monkeypatch.setenv("RETAKES_URL", "https://retakes.example")
    assert load_client_settings().key is None
    monkeypatch.setenv("RETAKES_API_KEY", "mine")
    assert "mine" == load_client_settings().key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL", "retakes.example"),
        ("URL", "http://me:secret@retakes.example"),
        ("API_KEY", "schlüssel"),
        ("API_PORT", "0"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, which names the variable and does not show what it holds."""
    monkeypatch.setenv(f"RETAKES_{name}", value)
    with pytest.raises(Refused, match=f"^RETAKES_{name} should ") as refused:
        load_client_settings()
    assert f" {value} " not in f"{refused.value} "


def test_a_server_knows_the_variables_of_its_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand beside its own in one `.env`, and are no reason for a warning."""
    monkeypatch.setenv("RETAKES_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("RETAKES_API_KEY", "mine")
    warnings: list[str] = []
    load_settings(warn=warnings.append)
    assert [] == [line for line in warnings if "RETAKES_URL" in line or "RETAKES_API_KEY " in line]
