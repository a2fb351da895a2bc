import pytest

from cli.display.thumbnails import protocol_of


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "foot-extra"}, "sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "sixel"),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "linux"}, None),
        ({}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, None),
        ({"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "RETAKES_THUMBNAILS": "off"}, None),
        ({"TERM": "xterm-256color", "RETAKES_THUMBNAILS": "sixel"}, "sixel"),
    ],
)
def test_terminals_are_known_by_their_environment(environment: dict[str, str], expected: str | None) -> None:
    """No terminal is asked: those that are known to show pictures do, and a variable decides for the others."""
    assert expected == protocol_of(environment)
