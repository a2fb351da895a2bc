"""The formats a story can be had in, by the name that people ask for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from screenplays import final_draft, fountain, markdown, pdf, shot_list
from sessions.scripts import Story


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of document.

    ``extension`` has no dot. ``write`` yields the file in pieces; it is synchronous and computes, so it belongs in a
    thread. Sets that a story lacks are named where they would be. The same story gives the same bytes.
    """

    extension: str
    media_type: str
    write: Callable[[Story], Iterator[bytes]]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "md": Format(extension="md", media_type="text/markdown; charset=utf-8", write=markdown.write),
        "fountain": Format(extension="fountain", media_type="text/plain; charset=utf-8", write=fountain.write),
        "fdx": Format(extension="fdx", media_type="application/xml", write=final_draft.write),
        "pdf": Format(extension="pdf", media_type="application/pdf", write=pdf.write),
        "csv": Format(extension="csv", media_type="text/csv; charset=utf-8; header=present", write=shot_list.write),
    }
)
