"""How long a story becomes when nobody says: read from its idea.

A count in so many words comes first, then a word that tells of a length, then how much there is to the idea.
"""

import re

LEAST_SEGMENTS, MOST_SEGMENTS = 1, 10_000

_COUNT = re.compile(
    r"(?<![\w.,])(?P<number>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)[ \t-]+(?:segment|part|episode|chapter)s?\b",
    re.ASCII | re.IGNORECASE,
)

_SEGMENTS_OF = {"short": 20, "medium": 50, "long": 100, "movie": 150, "saga": 200}

# "Long ago" and "a long time" begin many a tale without a word about its length, and "long-lost" is no length either.
# "A long movie" is a movie: there the word after it decides.
_LENGTH = re.compile(
    r"(?<![\w-])(?:(?P<adjective>short|medium|long(?!\s+(?:ago|time|before|after|movie|saga)\b))|(?P<form>movie|saga))"
    r"(?:-(?:length|form))?(?![\w-])",
    re.IGNORECASE,
)

SHORT_IDEA_CHARACTERS, MIDDLING_IDEA_CHARACTERS = 300, 1000
"""Up to so many characters an idea is short, or middling; above that it is rich."""


def segments_for(idea: str) -> int:
    """Return how many segments a story gets, 1 to 10,000, by what its idea says.

    1. The first count in digits of segments, parts, episodes or chapters ("60 segments", "a 12-part story",
       "1,000 chapters"). One that no story can have ("0 parts", "20000 segments") says nothing: nobody is to pay for
       the longest story there is because of a figure of speech.
    2. Otherwise the first of these words: short 20, medium 50, long 100, movie 150, saga 200. The first decides:
       "a short movie" is short, and "a movie about a long road" is a movie.
    3. Otherwise the length of the idea: 30 up to 300 characters, 50 up to 1,000, 100 above.
    """
    if (counted := _COUNT.search(idea)) and (number := _possible(counted["number"].replace(",", ""))):
        return number
    if named := _LENGTH.search(idea):
        return _SEGMENTS_OF[(named["adjective"] or named["form"]).lower()]
    characters = len(idea.strip())
    if characters <= SHORT_IDEA_CHARACTERS:
        return 30
    return 50 if characters <= MIDDLING_IDEA_CHARACTERS else 100


def _possible(digits: str) -> int | None:
    # Python refuses to convert thousands of digits; so many are too many anyway.
    significant = digits.lstrip("0")
    if not significant or len(significant) > len(str(MOST_SEGMENTS)):
        return None
    number = int(significant)
    return number if LEAST_SEGMENTS <= number <= MOST_SEGMENTS else None
