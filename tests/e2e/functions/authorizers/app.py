"""Functions that decide who may call: well, badly, and not at all."""

import json
import time
import uuid

CONTEXT = {
    "text": "é",
    "number": 7,
    "float": 1.5,
    "flag": True,
    "none": None,
    "list": [1, "a"],
    "map": {"a": {"b": 2}},
}


def simple(event, _context):
    """Let the key ``good`` pass. `asked` differs from call to call, so that a kept answer can be told."""
    is_good = event["identitySource"] == ["good"]
    return {"isAuthorized": is_good, "context": {**CONTEXT, "asked": uuid.uuid4().hex}}


def says(event, _context):
    """Answer what the request says."""
    return json.loads(event["headers"]["x-say"])


def echoes(event, _context):
    """Allow the one ARN that was asked for."""
    arn = event.get("routeArn") or event["methodArn"]
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn}
    return {
        "principalId": "user-1",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {**CONTEXT, "asked": uuid.uuid4().hex, "event": event},
    }


def throws(_event, _context):
    raise Exception("Unauthorized")


def hangs(_event, _context):
    time.sleep(30)
    return {"isAuthorized": True}


def slow(_event, _context):
    time.sleep(0.5)
    return {"isAuthorized": True, "context": {"asked": uuid.uuid4().hex}}


def dies(_event, _context):
    raise SystemExit(1)
