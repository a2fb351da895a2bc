"""The names of a story's files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.story_files import metadata_file, safe_title, set_file


@pytest.mark.parametrize(
    ("title", "safe"),
    [
        ("The Last Lamp", "The_Last_Lamp"),
        ("  A   fox's\ttale! ", "A_foxs_tale"),
        ("../../etc/passwd", "etcpasswd"),
        ("Zoë & Søren", "Zoë_Søren"),
        ("最后的灯", "最后的灯"),
        ("हिन्दी", "हिन्दी"),
        ("?!", "Story"),
        ("", "Story"),
        ("..", "Story"),
        ("x" * 49 + " y", "x" * 49),
        ("x" * 80, "x" * 50),
    ],
)
def test_a_title_is_made_safe(title: str, safe: str) -> None:
    """Letters and digits stay, spaces become underscores, the rest goes; something is always left."""
    assert safe == safe_title(title)


@given(st.text())
def test_no_title_leads_out_of_its_folder(title: str) -> None:
    """A file name has neither separators nor dots of the title's, and fits every file system."""
    name = safe_title(title)
    assert 1 <= len(name) <= 50
    assert not set(name) & set("/\\.:\0 ")
    assert len(set_file(title, set_number=1000).encode()) <= 255


def test_files_are_named_as_people_know_them() -> None:
    """Title, then what is in it; sets have two digits at least."""
    assert metadata_file("The Last Lamp") == "The_Last_Lamp_metadata.json"
    assert set_file("The Last Lamp", set_number=3) == "The_Last_Lamp_set_03.json"
    assert set_file("The Last Lamp", set_number=1000) == "The_Last_Lamp_set_1000.json"
