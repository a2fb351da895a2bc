"""Changes that would break the replay of running sessions: each has a name here, and is asked for with `patched`.

A session that began before a change goes on as it began; `workflow.patched` tells the two apart. A name may go once
no session can be open any more that began before it: the retry window after its release, at the earliest.
"""

from typing import Final

GO_ON_IN_ANOTHER_RUN: Final = "go-on-in-another-run"
"""A session whose history has grown long continues as new. Before, its history grew without a limit of ours."""

ASK_THE_LEDGER: Final = "ask-the-ledger"
"""An item that is cancelled between two attempts asks the ledger what they were. Before, they were forgotten."""

HEAR_OF_A_CANCEL: Final = "hear-of-a-cancel"
"""An item whose attempt fails while a cancel is on its way is cancelled, with that attempt counted. Before, it had
failed without one, so that a retry used its number again."""

COUNT_WHAT_MAY_HAVE_ASKED: Final = "count-what-may-have-asked"
"""A last attempt whose worker died after a wait was over counts, as uncertain. Before, it was made again under its
number, and a call that it had made meanwhile was in no ledger."""

COUNT_BEFORE_THE_NEXT: Final = "count-before-the-next"
"""Under a budget an item comes back from the workers once an attempt may have cost something, and no other is counted
for it. Before, each attempt whose worker died before it could come back was counted at its worst, and passed the
budget without a call."""

STOP_ONCE: Final = "stop-once"
"""An item that is cancelled again while it asks the ledger what it was at goes on asking. Before, it never ended."""

ENTER_WHAT_NOBODY_TOLD_OF: Final = "enter-what-nobody-told-of"
"""A last attempt whose worker died before it could tell of it is entered all the same. Before, its cost was counted,
and a call that it had made was in no ledger."""

HEAR_BEFORE_REFUSING: Final = "hear-before-refusing"
"""A retry by signal that came together with the failure it is about is obeyed. Before, it was refused, with nobody to
hear of that, since signals come before what has ended."""

HEAR_BEFORE_OBEYING: Final = "hear-before-obeying"
"""An update is obeyed once everything has been heard that had ended before it. Before, a worker that took a session
over obeyed first, and every replay heard first: the session could not be replayed any more, and stood still."""

LOOK_FOR_WHAT_WAS_LEFT: Final = "look-for-what-was-left"
"""When the last attempt of a round is lost with its worker, what it may have stored is looked for. Before, the item had
failed, and a retry paid for it again."""

TELL_WHAT_IS_HELD: Final = "tell-what-is-held"
"""What a session holds back is told to the server, where an attempt that is about to begin reads it. Before, each such
attempt asked a worker, which replayed the session for it where no worker had it in hand."""
