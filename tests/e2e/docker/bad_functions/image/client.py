"""Runtime clients that break the rules of the Runtime API, one way each: the word of the command says which.

What they see goes into the answer or to their output, so that a test can look at it.
"""

import http.client
import json
import os
import signal
import sys
import uuid

INVOCATION = "/2018-06-01/runtime/invocation/"
IDENTITY = "lambda-runtime-aws-request-id"


def api():
    return http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def ask(method, path, body=b"", line=None):
    """:returns: status and body; a connection of its own unless one is given."""
    used = line or api()
    used.request(method, path, body)
    answer = used.getresponse()
    return answer.status, answer.read(), dict(answer.headers.items())


def next_event():
    _, body, headers = ask("GET", INVOCATION + "next")
    identity = next(value for name, value in headers.items() if name.lower() == IDENTITY)
    return identity, json.loads(body)


def respond(identity, value):
    return ask("POST", f"{INVOCATION}{identity}/response", json.dumps(value).encode())


def never_next():
    print("asks for nothing", flush=True)
    while True:
        signal.pause()


def exits():
    print("ends at once", flush=True)
    sys.exit(3)


def next_twice():
    """Asks for work while it has some."""
    identity, _ = next_event()
    refused = [ask("GET", INVOCATION + "next") for _ in range(2)]
    respond(identity, [[status, json.loads(body)["errorType"]] for status, body, _ in refused])


def next_beside_next():
    """Two that wait for work at once; only one may get any."""
    first, second = api(), api()
    for line in (first, second):
        line.request("GET", INVOCATION + "next")
    statuses = {}
    answer = second.getresponse()
    statuses["second"] = answer.status
    text = answer.read()
    if answer.status == 200:
        respond(answer.headers[IDENTITY], statuses)
        return
    statuses["error"] = json.loads(text)["errorType"]
    answer = first.getresponse()
    answer.read()
    respond(answer.headers[IDENTITY], statuses)


def foreign_id():
    """Answers calls that are not its own, by ids that are made up and by one that it was told of."""
    identity, event = next_event()
    others = [event["other"], str(uuid.uuid4()), ".."]
    refused = [respond(other, "forged")[0] for other in others]
    refused.append(ask("POST", f"{INVOCATION}{event['other']}/error", b"{}")[0])
    respond(identity, refused)


def foreign_host():
    """Uses the Runtime API under names that are not its own."""
    name, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    identity, _ = next_event()
    statuses = []
    for host in ("0" * 32 + ".runtime:9001", "localhost", name[::-1], ""):
        line = http.client.HTTPConnection(name, int(port))
        line.putrequest("GET", INVOCATION + "next", skip_host=True)
        line.putheader("host", host)
        line.endheaders()
        statuses.append(line.getresponse().status)
    respond(identity, statuses)


def answers_twice():
    """The second answer is for nobody; what became of it comes with the next call's answer."""
    identity, _ = next_event()
    respond(identity, "first")
    status, body, _ = respond(identity, "second")
    identity, _ = next_event()
    respond(identity, [status, json.loads(body)["errorType"]])


KINDS = (never_next, exits, next_twice, next_beside_next, foreign_id, foreign_host, answers_twice)

if __name__ == "__main__":
    kind = {each.__name__: each for each in KINDS}[sys.argv[1]]
    while True:
        kind()
