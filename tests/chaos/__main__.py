"""`python -m tests.chaos`: attack the product, check it, write the report; or check again what a run has left."""

import argparse
import secrets
import shlex
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.chaos.attack import Run
from tests.chaos.checks.every import checked
from tests.chaos.evidence import Evidence
from tests.chaos.plan import plan_of
from tests.chaos.report import EVIDENCE_FILE, summary, write_report
from tests.chaos.scale import Records, Scale, long_scale, short_scale

_RUNS = Path("var/chaos")


def main(arguments: list[str]) -> int:
    """Run as told. Returns 0 when every promise was kept, 1 when one was not; wrong arguments end with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.check is not None:
        if not (options.check / EVIDENCE_FILE).exists():
            parser.error(f"{options.check} has no {EVIDENCE_FILE}: name the folder in which index.html is")
        evidence = Evidence.model_validate_json((options.check / EVIDENCE_FILE).read_bytes())
        results = checked(evidence)
        write_report(options.check, evidence=evidence, results=results, plan=None)
        sys.stdout.write(summary(evidence, results) + "\n")
        return 0 if all(result.has_passed for result in results) else 1
    folder: Path = options.report or _RUNS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    kinds = (Records.SQLITE, Records.POSTGRESQL) if options.records == "both" else (Records(options.records),)
    if used := [str(folder / records) for records in kinds if (folder / records).exists()]:
        parser.error(f"{' and '.join(used)}: a run was there before. Name another folder with --report")
    failed = 0
    for records in kinds:
        failed |= _attack(_scale(options, records=records), folder=folder / records)
    return failed


def _attack(scale: Scale, *, folder: Path) -> int:
    command = shlex.join(["python", "-m", "tests.chaos", *_arguments(scale)])
    sys.stdout.write(f"seed {scale.seed}; the same again: {command}\n")
    run = Run(scale=scale, folder=folder / "data", command=command, say=_say)
    evidence = run.evidence()
    results = checked(evidence)
    write_report(folder, evidence=evidence, results=results, plan=plan_of(scale))
    sys.stdout.write(f"{summary(evidence, results)}\nreport: {folder / 'index.html'}\n")
    return 0 if all(result.has_passed for result in results) else 1


def _arguments(scale: Scale) -> list[str]:
    return [
        *([] if scale.tempo == long_scale(seed=0, records=scale.records).tempo else ["--short"]),
        *("--seed", str(scale.seed), "--duration", f"{scale.duration.total_seconds():g}"),
        *("--images", str(scale.images), "--stories", str(scale.stories), "--sets", str(scale.sets_per_story)),
        *("--records", scale.records),
    ]


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def _scale(options: argparse.Namespace, *, records: Records) -> Scale:
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    scale = (short_scale if options.short else long_scale)(seed=seed, records=records)
    return replace(
        scale,
        duration=scale.duration if options.duration is None else timedelta(seconds=options.duration),
        images=scale.images if options.images is None else options.images,
        stories=scale.stories if options.stories is None else options.stories,
        sets_per_story=scale.sets_per_story if options.sets is None else options.sets,
        settle_within=scale.settle_within if options.settle is None else timedelta(seconds=options.settle),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="replays a plan; drawn and printed when left out")
    parser.add_argument("--short", action="store_true", help="the attack of every commit in place of the long one")
    parser.add_argument("--duration", type=float, help="seconds in which faults fall")
    parser.add_argument("--images", type=int, help="how many image sessions")
    parser.add_argument("--stories", type=int, help="how many stories")
    parser.add_argument("--sets", type=int, help="how many sets each story has")
    parser.add_argument("--settle", type=float, help="seconds in which all must settle once faults have ended")
    parser.add_argument("--records", choices=["sqlite", "postgres", "both"], default="sqlite")
    parser.add_argument("--report", type=Path, help=f"folder of the report; {_RUNS} has one for each run")
    parser.add_argument("--check", type=Path, help="run nothing; check the evidence in this report's folder again")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
