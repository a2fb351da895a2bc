"""The command that attacks: what it refuses before it starts anything."""

from pathlib import Path

import pytest

from tests.chaos.__main__ import main


@pytest.mark.parametrize(("records", "kind"), [("sqlite", "sqlite"), ("postgres", "postgres"), ("both", "postgres")])
def test_a_run_never_goes_into_the_folder_of_another(
    tmp_path: Path, records: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused before anything is started, and nothing of the other run is touched."""
    (tmp_path / kind).mkdir()
    with pytest.raises(SystemExit) as refused:
        main(["--report", str(tmp_path), "--records", records])

    assert 2 == refused.value.code
    assert f"{tmp_path / kind}: a run was there before" in capsys.readouterr().err
    assert [] == list((tmp_path / kind).iterdir())


def test_a_folder_without_evidence_cannot_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says which folder is meant."""
    with pytest.raises(SystemExit) as refused:
        main(["--check", str(tmp_path)])

    assert 2 == refused.value.code
    assert "name the folder in which index.html is" in capsys.readouterr().err
