"""How much there may be of what a story is made of: what is asked for, and what is let in.

The limits on text only keep out what no story needs: they bound what is stored, sent and put into prompts.
"""

from sessions.stories import MAX_OWN_CHARACTERS

MAX_TITLE_CHARACTERS = 59
MAX_NAME_CHARACTERS = 100
MAX_ID_CHARACTERS = 64
MAX_LINE_CHARACTERS = 1000
"""Of a beat, of a state in which a set begins or ends, of a direction."""
MAX_TEXT_CHARACTERS = 4000
"""Of a scene, a description, a trait of a character."""
MAX_SPOKEN_CHARACTERS = 500
"""Of all that is said in a segment. Words joined without spaces do not get past the limit of words this way."""

HASHTAGS = (7, 15)
MAX_HASHTAG_CHARACTERS = 50

BEATS_ASKED_FOR = (2, 5)
MAX_BEATS = 10
MAX_OUTLINED_CHARACTERS = 5000
"""Of one set's outline altogether."""
MAX_SUMMARY_CHARACTERS = 2000
"""Of the summary of a part."""

_ROSTER = (2, 5)


def roster_limits(given: int) -> tuple[int, int]:
    """Return how many characters a story has at least and at most, when a person brings some along."""
    least, most = _ROSTER
    return max(least, given), max(most, given)


def own_roster_limits() -> tuple[int, int]:
    """Return how many characters a story has at least and at most, when a person gives all of them."""
    return _ROSTER[0], MAX_OWN_CHARACTERS
