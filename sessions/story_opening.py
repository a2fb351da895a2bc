"""Whether a text holds the title of the story, however it is set."""

import unicodedata

from sessions.story_words import is_written_without_spaces


def holds_title(text: str, *, title: str) -> bool:
    """Tell whether a title stands in a text, in whatever case and with whatever punctuation.

    It has to stand there as whole words: the title "Go" is not in "good morning". In scripts that put no spaces
    between words it may stand anywhere.
    """
    sought = _plain(title)
    if not sought:
        # A title of signs alone ("?!") has nothing left: it is looked for as it is.
        return title.strip() in text
    if is_written_without_spaces(title):
        return sought in _plain(text)
    return f" {sought} " in f" {_plain(text)} "


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # "It's" and "its" are the same to whoever writes a title card.
    joined = folded.replace("'", "").replace("’", "")
    return " ".join("".join(character if character.isalnum() else " " for character in joined).split())
