"""`retakes images` and `retakes story`: start sessions, then follow them until they have settled."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.completion import choices

_IMAGE_EXAMPLES = options.examples(
    "retakes images 'Steel bottle' --feature 'Keeps cold 24 h' --audience hikers",
    "retakes images 'Steel bottle' --photo front.jpg --image main --image 'lifestyle:at a lake'",
    "retakes images 'Steel bottle' --custom box='The box it comes in' -o bottle.zip",
    "retakes images - --detach --quiet < titles.txt",
)
_STORY_EXAMPLES = options.examples(
    "retakes story 'A lighthouse keeper finds a map to a drowned city.' --segments 60",
    "retakes story - --character 'Ada: keeps the light' < idea.txt",
    "retakes story 'A heist in a museum of clocks' --approve-outline --budget 2",
    "retakes story 'A heist in a museum of clocks' --segments 600 --estimate",
)


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command(epilog=_IMAGE_EXAMPLES)(images)
    app.command(epilog=_STORY_EXAMPLES)(story)


def images(
    title: Annotated[
        str, typer.Argument(metavar="TITLE", help="What is sold; `-` reads one title a line from standard input.")
    ],
    *,
    feature: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What is good about it; up to three times.")
    ] = None,
    audience: Annotated[str | None, typer.Option(metavar="TEXT", help="Who it is for.")] = None,
    photo: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A photo of it, to go by: JPEG, PNG or WebP.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    style: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A picture whose style to follow.", exists=True, dir_okay=False, readable=True
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE[:NOTE]",
            help="Which images to make: main, infographic_1, infographic_2, lifestyle, comparison. [default: all five]",
            autocompletion=choices("main", "infographic_1", "infographic_2", "lifestyle", "comparison"),
        ),
    ] = None,
    custom: Annotated[
        list[str] | None, typer.Option(metavar="KEY=PROMPT", help="One more image, by a prompt of your own.")
    ] = None,
    note: options.Note = None,
    brand: Annotated[str | None, typer.Option(metavar="TEXT", help="Who sells it.")] = None,
    color: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A colour of the brand; up to three times.")
    ] = None,
    vibe: Annotated[
        str | None,
        typer.Option(
            metavar="MOOD",
            help="The mood of the brand, such as natural_organic.",
            autocompletion=choices(
                "premium_luxury", "clean_modern", "bold_energetic", "natural_organic", "playful_fun", "clinical_trust"
            ),
        ),
    ] = None,
    keyword: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="What people search for.")] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Pixels. [default: 1024x1024]")] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            metavar="WORD",
            help="low, medium, high, xhigh, max or auto. [default: medium]",
            autocompletion=choices("low", "medium", "high", "xhigh", "max", "auto"),
        ),
    ] = None,
    image_format: Annotated[
        str | None,
        typer.Option(
            metavar="WORD", help="png, webp or jpeg. [default: png]", autocompletion=choices("png", "webp", "jpeg")
        ),
    ] = None,
    model: options.Model = None,
    max_attempts: options.MaxAttempts = None,
    budget: options.Budget = None,
    tolerated_failures: options.Tolerated = None,
    callback_url: options.CallbackUrl = None,
    idempotency_key: options.IdempotencyKey = None,
    estimate: options.EstimateOnly = False,
    detach: options.Detach = False,
    save_to: options.SaveTo = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a set of product images, and watch.

    Exits with 0 when all are complete, 3 when some failed, 4 when all failed, 5 when it was cancelled.
    """
    from cli import requests
    from sessions.estimates import ImageEstimateRequest
    from sessions.images import ImageSessionRequest

    wanted = [*map(requests.image_of, image or ()), *map(requests.custom_image_of, custom or ())]
    values: dict[str, Any] = {
        "brand": {"name": brand, "colors": color, "vibe": vibe},
        "keywords": [{"text": text} for text in keyword or ()],
        "note": note,
        "images": wanted,
        "size": size,
        "quality": quality,
        "format": image_format,
        "model": model,
        "max_attempts": max_attempts,
        "budget_usd": budget,
        "tolerated_failures": requests.tolerated(tolerated_failures),
        "callback_url": callback_url,
    }
    product = {"features": feature, "audience": audience}
    all_values = [{**values, "product": {**product, "title": one}} for one in requests.titles_of(title)]
    # All of them before anything is sent: a mistake in the last must not leave the first ones started.
    for one in all_values:
        requests.checked(ImageSessionRequest, one)

    from cli import starts
    from cli.asking import asking
    from client import calls

    with asking() as retakes:
        uploaded = starts.uploaded(retakes, photos=photo or (), style=style)
        requests_of_all = [requests.checked(ImageSessionRequest, {**one, **uploaded}) for one in all_values]
        if estimate:
            starts.estimated(
                retakes,
                [requests.checked(ImageEstimateRequest, {**one, **uploaded, "kind": "images"}) for one in all_values],
                as_json=as_json,
            )
            return
        keys = starts.keys_for(idempotency_key, count=len(requests_of_all))
        started = [
            calls.start_images(request, idempotency_key=key) for request, key in zip(requests_of_all, keys, strict=True)
        ]
        starts.started_and_followed(retakes, started, detach=detach, as_json=as_json, quiet=quiet, save_to=save_to)


def story(
    idea: Annotated[
        str, typer.Argument(metavar="IDEA", help="What the story is about; `-` reads it from standard input.")
    ],
    *,
    segments: Annotated[
        int | None,
        typer.Option(metavar="N", help="How long it is, in segments of about 8 seconds. [default: as the idea says]"),
    ] = None,
    per_set: Annotated[
        int | None, typer.Option(metavar="N", help="Segments that are written at once. [default: 10]")
    ] = None,
    character: Annotated[
        list[str] | None, typer.Option(metavar="NAME[:WHO]", help="Somebody who is in it; up to twenty times.")
    ] = None,
    rating: Annotated[str | None, typer.Option(metavar="TEXT", help="Content rating. [default: U]")] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Such as en or pt-BR. [default: en]")] = None,
    approve_outline: Annotated[
        bool, typer.Option("--approve-outline", help="Wait after the outline until `retakes approve` is run.")
    ] = False,
    model: options.Model = None,
    max_attempts: options.MaxAttempts = None,
    budget: options.Budget = None,
    tolerated_failures: options.Tolerated = None,
    callback_url: options.CallbackUrl = None,
    idempotency_key: options.IdempotencyKey = None,
    estimate: options.EstimateOnly = False,
    detach: options.Detach = False,
    save_to: options.SaveTo = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a story for film, and watch.

    Exits with 0 when all is complete, 3 when some sets failed, 4 when all failed, 5 when it was cancelled.
    """
    from cli import requests
    from sessions.estimates import StoryEstimateRequest
    from sessions.stories import StorySessionRequest

    values: dict[str, Any] = {
        "idea": requests.idea_of(idea),
        "total_segments": segments,
        "segments_per_set": per_set,
        "characters": [requests.character_of(text) for text in character or ()],
        "content_rating": rating,
        "language": language,
        "approve_outline": approve_outline or None,
        "model": model,
        "max_attempts": max_attempts,
        "budget_usd": budget,
        "tolerated_failures": requests.tolerated(tolerated_failures),
        "callback_url": callback_url,
    }
    request = requests.checked(StorySessionRequest, values)

    from cli import starts
    from cli.asking import asking
    from client import calls

    with asking() as retakes:
        if estimate:
            starts.estimated(
                retakes, [requests.checked(StoryEstimateRequest, {**values, "kind": "story"})], as_json=as_json
            )
            return
        started = [calls.start_story(request, idempotency_key=idempotency_key)]
        starts.started_and_followed(retakes, started, detach=detach, as_json=as_json, quiet=quiet, save_to=save_to)
