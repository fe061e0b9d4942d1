"""Compiles a package's modules with the interpreter that will import them.

The .pyc are checked by the hash of their source, not by its time: two saves within a second have the same
time, and a copy has another one. So an import finds them valid and never writes.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from executor.interpreters import Interpreter
from executor.packages.errors import PackageError

COMPILE_TIMEOUT_S = 300.0  # 250 MiB of sources take about two minutes on one slow core

# Reads names, one a line. What does not compile is left alone: packages carry templates and code for other
# versions, and the import of a broken module fails with its own SyntaxError, as it should.
# The first entry of sys.path is the package, whose modules may have the names of the standard library's.
_COMPILE = """
import sys
sys.path.pop(0)
import py_compile
for line in sys.stdin:
    name = line.rstrip("\\n")
    try:
        py_compile.compile(name, dfile=name, doraise=True, quiet=2,
                           invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    except (py_compile.PyCompileError, SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    except OSError as error:
        sys.exit(f"{name}: {error}")
"""


def compile_files(folder: Path, names: Iterable[str], interpreter: Interpreter) -> None:
    """Compile those of `names` (relative to `folder`) that are Python modules.

    :raises PackageError: the interpreter did not do it.
    """
    modules = sorted(name for name in names if name.endswith(".py"))
    if not modules:
        return
    # -I would ignore PYTHONHASHSEED, which makes the order of constant sets the same in every run.
    variables = {"PYTHONHASHSEED": "0", "PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    try:
        subprocess.run(
            [interpreter.path, "-s", "-S", "-c", _COMPILE],
            input="".join(f"{name}\n" for name in modules),
            cwd=folder,
            env=variables,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            capture_output=True,
            timeout=COMPILE_TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        message = f"python{interpreter.release} could not compile: {error.stderr[-2000:].strip()}"
        raise PackageError("compile", message, folder) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageError(
            "compile", f"python{interpreter.release} could not be run: {error}", folder
        ) from error
