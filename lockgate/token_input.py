"""Where a token on the command line comes from: standard input or a file, never an argument, which `ps` shows."""

import re
import sys
from pathlib import Path

from gateway.authorizers.jwt.identity import bare_token
from lockgate.errors import UsageError

MAX_BYTES = 64 * 1024  # eight times what any gateway takes; a larger file is no token
_LOOKS_SIGNED = re.compile(r"(?:bearer\s+)?[A-Za-z0-9_+/=-]{8,}(?:\.[A-Za-z0-9_+/=-]*){2,}\s*", re.IGNORECASE)
_HINT = 'Pipe it in: printf %s "$TOKEN" | lockgate … -; or name a file that holds it.'


def read_token_text(source: str) -> str:
    """The text at *source*, ``-`` or a file's path, without blanks around it and without ``Bearer``.

    :raises UsageError: it cannot be read, or *source* is the token itself. No message repeats it.
    """
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if source == "-" else _read_file(source)
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"What was given as a token has more than {MAX_BYTES} bytes.", "Give the token alone."
        )
    # Bytes beyond ASCII stay what they are, so that it can be said where they are.
    text = bare_token(data.decode("latin-1").strip())
    if not text:
        raise UsageError("There is no token: nothing was read.", _HINT)
    return text


def _read_file(source: str) -> bytes:
    path = Path(source)
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if _LOOKS_SIGNED.fullmatch(source):
            raise UsageError(
                "A token is not taken from the command line, where `ps` and the shell's history show it.",
                _HINT,
            ) from error
        # What was given may be a secret all the same, so it is not repeated.
        why = (error.strerror or "") if isinstance(error, OSError) else "no path"
        raise UsageError(f"The token's file cannot be read: {why or 'no such file'}.", _HINT) from error
