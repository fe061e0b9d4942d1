"""How a server starts: the file is read, the driver is chosen, and with it whether one process or several serve."""

from lockgate.configuration import load_or_explain
from lockgate.containers import engine_url
from lockgate.driver_choice import choose_driver
from lockgate.loop import run_loop
from lockgate.settings import Settings


def start(settings: Settings) -> int:
    """:raises CommandError: the start failed."""
    file = load_or_explain(settings.config)
    driver = choose_driver(settings, url=engine_url(file))
    if settings.workers is not None or (driver == "docker" and not settings.dev):
        from lockgate.supervised import supervise

        supervise(settings, file, driver)  # who faces the Internet must not hold the engine's socket
    from lockgate.server import serve

    return run_loop(serve(settings, file, driver))
