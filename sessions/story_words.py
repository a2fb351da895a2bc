"""Spoken words: how many there are, and how long it takes to say them."""

import re
from collections.abc import Iterable

from sessions.scripts import SEGMENT_SECONDS

_WORDS_PER_MINUTE = 150

# Scripts that put no spaces between words. Their words are not told apart without a dictionary, so characters are
# counted instead: Chinese words are close to two characters long, and Japanese ones are spoken at about that rate;
# words in Thai, Lao, Khmer and Burmese have about four letters and signs.
_IDEOGRAPHS = re.compile(
    r"[\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
_UNSPACED_LETTERS = re.compile(r"[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff]+")
_CHARACTERS_PER_WORD = ((_IDEOGRAPHS, 2), (_UNSPACED_LETTERS, 4))

# Dashes and dots part words that typists leave together ("wait—what"); hyphens and apostrophes stand within one.
_BREAK = re.compile(r"(?:[\s\u2013\u2014\u2026/]|--|\.\.)+")


def count_words(text: str) -> int:
    """Return how many words a text has when it is spoken.

    A word is what stands between spaces, dashes or ellipses and holds a letter or a digit: "well-known" and "it's"
    are one word each, and a lone dash or emoji is none. In scripts without spaces a run of Chinese or Japanese
    characters counts one word per two, and one of Thai, Lao, Khmer or Burmese one per four, rounded up.
    """
    if text.isascii():
        return _spaced_words(text)
    words = 0
    for script, characters in _CHARACTERS_PER_WORD:
        words += sum(-(-len(run) // characters) for run in script.findall(text))
        text = script.sub(" ", text)
    return words + _spaced_words(text)


def _spaced_words(text: str) -> int:
    return sum(any(character.isalnum() for character in word) for word in _BREAK.split(text))


def words_of(narration: str | None, lines: Iterable[str]) -> int:
    """Return how many words are spoken in a segment."""
    return count_words(narration or "") + sum(count_words(line) for line in lines)


def seconds_for(words: int) -> int:
    """Return how many seconds a segment lasts in which so many words are spoken: 8, or what it takes to say them."""
    return max(SEGMENT_SECONDS, -(-words * 60 // _WORDS_PER_MINUTE))


def is_written_without_spaces(text: str) -> bool:
    """Tell whether a text holds words of a script that puts no spaces between them."""
    return not text.isascii() and any(script.search(text) for script, _ in _CHARACTERS_PER_WORD)
