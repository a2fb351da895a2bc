"""Making what is spoken short enough."""

import math
import re

MOST_WORDS = 22
"""Below the 25 that may be spoken in a segment: how words are counted is a matter of taste."""

_BREAK = re.compile(r"(?:[\s–—…/]|--|\.\.)+")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\U0003ffff]")
"""Letters of scripts that put no spaces between words."""
_FEWEST_WORDS = 6


def words_in(text: str) -> int:
    """Return about how many words a text has; scripts without spaces count one for two characters."""
    return sum(max(1, math.ceil(len(UNSPACED.findall(word)) / 2)) for word in _BREAK.split(text) if word)


def spoken(text: str) -> str:
    """Return a text, cut to what can be spoken in a segment: after a clause where there is one."""
    if words_in(text) <= MOST_WORDS:
        return text
    kept: list[str] = []
    for word in text.split():
        if words_in(" ".join([*kept, word])) > MOST_WORDS:
            break
        kept.append(word)
    ends = [number for number, word in enumerate(kept, start=1) if word.endswith((".", ",", ";", ":", "!", "?"))]
    if ends and ends[-1] >= _FEWEST_WORDS:
        kept = kept[: ends[-1]]
    return f"{' '.join(kept).rstrip('.,;:!?')}." if kept else text[:MOST_WORDS]
