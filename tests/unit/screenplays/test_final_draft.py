"""A story as FDX, read by expat and by screenplay-tools."""

from xml.etree import ElementTree

from screenplay_tools.fdx.parser import Parser  # type: ignore[import-untyped]  # the package has no types

from screenplays.final_draft import write
from tests.unit.screenplays.stories import lamp_story


def root_of_the_lamp_story() -> ElementTree.Element:
    return ElementTree.fromstring(b"".join(write(lamp_story())))


def test_paragraphs_are_of_final_drafts_own_kinds() -> None:
    """A kind it does not know would be shown as plain text."""
    root = root_of_the_lamp_story()
    assert ("FinalDraft", "Script", "No") == (root.tag, root.get("DocumentType"), root.get("Template"))
    kinds = {paragraph.get("Type") for paragraph in root.findall("Content/Paragraph")}
    assert {"General", "Scene Heading", "Action", "Character", "Dialogue", "Transition"} == kinds


def test_every_paragraph_has_one_text() -> None:
    """Text beside the Text elements would be lost."""
    for paragraph in root_of_the_lamp_story().iter("Paragraph"):
        assert ["Text"] == [child.tag for child in paragraph]
        assert not (paragraph.text or "").strip()


def test_the_title_page_has_title_summary_and_cast() -> None:
    """It is not part of the script's own pages."""
    page = [text.text for text in root_of_the_lamp_story().findall("TitlePage/Content/Paragraph/Text")]
    assert ["The Last Lamp", "A keeper finds a letter."] == page[:2]
    assert "Ada, keeper: Tall. Clothing: Tall. Personality: Tall. Voice: Tall." in page


def test_the_cast_is_suggested_while_typing() -> None:
    """SmartType lists are where Final Draft takes its suggestions from."""
    names = [name.text for name in root_of_the_lamp_story().findall("SmartType/Characters/Character")]
    assert ["ADA", "JOSÉ Ñ."] == names


def test_another_program_reads_the_script() -> None:
    """As screenplay-tools understands FDX, cues and speeches alternate as written."""
    script = Parser().parse(b"".join(write(lamp_story())).decode()).elements
    cues = [(element.name, element.extension) for element in script if element.type.name == "CHARACTER"]
    said = [element.text for element in script if element.type.name == "DIALOGUE"]
    assert [("NARRATOR", "V.O."), ("ADA", None), ("JOSÉ Ñ.", None), ("JOSÉ Ñ.", None), ("NARRATOR", "V.O.")] == cues
    assert "We were never meant to read this, José." == said[1]
