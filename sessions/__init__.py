"""The domain: what a session, an item, an attempt and a round are, in pydantic and the standard library alone."""
