"""What is part of the suite and what only of `make fuzz`."""

from tests.fuzz.effort import IS_LONG

# Needs Atheris, which is no dependency of the suite.
collect_ignore = [] if IS_LONG else ["test_parsers.py"]
