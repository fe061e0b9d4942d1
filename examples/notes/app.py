"""A notes API on SQLite: an ordinary Lambda function (payload format 2.0), nothing in it is Lockgate's.

Everybody has notes of their own: whose they are says the token that the gateway has verified before it calls this.
The database lies in the folder that NOTES_DIR names. Every environment of the function opens the same file, so
a note that one of them writes is there for the next request, whichever environment answers it.
"""

import json
import logging
import os
import sqlite3
import time
import uuid

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger("notes")

MAX_TEXT = 10_000  # characters; a note is not a file store
MAX_PAGE = 100
SHOWN = "id, text, created_ms"
THIS = "owner = ? AND id = ?"


class BadRequest(Exception):
    """What the client sent cannot be used; the message says why."""


def connect() -> sqlite3.Connection:
    """Open the database and make its table. Runs once per environment, before the first request."""
    path = os.path.join(os.environ.get("NOTES_DIR", "/tmp"), "notes.db")
    # Environments run under different user ids but one group: let the group write.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o664))
    database = sqlite3.connect(path, timeout=5, isolation_level=None)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS own_notes (owner TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,"
        " created_ms INTEGER NOT NULL, PRIMARY KEY (owner, id))"
    )
    database.execute("CREATE INDEX IF NOT EXISTS own_notes_by_time ON own_notes (owner, created_ms, id)")
    return database


db = connect()


def list_notes(event):
    query = event.get("queryStringParameters") or {}
    try:
        limit = int(query.get("limit", "20"))
    except ValueError:
        raise BadRequest("limit must be a whole number") from None
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit must be 1 to {MAX_PAGE}")
    rows = db.execute(
        f"SELECT {SHOWN} FROM own_notes WHERE owner = ? ORDER BY created_ms DESC, id DESC LIMIT ?",
        (owner_of(event), limit),
    )
    return answer(200, {"notes": [dict(row) for row in rows]})


def create_note(event):
    note = {"id": uuid.uuid4().hex, "text": text_of(event), "created_ms": time.time_ns() // 1_000_000}
    db.execute(
        "INSERT INTO own_notes VALUES (:owner, :id, :text, :created_ms)", note | {"owner": owner_of(event)}
    )
    log.info("created %s", note["id"])
    return answer(201, note, location=f"/notes/{note['id']}")


def read_note(event):
    row = db.execute(f"SELECT {SHOWN} FROM own_notes WHERE {THIS}", this_of(event)).fetchone()
    return answer(200, dict(row)) if row else not_found()


def change_note(event):
    row = db.execute(
        f"UPDATE own_notes SET text = ? WHERE {THIS} RETURNING {SHOWN}", (text_of(event), *this_of(event))
    ).fetchone()
    return answer(200, dict(row)) if row else not_found()


def delete_note(event):
    gone = db.execute(f"DELETE FROM own_notes WHERE {THIS}", this_of(event)).rowcount
    return {"statusCode": 204} if gone else not_found()


ROUTES = {
    "GET /notes": list_notes,
    "POST /notes": create_note,
    "GET /notes/{id}": read_note,
    "PUT /notes/{id}": change_note,
    "DELETE /notes/{id}": delete_note,
}


def handler(event, context):
    try:
        return ROUTES[event["routeKey"]](event)
    except BadRequest as error:
        return answer(400, {"message": str(error)})


def owner_of(event) -> str:
    """Who calls: the token's subject, which stays the same whatever else changes about a person.

    Without an authorizer on the route there is none, and the call fails instead of showing everybody's notes.
    """
    return event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]


def this_of(event) -> tuple[str, str]:
    """The values for THIS. Another person's note is as absent as one that never was."""
    return owner_of(event), event["pathParameters"]["id"]


def text_of(event) -> str:
    """The note's text in the request's body. :raises BadRequest: with the reason."""
    try:
        body = json.loads(event.get("body") or "")
    except ValueError:
        raise BadRequest('send JSON, such as {"text": "buy milk"}, as application/json') from None
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("text must be a string that is not empty")
    if len(text) > MAX_TEXT:
        raise BadRequest(f"text must have at most {MAX_TEXT} characters")
    return text


def not_found():
    return answer(404, {"message": "There is no such note"})


def answer(status: int, body: dict, **headers: str):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **headers},
        "body": json.dumps(body, ensure_ascii=False),
    }
