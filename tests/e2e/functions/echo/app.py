"""Returns what it was given, as an answer of an HTTP route and as plain JSON."""

import json
import logging
import os
import time

logging.getLogger().setLevel("INFO")


def answers(event, _context):
    """The event as the body, in the form that both payload formats know."""
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}


def returns(event, _context):
    return event


def speaks(event, _context):
    print("printed", event)
    logging.info("logged %s", event)
    return "spoken"


def fails(event, _context):
    raise LookupError(event)


def describes(_event, context):
    """What the function knows of its call."""
    client = context.client_context
    return {
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "request_id": context.aws_request_id,
        "client": None if client is None else {"custom": client.custom, "env": client.env},
    }


def waits(event, _context):
    """Say that the call has begun, and end it when somebody removes the file."""
    path = os.path.join(os.environ["GATE"], event)
    with open(path, "x"):
        pass
    while os.path.exists(path):
        time.sleep(0.01)
    return "released"


def decides(event, _context):
    """Return what the request's body says, whatever it is; the body "raw" returns bytes that are no JSON."""
    return b"no json" if event["body"] == "raw" else json.loads(event["body"])


def sleeps(event, _context):
    time.sleep(float(event["queryStringParameters"]["s"]))
    return "awake"
