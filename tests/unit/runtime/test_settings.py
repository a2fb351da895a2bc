from datetime import timedelta
from pathlib import Path

import pytest

from runtime.settings import Settings, SettingsError, load_settings


def load(*, dotenv: Path = Path("/nonexistent/.env")) -> Settings:
    return load_settings(dotenv=dotenv, warn=lambda _: None)


def warnings_of(dotenv: Path = Path("/nonexistent/.env")) -> list[str]:
    lines: list[str] = []
    load_settings(dotenv=dotenv, warn=lines.append)
    return lines


def test_nothing_needs_to_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any variable, all lies in ./var, on loopback, with the embedded server and the offline provider."""
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert tmp_path / "var" == settings.data_dir
    assert f"sqlite+aiosqlite:///{tmp_path}/var/records.sqlite3" == settings.database_url.get_secret_value()
    assert f"file://{tmp_path}/var/artifacts" == settings.artifacts_url
    assert ("127.0.0.1", 8000, 7233, 8233, 8900) == (
        settings.api_host,
        settings.api_port,
        settings.temporal_port,
        settings.temporal_ui_port,
        settings.offline_port,
    )
    assert settings.embedded_temporal
    assert settings.offline
    assert settings.temporal_ui_url == "http://127.0.0.1:8233"
    assert timedelta(days=7) == settings.retry_window
    assert settings.images_per_minute is None
    assert settings.text_api == "responses"
    assert settings.text_background == "never"


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` fills in what the environment leaves out, an empty variable included."""
    (tmp_path / ".env").write_text("RETAKES_API_PORT=8001\nRETAKES_TEXT_MODEL=from-file\nRETAKES_IMAGE_MODEL=drawn\n")
    monkeypatch.setenv("RETAKES_API_PORT", "8002")
    monkeypatch.setenv("RETAKES_IMAGE_MODEL", "")
    settings = load(dotenv=tmp_path / ".env")
    assert (8002, "from-file", "drawn") == (settings.api_port, settings.text_model, settings.image_model)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("RETAKES_API_PORT", "80000", "less than or equal to 65535"),
        ("RETAKES_TEMPORAL_PORT", "x", "valid integer"),
        ("RETAKES_RETRY_WINDOW", "7", "duration such as"),
        ("RETAKES_ATTEMPT_TIMEOUT", "0s", "greater than 0"),
        ("RETAKES_IMAGES_PER_MINUTE", "0", "greater than 0"),
        ("RETAKES_TEXT_API", "soap", "'responses' or 'chat'"),
        ("RETAKES_TEXT_BACKGROUND", "true", "'never', 'brief' or 'stored'"),
        ("RETAKES_DATABASE_URL", "mysql://user:secret@host/db", "postgresql"),
        ("RETAKES_ARTIFACTS_URL", "/tmp", "s3://bucket/prefix"),
        ("RETAKES_API_KEYS", " , ", "at least one key"),
        ("RETAKES_API_KEYS_FILE", "/nonexistent/keys", "cannot be read"),
        ("RETAKES_DATABASE_PASSWORD_FILE", "/nonexistent/password", "cannot be read"),
        ("RETAKES_PRICES_FILE", "/nonexistent/prices", "cannot be read"),
        ("RETAKES_LOG_LEVEL", "LOUD", "'DEBUG'"),
        ("RETAKES_TEMPORAL_UI_URL", "nowhere", "http"),
        ("OPENAI_BASE_URL", "nowhere", "http"),
        ("OPENAI_API_KEY_FILE", "/nonexistent/key", "cannot be read"),
        ("TEMPORAL_ADDRESS", "nowhere", "HOST:PORT"),
        ("RETAKES_API_HOST", "0.0.0.0", "RETAKES_API_KEYS"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(
    variable: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line begins with the variable's name, says what it should be, and shows no value of a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as error:
        load()
    line = str(error.value)
    assert line.startswith(variable)
    assert expected in line
    assert "\n" not in line
    assert "secret" not in line


def test_every_wrong_value_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes don't need two starts to be found."""
    monkeypatch.setenv("RETAKES_API_PORT", "x")
    monkeypatch.setenv("OPENAI_BASE_URL", "x")
    with pytest.raises(SettingsError, match=r"RETAKES_API_PORT .*; OPENAI_BASE_URL "):
        load()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "retakes.example"])
def test_an_open_door_needs_keys(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that others can reach is refused without API keys and taken with them."""
    monkeypatch.setenv("RETAKES_API_HOST", host)
    with pytest.raises(SettingsError, match="RETAKES_API_HOST should be a loopback address"):
        load()
    monkeypatch.setenv("RETAKES_API_KEYS", "one")
    assert host == load().api_host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_none(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every form of this machine's own address is taken without keys."""
    monkeypatch.setenv("RETAKES_API_HOST", host)
    assert host == load().api_host


def test_keys_come_from_variable_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the variable and the lines of the file count together."""
    (tmp_path / "keys").write_text("three\n\n  four \n")
    monkeypatch.setenv("RETAKES_API_KEYS", "one, two,")
    monkeypatch.setenv("RETAKES_API_KEYS_FILE", str(tmp_path / "keys"))
    assert ["one", "two", "three", "four"] == [key.get_secret_value() for key in load().api_keys]


def test_a_file_without_keys_does_not_open_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file of keys is a mistake, not a wish for none."""
    (tmp_path / "keys").write_text("\n")
    monkeypatch.setenv("RETAKES_API_KEYS_FILE", str(tmp_path / "keys"))
    with pytest.raises(SettingsError, match="at least one key"):
        load()


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's key and the database's password may lie in files; signs in a password survive the URL."""
    (tmp_path / "key").write_text("sk-from-file\n")
    (tmp_path / "password").write_text("p@ss/w:rd\n")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("RETAKES_DATABASE_URL", "postgresql://retakes@db:5432/records")
    monkeypatch.setenv("RETAKES_DATABASE_PASSWORD_FILE", str(tmp_path / "password"))
    settings = load()
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-from-file"
    assert not settings.offline
    expected = "postgresql+asyncpg://retakes:p%40ss%2Fw%3Ard@db:5432/records"
    assert expected == settings.database_url.get_secret_value()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql+asyncpg://u:p@h/d?ssl=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("sqlite:////tmp/r.sqlite3", "sqlite+aiosqlite:////tmp/r.sqlite3"),
    ],
)
def test_the_database_gets_its_async_driver(given: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL without a driver, as other tools write it, works as well."""
    monkeypatch.setenv("RETAKES_DATABASE_URL", given)
    assert expected == load().database_url.get_secret_value()


def test_printing_settings_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """No form of printing tells a key or a password."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hush1")
    monkeypatch.setenv("RETAKES_API_KEYS", "hush2")
    monkeypatch.setenv("TEMPORAL_API_KEY", "hush3")
    monkeypatch.setenv("RETAKES_DATABASE_URL", "postgresql://u:hush4@h/d")
    settings = load()
    assert "hush" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TEMPORAL_ADDRESS", "temporal:7233"), ("TEMPORAL_PROFILE", "x"), ("TEMPORAL_CONFIG_FILE", "x")],
)
def test_naming_a_server_replaces_the_embedded_one(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Temporal's own settings naming a server, none is embedded and its UI's address is not guessed."""
    monkeypatch.setenv(variable, value)
    settings = load()
    assert not settings.embedded_temporal
    assert settings.temporal_ui_url is None
    monkeypatch.setenv("RETAKES_TEMPORAL_UI_URL", "https://ui.example/")
    assert load().temporal_ui_url == "https://ui.example"


def test_temporals_own_settings_may_stand_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TEMPORAL_TLS…` and the like are kept from both places, the environment first."""
    (tmp_path / ".env").write_text("TEMPORAL_TLS=true\nTEMPORAL_TLS_SERVER_NAME=file\n")
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", "environment")
    found = {
        name: value.get_secret_value() for name, value in load(dotenv=tmp_path / ".env").temporal_variables.items()
    }
    assert {"TEMPORAL_TLS": "true", "TEMPORAL_TLS_SERVER_NAME": "environment"} == found


def test_an_unknown_variable_is_told_with_the_closest_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the keyboard is told, in the environment and in the file, and does not stop the start."""
    (tmp_path / ".env").write_text("RETAKES_RETRY_WINDOWS=7d\n")
    monkeypatch.setenv("RETAKES_API_PROT", "8001")
    monkeypatch.setenv("RETAKES_XYZ", "1")
    expected = [
        "RETAKES_API_PROT is not a setting: did you mean RETAKES_API_PORT?",
        "RETAKES_RETRY_WINDOWS is not a setting: did you mean RETAKES_RETRY_WINDOW?",
        "RETAKES_XYZ is not a setting",
    ]
    assert expected == warnings_of(tmp_path / ".env")


def test_a_key_for_no_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for Temporal without an address does nothing, and that is said."""
    monkeypatch.setenv("TEMPORAL_API_KEY", "k")
    assert ["TEMPORAL_API_KEY has no effect without TEMPORAL_ADDRESS: the embedded server is used"] == warnings_of()


def test_a_background_for_an_api_without_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chat completions have no background, so nothing comes of the setting."""
    monkeypatch.setenv("RETAKES_TEXT_BACKGROUND", "brief")
    assert [] == warnings_of()
    monkeypatch.setenv("RETAKES_TEXT_API", "chat")
    assert [
        "RETAKES_TEXT_BACKGROUND has no effect with RETAKES_TEXT_API=chat, which has no background"
    ] == warnings_of()


def test_children_leave_the_warnings_to_their_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """`retakes up` warns once, not once for each of its children."""
    monkeypatch.setenv("RETAKES_API_PROT", "8001")
    monkeypatch.setenv("RETAKES_UNDER_SUPERVISOR", "true")
    assert [] == warnings_of()


def test_an_unreadable_dotenv_is_one_line(tmp_path: Path) -> None:
    """A `.env` that is no text is told by name."""
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load(dotenv=tmp_path / ".env")


def test_attempts_end_before_the_grace_is_over() -> None:
    """A stopping worker keeps a part of its grace for reporting what finished."""
    settings = load()
    assert timedelta(0) < settings.attempt_shutdown_grace < settings.shutdown_grace
