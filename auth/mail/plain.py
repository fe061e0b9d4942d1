"""A mail's text out of what somebody wrote for a program that shows HTML: mails of ours are plain text."""

import html
import re
from html.parser import HTMLParser
from typing import Final

_IS_HTML: Final = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--)>?")
_BREAKS: Final = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "ul", "ol", "table", "hr"})
_EMPTY: Final = frozenset({"br", "hr"})
_SILENT: Final = frozenset({"script", "style", "head", "title"})
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def plain_of(text: str) -> str:
    """*text* with its tags gone, paragraphs as lines, and where links go in brackets. Text without tags stays."""
    if _IS_HTML.search(text):
        reader = _Reader()
        reader.feed(text)
        reader.close()
        text = "".join(reader.parts)
    lines = (" ".join(_printable(line).split()) for line in text.replace("\r\n", "\n").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._goes_to = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _BREAKS:
            self.parts.append("\n")
        if tag == "a":
            self._goes_to = html.unescape(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in _BREAKS - _EMPTY:
            self.parts.append("\n")
        if tag == "a" and self._goes_to:
            self.parts.append(f" ({self._goes_to})")
            self._goes_to = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(" ".join(data.split("\n")))


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)
