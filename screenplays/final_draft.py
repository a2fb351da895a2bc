"""A story as a Final Draft document (FDX)."""

import io
from collections.abc import Iterator
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from screenplays.plain import plain
from screenplays.scenes import NARRATOR, Scene, cast, facts, sequences
from sessions.scripts import Story


def write(story: Story) -> Iterator[bytes]:
    """Yield the document set by set, then the title page, and the cast's names for the program's suggestions."""
    document = _Document()
    document.open("FinalDraft", DocumentType="Script", Template="No", Version="1")
    document.open("Content")
    for sequence in sequences(story):
        document.paragraph(sequence.title, kind="General", style="Bold+Underline")
        if sequence.made is None:
            document.paragraph(sequence.absence, kind="General", style="Bold")
        for scene in sequence.scenes:
            _write_scene(scene, document=document)
        yield document.taken()
    document.close("Content")
    _write_title_page(story, document=document)
    _write_names(story, document=document)
    document.close("FinalDraft")
    yield document.taken()


def _write_scene(scene: Scene, *, document: "_Document") -> None:
    document.paragraph(scene.heading or f"Segment {scene.number}", kind="Scene Heading", number=scene.number)
    for label, text in scene.action:
        document.paragraph(f"{label}: {text}" if label else text, kind="Action")
    for speech in scene.speeches:
        document.paragraph(NARRATOR if speech.speaker is None else speech.speaker.upper(), kind="Character")
        document.paragraph(speech.text, kind="Dialogue")
    document.paragraph(scene.transition, kind="Transition")


def _write_title_page(story: Story, *, document: "_Document") -> None:
    document.open("TitlePage")
    document.open("Content")
    document.paragraph(plain(story.title), style="Bold", alignment="Center")
    document.paragraph(plain(story.short_summary), alignment="Center")
    document.paragraph(plain(story.description))
    for member in cast(story):
        role = f", {member.role}" if member.role else ""
        document.paragraph(f"{member.name}{role}: {member.description}" if member.description else member.name + role)
    for label, value in facts(story):
        document.paragraph(f"{label}: {value}")
    document.close("Content")
    document.close("TitlePage")


def _write_names(story: Story, *, document: "_Document") -> None:
    document.open("SmartType")
    document.open("Characters")
    for member in cast(story):
        document.text("Character", member.name.upper())
    document.close("Characters")
    document.close("SmartType")


class _Document:
    """An XML document that is written from beginning to end and taken away in pieces."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._xml = XMLGenerator(self._buffer, encoding="UTF-8", short_empty_elements=True)
        self._xml.startDocument()

    def open(self, name: str, **attributes: str) -> None:
        self._xml.startElement(name, AttributesImpl(attributes))
        self._xml.ignorableWhitespace("\n")

    def close(self, name: str) -> None:
        self._xml.endElement(name)
        self._xml.ignorableWhitespace("\n")

    def text(self, name: str, text: str, **attributes: str) -> None:
        self._xml.startElement(name, AttributesImpl(attributes))
        self._xml.characters(text)
        self.close(name)

    def paragraph(
        self, text: str, *, kind: str = "", number: int | None = None, style: str = "", alignment: str = ""
    ) -> None:
        attributes = {"Alignment": alignment, "Number": "" if number is None else str(number), "Type": kind}
        self._xml.startElement(
            "Paragraph", AttributesImpl({name: value for name, value in attributes.items() if value})
        )
        self.text("Text", text, **({"Style": style} if style else {}))
        self.close("Paragraph")

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        piece = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return piece
