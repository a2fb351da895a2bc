import os
from pathlib import Path

import pytest

from runtime.data_folder import owned
from runtime.refusal import Refused


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """The first start makes the folder, with those above it."""
    with owned(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_second_owner_is_refused_and_told_the_first(tmp_path: Path) -> None:
    """While one process owns the folder, another is refused with its pid."""
    with (
        owned(tmp_path),
        pytest.raises(Refused, match=rf"pid {os.getpid()}\) runs on the data folder"),
        owned(tmp_path),
    ):
        pass


def test_the_folder_is_free_after_its_owner(tmp_path: Path) -> None:
    """Ownership ends with the block, and a lock file that lies there is no lock."""
    with owned(tmp_path):
        pass
    with owned(tmp_path):
        pass


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    """A folder that can't be made is one line that names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"\(RETAKES_DATA_DIR\): it is a file"), owned(tmp_path / "file"):
        pass
