"""What is repeated of a provider's words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.quoting import MAX_CHARACTERS, quoted

PROMPT = "Image: Main image\nProduct: Trail kettle\nNote: like the one of my late aunt"


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcDEF123456. You can find it",
        "Incorrect API key provided: sk-proj-********************************wXyZ. You can find it",
        "Incorrect API key provided: abcd****wXyZ. You can find it",
        "bad header Authorization: Bearer wXyZabc",
        "key rk_live_wXyZabcdef is restricted",
    ],
)
def test_keys_are_masked(text: str) -> None:
    """Whole or starred out by the provider, a key is never kept."""
    kept = quoted(text, prompt="")
    assert "[key]" in kept
    for piece in ("wXyZ", "abcDEF", "abcd*"):
        assert piece not in kept


def test_ordinary_words_stay() -> None:
    """Only keys are masked, not what begins like one."""
    text = "This task-specific, risk-free request has 3 * 4 key-value pairs (sk-1)."
    assert text == quoted(text, prompt="a prompt of no relation to it")


def test_the_prompt_is_masked_when_it_is_quoted() -> None:
    """Whole, on one line, or in part."""
    one_line = PROMPT.replace("\n", " ")
    assert quoted(f"Your prompt {PROMPT} was refused", prompt=PROMPT) == "Your prompt [prompt] was refused"
    assert quoted(f"Your prompt {one_line} was refused", prompt=PROMPT) == "Your prompt [prompt] was refused"
    assert "aunt" not in quoted("Refused: '…like the one of my late aunt'", prompt=PROMPT)
    assert "kettle" not in quoted(f"Refused: {PROMPT!r}", prompt=PROMPT)


def test_the_key_that_was_sent_is_masked_unless_it_is_none() -> None:
    """`x` for a server that asks for no key is found in many words."""
    assert quoted("The hidden-1 expired", prompt="", secret="hidden-1") == "The [key] expired"
    assert quoted("The axe expired", prompt="", secret="x") == "The axe expired"


def test_a_short_prompt_is_masked_too() -> None:
    """A prompt of a few words is a prompt."""
    assert quoted("No 'red kettle' here", prompt="red kettle") == "No '[prompt]' here"


def test_words_become_one_line_of_bounded_length() -> None:
    """Line breaks, control characters and sheer mass do not reach a log or a page."""
    kept = quoted("a\nb\x00\x1b[31m\u2028c " + "word " * 100_000, prompt=PROMPT)
    assert kept.startswith("a b [31m c word")
    assert kept.endswith("…")
    assert len(kept) == MAX_CHARACTERS


@settings(deadline=None)  # the machine may be busy
@given(prompt=st.text(min_size=16, max_size=200), before=st.text(max_size=50), after=st.text(max_size=50))
def test_no_run_of_the_prompt_survives(prompt: str, before: str, after: str) -> None:
    """Whatever stands around it, no longer piece of the prompt is kept."""
    line = " ".join("".join(c if c.isprintable() else " " for c in prompt).split())
    kept = quoted(f"{before} {prompt} {after}", prompt=prompt, limit=10_000).replace("[prompt]", "\0")
    assert not any(line[start : start + 16] in kept for start in range(len(line) - 15))


@settings(deadline=None)  # the machine may be busy
@given(text=st.text(max_size=400))
def test_any_text_is_borne(text: str) -> None:
    """What the provider says is not ours to choose."""
    assert len(quoted(text, prompt=text[:20], secret=text[:3] or None)) <= MAX_CHARACTERS
