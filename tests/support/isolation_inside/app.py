"""The function: it runs probes, each in a process of its own, and does what tests ask beside them.

In a container without the profile it runs as a program: ``python3 app.py '{"facts": …, "names": […]}'``.
"""

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

import files
import kernel
import outside
from trying import BOOTSTRAP, CHANNEL, PROBES, Denied, connect

PROBE_S = 20
__all__ = ["files", "handler", "kernel", "outside"]  # each registers its probes


def run(name, facts):
    """In a process of its own: [whether it happened, what was said]."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, json.dumps(attempt(name, facts)).encode())
        os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], PROBE_S)
        said = os.read(reading, 65536) if ready else b""
    finally:
        os.close(reading)
        os.kill(child, 9)
        os.waitpid(child, 0)
    return json.loads(said) if said else ["broken", f"no answer within {PROBE_S} s, or it was killed"]


def attempt(name, facts):
    try:
        return ["done", str(PROBES[name](facts))]
    except Denied as error:
        return ["denied", str(error)]
    except RuntimeError as error:  # can't start new thread
        return ["denied", str(error)]
    except OSError as error:
        return ["denied", f"{errno.errorcode.get(error.errno, error.errno)}: {error.strerror or error}"]
    except BaseException:
        return ["broken", traceback.format_exc()]


def run_all(facts, names=None):
    return {name: run(name, facts) for name in (names or PROBES)}


def handler(event, context):
    """What tests ask of it, beside the probes."""
    action = event.get("action", "probes")
    if action == "probes":
        return run_all(event["facts"], event.get("names"))
    if action == "serve":  # for `another-function`: answers while this environment lives
        server = socket.create_server(("0.0.0.0", 5432))
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        return "serving"
    if action == "exec-in-tmp":
        with open("/tmp/program", "w") as file:
            file.write("#!/bin/sh\necho ran\n")
        os.chmod("/tmp/program", 0o700)
        return subprocess.run(["/tmp/program"], capture_output=True, text=True, check=True).stdout
    if action == "environment":
        return dict(os.environ)
    if action == "environment-of-the-first":
        with open("/proc/1/environ", "rb") as file:
            return dict(entry.decode().split("=", 1) for entry in file.read().split(b"\0") if entry)
    if action == "connect":
        return connect(event["host"], event["port"])
    if action == "interfaces":
        return sorted(os.listdir("/sys/class/net"))
    if action == "hog":
        held = bytearray(event["mb"] << 20)
        return len(held)
    if action == "clock":
        return time.time()
    if action == "hang":
        for number in (1, 2, 3, 10, 12, 15):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
        while True:
            time.sleep(1000)
    raise ValueError(action)


def answer(server):
    while True:
        connection, _ = server.accept()
        connection.sendall(b"here\n")
        connection.close()


def prepare_twin():
    """A container without the profile has no function: give it the same places."""
    for folder in ("/var/task", "/opt", BOOTSTRAP, CHANNEL):
        os.makedirs(folder, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{CHANNEL}/api.sock")
    return server


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    kept = prepare_twin() if os.getuid() == 0 else None
    print(json.dumps(run_all(given["facts"], given.get("names"))))
