"""Examples that fill in the forms: what a session may look like, with one click."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.web.images_form import ImagesForm
from api.web.story_form import StoryForm


@dataclass(frozen=True, kw_only=True)
class Example:
    """A form that is filled in, and what its link says."""

    name: str
    form: ImagesForm | StoryForm


EXAMPLES: Final[Mapping[str, Example]] = {
    "bottle": Example(
        name="Steel bottle",
        form=ImagesForm(
            title="Insulated steel bottle, 750 ml",
            features="Keeps cold for 24 hours\nLeak-proof screw cap\nFits a bicycle's bottle cage",
            audience="hikers and cyclists",
            brand_name="Northfell",
            brand_colors="forest green, white",
            brand_vibe="natural_organic",
            keywords="insulated bottle: durability, use case\nleak-proof water bottle: problem solution",
            note="Morning light. No people in the main image.",
        ),
    ),
    "lamp": Example(
        name="Reading lamp",
        form=ImagesForm(
            title="Clip-on reading lamp",
            features="Three shades of white\nCharges by USB-C, lasts 40 hours\nNo flicker",
            audience="people who read in bed",
            brand_name="Halm",
            brand_colors="warm grey, brass",
            brand_vibe="clean_modern",
            image=("main", "infographic_1", "lifestyle"),
            own_images="Packaging: the closed cardboard box, three quarters from above, on a plain ground",
            size="1536x1024",
        ),
    ),
    "soap": Example(
        name="Goat's milk soap",
        form=ImagesForm(
            title="Goat's milk soap with lavender",
            features="Made by hand in small batches\nNo palm oil\nLasts six weeks",
            audience="people with dry skin",
            brand_name="Meadow & Mill",
            brand_colors="lavender, cream",
            brand_vibe="clinical_trust",
            keywords="soap for dry skin: problem solution",
            quality="low",
        ),
    ),
    "lighthouse": Example(
        name="The drowned city",
        form=StoryForm(
            idea=(
                "A lighthouse keeper and her brother find a map to a drowned city. At every spring tide one more of "
                "its streets comes up for an hour, and somebody has lit the lamps there."
            ),
            segments="30",
            characters=(
                "Ada: the keeper of the lighthouse, 34, patient, afraid of nothing but visitors\n"
                "Jonas: her younger brother, a bell founder who has lost his hearing in one ear"
            ),
            approve_outline="yes",
        ),
    ),
    "night-bus": Example(
        name="The last night bus",
        form=StoryForm(
            idea=(
                "A short comedy: the driver of the last night bus finds out that all of his passengers have missed "
                "the same wedding, each for another reason, and turns the bus around."
            ),
            segments="20",
            characters="Mirek: the driver, two weeks before his pension\nSol: the bride's aunt, who has the rings",
            content_rating="PG",
        ),
    ),
}
