"""Handlers for the runtime's cases: each shows one thing that a function may do."""

import asyncio
import collections
import ctypes
import decimal
import enum
import json
import logging
import os
import signal
import sys
import time

LIMIT = 6 * 1024 * 1024
calls = 0
Point = collections.namedtuple("Point", "x y")


class NotEnoughError(Exception):
    """A class of the function's own."""


class Colour(enum.IntEnum):
    RED = 1


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


def echo(event, _context):
    return event


def nothing(_event, _context):
    return None


def kinds(_event, _context):
    return {
        "text": 'é😀\u2028\x7f\x00/\\"',
        "numbers": [0, -1, 10**30, 1.5, 1e22, 1e-7, -0.0],
        "flags": [True, False, None],
        "keys": {2: "int", 1.5: "float", True: "bool", None: "none", b"raw": "bytes"},
        "empty": [{}, [], (), ""],
        "tuple": (1, (2,)),
    }


def proxy_answer(event, _context):
    body = json.dumps({"seen": event})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}


def decimals(_event, _context):
    return {"price": decimal.Decimal("1.10"), "nan": decimal.Decimal("NaN"), "big": decimal.Decimal("1E+5")}


def not_numbers(_event, _context):
    return [float("nan"), float("inf"), float("-inf")]


def bytes_result(_event, _context):
    return b"\x00raw \xff bytes"


def bytes_inside(_event, _context):
    return [b"text", {"key": b"\xc3\xa9"}]


def bad_bytes_inside(_event, _context):
    return [b"\xff"]


def named(_event, _context):
    return {"at": Point(1, Point(2, None)), "colour": Colour.RED, "order": collections.OrderedDict(b=1, a=2)}


def a_set(_event, _context):
    return {"ids": {1}}


def bad_key(_event, _context):
    return {(1, 2): 3}


def circular(_event, _context):
    loop = []
    loop.append(loop)
    return loop


def generator(_event, _context):
    yield 1


async def asynchronous(_event, _context):
    return 1


def run_loop(event, _context):
    return asyncio.run(_doubled(event))


async def _doubled(number):
    await asyncio.sleep(0)
    return number * 2


def sized(event, _context):
    """A result of exactly `event` bytes on the wire, its two quotes included."""
    return "x" * (event - 2)


def length(event, _context):
    return len(event["data"])


def one_argument(_event):
    return 1


def raises(_event, _context):
    raise ValueError("boom")


def raises_empty(_event, _context):
    raise KeyError


def raises_own(_event, _context):
    raise NotEnoughError("only 3")


def raises_lines(_event, _context):
    raise Exception("first\n  second\r\nthird é😀")


def raises_chain(_event, _context):
    try:
        {}["missing"]
    except KeyError as error:
        raise NotEnoughError("because") from error


def raises_group(_event, _context):
    deep = [raises]
    deep[0](None, None)


def raises_unprintable(_event, _context):
    raise Unprintable


def recursion(event, context):
    return recursion(event, context)


def exit_code(event, _context):
    sys.exit(event)


def exit_now(event, _context):
    os._exit(event)


def segfault(_event, _context):
    ctypes.string_at(0)


def kill_self(_event, _context):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def interrupted(_event, _context):
    raise KeyboardInterrupt


def too_slow(event, _context):
    time.sleep(event)


def remaining(_event, context):
    left = context.get_remaining_time_in_millis()
    return {"int": isinstance(left, int), "some": 0 < left <= 60_000}


def context_members(_event, context):
    return {
        "log_group_name": context.log_group_name,
        "function_name": context.function_name,
        "function_version": context.function_version,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "invoked_function_arn": context.invoked_function_arn,
        "tenant_id": context.tenant_id,
        "client_context": context.client_context,
        "has_id": len(context.aws_request_id) == 36,
        "has_stream": "[" in (context.log_stream_name or ""),
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "w3c": context.w3c(),
    }


def client_context(_event, context):
    given = context.client_context
    client = given.client
    return {
        "custom": given.custom,
        "env": given.env,
        "client": None
        if client is None
        else [client.installation_id, client.app_title, client.app_package_name],
        "w3c": context.w3c(),
        "text": str(given),
    }


def identity(_event, context):
    return [
        context.identity.cognito_identity_id,
        context.identity.cognito_identity_pool_id,
        repr(context.identity),
    ]


def environment(event, _context):
    return {name: os.environ.get(name) for name in event}


def hidden_variables(_event, _context):
    return [name for name in os.environ if name.startswith("LOCKGATE_")]


def trace(_event, _context):
    return os.environ["_X_AMZN_TRACE_ID"].partition("-")[0]


def counter(_event, _context):
    global calls
    calls += 1
    return calls


def logs(event, context):
    logger = logging.getLogger()
    logger.debug("too low")
    logger.info("too low as well")
    logger.warning("careful %s", event)
    logging.getLogger("named").error("broken", extra={"order": 7})
    try:
        raises(event, context)
    except ValueError:
        logger.exception("caught")
    return logger.level


def prints(_event, context):
    print("line one")
    sys.stderr.write("to stderr\n")
    context.log("from log\n")
    print("no end", end="")
    return "printed"


def names(_event, _context):
    return {
        "module": __name__,
        "file": os.path.basename(__file__),
        "first": sys.path[0] == os.path.dirname(__file__),
    }
