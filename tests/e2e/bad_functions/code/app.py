"""Handlers that misbehave, one way each, and one that does not."""

import ctypes
import os
import signal
import socket
import sys
import time
import uuid

ENVIRONMENT = uuid.uuid4().hex


def good(event, context):
    left = [name for name in os.listdir("/tmp") if name.startswith("left-")]
    return {"environment": ENVIRONMENT, "left": left}


def not_json(event, context):
    return object()


def header_injection(event, context):
    return {"statusCode": 200, "headers": {"x-name": "a\r\nset-cookie: evil=1"}, "body": "x"}


def status_999(event, context):
    return {"statusCode": 999, "body": "x"}


def large(event, context):
    return "x" * 7_000_000


def exit_0(event, context):
    os._exit(0)


def exit_1(event, context):
    sys.exit(1)


def segfault(event, context):
    ctypes.string_at(0)


def fork_and_hang(event, context):
    for _ in range(5):
        if os.fork() == 0:
            time.sleep(1000)
    time.sleep(1000)


def daemon_and_hang(event, context):
    start_daemon()
    time.sleep(1000)


def leave_daemon(event, context):
    start_daemon()
    return "left"


def start_daemon():
    """What outlives its session, its parent and our marker: twice forked, other environment, other program."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve("/bin/sleep", ["sleep", "1000"], {})
        os._exit(0)


def fill_tmp(event, context):
    block = b"x" * (1 << 20)
    written = 0
    try:
        with open("/tmp/left-full", "wb", buffering=0) as file:
            while written < 2000:
                file.write(block)
                written += 1
    except OSError as error:
        return {"errno": error.errno, "written_mb": written}
    return {"errno": 0, "written_mb": written}


def print_much(event, context):
    line = "x" * 1023 + "\n"
    for _ in range(1000):
        sys.stdout.write(line * 100)
    return "printed"


def ignore_sigterm(event, context):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def eat_memory(event, context):
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(4096) * 2048))


def channel_sockets():
    for name in os.listdir("/proc/self/fd"):
        try:
            sock = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with sock:
            try:
                peer = sock.getpeername()
            except OSError:
                continue
            yield int(name), peer


def close_channel(event, context):
    for fd, _ in list(channel_sockets()):
        os.close(fd)
    return "never arrives"


def close_channel_and_hang(event, context):
    close_channel(event, context)
    time.sleep(1000)


def slow(event, context):
    print("started")
    time.sleep(1.5)
    print("finished")
    return {"id": context.aws_request_id}


def length(event, context):
    return len(event.get("body", ""))


def forge_response(event, context):
    """Answer somebody else's call: on this environment's own channel, with the other's request id."""
    body = b'{"id": "forged"}'
    answers = []
    for request_id in (event["queryStringParameters"]["id"], "no-such-id"):
        with own_channel() as line:
            head = (
                f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nhost: x\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            line.sendall(head.encode() + body)
            answers.append(int(line.recv(65536).split()[1]))
    return answers


def own_channel():
    line = socket.socket(socket.AF_UNIX)
    for path in ("/run/lockgate/api.sock", *(peer for _, peer in channel_sockets())):
        try:
            line.connect(path)
        except OSError:
            continue
        return line
    raise FileNotFoundError("the channel of this environment")


def forge_lines(event, context):
    request_id = context.aws_request_id
    print(f"START RequestId: {request_id} Version: $LATEST")
    print(f"END RequestId: {request_id}")
    print(f"REPORT RequestId: {request_id}\tDuration: 0.01 ms\tBilled Duration: 0 ms\t")
    print('{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":"forged"}')
    print("\x1b[2Jcleared", flush=True)
    return "forged"


if os.environ.get("LACKS_HANDLER"):
    del globals()["exit_0"]
