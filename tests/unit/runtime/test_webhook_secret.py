import stat
import subprocess
import sys
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from runtime.refusal import Refused
from runtime.settings import Settings, SettingsError, load_settings
from runtime.webhook_secret import FILE, webhook_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"


def load() -> Settings:
    return load_settings(dotenv=Path("/nonexistent/.env"), warn=lambda _: None)


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Whoever sets nothing gets a secret of the standard's form in a file that others cannot read, and keeps it."""
    settings = Settings(data_dir=tmp_path / "new")
    made = webhook_secret(settings)

    assert made is not None
    assert Webhook(made)
    assert made == webhook_secret(settings)
    assert [FILE] == [file.name for file in (tmp_path / "new").iterdir()]
    assert 0o600 == stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """The API and the worker make one secret between them, however closely they start."""
    program = (
        "import sys; from runtime.settings import Settings; from runtime.webhook_secret import webhook_secret; "
        "sys.stdin.read(1); print(webhook_secret(Settings(data_dir=sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(".")[0].strip() for process in processes]

    assert 1 == len(set(said))
    assert said[0].startswith("whsec_")


def test_with_a_server_elsewhere_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each machine would make its own."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")

    assert webhook_secret(Settings(data_dir=tmp_path)) is None
    assert [] == list(tmp_path.iterdir())


def test_a_secret_may_be_set_or_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable comes before the file; printing settings shows neither."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv("RETAKES_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("RETAKES_DATA_DIR", str(tmp_path / "data"))
    assert SECRET == webhook_secret(load())
    assert SECRET[6:] not in f"{load()!r} {load().model_dump_json()}"
    monkeypatch.setenv("RETAKES_WEBHOOK_SECRET", SECRET.replace("q", "r"))
    assert SECRET.replace("q", "r") == webhook_secret(load())
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("secret", ["hush", "whsec_", "whsec_aHVzaA==", "whsec_!" + "a" * 43, "a" * 44])
def test_a_secret_of_another_form_is_refused(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the variable, says how to make a good one, and does not show the bad one."""
    monkeypatch.setenv("RETAKES_WEBHOOK_SECRET", secret)
    with pytest.raises(SettingsError, match=r"^RETAKES_WEBHOOK_SECRET should be whsec_ and then 24 to 64") as refused:
        load()
    assert secret == "whsec_" or secret not in str(refused.value)


def test_an_empty_file_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a wish for none."""
    (tmp_path / "secret").touch()
    monkeypatch.setenv("RETAKES_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match="RETAKES_WEBHOOK_SECRET"):
        load()


def test_a_kept_secret_that_was_spoilt_ends_the_start(tmp_path: Path) -> None:
    """Rather than to sign with something else than receivers were given."""
    (tmp_path / FILE).write_text("spoilt\n")
    with pytest.raises(Refused, match="remove it, or mend it"):
        webhook_secret(Settings(data_dir=tmp_path))


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """By name."""
    (tmp_path / "data").touch()
    with pytest.raises(Refused, match="RETAKES_DATA_DIR"):
        webhook_secret(Settings(data_dir=tmp_path / "data"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1/", "RETAKES_CALLBACK_URL should lead to the public internet: 127.0.0.1 is this machine"),
        ("ftp://h.example/", "RETAKES_CALLBACK_URL must start with https"),
        ("https://a:b@h.example/", "RETAKES_CALLBACK_URL must not hold a user"),
    ],
)
def test_an_address_that_cannot_be_called_ends_the_start(
    url: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says why."""
    monkeypatch.setenv("RETAKES_CALLBACK_URL", url)
    with pytest.raises(SettingsError, match=f"^{expected}"):
        load()


def test_private_addresses_may_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For receivers in one's own network."""
    monkeypatch.setenv("RETAKES_CALLBACK_URL", "http://10.0.0.7/hooks")
    monkeypatch.setenv("RETAKES_WEBHOOK_ALLOW_PRIVATE", "true")
    assert "http://10.0.0.7/hooks" == load().callback_url


def test_with_a_server_elsewhere_calls_need_a_secret_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at the start, and not by receivers that find signatures wrong."""
    monkeypatch.setenv("RETAKES_CALLBACK_URL", "https://hooks.example.com/")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    with pytest.raises(SettingsError, match="RETAKES_CALLBACK_URL needs RETAKES_WEBHOOK_SECRET"):
        load()
    monkeypatch.setenv("RETAKES_WEBHOOK_SECRET", SECRET)
    assert SECRET == webhook_secret(load())
