"""How the authorization endpoint refuses: on a page of our own, or by sending the browser back to the client.

Which of the two is a matter of trust: nobody is sent to an address before it is known to be the client's (A2).
Refusals of the other endpoints are Authlib's ``OAuth2Error``, rendered in `responses`.
"""


class PageError(Exception):
    """The browser stays here. :ivar status: of the page. :ivar code: for the log and for whoever reports it.

    ``str(error)`` is one sentence for people, without anything of the request in it.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class RedirectError(Exception):
    """The client is told. :ivar location: its registered address with ``error``, ``state`` and ``iss``."""

    def __init__(self, code: str, location: str) -> None:
        super().__init__(code)
        self.code = code
        self.location = location


def description_of(error: Exception) -> str:
    """What *error* says, in the characters that RFC 6749 §5.2 has for an ``error_description``."""
    text = str(error).replace('"', "'").replace("\\", "/")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)
