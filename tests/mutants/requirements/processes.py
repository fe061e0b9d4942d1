# ruff: noqa: E501  # a table: one line of code an entry
"""R2, R3: what becomes of requests when a process ends, dies or is replaced."""

from tests.mutants.requirement import Line, Requirement, Shown

INVOKER = "kit/remote_invoker.py"
INVOKER_TESTS = "tests/unit/kit/test_remote_invoker.py"
LISTENER_TESTS = "tests/unit/kit/test_listener.py"
NEVER_READ = f"{INVOKER_TESTS}::test_call_that_a_dead_executor_never_read_is_run_by_the_next_one"

# fmt: off
R2 = Requirement(
    id="R2",
    title="An end loses nothing that was accepted",
    promise="On SIGTERM the gateway takes no connection more, answers what is in flight with `Connection: close`, for 30 s by default, then "
    "503, and exits 0. The executor finishes the calls that run and says of all others that they were not run. After a kill -9 a "
    "call that may have run is 500 at once, one that certainly did not run waits for the next process.",
    lines=(
        Line(holds="what rests is closed", file="kit/edge.py", old="        if self._phase == IDLE:\n            self.transport.close()", new="        if False:\n            self.transport.close()", tests=(f"{LISTENER_TESTS}::test_drain_closes_idle_connections_at_once",)),
        Line(holds="with Connection: close", file="kit/edge.py", old="        if self.latest is not None:\n            self.latest.keep_alive = False\n        if self._phase", new="        if self._phase", tests=(f"{LISTENER_TESTS}::test_drain_lets_requests_in_flight_end_with_connection_close",)),
        Line(holds="503 when the time is over", file="kit/edge.py", old='        self.response_failed(cycle, "cut_off", 503)', new="        self.transport.abort()", tests=(f"{LISTENER_TESTS}::test_drain_answers_503_when_the_time_is_over",)),
        Line(holds="no new call", file="executor/core/calls.py", old="    if node.draining:", new="    if False:", tests=("tests/unit/executor/core/test_calls.py::test_unknown_retired_and_draining_are_rejected",)),
        Line(holds="the executor says goodbye to who rests", file="executor/remote/connection.py", old="        if self._between and self._running is None:\n            self._say_goodbye()", new="        pass", tests=("tests/unit/executor/remote/test_server.py::test_drain_answers_what_runs_and_says_goodbye_to_the_rest",)),
        Line(holds="what was not begun is not lost", file="kit/http_client_connection.py", old="was_sent = not (self._sending or self._greeting or isinstance(exc, self._unread))", new="was_sent = True", tests=(f"{NEVER_READ}[unread-asyncio]",)),
        Line(holds="what may have run is not run again", file=INVOKER, old="            if error.was_sent:", new="            if False:", tests=(f"{NEVER_READ}[read-asyncio]",)),
    ),
    shown=(
        Shown(holds="SIGTERM", tests=("tests/e2e/test_processes.py::test_sigterm_finishes_what_is_in_flight_and_leaves_nothing",)),
        Shown(holds="kill -9 of an executor", tests=(f"{INVOKER_TESTS}::test_killed_executor_loses_what_it_ran_and_nothing_else",)),
        Shown(holds="SIGTERM while dependencies are installed", tests=("tests/e2e/test_reload.py::test_server_ends_while_dependencies_are_installed",)),
    ),
)

R3 = Requirement(
    id="R3",
    title="A change loses no request",
    promise="A reload, and a restart of each process in turn, under load: every request is answered, by the old deployment or by the new one, "
    "and each sees one of them from beginning to end.",
    lines=(
        Line(holds="what was not run goes elsewhere", file=INVOKER, old="        if answer == NOT_RUN:\n            return None", new="        pass", tests=(f"{INVOKER_TESTS}::test_call_that_meets_a_goodbye_is_run_elsewhere",)),
        Line(holds="one deployment for a request", file="executor/catalog.py", old="        self.latest: Callable[[str], Revision | None] = self.revisions.get", new="        self.latest: Callable[[str], Revision | None] = lambda _: None", tests=("tests/unit/executor/test_catalog.py::test_generation_runs_its_own_revisions_until_it_is_released",)),
        Line(holds="that of its edge", file="executor/remote/server.py", old="        return self._resolve(generation) or self._newest", new="        return self._newest", tests=(f"{INVOKER_TESTS}::test_generation_chooses_whose_functions_run",)),
    ),
    shown=(
        Shown(holds="a hundred reloads under load", tests=("tests/e2e/test_reload.py::test_hundred_reloads_under_load_lose_nothing", "tests/e2e/test_workers.py::test_reloads_under_load_lose_nothing")),
        Shown(holds="each process replaced under load", tests=("tests/e2e/test_processes.py::test_rolling_restart_refuses_nobody", f"{INVOKER_TESTS}::test_rolling_restart_under_load_loses_nothing")),
    ),
)
# fmt: on
REQUIREMENTS = (R2, R3)
