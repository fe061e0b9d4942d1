"""What the figures were measured on: facts that a reader needs to judge them."""

import os
import platform
import subprocess
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("uvicorn", "uvloop", "httptools", "orjson")


def facts() -> dict[str, str]:
    """Name → value, in the order to print."""
    return {
        "CPU": f"{cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {build()}",
        "packages": ", ".join(f"{name} {package_version(name)}" for name in PACKAGES),
        "Node.js": first_line("node", "--version"),
        "wrk": first_line("wrk", "-v").partition("Copyright")[0].removeprefix("wrk").strip(),
        "commit": first_line("git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def build() -> str:
    """Whether the interpreter was built with profile-guided optimisation: worth tens of percent."""
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return f"built {'with' if '--enable-optimizations' in arguments else 'without'} --enable-optimizations"


def package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def first_line(*command: str) -> str:
    """What a program says of itself; ``none`` when it is not here."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return "none"
    return (done.stdout + done.stderr).strip().partition("\n")[0] or "none"
