"""Picking the things out of a sentence, with no more grammar than a list of small words."""

import re
from collections.abc import Iterator, Sequence

from providers.offline.texts.vocabulary import listed
from providers.offline.texts.wording import UNSPACED

_CLAUSES = re.compile(r"[.,;:!?()\[\]\"“”\n…–—]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SINGULAR = frozenset({"a", "an", "one", "every", "each"})
_DETERMINERS = _SINGULAR | frozenset(
    listed("""
    the this that his her its their my our your two three four some no last first
""")
)
_STOPS = frozenset(
    listed("""
    who whom whose which what when where why how while until because if than then so as and or but nor not of in
    on at by for from with without within into onto over under through across along around behind beside between
    beyond near above below against toward towards before after during about up down out off away back upon
    inside is are was were be been being am has have had do does did can could will would shall should may might
    must cannot he she it they them him we us you i me there here very too also just only even still never
    always again once find finds found meet meets met go goes went come comes came get gets got learn learns
    learned want wants wanted discover discovers discovered save saves saved try tries tried make makes made
    lose loses lost become becomes became hide hides hid fall falls fell keep keeps kept know knows knew take
    takes took think thinks thought live lives lived follow follows needs need steals steal stole solves solve
    decides decide begins begin starts start wakes wake story tale film movie script saga episode episodes
    segment segments part parts chapter chapters set sets something someone somebody nothing everything everyone
    nobody anyone anything way kind sort lot mystery case adventure journey quest
""")
)
_PEOPLE = frozenset(
    listed("""
    girl boy child kid robot android detective king queen princess prince knight dog cat fox dragon wizard witch
    astronaut captain thief scientist orphan chef student teacher friend friends sister sisters brother brothers
    twin twins mother father grandmother grandfather grandma grandpa man woman pair ghost poet nurse clerk cook
    monk nun spy guide smith bear owl rabbit mouse whale crow turtle guard pianist bird elephant pirate crew
    family sibling
""")
)
_TRADES = ("er", "or", "ist", "ian", "man", "woman", "smith", "wright", "herd")
_THINGS_IN_ER = frozenset(
    listed("""
    letter river water tower winter summer mirror door floor paper number power flower corner harbor theater
    computer weather order danger wonder thunder manner feather ladder hammer silver butter dinner color humor
    honor error terror war star car radar guitar mist list fist twist poster border shelter chapter forever
    after other under over motor manor meteor vapor cover river answer future layer finger spider ember lantern
    cellar counter locker
""")
)
_LONGEST_PHRASE = 3
_LONGEST_TEXT = 3000


def phrases(text: str) -> Sequence[str]:
    """Return what a text speaks of, without articles, in order and each once: "lighthouse keeper", "letter".

    Only the beginning of a long text is read. A text without articles gives its longest words,
    and one in a script without spaces gives nothing.
    """
    clauses = [_WORD.findall(clause) for clause in _CLAUSES.split(text[:_LONGEST_TEXT])]
    with_articles = [phrase for words in clauses for phrase in _phrases_in(words)]
    found = with_articles or _without_articles([word for clause in clauses for word in clause])
    return tuple({phrase.lower(): phrase for phrase in found if len(phrase) <= 32}.values())


def is_somebody(phrase: str) -> bool:
    """Guess whether a phrase is about persons or animals."""
    head = _singular(phrase.lower().split()[-1])
    return head in _PEOPLE or (head.endswith(_TRADES) and head not in _THINGS_IN_ER and len(head) > 4)


def is_many(phrase: str) -> bool:
    """Guess whether a phrase is in the plural."""
    head = phrase.lower().split()[-1]
    return _singular(head) != head


def as_one(phrase: str) -> str:
    """Return a phrase that a verb in the singular can follow."""
    return f"secret of the {phrase}" if is_many(phrase) else phrase


def _singular(word: str) -> str:
    return word if len(word) < 4 or word.endswith(("ss", "us", "is", "'s", "’s")) else word.removesuffix("s")


def _without_articles(everything: Sequence[str]) -> Sequence[str]:
    """Return a few words of a text that is in another language, or no sentence at all."""
    content = [
        word for word in everything if word.lower() not in _STOPS | _DETERMINERS and UNSPACED.search(word) is None
    ]
    if len(content) == len(everything) <= _LONGEST_PHRASE:
        return [" ".join(content).lower()] if content else []
    capitalised = [word for word in content[1:] if word[0].isupper()]
    usable = [word for word in capitalised or content if 3 < len(word) <= 24]
    longest = sorted(usable, key=len, reverse=True)[:3]
    return [word for word in usable if word in longest]


def _phrases_in(words: Sequence[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        if word.lower() in _DETERMINERS:
            phrase = _phrase_after(words, number + 1, is_singular=word.lower() in _SINGULAR)
            if phrase:
                yield phrase


def _phrase_after(words: Sequence[str], start: int, *, is_singular: bool) -> str:
    taken: list[str] = []
    for number, word in enumerate(words[start : start + _LONGEST_PHRASE], start=start):
        small = word.lower()
        if small in _STOPS or small in _DETERMINERS:
            break
        following = words[number + 1].lower() if number + 1 < len(words) else ""
        if taken and _is_verb(small, following=following, is_singular=is_singular):
            break
        taken.append(word if word[0].isupper() and number else small)
    return " ".join(taken)


def _is_verb(word: str, *, following: str, is_singular: bool) -> bool:
    if word.endswith(("ing", "ed")) and len(word) > 4:
        return True
    if not word.endswith("s") or word.endswith(("ss", "us", "'s", "’s")):
        return False
    return is_singular or following in _DETERMINERS or following in {"to", "that", "how", "out", "up", "into", "when"}
