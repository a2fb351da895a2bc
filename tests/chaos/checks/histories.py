"""What Temporal keeps."""

from tests.chaos.checks.matching import Casebook
from tests.chaos.checks.result import CheckResult, Findings


def histories_are_clean(book: Casebook) -> CheckResult:
    """No history holds a picture or a key."""
    found = Findings("no image and no key in a history", "Histories hold references and texts, no bytes and no key.")
    for history in book.evidence.histories:
        found.expect(not history.leaks, f"{history.session_id} ({history.run_id}) holds {', '.join(history.leaks)}")
    return found.result()


def histories_replay(book: Casebook) -> CheckResult:
    """Every workflow replays under the code that made it."""
    found = Findings("every workflow replays", "Every history replays, so every session can go on elsewhere.")
    known = {history.session_id for history in book.evidence.histories}
    for session in book.sessions.values():
        found.expect(session.id in known, f"{session.mark} has no history")
    for history in book.evidence.histories:
        found.expect(history.replay_error is None, f"{history.session_id} ({history.run_id}): {history.replay_error}")
    return found.result()
