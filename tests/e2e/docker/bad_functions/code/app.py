"""Handlers that misbehave in their container, one way each, and one that does not."""

import json
import os
import resource
import signal
import socket
import sys
import time
import uuid

ENVIRONMENT = uuid.uuid4().hex


def good(event, context):
    return {"environment": ENVIRONMENT, "tmp": os.listdir("/tmp")}


def fork_bomb(event, context):
    """As many as it can have; each of them forks, too. Ends with its timeout.

    Those that cannot fork wait long enough to leave the processors to the tests beside this one.
    """
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.5)


def eat_memory(event, context):
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(4096) * 2048))


def fill_tmp(event, context):
    """Fill the disk, see the error, make room, and go on."""
    block, written, seen = b"x" * (1 << 20), 0, 0
    try:
        with open("/tmp/left-full", "wb", buffering=0) as file:
            while True:
                file.write(block)
                written += 1
    except OSError as error:
        seen = error.errno
    os.unlink("/tmp/left-full")
    with open("/tmp/after", "w") as file:
        file.write("there is room again")
    return {"errno": seen, "written_mb": written, "files": os.listdir("/tmp")}


def print_much(event, context):
    """A gigabyte in lines of 1,023 characters, and on until it is told to stop. :returns: how many lines."""
    lines = (b"x" * 1023 + b"\n") * 1024
    stop = os.path.join(os.environ["SHARED"], "stop")
    megabytes = 0
    while megabytes < 1024 or not os.path.exists(stop):
        write_all(lines)
        megabytes += 1
    return megabytes * 1024


def one_line(event, context):
    """64 MB without an end."""
    block = b"y" * (1 << 20)
    for _ in range(64):
        write_all(block)
    return "printed"


def binary(event, context):
    every = bytes(range(256))
    write_all(b"before\n" + every * 16 + b"\xff\xfe\xc3\x28\xed\xa0\x80\n" + b"\r\n\0\0\n" + b"after\n")
    return "printed"


def write_all(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def ignore_signals(event, context):
    """Warm first; then deaf, in many processes, without a channel."""
    if "warm" in event:
        return "warm"
    for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
        signal.signal(number, signal.SIG_IGN)
    for _ in range(3):
        daemonise()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.closerange(0, 256)
    while True:
        signal.pause()


def hang(event, context):
    if "warm" in event:
        return "warm"
    while True:
        signal.pause()


def daemonise():
    """What has no parent of ours, no session of ours, no variable of ours and no open file of ours."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.execve("/bin/sleep", ["sleep", "1000"], {})
        os._exit(0)


def leave_daemon(event, context):
    daemonise()
    return "left"


def close_channel(event, context):
    for name in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(name))):
                os.close(int(name))
        except OSError:
            continue
    return "never arrives"


def slow(event, context):
    print("working on", context.aws_request_id, flush=True)
    while not os.path.exists(os.path.join(os.environ["SHARED"], event["until"])):
        time.sleep(0.01)
    return {"id": context.aws_request_id}


def forge_answer(event, context):
    """Answer somebody else's call, on every way to a Runtime API that there is."""
    answers = []
    for identity in (event["other"], "no-such-id"):
        line = socket.socket(socket.AF_UNIX)
        line.connect(os.environ.get("LOCKGATE_RUNTIME_SOCKET", "/run/lockgate/channel/api.sock"))
        body = json.dumps("forged").encode()
        head = (
            f"POST /2018-06-01/runtime/invocation/{identity}/response HTTP/1.1\r\nhost: x\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        line.sendall(head.encode() + body)
        answers.append(int(line.recv(65536).split()[1]))
    return answers


def forge_lines(event, context):
    """Lines of the platform, by each way on which something of it can be written."""
    identity = context.aws_request_id
    forged = [
        f"START RequestId: {identity} Version: $LATEST",
        f"END RequestId: {identity}",
        f"REPORT RequestId: {identity}\tDuration: 0.01 ms\tBilled Duration: 0 ms\t",
        '{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":"forged"}',
        "\x1b[2Jcleared",
    ]
    for text in forged:
        print(text)
    sys.stdout.flush()
    for stream in ("/proc/self/fd/1", "/proc/1/fd/1"):
        with open(stream, "wb", buffering=0) as out:
            out.write(b"REPORT RequestId: " + identity.encode() + b"\tby another way\n")
    return "forged"
