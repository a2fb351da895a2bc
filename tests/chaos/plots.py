"""The plots of a report, as SVG that stands in a page of its own."""

import io
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sessions.statuses import AttemptStatus
from tests.chaos.checks.recovery import MEANWHILE
from tests.chaos.checks.result import Listed
from tests.chaos.evidence import Evidence
from tests.chaos.scale import Blow

_GOOD, _BAD, _LINE, _BAND = "#2f6f4f", "#b5483a", "#1f3a5f", "#8a6d3b"
_WIDTH = 11.0


def timeline(evidence: Evidence) -> str:
    """Return what was broken when, above the provider's calls and the open sessions, over the same seconds."""
    figure = Figure(figsize=(_WIDTH, 7.5), layout="constrained")
    faults, calls, sessions = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 2])
    _faults(faults, evidence)
    _calls(calls, evidence)
    _open_sessions(sessions, evidence)
    sessions.set_xlabel("seconds since the run began")
    for axes in (faults, calls, sessions):
        axes.axvline(_seconds(evidence, evidence.faults_ended_at), color="grey", linestyle=":", linewidth=1)
    return _svg(figure)


def recoveries(listed: Sequence[Listed]) -> str:
    """Return how long items took to go on after their worker was killed."""
    figure = Figure(figsize=(_WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    alone = [one.seconds for one in listed if one.seconds is not None and not one.reason.startswith(MEANWHILE)]
    others = [one.seconds for one in listed if one.seconds is not None and one.reason.startswith(MEANWHILE)]
    labels = ("nothing else was broken", "something else was, too")
    axes.hist([alone, others], bins=40, range=(0, 40), stacked=True, color=[_LINE, _BAND], label=labels)
    axes.legend(loc="upper right")
    axes.axvline(15, color=_BAD, linestyle="--", linewidth=1)
    axes.set_xlabel("seconds from the kill to the next attempt")
    axes.set_ylabel("items")
    return _svg(figure)


def _faults(axes: Axes, evidence: Evidence) -> None:
    names = list(Blow)
    for outage in evidence.outages:
        began, ended = _seconds(evidence, outage.began_at), _seconds(evidence, outage.ended_at)
        color = _BAD if outage.blow.startswith("kill") else _BAND
        axes.barh(names.index(outage.blow), max(ended - began, 0.3), left=began, height=0.7, color=color)
    axes.set_yticks(range(len(names)), [name.value for name in names])
    axes.invert_yaxis()
    axes.set_title("what was broken", loc="left")


def _calls(axes: Axes, evidence: Evidence) -> None:
    good: Counter[int] = Counter()
    bad: Counter[int] = Counter()
    for call in evidence.calls:
        kept = good if call.status == 200 and call.answered else bad
        kept[int(_seconds(evidence, call.at))] += 1
    seconds = range(int(_seconds(evidence, evidence.settled_at)) + 1)
    axes.bar(seconds, [good[second] for second in seconds], width=1.0, color=_GOOD, label="answered")
    bottom = [good[second] for second in seconds]
    axes.bar(seconds, [bad[second] for second in seconds], width=1.0, bottom=bottom, color=_BAD, label="failed")
    axes.legend(loc="upper right")
    axes.set_title("calls the provider had, by second", loc="left")


def _open_sessions(axes: Axes, evidence: Evidence) -> None:
    steps: list[tuple[float, int]] = []
    for session in evidence.sessions:
        steps.append((_seconds(evidence, session.view.created_at), 1))
        if session.view.settled_at is not None:
            steps.append((_seconds(evidence, session.view.settled_at), -1))
    steps.sort()
    moments, counts, count = [0.0], [0], 0
    for moment, step in steps:
        count += step
        moments.append(moment)
        counts.append(count)
    axes.step(moments, counts, where="post", color=_LINE)
    axes.set_title("sessions that had not settled for good", loc="left")


def figures(evidence: Evidence) -> dict[str, str]:
    """Return the figures of a run, in the order in which they are shown."""
    ledger = [entry for session in evidence.sessions for entry in session.ledger]
    kinds = Counter(session.view.kind.value for session in evidence.sessions)
    blows = Counter(outage.blow.value for outage in evidence.outages)
    statuses = Counter(entry.status for entry in ledger)
    retries = [asked for asked in evidence.asked if asked.act == "retry"]
    return {
        "sessions": ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        "items": str(sum(len(session.view.items) for session in evidence.sessions)),
        "faults fell for": _span(evidence.began_at, evidence.faults_ended_at),
        "everything settled after": _span(evidence.faults_ended_at, evidence.settled_at),
        "the provider's calls": str(sum(call.prompt is not None for call in evidence.calls)),
        "attempts in the ledger": ", ".join(f"{statuses[status]} {status.value}" for status in AttemptStatus),
        "retries sent": f"{len(retries)}, {sum(asked.is_accepted for asked in retries)} accepted",
        "strikes": ", ".join(f"{count} x {blow}" for blow, count in sorted(blows.items())),
        "histories": f"{len(evidence.histories)}, {sum(history.events for history in evidence.histories)} events",
    }


def _span(since: datetime, until: datetime) -> str:
    return f"{(until - since).total_seconds():.0f} s"


def _seconds(evidence: Evidence, moment: datetime) -> float:
    return (moment - evidence.began_at).total_seconds()


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("<svg")[2].join(("<svg", ""))
