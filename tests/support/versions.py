"""Earlier versions of this code, out of the history of the repository."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ENGINE = ("workflows", "activities", "sessions", "storage", "runtime", "worker.py")


def versions_before() -> list[str]:
    """Return the commits that sessions are upgraded from: the last one with another engine, and those that landed.

    RETAKES_UPGRADE_FROM names one instead. Empty where there is no history, as in an unpacked archive.
    """
    if asked := os.environ.get("RETAKES_UPGRADE_FROM"):
        return [_git("rev-parse", asked)]
    changed = _git("rev-list", "--max-count=1", "HEAD", "--", *_ENGINE)
    before = _git("rev-parse", "--verify", f"{changed}~1") if changed else ""
    folders = sorted((ROOT / "tests" / "replay" / "released").iterdir())
    landed = [_git("rev-parse", "--verify", f"{folder.name.rpartition('-')[2]}^{{commit}}") for folder in folders]
    return [commit for commit in dict.fromkeys([before, *landed[-1:]]) if commit]


def unpacked(commit: str, *, folder: Path) -> Path:
    """Put the code of a commit into a folder, and return it. Skips the test where the commit is not there."""
    found = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip("the history of the repository is not here: fetch it whole (git fetch --unshallow)")
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> str:
    """Return what git says, or nothing where it fails."""
    try:
        asked = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
