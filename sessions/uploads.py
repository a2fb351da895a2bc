"""Reference photos as those who upload them see them."""

from sessions.model import Value


class Upload(Value):
    """A picture that somebody uploaded; its id goes into `references` of a session. Upright and as it is kept."""

    id: str
    media_type: str
    width: int
    height: int
    bytes: int
