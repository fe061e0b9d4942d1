# ruff: noqa: E501  # a table: one line of code an entry
"""C4: what a function reaches, and what reaches it."""

from tests.mutants.requirement import Line, Requirement, Shown

NETWORK = "executor/drivers/docker/network"
RULES = f"{NETWORK}/rules.py"
NETWORKS = f"{NETWORK}/networks.py"
UNIT = "tests/unit/executor/drivers/docker"
RULES_TESTS = f"{UNIT}/network/test_rules.py"
NETWORKS_TESTS = f"{UNIT}/network/test_networks.py"
JOIN = f"{NETWORKS_TESTS}::test_a_network_that_cannot_be_joined"
CLOSED = f"{UNIT}/test_profile.py::test_every_container_is_closed"
REAL = "tests/e2e/docker/test_network.py"

# fmt: off
C4 = Requirement(
    id="C4",
    title="The Internet, and what the file names",
    promise="A function reaches the Internet, or nothing with `egress: none`. It reaches no private, link-local or metadata address, nothing "
    "of this machine but the Runtime API's port, and no other function, unless `network:` of its own entry names a network or an "
    "address; never the metadata address. Nothing reaches a function. Where the firewall cannot be set, the server says so in "
    "its first lines and `egress: none` still holds.",
    lines=(
        Line(holds="no network unless one is asked for", file="executor/drivers/docker/profile.py", old='    mode: str = "none"', new='    mode: str = "bridge"', tests=(f"{CLOSED}[no-network]",)),
        Line(holds="no ports of the machine", file="executor/drivers/docker/profile.py", old='"PublishAllPorts": False,', new='"PublishAllPorts": True,', tests=(f"{CLOSED}[no-ports]",)),
        Line(holds="no private, link-local or metadata address", file=RULES, old='            yield f"{chain} -d {network} {REFUSE}"', new='            yield ""', tests=(f"{RULES_TESTS}::test_what_is_not_the_internet_is_denied",)),
        Line(holds="no way out of a closed bridge", file=RULES, old='judged = f"-g {self.chains.internet}" if bridge.is_open else REFUSE', new='judged = f"-g {self.chains.internet}"', tests=(f"{RULES_TESTS}::test_an_open_bridge_is_judged_by_destination_and_a_closed_one_goes_nowhere",)),
        Line(holds="no way in", file=RULES, old='            yield f"{chain} -o {bridge.device} -j DROP"  # C4: no inbound', new='            yield ""', tests=(f"{RULES_TESTS}::test_replies_come_in_and_nothing_else",)),
        Line(holds="no way in from a joined network", file=RULES, old='            yield f"{chain} -o {each.device} -d {each.address} -m conntrack --ctstate NEW {REFUSE}"', new='            yield ""', tests=(f"{RULES_TESTS}::test_nobody_calls_a_function_on_a_joined_network",)),
        Line(holds="nothing else of this machine", file=RULES, old='            yield f"{source} {REFUSE}"  # C4: nothing else of this machine', new='            yield ""', tests=(f"{RULES_TESTS}::test_of_this_machine_only_the_runtime_api_is_reached",)),
        Line(holds="nor by an address of a joined network", file=RULES, old='            yield f"{source} {REFUSE}"  # C4: nor by an address that it has on a joined network', new='            yield ""', tests=(f"{RULES_TESTS}::test_a_joined_network_is_no_way_around",)),
        Line(holds="no IPv6", file=RULES, old='lines += [f"-A {chain} {source} -j REJECT" for source in (*own, *joined)]', new="pass", tests=(f"{RULES_TESTS}::test_of_ipv6_nothing_passes",)),
        Line(holds="functions do not reach each other", file=f"{NETWORK}/own_bridge.py", old='.enable_icc": "false",', new='.enable_icc": "true",', tests=(f"{NETWORKS_TESTS}::test_an_instance_has_two_bridges_of_its_own",)),
        Line(holds="the metadata address cannot be allowed", file=f"{NETWORK}/allowed.py", old="    if address.is_link_local:", new="    if False:", tests=(f"{UNIT}/network/test_allowed.py::test_link_local_addresses_are_never_open", "tests/unit/lockgate/test_container_checks.py::test_metadata_address_is_not_allowed")),
        Line(holds="the machine's own network cannot be joined", file=f"{NETWORK}/joining.py", old='    if name in _RESERVED or name.startswith("container:"):', new="    if False:", tests=(f"{JOIN}[host]", f"{JOIN}[container]")),
        Line(holds="which is told when the file is read", file="lockgate/config/checks/containers.py", old="        if name in FORBIDDEN_NETWORKS:", new="        if False:", tests=("tests/unit/lockgate/test_container_checks.py::test_networks_of_the_engine_itself_are_not_joined",)),
        Line(holds="nor that of other functions", file=f"{NETWORK}/joining.py", old='    if (found.get("Labels") or {}).get("lockgate.instance"):', new="    if False:", tests=(f"{JOIN}[an-instance-s]",)),
        Line(holds="what is allowed ends with the container", file=NETWORKS, old="        if held.joined or held.allowed:", new="        if False:", tests=(f"{NETWORKS_TESTS}::test_what_is_allowed_ends_with_the_container",)),
        Line(holds="an address is given on without its rules", file=NETWORKS, old='gone are still set: %s", error)\n                return', new='gone are still set: %s", error)', tests=(f"{NETWORKS_TESTS}::test_an_address_is_another_s_only_without_the_rules_of_the_last",)),
        Line(holds="without a firewall the closed bridge is closed by the engine", file=NETWORKS, old="is_internal=not self.is_guarded", new="is_internal=False", tests=(f"{NETWORKS_TESTS}::test_where_no_rules_can_be_set_it_is_said_and_egress_none_still_holds",)),
        Line(holds="and what would be a way out is refused", file=NETWORKS, old="        if networks and egress != INTERNET and not self.is_guarded:", new="        if False:", tests=(f"{NETWORKS_TESTS}::test_where_no_rules_can_be_set_it_is_said_and_egress_none_still_holds",)),
    ),
    shown=(
        Shown(holds="what there is to reach, and is not reached", tests=(f"{REAL}::test_the_stand_is_reached_without_the_rules", f"{REAL}::test_the_machine_and_its_networks_are_out_of_reach", "tests/e2e/docker/test_isolation.py::test_a_function_cannot")),
        Shown(holds="functions and each other", tests=(f"{REAL}::test_functions_do_not_reach_each_other",)),
        Shown(holds="of this machine the Runtime API", tests=(f"{REAL}::test_of_this_machine_the_runtime_api_is_reached",)),
        Shown(holds="`egress: none`", tests=(f"{REAL}::test_without_egress_the_internet_is_not_reached", "tests/e2e/docker/test_isolation.py::test_without_egress_there_is_no_network")),
        Shown(holds="`join` and `allow` are one function's", tests=("tests/e2e/docker/test_isolation.py::test_a_database_on_a_joined_network_is_reached_by_the_one_function", "tests/e2e/docker/test_isolation.py::test_an_allowed_address_is_reached_by_the_one_function", f"{REAL}::test_what_is_allowed_to_one_is_not_allowed_to_another")),
        Shown(holds="nobody calls a function, and IPv6 is no way around", tests=(f"{REAL}::test_nothing_on_the_network_reaches_a_function", f"{REAL}::test_ipv6_of_a_joined_network_is_no_way_to_this_machine")),
        Shown(holds="rules of others stay as they are", tests=("tests/e2e/docker/test_network_firewall.py::test_rules_are_set_once_however_often_and_leave_nothing",)),
    ),
)
# fmt: on
REQUIREMENTS = (C4,)
