"""A runtime client as official ones are: it knows the Runtime API by host and port. The command of an image."""

import http.client
import json
import os

import app

BASE = "/2018-06-01/runtime/invocation"


def main():
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        connection.request("GET", f"{BASE}/next")
        answer = connection.getresponse()
        event = json.loads(answer.read())
        body = json.dumps(app.handler(event, None))
        connection.request("POST", f"{BASE}/{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response", body)
        connection.getresponse().read()


main()
