"""Makes a base image for a runtime from Debian's packages, with mmdebstrap, where no registry can be reached.

Needs root (or user namespaces) and a Debian mirror. The image has one layer and a label with its recipe's digest, so
that one that is there already is not made again.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from executor.images.engine import ImageEngine
from executor.images.errors import ImageError
from executor.images.progress import OnStep, Step, ignore
from executor.images.stock import RECIPES, Recipe, nearest_recipe, offline_image

BUILD_TIMEOUT_S = 1800.0  # 20 s to a mirror nearby
RECIPE_LABEL = "lockgate.recipe"
KEPT_LINES = 12  # of mmdebstrap's output, for the message: the reason stands near its end
STEPS = 8  # that mmdebstrap announces

# What containers of functions never read. The JRE's scripts need the folder of manual pages, not the pages.
_OPTIONS = (
    "--variant=minbase",
    '--setup-hook=mkdir -p "$1/usr/share/man/man1"',
    "--dpkgopt=path-exclude=/usr/share/man/man1/*.gz",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # Containers cannot keep what Python compiles: without this each start spends 150 ms more on its standard library.
    '--customize-hook=for library in "$1"/usr/lib/python3.*; do test ! -d "$library" || '
    'chroot "$1" python3 -m compileall -q "${library#"$1"}" || :; done',
)


def build_offline(runtime: str, engine: ImageEngine, on_step: OnStep = ignore) -> str:
    """Make the image of a runtime in `RECIPES`, or find it. :returns: its id. :raises ImageError:"""
    recipe = RECIPES[_makeable(runtime)]
    name = offline_image(runtime)
    digest = digest_of(recipe)
    known = engine.inspect(name)
    if known is not None and known.labels.get(RECIPE_LABEL) == digest:
        return known.id
    if shutil.which("mmdebstrap") is None:
        raise ImageError(
            "failed", "mmdebstrap is not installed.", "apt install mmdebstrap, on Debian or Ubuntu."
        )
    with tempfile.TemporaryDirectory(prefix="lockgate-image-") as scratch:
        tar = Path(scratch) / "base.tar"
        _run(
            ["mmdebstrap", *_OPTIONS, f"--include={','.join(recipe.packages)}", recipe.suite, str(tar)],
            runtime,
            on_step,
        )
        return engine.import_tar(tar, name, {RECIPE_LABEL: digest}, on_step)


def digest_of(recipe: Recipe) -> str:
    return hashlib.sha256(repr((recipe, _OPTIONS)).encode()).hexdigest()[:16]


def _makeable(runtime: str) -> str:
    """The runtime's own recipe. :raises ImageError: Debian has no such version."""
    near = nearest_recipe(runtime)
    name = offline_image(runtime)
    if near is not None and offline_image(near) == name:
        return near
    what = f"No Debian release has {runtime}."
    instead = f"Make {near}, and name it for {runtime} in server.images." if near else "Build one by hand."
    raise ImageError("missing", what, instead)


def _run(command: Sequence[str], runtime: str, on_step: OnStep) -> None:
    last: list[str] = []
    steps = 0
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
    ) as process:
        watchdog = threading.Timer(BUILD_TIMEOUT_S, process.kill)
        watchdog.start()
        try:
            assert process.stderr is not None
            for line in process.stderr:
                text = line.strip()
                last = [*last[-KEPT_LINES + 1 :], text]
                if text.startswith("I: "):
                    steps = min(STEPS, steps + 1)
                    on_step(
                        Step(text=f"{runtime}: {text[3:].rstrip('.')}", done=steps, total=STEPS, unit="steps")
                    )
            process.wait()
        finally:
            watchdog.cancel()
            process.kill()
    if process.returncode != 0:
        reasons = [line for line in last if line.startswith("E: ")] or last
        what = f"mmdebstrap could not make the image of {runtime}: {' '.join(reasons[:3])}"
        raise ImageError("failed", what, "Run it as root, with a Debian mirror in reach.")
