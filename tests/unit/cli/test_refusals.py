"""What is refused before any server is asked: there is none here."""

import io
import sys
from pathlib import Path

import pytest

from cli.app import main

ID = "ses-aaaaaaaaaaaaaaaa"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run commands where no server is, so that one that asks for something fails in another way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETAKES_URL", "http://127.0.0.1:9")
    return tmp_path


def exit_code_of(*arguments: str, monkeypatch: pytest.MonkeyPatch, given: bytes = b"") -> int:
    """Run a command in this process."""
    monkeypatch.setattr(sys, "argv", ["retakes", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("export", ID, "--format", "doc"), "there is no format 'doc'; take one of zip, md"),
        (("images", ""), "TITLE must not be blank"),
        (("images", "X", "--max-attempts", "11"), "--max-attempts must be at most 10"),
        (("images", "X", "--budget", "-1"), "--budget must be at least 0"),
        (("images", "X", "--size", "10x10"), "--size width and height must be multiples of 16"),
        (("images", "X", "--image", "poster"), "--image must be 'main'"),
        (("images", "X", "--custom", "box"), "--custom should be KEY=PROMPT"),
        (("images", "X", "--tolerated-failures", "200%"), "--tolerated-failures must be a number of items"),
        (("images", "X", "-o", "no/x.zip"), "there is no folder no to write x.zip into"),
        (("images", "X", "-o", "x.zip", "--detach"), "--output needs a session to wait for"),
        (("images", "-"), "standard input holds no title"),
        (("story", " "), "IDEA must not be blank"),
        (("story", "-"), "IDEA must not be blank"),
        (("story", "X", "--segments", "10001"), "--segments must be at most 10000"),
        (("retry", ID, "--max-attempts", "0"), "--max-attempts must be at least 1"),
        (("retake", ID, "main", "--from-previous"), "say in a note what is to change"),
        (("list", "--status", "done"), "--status must be one of pending"),
        (("costs", "--by", "year"), "--by must be one of day"),
        (("budget", ID, "much"), "USD must be an amount such as 2.50, or none; not 'much'"),
        (("budget", ID, "nan"), "USD must be between 0 and 1,000,000"),
    ],
)
def test_a_mistake_is_one_line_and_2(
    arguments: tuple[str, ...],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It names what was written, and nothing else is printed."""
    assert 2 == exit_code_of(*arguments, monkeypatch=monkeypatch)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"retakes: {expected}")
    assert 1 == printed.err.count("\n")


@pytest.mark.parametrize(
    ("given", "expected"),
    [(b"\xff\xfe", "standard input is no UTF-8 text"), (b"a" * (2**20 + 1), "standard input holds more than 1 MB")],
)
def test_standard_input_is_looked_at(
    given: bytes, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Something that is no text, or endless, is refused as such."""
    assert 2 == exit_code_of("story", "-", monkeypatch=monkeypatch, given=given)
    assert expected in capsys.readouterr().err


def test_an_outline_that_is_none_is_refused(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no JSON, and JSON that is no outline."""
    (nowhere / "outline.json").write_text("no JSON")
    assert 2 == exit_code_of("approve", ID, "--outline", "outline.json", monkeypatch=monkeypatch)
    assert "outline.json holds no outline: " in capsys.readouterr().err
    (nowhere / "outline.json").write_text('{"title": "X"}')
    assert 2 == exit_code_of("approve", ID, "--outline", "outline.json", monkeypatch=monkeypatch)
    assert "short_summary is required" in capsys.readouterr().err


def test_a_download_that_would_be_refused_starts_nothing(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody pays for pictures to be told afterwards that their file is there already."""
    (nowhere / "x.zip").touch()
    assert 2 == exit_code_of("images", "X", "-o", "x.zip", monkeypatch=monkeypatch)
    assert "retakes: x.zip is there already; -o PATH writes another\n" == capsys.readouterr().err


def test_a_picture_that_is_too_large_is_not_even_read(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its size is enough to know that the server would refuse it."""
    with (nowhere / "film.png").open("wb") as film:
        film.truncate(2**40)
    assert 2 == exit_code_of("images", "X", "--photo", "film.png", monkeypatch=monkeypatch)
    assert "film.png is larger than 20 MB" in capsys.readouterr().err
