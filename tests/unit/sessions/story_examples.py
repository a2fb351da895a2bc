"""What a good model would write, to be spoilt by the tests one thing at a time."""

import json
from typing import Any

from sessions.scripts import Outline, StoryMetadata
from sessions.stories import StoryPlan, StorySessionRequest
from sessions.story_checks import outline_of

Json = dict[str, Any]
TITLE = "The Last Lamp"
TRAITS = ("physical_appearance", "clothing", "personality", "role", "voice")


def request_of(**fields: Any) -> StorySessionRequest:
    return StorySessionRequest.model_validate({"idea": "A keeper and a fox", "total_segments": 25, **fields})


def character(name: str, **fields: Any) -> Json:
    return {"id": name.lower(), "name": name, **{trait: f"{name}'s {trait}" for trait in TRAITS}, **fields}


def outlined_set(number: int) -> Json:
    return {"beats": [f"Beat {number}a", f"Beat {number}b"], "begins": f"Begins {number}", "ends": f"Ends {number}"}


def outline_answer(request: StorySessionRequest, **fields: Any) -> Json:
    plan = request.plan
    divided: Json = (
        {
            "parts": [
                {"summary": f"Summary {number}", "begins": f"Part begins {number}", "ends": f"Part ends {number}"}
                for number in range(1, plan.total_parts + 1)
            ]
        }
        if plan.total_parts
        else {"sets": [outlined_set(number) for number in range(1, plan.total_sets + 1)]}
    )
    return {
        "title": TITLE,
        "short_summary": "A keeper saves a lamp.",
        "description": "On a rock in the sea a keeper and a fox guard the last lamp.",
        "hashtags": [f"#tag{number}" for number in range(8)],
        "narrator_voice": "warm and slow",
        "characters": [character("Ada"), character("Fox")],
        **divided,
        **fields,
    }


def set_answer(plan: StoryPlan, set_number: int) -> Json:
    return {"segments": [segment(number, plan=plan) for number in plan.segments_of(set_number)]}


def segment(number: int, *, plan: StoryPlan) -> Json:
    speaks = number % 2 == 0
    return {
        "number": number,
        "scene": f"{TITLE}: the rock" if number == 1 else f"The rock, {number}",
        "content_type": "dialogue" if speaks else "narration",
        "narration": None if speaks else "The sea is calm tonight.",
        "dialogue": [{"character_id": "ada", "line": "Who is there?"}] if speaks else [],
        "characters_present": ["ada", "fox"],
        "camera": "wide",
        "background_definition": "sea",
        "music": "strings",
        "sound_effects": "waves",
        "mood": "calm",
        "transition": "end" if number == plan.total_segments else "cut",
    }


def outline_for(request: StorySessionRequest, **fields: Any) -> Outline:
    return outline_of(json.dumps(outline_answer(request, **fields)), request=request, plan=request.plan)


def metadata_for(request: StorySessionRequest) -> StoryMetadata:
    return outline_for(request).metadata
