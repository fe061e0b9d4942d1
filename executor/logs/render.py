"""Shows log records to a person. A function's text cannot drive the terminal, or look like the platform's.

Every record begins with its time and function in columns that a text can't reach; platform lines carry a mark
and are dimmed; control and direction characters are shown, not sent.
"""

import orjson
from rich.text import Text

from executor.logs.escaping import escaped, json_escaped
from executor.logs.records import LogRecord

MARK = "·"  # stands before platform lines, in a column where a function's text has a space


def as_text(record: LogRecord, *, show_function: bool) -> Text:
    """:param show_function: when records of several functions are shown together."""
    line = Text(no_wrap=False)
    line.append(f"{record.time[11:23]} ", style="dim")
    if show_function:
        line.append(f"{record.function} ", style="cyan")
    if record.is_platform:
        line.append(f"{MARK} {escaped(record.text).rstrip()}", style="dim")
    else:
        line.append(f"  {escaped(record.text)}")
    return line


def as_json(record: LogRecord) -> str:
    """One line, as `lockgate logs --json` prints it."""
    fields = {
        "time": record.time,
        "function": record.function,
        "type": record.type,
        "requestId": record.request_id,
        "env": record.env,
        "record": record.text,
    }
    return json_escaped(orjson.dumps(fields).decode())
