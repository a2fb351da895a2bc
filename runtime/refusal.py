"""Why a program does not start. Apart from the rest, so that naming it imports nothing."""


class Refused(Exception):
    """The program can't start as it is set up. The message is one line that says what to change."""
