"""What a story can be had as."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """What a story can be exported as, by the extension of the file."""

    MARKDOWN = "md"
    FOUNTAIN = "fountain"
    FINAL_DRAFT = "fdx"
    PDF = "pdf"
    SHOT_LIST = "csv"
