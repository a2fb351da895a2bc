"""Forms as a browser without scripts sends them."""

from html.parser import HTMLParser


class Form(HTMLParser):
    """The fields of the form on a page that goes to an address, with what stands in them."""

    def __init__(self, html: str, *, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action = action
        self._is_inside = False
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = given.get("action") == self._action
        if not self._is_inside or "name" not in given:
            return
        if tag == "textarea":
            self._area = given["name"]
            self.fields[self._area] = ""
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            # The first line end belongs to the tag; those of the others become those of the network.
            text = self.fields[self._area] or data.removeprefix("\n")
            self.fields[self._area] = text.replace("\n", "\r\n")
