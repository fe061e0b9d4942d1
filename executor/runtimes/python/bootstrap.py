"""The Python runtime: takes events from the Runtime API, calls the function, posts what it returns.

One file, standard library only, Python 3.9 and later: it runs inside the function's interpreter, either as a
script or loaded into a zygote under the name ``bootstrap``. It answers as AWS's own Python client does, byte
for byte; where it differs on purpose, README.md says so. All modules that it needs are imported here, before
the function's folder is on the path: a function may well bring a ``json.py`` of its own.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import marshal
import os
import re
import signal
import socket
import sys
import time
import traceback
from json.encoder import encode_basestring, encode_basestring_ascii

_HERE = (lambda: None).__code__.co_filename
_API = "/2018-06-01/runtime"
_READ_BYTES = 256 * 1024
_W3C_FIELDS = ("traceparent", "tracestate", "baggage")
_INIT_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code.\r"
)


class Fault(Exception):
    """A failure with one of Lambda's own error types; it reaches the caller with `trace` as its stack."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace


# --- JSON -----------------------------------------------------------------------------------------


class Json:
    """Results to text, as Lambda writes them: its encoder is simplejson, which knows more types than `json`.

    Named tuples become objects, bytes inside a result become text, Decimals keep their digits.
    """

    def __init__(self, *, ensure_ascii):
        self._fast = json.JSONEncoder(ensure_ascii=ensure_ascii).encode
        self._string = encode_basestring_ascii if ensure_ascii else encode_basestring

    def dumps(self, value):
        """:raises TypeError, ValueError, RecursionError: in simplejson's words."""
        try:
            marshal.dumps(value)  # it takes exact built-in types only: for these `json` writes the same
        except ValueError:
            return self._dumps_any(value)
        try:
            return self._fast(value)
        except TypeError:  # bytes, or a type that neither knows
            return self._dumps_any(value)

    def _dumps_any(self, value):
        parts = []
        try:
            self._write(value, parts.append, set())
        except RecursionError:
            raise RecursionError("maximum recursion depth exceeded while encoding a JSON object") from None
        return "".join(parts)

    def _write(self, value, out, parents):
        if isinstance(value, str):
            out(self._string(value))
        elif isinstance(value, bytes):
            out(self._string(value.decode()))
        elif value is None or value is True or value is False:
            out(_CONSTANTS[value])
        elif isinstance(value, int):
            out(int.__repr__(value))
        elif isinstance(value, float):
            out(_float_text(value))
        else:
            self._write_compound(value, out, parents)

    def _write_compound(self, value, out, parents):
        marker = id(value)
        if marker in parents:
            raise ValueError("Circular reference detected")
        parents.add(marker)
        fields = _fields(value)
        if fields is not None:
            self._write_object(fields, out, parents)
        elif isinstance(value, (list, tuple)):
            separator = "["
            for item in value:
                out(separator)
                self._write(item, out, parents)
                separator = ", "
            out("]" if value else "[]")
        elif isinstance(value, dict):
            self._write_object(value, out, parents)
        else:
            out(_decimal_text(value))
        parents.discard(marker)

    def _write_object(self, fields, out, parents):
        separator = "{"
        for key, item in fields.items():
            out(separator)
            out(self._string(_key_text(key)))
            out(": ")
            self._write(item, out, parents)
            separator = ", "
        out("}" if fields else "{}")


_CONSTANTS = {None: "null", True: "true", False: "false"}


def _float_text(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def _fields(value):
    """What ``_asdict()`` says, for named tuples and whatever else has one; None for all others."""
    method = getattr(value, "_asdict", None)
    if not callable(method):
        return None
    try:
        fields = method()
    except TypeError:  # a class, not an instance
        return None
    if not isinstance(fields, dict):
        raise TypeError(f"_asdict() must return a dict, not {type(fields).__name__}")
    return fields


def _decimal_text(value):
    module = sys.modules.get("decimal")  # no module, no Decimal
    if module is None or not isinstance(value, module.Decimal):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return "NaN" if value.is_nan() else str(value)


def _key_text(key):
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode()
    if isinstance(key, float):
        return _float_text(key)
    if key is None or key is True or key is False:
        return _CONSTANTS[key]
    if isinstance(key, int):
        return int.__repr__(key)
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _refuse_constant(name):
    raise ValueError(f"Expecting value: {name} is not JSON")


_loads = json.JSONDecoder(parse_constant=_refuse_constant).decode


def parse_event(body, content_type):
    """The event: JSON for exactly ``application/json``, else the bytes as they came."""
    if content_type != "application/json":
        return body
    try:
        text = body.decode()
        return _loads(text[1:] if text[:1] == "\ufeff" else text)
    except Exception as error:  # noqa: BLE001  # also RecursionError: the answer names it
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


# --- context --------------------------------------------------------------------------------------


class _Record:
    """A value with fixed attributes, printed in the order of its slots."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        listed = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}([{listed}])"


class CognitoIdentity(_Record):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Record):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")  # noqa: RUF023


class ClientContext(_Record):
    __slots__ = ("custom", "env", "client")  # noqa: RUF023


class LambdaContext:
    """What a handler gets as its second argument."""

    def __init__(self, constants, headers):
        client_context = _parse_header(headers, "lambda-runtime-client-context", "Client Context")
        identity = _parse_header(headers, "lambda-runtime-cognito-identity", "Cognito Identity")
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.__dict__.update(constants)
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._w3c_fields = {} if client_context is None else _take_w3c(client_context)
        self.client_context = None
        if client_context is not None:
            self.client_context = ClientContext(client_context)
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)
        self.identity = _NO_IDENTITY if identity is None else _identity(identity)
        self._epoch_deadline_time_in_ms = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def w3c(self):
        """The W3C trace context that the caller sent inside its client context."""
        return dict(self._w3c_fields)

    def log(self, msg):
        sys.stdout.write(str(msg))

    def __repr__(self):
        listed = ",".join(f"{name}={getattr(self, name)}" for name in _CONTEXT_FIELDS)
        return f"LambdaContext([{listed}])"


_CONTEXT_FIELDS = (
    "aws_request_id",
    "log_group_name",
    "log_stream_name",
    "function_name",
    "memory_limit_in_mb",
    "function_version",
    "invoked_function_arn",
    "client_context",
    "identity",
    "tenant_id",
)


def _context_constants():
    """The members of the context that are one environment's for life."""
    return {
        "log_group_name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        "log_stream_name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        "memory_limit_in_mb": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
    }


def _parse_header(headers, name, title):
    value = headers.get(name)
    if not value:
        return None
    try:
        return _loads(value)
    except Exception as error:  # noqa: BLE001  # also RecursionError
        message = f"Unable to parse {title} JSON: {error}"
        raise Fault("Runtime.LambdaContextUnmarshalError", message) from None


def _take_w3c(client_context):
    """Remove and return the trace fields, so that the function sees only what was meant for it."""
    fields = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in _W3C_FIELDS if isinstance(fields.get(name), str)}


def _identity(values):
    return CognitoIdentity(
        {
            "cognito_identity_id": values.get("cognitoIdentityId"),
            "cognito_identity_pool_id": values.get("cognitoIdentityPoolId"),
        }
    )


# --- logging --------------------------------------------------------------------------------------


class _Current:
    """Of which invocation log records are."""

    request_id = ""
    tenant_id = None


class LambdaLoggerHandler(logging.Handler):
    """Writes records to whatever ``sys.stdout`` is now, marked with the running invocation's id."""

    def filter(self, record):
        record.aws_request_id = _Current.request_id
        record.tenant_id = _Current.tenant_id
        return super().filter(record)

    def emit(self, record):
        sys.stdout.write(self.format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the attributes that `extra` brought."""

    def __init__(self):
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")
        self._encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
        ours = ("aws_request_id", "tenant_id")
        self._reserved = frozenset(logging.makeLogRecord({}).__dict__).difference(("taskName",)).union(ours)

    def format(self, record):
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        plain = isinstance(record.msg, dict) and not record.args
        entry = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if plain else record.getMessage(),
            "logger": record.name,
            **self._error_fields(record),
            "requestId": record.aws_request_id,
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if record.exc_info else None,
        }
        if record.tenant_id is not None:
            entry["tenantId"] = record.tenant_id
        for name, value in record.__dict__.items():
            if name not in self._reserved:
                entry.setdefault(name, value)
        return self._encode({name: value for name, value in entry.items() if value is not None}) + "\n"

    @staticmethod
    def _error_fields(record):
        if not record.exc_info:
            return {"stackTrace": None, "errorType": None, "errorMessage": None}
        kind, error, stack = record.exc_info
        return {
            "stackTrace": traceback.format_tb(stack),
            "errorType": None if kind is None else kind.__name__,
            "errorMessage": str(error),
        }


def set_up_logging():
    """Install the root handler; the level stays WARNING unless ``AWS_LAMBDA_LOG_LEVEL`` names one."""
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    if _logs_are_json():
        handler.setFormatter(JsonFormatter())
    else:
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    if isinstance(logging.getLevelName(level), int):
        root.setLevel(level)
    root.addHandler(handler)


def _logs_are_json():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def log_error(error, to_text):
    """Print what goes to the caller: in text with carriage returns, so that it stays one log line."""
    if _logs_are_json():
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = to_text({"timestamp": stamp, "level": "ERROR", **error})
    else:
        parts = [part for part in (error["errorType"], error["errorMessage"]) if part]
        lines = [f"[ERROR] {': '.join(parts)}", "Traceback (most recent call last):"]
        for frame in error["stackTrace"]:
            lines.extend(_indented(line) for line in frame.splitlines() or ("",))
        text = "\r".join(lines)
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")


def _indented(line):
    """Leading spaces become U+00A0: log viewers trim common ones."""
    bare = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(bare)) + bare


# --- errors ---------------------------------------------------------------------------------------


def describe_fault(fault, request_id=""):
    return _error(str(fault), fault.error_type, fault.trace, request_id)


def describe_exception(error, request_id=""):
    """An exception of the function as the caller sees it; leading frames of this file are left out."""
    stack = traceback.extract_tb(error.__traceback__)
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in stack]
    for index, frame in enumerate(frames):
        if frame[0] != _HERE:
            frames = frames[index:]
            break
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  # the function's own __str__ failed
        message = f"<unprintable {type(error).__name__} object>"
    return _error(message, type(error).__name__, traceback.format_list(frames), request_id)


def _error(message, error_type, trace, request_id):
    return {
        "errorMessage": message or "",
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace or [],
    }


# --- handler --------------------------------------------------------------------------------------


def find_handler(name):
    """Import ``pkg/mod.func`` or ``pkg.mod.func``. :raises Fault: with Lambda's type for the failure."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Fault("Runtime.ImportModuleError", message) from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from None
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from None


# --- HTTP -----------------------------------------------------------------------------------------


class Connection:
    """One keep-alive connection to the Runtime API. Requests may be sent ahead of the answers before them.

    :raises SystemExit: the server closed it: this environment is over.
    """

    def __init__(self, socket_path, address):
        if socket_path:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.connect(socket_path)
            self._host = "runtime"
        else:
            host, _, port = address.rpartition(":")
            self._socket = socket.create_connection((host, int(port)))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._host = address
        self._buffer = b""
        self.next_request = self._get(f"{_API}/invocation/next")
        self.specialise_request = self._get("/lockgate/specialise")

    def _get(self, path):
        return f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()

    def post(self, path, body, content_type="application/json", error_type=None):
        """The bytes of a POST."""
        extra = "" if error_type is None else f"Lambda-Runtime-Function-Error-Type: {error_type}\r\n"
        head = (
            f"POST {_API}/{path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: {content_type}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("latin-1", "replace") + body

    def send(self, requests):
        try:
            self._socket.sendall(requests)
        except OSError:
            raise SystemExit(1) from None

    def receive(self):
        """The next answer: status, headers with lower-case names, body."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        while end < 0:
            buffer += self._read()
            end = buffer.find(b"\r\n\r\n")
        lines = buffer[:end].decode("utf-8", "surrogateescape").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        start, size = end + 4, int(headers["content-length"])
        if len(buffer) < start + size:
            buffer = self._read_rest(buffer, start + size)
        self._buffer = buffer[start + size :]
        return int(lines[0][9:12]), headers, buffer[start : start + size]

    def _read(self):
        try:
            data = self._socket.recv(_READ_BYTES)
        except OSError:
            data = b""
        if not data:
            raise SystemExit(1)
        return data

    def _read_rest(self, buffer, size):
        chunks, missing = [buffer], size - len(buffer)
        while missing > 0:
            chunk = self._read()
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)


# --- the loop -------------------------------------------------------------------------------------


class Runtime:
    """The function's life: each event in, its answer and the wish for the next one out, in one write."""

    def __init__(self, handler, connection, to_text):
        self._handler = handler
        self._connection = connection
        self._to_text = to_text
        self._constants = _context_constants()
        self._streams = (sys.stdout, sys.stderr)

    def serve(self):
        """Run until the server closes the connection or the function ends the process."""
        connection = self._connection
        connection.send(connection.next_request)
        while True:
            status, headers, body = connection.receive()
            if status != 200:
                sys.stderr.write(f"The Runtime API answered {status}: {body.decode(errors='replace')}\n")
                raise SystemExit(1)
            answer = self._invoke(headers, body)
            self._flush()
            connection.send(answer + connection.next_request)
            # Whatever it says (too large, too late): it was said of an invocation that is over.
            connection.receive()

    def _invoke(self, headers, body):
        """One invocation: the request that answers it."""
        request_id = headers["lambda-runtime-aws-request-id"]
        _Current.request_id = request_id
        _Current.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        _set_trace(headers.get("lambda-runtime-trace-id"))
        try:
            context = LambdaContext(self._constants, headers)
            event = parse_event(body, headers.get("content-type"))
            result = self._handler(event, context)
            if isinstance(result, bytes):
                return self._connection.post(
                    f"invocation/{request_id}/response", result, "application/unknown"
                )
            return self._connection.post(f"invocation/{request_id}/response", self._marshal(result))
        except Fault as fault:
            error = describe_fault(fault, request_id)
        except Exception as failure:  # noqa: BLE001  # whatever the function raises is its answer
            error = describe_exception(failure, request_id)
        log_error(error, self._to_text)
        return self._connection.post(
            f"invocation/{request_id}/error",
            error_bytes(error, self._to_text),
            error_type=error["errorType"],
        )

    def _marshal(self, result):
        try:
            return self._to_text(result).encode()
        except Exception as error:  # noqa: BLE001  # `_asdict` is the function's code
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None

    def _flush(self):
        """What was printed must be out before the answer is."""
        for stream in self._streams:
            try:
                stream.flush()
            except (OSError, ValueError):  # the function closed it, or its reader is gone
                continue


def error_bytes(error, to_text):
    """Lone surrogates, which UTF-8 has no form for, become JSON escapes."""
    return to_text(error).encode(errors="backslashreplace")


def _set_trace(value):
    if value is not None:
        os.environ["_X_AMZN_TRACE_ID"] = value
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


# --- slot -----------------------------------------------------------------------------------------

# What a function that answers HTTP and calls AWS imports of the standard library. Nothing of third parties: it would
# shadow what a package brings.
_PRELOADED = (
    "asyncio base64 collections.abc concurrent.futures contextlib copy csv dataclasses datetime decimal email.message "
    "email.parser email.utils enum fractions functools glob gzip hashlib hmac html http.client http.cookies "
    "importlib.metadata importlib.resources inspect io ipaddress itertools locale operator pathlib pickle platform "
    "queue random secrets shutil ssl statistics string struct subprocess tempfile textwrap threading types typing "
    "unicodedata urllib.parse urllib.request uuid warnings weakref xml.etree.ElementTree zipfile zlib zoneinfo"
)


def wait_as_slot(connection):
    """Be ready, wait without limit, and become the function: returns in its environment or execs a fresh interpreter.

    :raises SystemExit: 0 when the server closes the connection instead: nobody needs this slot any more.
    """
    preloaded = _preload()
    connection.send(connection.specialise_request)
    try:
        status, _, body = connection.receive()
    except SystemExit:
        raise SystemExit(0) from None
    if status != 200:
        sys.stderr.write(f"The Runtime API answered {status} to a slot: {body.decode(errors='replace')}\n")
        raise SystemExit(1)
    document = json.loads(body)
    os.chdir(document["cwd"])
    if document["mode"] == "exec":
        _start_afresh(document["variables"])
    _take_variables(document["variables"])
    _forget_shadowed(preloaded)


def _preload():
    """Import the common modules. :returns: the names of all that this added to ``sys.modules``."""
    before = set(sys.modules)
    for name in _PRELOADED.split():
        try:
            importlib.import_module(name)
        except ImportError:  # a slim interpreter, or one that has it no more; the function may not need it
            continue
    gc.collect()
    gc.freeze()  # the function's own collections need not look at these
    tops = {name.partition(".")[0] for name in before}
    return {name for name in set(sys.modules) - before if name.partition(".")[0] not in tops}


def _take_variables(variables):
    """Have the environment, and what the interpreter derives from it at start, of a process started with it."""
    earlier = _python_path()
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:] = _python_path() + [entry for entry in sys.path if entry not in earlier]
    time.tzset()
    locale = sys.modules.get("locale")
    random = sys.modules.get("random")
    if locale is not None:
        try:
            locale.setlocale(locale.LC_CTYPE, "")
        except locale.Error:  # not on this machine: an interpreter that starts goes on, too
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    if random is not None:
        random.seed()


def _python_path():
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _forget_shadowed(preloaded):
    """A function's own ``queue.py`` hides the standard library's, as if that had not been imported yet."""
    own = set()
    for folder in _function_folders(os.environ.get("LAMBDA_TASK_ROOT")):
        try:
            own.update(name.partition(".")[0] for name in os.listdir(folder))
        except OSError:  # a layer that there is not
            continue
    for name in preloaded:
        if name.partition(".")[0] in own:
            sys.modules.pop(name, None)


def _start_afresh(variables):
    """Replace the process, so that what acts at process start acts (LD_PRELOAD, PYTHONPATH, a wrapper …).

    :raises SystemExit: 127 when the wrapper is missing and 126 when it cannot be run, as on Lambda.
    """
    environment = {"LOCKGATE_RUNTIME_SOCKET": os.environ.get("LOCKGATE_RUNTIME_SOCKET", ""), **variables}
    environment.pop("LOCKGATE_SLOT", None)
    command = [sys.executable, *getattr(sys, "orig_argv", [None, _HERE])[1:]]
    wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper:
        command.insert(0, wrapper)
    for number in (
        signal.SIGPIPE,
        signal.SIGXFSZ,
    ):  # ignored by this interpreter, and inherited if they stay so
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(command[0], command, environment)  # noqa: S606  # the point of it
    except OSError as problem:
        sys.stderr.write(f"{command[0]}: {problem.strerror}\n")
        raise SystemExit(127 if isinstance(problem, FileNotFoundError) else 126) from None


# --- start ----------------------------------------------------------------------------------------


def set_up_path(task_root, runtime_dir):
    """The function's folder, its layers, the standard library, and last what AWS's runtimes bring."""
    first = _function_folders(task_root)
    last = [runtime_dir] if runtime_dir and os.path.isdir(runtime_dir) else []
    ours = {os.path.dirname(os.path.abspath(_HERE)), runtime_dir, "", *first}
    sys.path[:] = first + [entry for entry in sys.path if entry not in ours] + last
    importlib.invalidate_caches()


def _function_folders(task_root):
    """The function's own folder and those of its layers that there are."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    layers = ["/opt/python", f"/opt/python/lib/{version}/site-packages"]
    return [task_root] * bool(task_root) + [layer for layer in layers if os.path.isdir(layer)]


def set_up_streams():
    """UTF-8, and out at each line's end: a function that is killed has printed what it printed."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", line_buffering=True)


def _writes_ascii():
    """Lambda escapes non-ASCII up to Python 3.11 and keeps it from 3.12 on."""
    match = re.fullmatch(r"AWS_Lambda_python3\.(\d+)", os.environ.get("AWS_EXECUTION_ENV", ""))
    return match is None or int(match[1]) < 12


def _step_aside():
    """Leave no name that could hide a module of the function's."""
    ours = sys.modules.get(__name__)
    if __name__ != "__main__" and ours is not None and ours.__dict__ is globals():
        del sys.modules[__name__]


_NO_IDENTITY = CognitoIdentity({})


def main(argv=None):
    """Become the function's process: never returns.

    :param argv: program name and optionally the handler, which else is ``_HANDLER``.
    :raises SystemExit: 1 after an init error or when the server is gone; the function's own otherwise.
    """
    socket_path = os.environ.get("LOCKGATE_RUNTIME_SOCKET")
    address = os.environ.get("AWS_LAMBDA_RUNTIME_API")
    if not (socket_path or address):
        sys.stderr.write("Neither LOCKGATE_RUNTIME_SOCKET nor AWS_LAMBDA_RUNTIME_API is set\n")
        raise SystemExit(1)
    connection = None
    if "LOCKGATE_SLOT" in os.environ:
        connection = Connection(socket_path, address)
        wait_as_slot(connection)
    handler_name = argv[1] if argv and len(argv) > 1 else os.environ.get("_HANDLER", "")
    for name in [name for name in os.environ if name.startswith("LOCKGATE_")]:
        del os.environ[name]
    _step_aside()
    set_up_path(os.environ.get("LAMBDA_TASK_ROOT"), os.environ.get("LAMBDA_RUNTIME_DIR"))
    set_up_streams()
    set_up_logging()
    sys.argv[:] = [_HERE]
    to_text = Json(ensure_ascii=_writes_ascii()).dumps
    try:
        handler = find_handler(handler_name)
    except Fault as fault:
        error = describe_fault(fault)
    except Exception as failure:  # noqa: BLE001  # whatever the function's import raises is its answer
        error = describe_exception(failure)
    else:
        Runtime(handler, connection or Connection(socket_path, address), to_text).serve()
    logging.warning(_INIT_WARNING)
    log_error(error, to_text)
    sys.stdout.flush()
    connection = connection or Connection(socket_path, address)
    connection.send(connection.post("init/error", error_bytes(error, to_text), error_type=error["errorType"]))
    connection.receive()
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv)
