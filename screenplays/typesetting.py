"""The program that sets a screenplay: a story as JSON on standard input, a PDF on standard output.

It is run as a process of its own by `screenplays.pdf` and imports nothing of the product.
"""

import sys
from pathlib import Path

import typst

_LAYOUT = Path(__file__).with_name("screenplay.typ")


def typeset(story: str) -> bytes:
    """Return the PDF of a story given as JSON. Fonts are those that Typst carries and those of the machine."""
    compiler = typst.Compiler(_LAYOUT, root=_LAYOUT.parent, sys_inputs={"story": story})
    document = compiler.compile(format="pdf")
    if not isinstance(document, bytes):
        raise TypeError("A PDF is one file.")
    return document


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(sys.stdin.buffer.read().decode()))
