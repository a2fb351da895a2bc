"""What may be repeated of a provider's own words: they are kept with the attempt, shown, and logged."""

import re

import httpx2

MAX_CHARACTERS = 300

_LONGEST_REQUEST_ID = 200
"""It is kept with every attempt, in a history that is limited in size."""
_LOOKED_AT = 4000
"""Characters of the provider's words that are looked at: a broken server may send a whole web page."""
_PROMPT_RUN = 16
"""So many characters in a row, the same as in the prompt, count as a quotation of it."""
_SHORTEST_SECRET = 6
"""A key such as `x`, for a server that asks for none, is no secret, and would be found in many words."""
_KEY = re.compile(
    r"""\b(?:sk|rk|pk|sess)[-_][\w*.-]{4,}\w  # keys as they are written, whole or with a starred-out middle
      | \bBearer\s+\S+
      | [^\s*]{0,64}\*{3,}\S*                # any other secret that the provider starred out itself
    """,
    re.VERBOSE | re.IGNORECASE,
)


def quoted(text: str, *, prompt: str, secret: str | None = None, limit: int = MAX_CHARACTERS) -> str:
    """Return a provider's words as one line of at most ``limit`` characters, without keys and without the prompt.

    Args:
        text: what the provider said.
        prompt: what it was sent, which it may quote.
        secret: the key it was sent, which it may quote.
        limit: the most characters to return.
    """
    words = _one_line(text[:_LOOKED_AT])
    if secret is not None and len(secret) >= _SHORTEST_SECRET:
        words = words.replace(secret, "[key]")
    words = _without(_one_line(prompt), _KEY.sub("[key]", words))
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def request_id_of(answer: httpx2.Response) -> str | None:
    """Return by which name the provider knows a request, as far as that is a name."""
    given: str | None = answer.headers.get("x-request-id")
    return None if given is None else _one_line(given)[:_LONGEST_REQUEST_ID]


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _without(prompt: str, words: str) -> str:
    run = min(_PROMPT_RUN, len(prompt))
    if run == 0:
        return words
    kept: list[str] = []
    start = 0
    while start < len(words):
        end = start + run
        if end > len(words) or words[start:end] not in prompt:
            kept.append(words[start])
            start += 1
            continue
        while end < len(words) and words[start : end + 1] in prompt:
            end += 1
        kept.append("[prompt]")
        start = end
    return "".join(kept)
