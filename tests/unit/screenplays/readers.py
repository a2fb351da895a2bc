"""What other people's programs read in our documents."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree import ElementTree

from fountain.elements import ElementType
from fountain.parser import FountainParser
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sessions.scripts import Segment, Story

JOINER = "\u2060"
NARRATOR = "NARRATOR (V.O.)"


@dataclass(frozen=True, kw_only=True)
class Read:
    """The segments' numbers, who (as `speaker` makes it) says what, and the title, if the format has one."""

    numbers: list[int]
    said: list[tuple[str, str]]
    title: str | None


def written(story: Story) -> Read:
    """Return what a reader has to find."""
    names = {character.id: one_line(character.name) or character.id for character in story.characters_roster}
    segments = [segment for story_set in story.sets for segment in story_set.segments]
    return Read(
        numbers=[segment.number for segment in segments],
        said=[line for segment in segments for line in _said(segment, names=names) if line[1]],
        title=one_line(story.title),
    )


def one_line(text: str) -> str:
    """Return a text without its line breaks, as all formats have it."""
    return " ".join(text.split())


def speaker(name: str) -> str:
    """Return a name as it can be compared: programs show it in capitals and keep additions in parentheses apart."""
    return re.sub(r"\s", "", name).upper()


def read_markdown(document: bytes) -> Read:
    """Read with markdown-it."""
    tokens = MarkdownIt("commonmark").parse(document.decode())
    headings = [
        (tokens[i].tag, _shown(tokens[i + 1])) for i, token in enumerate(tokens) if token.type == "heading_open"
    ]
    numbers = [re.match(r"Segment (\d+)", text) for tag, text in headings if tag == "h3"]
    quotes = [tokens[i + 2] for i, token in enumerate(tokens) if token.type == "blockquote_open"]
    return Read(
        numbers=[int(number.group(1)) for number in numbers if number],
        said=[_quoted(quote) for quote in quotes if any(child.type == "hardbreak" for child in quote.children or [])],
        title=next(text for tag, text in headings if tag == "h1"),
    )


def read_fountain(document: bytes) -> Read:
    """Read with fountain-py."""
    parser = FountainParser()
    script = parser.parse(document.decode())
    headings = [element for element in script.elements if element.type is ElementType.SCENE_HEADING]
    said: list[tuple[str, str]] = []
    cue = ""
    for element in script.elements:
        if element.type is ElementType.CHARACTER:
            extension = element.metadata.get("extension")
            cue = f"{element.text}({extension})" if extension else element.text
        elif element.type in {ElementType.DIALOGUE, ElementType.PARENTHETICAL, ElementType.LYRICS}:
            said.append((speaker(_without_joiners(cue)), _without_joiners(element.text)))
    return Read(
        numbers=[int(str(heading.metadata["scene_number"])) for heading in headings],
        said=said,
        # Titles may be emphasised, but fountain-py leaves the reading of that to its caller.
        title=re.sub(r"\\([\\*_])", r"\1", _without_joiners(str(script.metadata.get("title", "")))),
    )


def read_final_draft(document: bytes) -> Read:
    """Read with expat."""
    root = ElementTree.fromstring(document)
    numbers, said, cue = [], [], ""
    for paragraph in root.findall("Content/Paragraph"):
        text = "".join(paragraph.itertext()).removesuffix("\n")
        match paragraph.get("Type"):
            case "Scene Heading":
                numbers.append(int(paragraph.attrib["Number"]))
            case "Character":
                cue = text
            case "Dialogue":
                said.append((speaker(cue), text))
    return Read(numbers=numbers, said=said, title=root.findtext("TitlePage/Content/Paragraph/Text"))


def read_shot_list(document: bytes) -> Read:
    """Read with the csv module."""
    rows = list(csv.DictReader(io.StringIO(document.decode("utf-8-sig"), newline=""), strict=True))
    shots = [row for row in rows if row["Segment"]]
    said = []
    for shot in shots:
        text = re.sub("^'(?=[=+@＝＋－＠-])", "", shot["Spoken"])
        for line in text.split("\n") if text else []:
            who, _, what = (NARRATOR, "", line) if shot["Type"] == "narration" else line.partition(": ")
            said.append((speaker(who), what))
    return Read(numbers=[int(shot["Segment"]) for shot in shots], said=said, title=None)


READERS: Mapping[str, Callable[[bytes], Read]] = MappingProxyType(
    {"md": read_markdown, "fountain": read_fountain, "fdx": read_final_draft, "csv": read_shot_list}
)


def _said(segment: Segment, *, names: Mapping[str, str]) -> list[tuple[str, str]]:
    if segment.narration is not None:
        return [(speaker(NARRATOR), one_line(segment.narration))]
    return [
        (speaker(names.get(line.character_id, line.character_id)), one_line(line.line)) for line in segment.dialogue
    ]


def _quoted(quote: Token) -> tuple[str, str]:
    children = quote.children or []
    parting = next(index for index, child in enumerate(children) if child.type == "hardbreak")
    who, what = ("".join(child.content for child in part) for part in (children[:parting], children[parting + 1 :]))
    return speaker(who), what


def _shown(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def _without_joiners(text: str) -> str:
    return text.replace(JOINER, "")
