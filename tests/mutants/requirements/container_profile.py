# ruff: noqa: E501  # a table: one line of code an entry
"""C1, C2, C3, C9, C10, C11: what a container is and is not, who may ask for one, and on which engine."""

from tests.mutants.requirement import Inherent, Line, Requirement, Shown

DOCKER = "executor/drivers/docker"
PROFILE = f"{DOCKER}/profile.py"
BLUEPRINT = f"{DOCKER}/blueprint.py"
DOCTOR = "lockgate/doctor/engine.py"
UNIT = "tests/unit/executor/drivers/docker"
PROFILE_TESTS = f"{UNIT}/test_profile.py"
CLOSED = f"{PROFILE_TESTS}::test_every_container_is_closed"
BLUEPRINT_TESTS = f"{UNIT}/test_blueprint.py"
SPECIALISE_TESTS = f"{UNIT}/test_specialise.py"
DOOR_TESTS = "tests/unit/executor/remote/test_server.py"
LACKING = (
    "tests/unit/lockgate/doctor/test_engine.py::test_what_is_lacking_is_weak_with_what_follows_and_what_to_do"
)
ISOLATION = "tests/e2e/docker/test_isolation.py"
CANNOT = (f"{ISOLATION}::test_a_function_cannot", f"{ISOLATION}::test_a_function_of_an_image_cannot_either")
REGISTRY = "tests/e2e/docker/test_images_registry.py"

# fmt: off
C1 = Requirement(
    id="C1",
    title="A container may do what a function needs, and no more",
    promise="A uid of its own that is never root, no capabilities and no way to regain any, the engine's system call filter, a read-only "
    "image, 1,024 processes and files, memory without swap, a share of the CPU in proportion to it, private IPC, no devices. "
    "Mounted are code, layers, our runtime and the channel's folder, read-only, and /tmp with a size, without setuid and devices. "
    "A waiting container gets its function's code only when the limits read back as they were set.",
    lines=(
        Line(holds="no new privileges", file=PROFILE, old='"SecurityOpt": ["no-new-privileges:true"],', new='"SecurityOpt": [],', tests=(f"{CLOSED}[no-new-privileges]",)),
        Line(holds="the engine's system call filter stays", file=PROFILE, old='"SecurityOpt": ["no-new-privileges:true"],', new='"SecurityOpt": ["no-new-privileges:true", "seccomp=unconfined"],', tests=(f"{PROFILE_TESTS}::test_default_seccomp_and_apparmor_are_not_switched_off",)),
        Line(holds="no capabilities", file=PROFILE, old='"CapDrop": ["ALL"],', new='"CapDrop": [],', tests=(f"{CLOSED}[capabilities]",)),
        Line(holds="not privileged", file=PROFILE, old='"Privileged": False,', new='"Privileged": True,', tests=(f"{CLOSED}[privileged]",)),
        Line(holds="a user of its own", file=PROFILE, old='"User": f"{spec.uid}:{spec.gid}",', new='"User": "",', tests=(f"{PROFILE_TESTS}::test_user_is_a_number_and_never_root",)),
        Line(holds="never root", file=PROFILE, old="    if spec.uid <= 0:", new="    if False:", tests=(f"{PROFILE_TESTS}::test_user_is_a_number_and_never_root",)),
        Line(holds="a read-only image", file=PROFILE, old='"ReadonlyRootfs": True,', new='"ReadonlyRootfs": False,', tests=(f"{CLOSED}[read-only]",)),
        Line(holds="so many processes", file=PROFILE, old='"PidsLimit": MAX_PROCESSES,', new='"PidsLimit": -1,', tests=(f"{CLOSED}[processes]",)),
        Line(holds="so many open files", file=PROFILE, old='{"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},', new="", tests=(f"{PROFILE_TESTS}::test_files_and_shared_memory_are_bounded",)),
        Line(holds="memory", file=PROFILE, old='"Memory": memory,', new='"Memory": 0,', tests=(f"{CLOSED}[memory]",)),
        Line(holds="no swap", file=PROFILE, old='"MemorySwap": memory,', new='"MemorySwap": -1,', tests=(f"{CLOSED}[no-swap]",)),
        Line(holds="a share of the CPU", file=PROFILE, old='"CpuShares": cpu_shares(spec.memory_mb),', new='"CpuShares": 1024,', tests=(f"{PROFILE_TESTS}::test_processor_time_is_in_proportion_to_memory",)),
        Line(holds="its own IPC", file=PROFILE, old='"IpcMode": "private",', new='"IpcMode": "host",', tests=(f"{CLOSED}[ipc]",)),
        Line(holds="little shared memory", file=PROFILE, old='"ShmSize": SHARED_MEMORY_BYTES,', new="", tests=(f"{PROFILE_TESTS}::test_files_and_shared_memory_are_bounded",)),
        Line(holds="an init that reaps", file=PROFILE, old='"Init": True,', new='"Init": False,', tests=(f"{CLOSED}[init]",)),
        Line(holds="no devices", file=PROFILE, old='"Devices": [],', new='"Devices": [{"PathOnHost": "/dev/kmsg"}],', tests=(f"{CLOSED}[devices]",)),
        Line(holds="files of the kernel are hidden", file=PROFILE, old='"MaskedPaths": list(MASKED_PATHS),', new='"MaskedPaths": [],', tests=(f"{PROFILE_TESTS}::test_files_of_the_kernel_that_speak_of_the_machine_are_hidden",)),
        Line(holds="no log files of the engine", file=PROFILE, old='"LogConfig": {"Type": "none", "Config": {}},', new='"LogConfig": {"Type": "json-file", "Config": {}},', tests=(f"{CLOSED}[no-log-files]",)),
        Line(holds="mounts are read-only", file=PROFILE, old='"ReadOnly": not bind.writable,', new='"ReadOnly": False,', tests=(f"{PROFILE_TESTS}::test_nothing_of_the_host_is_mounted_but_what_is_named",)),
        Line(holds="code is read-only", file=BLUEPRINT, old="binds += [Bind(source=package, target=TASK)]", new="binds += [Bind(source=package, target=TASK, writable=True)]", tests=(f"{BLUEPRINT_TESTS}::test_function_sees_its_code_its_channel_the_runtime_and_its_own_tmp",)),
        Line(holds="only the channel's own folder, read-only", file=BLUEPRINT, old="folders = [*binds, Bind(source=channel_folder(container, channel), target=CHANNEL)]", new="folders = [*binds, Bind(source=channel_folder(container, channel).parent, target=CHANNEL, writable=True)]", tests=(f"{BLUEPRINT_TESTS}::test_function_sees_its_code_its_channel_the_runtime_and_its_own_tmp",)),
        Line(holds="/tmp in memory has a size", file=PROFILE, old='options = f"rw,exec,nosuid,nodev,size={spec.tmpfs_mb}m,mode=1777"', new='options = "rw,exec,mode=1777"', tests=(f"{PROFILE_TESTS}::test_tmpfs_counts_as_memory",)),
        Line(holds="limits before code", file=f"{DOCKER}/specialise.py", old="        await self._limit(container, config, (config.memory_mb + tmpfs_mb) << 20)", new="        pass", tests=(f"{SPECIALISE_TESTS}::test_code_comes_last",)),
        Line(holds="limits read back", file=f"{DOCKER}/cgroup.py", old='    if held == "max" or not wanted - (1 << 16) < int(held) <= wanted:', new="    if False:", tests=(f"{UNIT}/test_cgroup.py::test_limit_that_does_not_hold_is_an_error",)),
        Line(holds="limits that an engine says to have set", file=f"{DOCKER}/specialise.py", old="        if held != total_bytes:", new="        if False:", tests=(f"{SPECIALISE_TESTS}::test_engine_that_sets_another_limit_is_not_believed",)),
        Line(holds="an engine that does otherwise is not used", file=f"{DOCKER}/probe.py", old='    if seen.fifo and ("root-writable" in lines or "task-writable" in lines):', new="    if False:", tests=(f"{UNIT}/test_probe.py::test_container_that_can_write_where_it_must_not_ends_the_start",)),
    ),
    shown=(
        Shown(holds="what a function cannot do, and can without all this", tests=CANNOT),
        Shown(holds="memory ends, also with swap", tests=(f"{ISOLATION}::test_memory_has_a_limit", "tests/contract/driver/test_life.py::test_memory_over_the_limit_is_out_of_memory")),
        Shown(holds="/tmp is a disk of its own with a size", tests=("tests/contract/driver/test_inside.py::test_tmp_is_the_environments_own_and_limited", "tests/e2e/docker/test_bad_functions_in_containers.py::test_full_tmp_is_an_error_of_the_function_and_it_goes_on")),
        Shown(holds="processes and files are counted", tests=("tests/contract/driver/test_stops.py::test_fork_bomb_is_stopped_at_its_limit_and_removed", "tests/contract/driver/test_inside.py::test_open_files_are_limited")),
        Shown(holds="users are unprivileged and each environment's own", tests=("tests/contract/driver/test_inside.py::test_users_are_unprivileged_and_their_own",)),
        Shown(holds="a container that waited is as tight", tests=("tests/contract/driver/test_slots.py::test_code_in_a_slot_is_read_only_without_setuid_and_devices", "tests/contract/driver/test_slots.py::test_slot_waits_in_little_memory_and_grows")),
        Shown(holds="`cpu: strict` is a quota", tests=("tests/contract/driver/test_slots.py::test_strict_processor_time_begins_when_the_function_is_ready",)),
    ),
)

C2 = Requirement(
    id="C2",
    title="Nothing but the executor reaches the engine",
    promise="Whoever has the engine's socket is root. No container gets it, and no process that faces the Internet: those talk to the "
    "executor over a unix socket, which lets in processes of its own user (and root) and takes nothing but calls of functions.",
    lines=(
        Line(holds="one's own user and root", file="executor/remote/server.py", old="return uid is not None and uid in self._uids", new="return True", tests=(f"{DOOR_TESTS}::test_other_user_is_refused_before_a_byte_is_read[asyncio]",)),
        Line(holds="asked before a byte is read", file="executor/remote/connection.py", old="if not self._desk.admits(peer_uid(transport)):", new="if False:", tests=(f"{DOOR_TESTS}::test_other_user_is_refused_before_a_byte_is_read[asyncio]",)),
        Line(holds="no socket in a container", file=PROFILE, old='"Devices": [],', new='"Devices": [], "Binds": ["/var/run/docker.sock:/var/run/docker.sock"],', tests=(f"{PROFILE_TESTS}::test_nothing_of_the_host_is_mounted_but_what_is_named",)),
    ),
    shown=(
        Shown(holds="the engine cannot be found from within", tests=CANNOT),
        Shown(holds="the gateway has neither socket nor rights", tests=("tests/e2e/test_deploy_units.py::test_executor_has_no_public_socket_and_the_gateway_no_rights", "tests/e2e/docker/test_deploy_image.py::test_only_the_executor_holds_the_engines_socket")),
    ),
)

C3 = Requirement(
    id="C3",
    title="A second wall where there is one",
    promise="`lockgate doctor` finds user namespaces (userns-remap, a rootless engine) and says what their absence means; `sandbox: runsc` "
    "runs one function's containers under gVisor.",
    lines=(
        Line(holds="user namespaces are found", file=DOCTOR, old="        if name in options:  # C3", new="        if False:", tests=("tests/unit/lockgate/doctor/test_engine.py::test_user_namespaces_are_found",)),
        Line(holds="their absence is told", file=DOCTOR, old="        if name in options:  # C3", new="        if True:", tests=(f"{LACKING}[C3-userns]",)),
        Line(holds="the engine is asked for the sandbox", file=PROFILE, old='        config["Runtime"] = spec.sandbox', new="        pass", tests=(f"{PROFILE_TESTS}::test_other_runtime_only_when_asked_for",)),
        Line(holds="code in it", file=BLUEPRINT, old="        sandbox=shape.sandbox,", new="        sandbox=None,", tests=(f"{BLUEPRINT_TESTS}::test_sandbox_of_a_function_is_that_of_its_container[python3.13-runsc]",)),
        Line(holds="images in it", file=BLUEPRINT, old="        sandbox=spec.shape.sandbox,", new="        sandbox=None,", tests=(f"{BLUEPRINT_TESTS}::test_sandbox_of_a_function_is_that_of_its_container[image-runsc]",)),
    ),
)

C9 = Requirement(
    id="C9",
    title="A function sees its own variables",
    promise="Those that its entry declares and those that Lambda sets: none of the server's, of the engine's or of the image's runtime. "
    "What the platform sets cannot be overridden. Processes that face the Internet never have the variables of functions.",
    lines=(
        Line(holds="those that were declared", file=PROFILE, old='"Env": [f"{name}={value}" for name, value in spec.variables.items()],', new='"Env": [f"{name}={value}" for name, value in {"PATH": "/bin", **spec.variables}.items()],', tests=(f"{PROFILE_TESTS}::test_environment_is_what_was_declared",)),
        Line(holds="none of the image's", file=f"{DOCKER}/variables.py", old="    others = sorted({*_SHELL_SETS, *image_names} - set(declared))", new="    others: list[str] = []", tests=(f"{UNIT}/test_variables.py::test_command_leaves_exactly_what_was_declared",)),
        Line(holds="the platform's are its own", file=f"{DOCKER}/variables.py", old="    return defaults | dict(declared) | volume_variables(config) | _fixed() | dict(runtime_api)", new="    return defaults | volume_variables(config) | _fixed() | dict(runtime_api) | dict(declared)", tests=(f"{UNIT}/test_variables.py::test_functions_own_variables_win_over_defaults_but_not_over_ours",)),
        Line(holds="they stay with the executor", file="lockgate/parts/document.py", old='    return {key: value for key, value in function.items() if key != "environment"}', new="    return function", tests=("tests/unit/lockgate/parts/test_kept.py::test_edges_are_told_all_but_the_variables_of_functions",)),
    ),
    inherent=(
        Inherent(holds="no credentials of ours", reason="a function has no role; only `environment:` sets any", tests=("tests/unit/executor/test_variables.py::test_no_credentials_of_ours_are_given_to_a_function",)),
    ),
    shown=(
        Shown(holds="exactly these, in every language's own environment", tests=("tests/contract/driver/test_inside.py::test_environment_variables_are_exactly_the_declared_ones", f"{ISOLATION}::test_a_function_has_the_declared_variables_and_lambdas")),
        Shown(holds="the server's are nowhere in /proc", tests=CANNOT),
        Shown(holds="an edge process has none", tests=("tests/e2e/test_workers.py::test_variables_of_functions_do_not_cross_to_the_edges",)),
    ),
)

C10 = Requirement(
    id="C10",
    title="An image is its content",
    promise="Containers are made of an image's id. A tag is asked for its id at each load; another id is another revision, and what runs on "
    "the old one is replaced. `server.pull` says when a registry is asked: missing, always or never. A registry's password goes "
    "to the engine with the pull, and nowhere else.",
    lines=(
        Line(holds="containers are made of the id", file=BLUEPRINT, old="    return ContainerSpec(\n        image=image.id,\n        entrypoint=exact_command(", new="    return ContainerSpec(\n        image=shape.runtime,\n        entrypoint=exact_command(", tests=(f"{BLUEPRINT_TESTS}::test_container_is_made_of_the_images_id",)),
        Line(holds="a reference is resolved when the file is read", file="lockgate/runners.py", old="return Runner(image=self._catalog.of_reference(function.image).id)", new="return Runner(image=self._catalog.of_reference(function.image).reference)", tests=("tests/unit/lockgate/test_runners.py::test_image_function_is_its_image_and_nothing_is_compiled",)),
        Line(holds="another id is another revision", file="executor/revision.py", old='"package": package, "image": image}', new='"package": package, "image": None}', tests=("tests/unit/executor/test_revision.py::test_another_image_is_another_revision",)),
        Line(holds="never means never", file="executor/images/catalog.py", old='        if self._policy.pull == "never" or is_local:', new="        if is_local:", tests=("tests/unit/executor/images/test_catalog.py::test_nothing_is_pulled_with_pull_never",)),
        Line(holds="missing pulls what is missing", file="executor/images/catalog.py", old="        self._engine.pull(reference, self._on_step)", new="        pass", tests=("tests/unit/executor/images/test_catalog.py::test_missing_image_is_pulled_once_for_all_functions",)),
        Line(holds="always asks the registry", file="executor/images/catalog.py", old='        if self._policy.pull != "always" or is_local:', new="        if True:", tests=("tests/unit/executor/images/test_catalog.py::test_pull_always_asks_the_registry_at_each_load_and_a_moved_tag_is_another_image",)),
    ),
    shown=(
        Shown(holds="id and the registry's digest name the same", tests=(f"{REGISTRY}::test_image_is_pulled_by_tag_and_known_by_its_id_and_digest",)),
        Shown(holds="the password opens the registry", tests=(f"{REGISTRY}::test_password_of_docker_login_opens_the_registry_and_nothing_else_does",)),
        Shown(holds="a start without its image says so", tests=("tests/contract/driver/test_image_functions.py::test_image_that_is_not_there",)),
    ),
)

C11 = Requirement(
    id="C11",
    title="What an engine lacks is said",
    promise="`lockgate doctor` judges the versions of the engine (27) and of runc (by the ways out of a container that each has closed), "
    "cgroups, swap, limits and the system call filter, tries a container, and says of each lack what follows and what to do. "
    "`serve` says in its first lines what does not hold.",
    lines=(
        Line(holds="the engine's version", file=DOCTOR, old="    if parsed is not None and parsed >= ENGINE_FLOOR:  # C11", new="    if parsed is not None:", tests=(f"{LACKING}[C11-engine]",)),
        Line(holds="runc's version", file=DOCTOR, old="    if not escapes:  # C11", new="    if True:", tests=(f"{LACKING}[C11-runc]",)),
        Line(holds="CVE-2024-21626", file="lockgate/doctor/versions.py", old="fixed=((1, 1, 12),)", new="fixed=((1, 1, 11),)", tests=("tests/unit/lockgate/doctor/test_versions.py::test_open_escapes[last-before-the-first]",)),
        Line(holds="the three of 2025", file="lockgate/doctor/versions.py", old="fixed=((1, 2, 8), (1, 3, 3)),", new="fixed=((1, 2, 8), (1, 3, 2)),", tests=("tests/unit/lockgate/doctor/test_versions.py::test_open_escapes[1.3.2]",)),
        Line(holds="cgroups", file=DOCTOR, old='    if str(info.get("CgroupVersion", "1")) == "2":', new="    if True:", tests=(f"{LACKING}[C11-cgroup]",)),
        Line(holds="swap", file=DOCTOR, old='    if info.get("SwapLimit"):', new="    if True:", tests=(f"{LACKING}[C11-swap]",)),
        Line(holds="a system call filter", file=DOCTOR, old='    if profile is not None and profile != "unconfined":', new="    if profile is not None:", tests=(f"{LACKING}[C11-unconfined]",)),
    ),
    shown=(
        Shown(holds="an engine that serves is fit; none is exit 5", tests=("tests/e2e/docker/test_doctor.py::test_an_engine_that_serves_is_fit", "tests/e2e/docker/test_doctor.py::test_no_engine_is_exit_5")),
        Shown(holds="what does not hold here is told in sentences", tests=(f"{ISOLATION}::test_what_this_engine_lets_functions_be",)),
    ),
)
# fmt: on
REQUIREMENTS = (C1, C2, C3, C9, C10, C11)
