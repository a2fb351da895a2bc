"""Text as every format can hold it."""

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# XML 1.0 allows none of these, in no spelling; UTF-8 has no surrogates; elsewhere they are invisible at best.
_UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def plain(text: str) -> str:
    """Return the text on one line, with single spaces, and a visible replacement for what no document can hold.

    What a model writes may have line breaks anywhere, and in most formats a new line begins something new.
    """
    return _UNWRITABLE.sub(REPLACEMENT, " ".join(text.split()))
