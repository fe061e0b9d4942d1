# ruff: noqa: E501  # a table: one line of code an entry
"""C5, C6, C7, C8, C12: whose a channel is, what an environment serves, how it ends, how many there are."""

from tests.mutants.requirement import Inherent, Line, Requirement, Shown

API = "executor/runtime_api"
CORE = "executor/core"
HOST = f"{API}/host.py"
API_TESTS = "tests/unit/executor/runtime_api"
HOST_TESTS = f"{API_TESTS}/test_host.py"
CORE_TESTS = "tests/unit/executor/core"
CALLS = f"{CORE_TESTS}/test_calls.py"
HEARD = f"{CALLS}::test_answers_are_heard_in_one_state_and_under_one_id"
REJECTED = f"{CALLS}::test_rejected_before_acceptance"
TIMEOUT = f"{CORE_TESTS}/test_overdue.py::test_the_functions_timeout_stops_the_environment"
SHELL = "tests/unit/executor/test_shell.py"
BAD = "tests/e2e/docker/test_bad_functions_in_containers.py"
ISOLATION = "tests/e2e/docker/test_isolation.py"
DOCKER_TESTS = "tests/unit/executor/drivers/docker"

# fmt: off
C5 = Requirement(
    id="C5",
    title="A channel is one environment's",
    promise="An environment reaches the Runtime API by a channel of its own: a unix socket in a folder that only its group may enter, a port "
    "of loopback that answers its user only, or (clients that know nothing but host and port) a name of 128 random bits that "
    "counts from its own address only. On it, only its current request id is heard: another's is 400, a channel that is nobody's "
    "403, a second answer 4xx; what comes after the timeout is dropped.",
    lines=(
        Line(holds="a private folder", file=f"{API}/server.py", old="folder.mkdir(mode=0o700, parents=True)", new="folder.mkdir(mode=0o755, parents=True)", tests=(f"{API_TESTS}/test_server.py::test_socket_folder_is_private_and_gone_after_close",)),
        Line(holds="a port answers one user", file=f"{API}/channel.py", old="            if peer is None or owner_of(peer, self.port) != self._uid:", new="            if False:", tests=(f"{API_TESTS}/test_server.py::test_port_lets_in_only_the_environments_user",)),
        Line(holds="a name is said once", file=HOST, old="        if len(said) != 1:", new="        if False:", tests=(f"{HOST_TESTS}::test_any_other_name_is_403_and_closed[no-host]",)),
        Line(holds="a name that is known", file=HOST, old="        if channel is None or not channel.connected(self):", new="        if not channel.connected(self):", tests=(f"{HOST_TESTS}::test_any_other_name_is_403_and_closed[foreign-name]",)),
        Line(holds="a connection keeps its name", file=HOST, old="            return said[0] == self._host", new="            return True", tests=(f"{HOST_TESTS}::test_name_cannot_change_within_one_read",)),
        Line(holds="from its own address", file=HOST, old="        return self._lets_in(line) and super().connected(line)", new="        return super().connected(line)", tests=(f"{HOST_TESTS}::test_right_name_from_another_address_is_refused",)),
        Line(holds="also what came before the address was known", file=HOST, old="            if not self._lets_in(line):", new="            if False:", tests=(f"{HOST_TESTS}::test_connection_from_elsewhere_is_cut_off_when_the_address_is_known",)),
        Line(holds="no name, no long stay", file=HOST, old="        self._deadline = loop.call_later(self._hosts.unnamed_s, self.abort)", new="        pass", tests=(f"{HOST_TESTS}::test_connection_that_never_says_its_name_is_closed",)),
        Line(holds="few without a name from one address", file=HOST, old="        if taken >= UNNAMED_PER_ADDRESS or len(self._unnamed) >= UNNAMED_LIMIT:", new="        if False:", tests=(f"{HOST_TESTS}::test_one_address_has_few_connections_without_a_name",)),
        Line(holds="its current request id", file=f"{CORE}/calls.py", old="    elif env.inv is None or env.inv.id != inv_id:", new="    elif env.inv is None:", tests=(f"{HEARD}[response-started-running-foreign-id]", f"{HEARD}[error-running-foreign-id]")),
        Line(holds="one answer", file=f"{CORE}/calls.py", old="    elif env.state is not state:", new="    elif False:", tests=(f"{HEARD}[response-started-responded-own-id]", f"{HEARD}[error-responding-own-id]")),
        Line(holds="400 for another's id", file=f"{API}/channel.py", old="        if refusal is RefuseReason.INVALID_REQUEST_ID:", new="        if False:", tests=(f"{API_TESTS}/test_connection.py::test_every_refusal_has_its_answer[RefuseReason.INVALID_REQUEST_ID-400-InvalidRequestID-response]",)),
        Line(holds="403 on nobody's channel", file=f"{API}/channel.py", old="        return replies.UNKNOWN_ENVIRONMENT", new="        return replies.ACCEPTED", tests=(f"{API_TESTS}/test_connection.py::test_every_refusal_has_its_answer[RefuseReason.UNKNOWN_ENVIRONMENT-403-UnknownEnvironment-next]",)),
        Line(holds="only a slot waits for a function", file=f"{CORE}/supply.py", old="    if slot is not None and slot.state is FILLING:", new="    if slot is not None:", tests=(f"{CORE_TESTS}/test_stock.py::test_slots_are_told_apart_from_environments_and_strangers",)),
        Line(holds="which is refused on its channel", file=f"{API}/channel.py", old="        self._slot_line = previous\n        return self._refused", new="        return None\n        return self._refused", tests=(f"{API_TESTS}/test_slot_channel.py::test_channel_that_is_no_slots_refuses_the_wait",)),
        Line(holds="eight connections", file=f"{API}/channel.py", old="        if self.closed or len(self._lines) >= MAX_CONNECTIONS:", new="        if self.closed:", tests=(f"{API_TESTS}/test_server.py::test_connections_are_bounded",)),
    ),
    inherent=(
        Inherent(holds="what is said after the timeout is dropped", reason="an environment that is being stopped holds no invocation, and its channel is closed", tests=(f"{HEARD}[response-started-stopping-own-id]", f"{HEARD}[error-gone-own-id]")),
        Inherent(holds="a name nobody can guess", reason="it is 128 bits of the system's random numbers", tests=(f"{HOST_TESTS}::test_name_is_128_random_bits_and_serves_its_environment",)),
    ),
    shown=(
        Shown(holds="another's channel is not there, one's own cannot be replaced", tests=(f"{ISOLATION}::test_a_function_cannot",)),
        Shown(holds="answers under foreign ids, and second ones", tests=(f"{BAD}::test_answer_under_another_calls_id_reaches_nobody", f"{BAD}::test_second_answer_is_refused_and_reaches_nobody")),
        Shown(holds="AWS's own client by its name", tests=(f"{API_TESTS}/test_host_awslambdaric.py::test_awslambdaric_asks_answers_and_fails_under_its_name", f"{API_TESTS}/test_host_awslambdaric.py::test_awslambdaric_under_a_name_that_is_closed_gets_nothing")),
    ),
)

C6 = Requirement(
    id="C6",
    title="An environment serves one function, one call at a time",
    promise="It runs one version of one function and gets the next call only when it has answered the one before. After a timeout or a fatal "
    "error it is killed, never used again. A waiting container that has got a function is never given another. With `isolation: "
    "invocation` each call has an environment of its own. No answer reaches another caller.",
    lines=(
        Line(holds="one call at a time", file=f"{CORE}/calls.py", old="    elif env.state is RESPONDED:", new="    elif env.inv is not None:", tests=(f"{CALLS}::test_next_is_heard_while_starting_and_after_an_answer[running]",)),
        Line(holds="never after a timeout", file=f"{CORE}/overdue.py", old="        node.kill(env, StopReason.TIMED_OUT)", new="        node.rest(env)", tests=(f"{TIMEOUT}[responded-complete2]",)),
        Line(holds="a used slot is none", file=f"{CORE}/stock.py", old="    _unstock(node, slot)\n    del node.stock.slots[slot.number]\n    slot.deadline = inf", new="    slot.deadline = inf", tests=(f"{CORE_TESTS}/test_stock.py::test_a_slot_is_used_before_anything_is_started_and_replaced_after",)),
        Line(holds="an environment for each call where wanted", file=f"{CORE}/calls.py", old="(max_uses is not None and env.uses >= max_uses)", new="False", tests=(f"{CALLS}::test_a_worn_environment_is_replaced[uses]",)),
        Line(holds="an answer under its call's id", file=f"{CORE}/calls.py", old="    elif env.inv is None or env.inv.id != inv_id:", new="    elif env.inv is None:", tests=(f"{SHELL}::test_answer_for_another_invocation_is_refused_and_leaves_no_trace",)),
        Line(holds="a slot has nothing of a function", file="executor/drivers/docker/blueprint.py", old="    labels = common_labels(materials.names) | {SLOT: str(spec.slot)}", new='    labels = common_labels(materials.names) | {SLOT: str(spec.slot), FUNCTION: "any"}', tests=(f"{DOCKER_TESTS}/test_blueprint.py::test_slot_sees_the_same_and_no_code_yet",)),
    ),
    shown=(
        Shown(holds="a second function never gets a used container", tests=("tests/contract/driver/test_slots.py::test_second_function_never_gets_a_used_slot",)),
        Shown(holds="an answer for a call that runs elsewhere meanwhile", tests=(f"{BAD}::test_answer_under_another_calls_id_reaches_nobody",)),
    ),
)

C7 = Requirement(
    id="C7",
    title="A timeout is the server's to keep",
    promise="At a function's timeout its container is killed, whatever it does with signals, children, its disk, its memory or its output, "
    "and it is gone within two seconds. What the engine does not do at once it is told again. What a killed server left is found "
    "by its label and removed at the next start, before anything else.",
    lines=(
        Line(holds="the clock is ours", file=f"{CORE}/node.py", old="        self.deadlines.arm(env, deadline)\n        self.out.append(Deliver(", new="        self.out.append(Deliver(", tests=(f"{TIMEOUT}[running-complete0]",)),
        Line(holds="the end is a kill", file=f"{CORE}/overdue.py", old="        node.kill(env, StopReason.TIMED_OUT)", new="        pass", tests=(f"{TIMEOUT}[running-complete0]",)),
        Line(holds="which asks nobody", file="executor/drivers/docker/engine/client.py", old='        query = {"force": "1", "v": "1"}', new='        query = {"v": "1"}', tests=(f"{DOCKER_TESTS}/test_taking_down.py::test_container_is_killed_and_removed_in_one_step",)),
        Line(holds="told again until it is gone", file=f"{CORE}/node.py", old="        self.deadlines.arm(env, self.now + STOP_AGAIN_S)", new="        env.deadline = inf", tests=(f"{CORE_TESTS}/test_overdue.py::test_stop_is_repeated_until_it_is_gone",)),
        Line(holds="what nobody knows goes", file=f"{CORE}/supply.py", old="        if number not in node.environments and not stock.knows(number):", new="        if False:", tests=(f"{CORE_TESTS}/test_supply.py::test_a_list_ends_what_is_stopping_and_stops_what_nobody_knows",)),
        Line(holds="what was left is found, running or not", file="executor/drivers/docker/engine/client.py", old='query={"all": "1", "filters": filters}', new='query={"filters": filters}', tests=(f"{DOCKER_TESTS}/test_taking_down.py::test_what_was_left_is_found_by_its_label_whether_it_runs_or_not",)),
    ),
    shown=(
        Shown(holds="gone within two seconds after its timeout", tests=(f"{BAD}::test_function_that_cannot_be_stopped_is_gone_within_two_seconds", f"{ISOLATION}::test_a_function_that_ignores_everything_is_ended")),
        Shown(holds="deaf processes, fork bombs, too much memory", tests=("tests/contract/driver/test_stops.py::test_processes_that_do_not_want_to_end", "tests/contract/driver/test_stops.py::test_fork_bomb_is_stopped_at_its_limit_and_removed", "tests/contract/driver/test_life.py::test_memory_over_the_limit_is_out_of_memory")),
        Shown(holds="output without end", tests=("tests/contract/driver/test_output.py::test_much_output_stalls_nobody",)),
        Shown(holds="each of them harms only itself", tests=(f"{BAD}::test_bad_function_harms_only_itself",)),
        Shown(holds="what a killed server left", tests=("tests/contract/driver/test_instances.py::test_what_a_killed_server_left_is_removed_before_ready", "tests/e2e/docker/test_network.py::test_what_a_killed_one_left_goes_at_its_next_start")),
    ),
)

C8 = Requirement(
    id="C8",
    title="A function's name is a name",
    promise="1 to 64 letters, digits, `-` and `_`, in the file and in every call, before it becomes a label, a folder or a key of a log. "
    "Containers and networks are named by numbers.",
    lines=(
        Line(holds="in the file", file="lockgate/config/grammar/scalars.py", old='FUNCTION_NAME = "[a-zA-Z0-9_-]{1,64}"', new='FUNCTION_NAME = "[^:]*"', tests=("tests/unit/lockgate/test_container_checks.py::test_function_has_a_name_that_can_be_a_folders",)),
        Line(holds="in a call", file="executor/api/function_name.py", old="    if not _NAME.fullmatch(text):", new="    if False:", tests=("tests/unit/executor/api/test_function_name.py::test_malformed_reference_is_a_constraint_failure[../etc]",)),
        Line(holds="64 characters", file="executor/api/function_name.py", old="    if len(name) > MAX_NAME_CHARACTERS:", new="    if False:", tests=("tests/unit/executor/api/test_function_name.py::test_name_over_64_characters_is_refused_in_the_recorded_words",)),
        Line(holds="before it is a log's folder", file="executor/logs/segments.py", old="    if not _FUNCTION.fullmatch(function):", new="    if False:", tests=("tests/unit/executor/logs/test_environment_log.py::test_other_names_are_refused",)),
    ),
    inherent=(
        Inherent(holds="no function's name in a container's", reason="it is made of the instance, a count of starts and a number", tests=(f"{DOCKER_TESTS}/test_labels.py::test_names_carry_instance_epoch_and_number",)),
    ),
)

C12 = Requirement(
    id="C12",
    title="Everything has a number that it does not exceed",
    promise="Calls at once in all and of a function, calls that wait, environments of a function and in all, waiting containers, their memory. "
    "One more is refused: 429 by Lambda's API, 503 by the gateway, both with `Retry-After`.",
    lines=(
        Line(holds="calls at once", file=f"{CORE}/shares.py", old="            if self.unreserved >= self._concurrency - self.reserved:", new="            if False:", tests=(f"{REJECTED}[account-used-up]",)),
        Line(holds="calls at once of a function", file=f"{CORE}/shares.py", old="            if share.accepted >= limit:", new="            if False:", tests=(f"{CORE_TESTS}/test_shares.py::test_a_reservation_counts_what_was_accepted_before_it",)),
        Line(holds="calls that wait", file=f"{CORE}/calls.py", old="    elif len(pool.queue) >= pool.limits.max_queue:", new="    elif False:", tests=(f"{REJECTED}[queue-full]",)),
        Line(holds="environments of a function", file=f"{CORE}/pool.py", old="        room = self.limits.max_environments - self.total", new="        room = 1000", tests=(f"{CORE_TESTS}/test_settle.py::test_a_pool_has_no_more_than_it_may_whatever_it_wants_at_once",)),
        Line(holds="environments in all", file=f"{CORE}/node.py", old="        return self.limits.max_environments - len(self.environments) - len(self.stock.slots)", new="        return 1000", tests=(f"{CORE_TESTS}/test_settle.py::test_the_cap_on_environments_evicts_as_memory_does",)),
        Line(holds="memory in all", file=f"{CORE}/room.py", old="        return need.memory_mb <= self.free_mb and need.places", new="        return need.places", tests=(f"{CORE_TESTS}/test_settle.py::test_idle_memory_of_other_pools_is_given_up_for_queued_work_longest_idle_first",)),
        Line(holds="waiting containers", file=f"{CORE}/stock.py", old="        if len(stock.slots) >= limits.max_slots or node.free_places <= 0:", new="        if node.free_places <= 0:", tests=(f"{CORE_TESTS}/test_stock.py::test_there_are_so_many_slots_and_no_more",)),
        Line(holds="429 with Retry-After", file="executor/executor.py", old="        return TooManyRequests(instruction.reason.value, max(1, round(instruction.retry_after_s)))", new='        return ServiceUnavailable("busy")', tests=("tests/unit/executor/test_executor.py::test_rejections_are_counted",)),
        Line(holds="503 with Retry-After", file="gateway/errors.py", old='    message = "Service Unavailable"\n    headers = (', new='    message = "Service Unavailable"\n    _headers = (', tests=("tests/unit/gateway/test_app.py::test_failed_integration[busy]",)),
    ),
)
# fmt: on
REQUIREMENTS = (C5, C6, C7, C8, C12)
