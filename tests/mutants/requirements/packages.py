# ruff: noqa: E501  # a table: one line of code an entry
"""P1, L5: what strangers wrote: a function's archive, and what it prints."""

from tests.mutants.requirement import Line, Requirement, Shown

PACKAGES = "executor/packages"
LISTING = f"{PACKAGES}/listing.py"
ARCHIVE = f"{PACKAGES}/archive.py"
DRAFT = f"{PACKAGES}/draft.py"
NPM = f"{PACKAGES}/npm.py"
TESTS = "tests/unit/executor/packages"
REFUSED = f"{TESTS}/test_archive.py::test_archive_is_refused_whole"
UNSAFE = f"{TESTS}/test_store.py::test_folder_with_something_unsafe_is_refused_whole"
NPM_TESTS = f"{TESTS}/test_npm_words.py"
LOGS = "executor/logs"
LOG_TESTS = "tests/unit/executor/logs"
BAD = "tests/e2e/docker/test_bad_functions_in_containers.py"

# fmt: off
P1 = Requirement(
    id="P1",
    title="A package holds nothing but its own files",
    promise="An archive (zip, jar) or folder is taken whole or not at all: 250 MiB and 65,535 entries, counted while they are read, no entry "
    "200 times its packed size, no name or link that leads out of it, nothing doubled or overlapping, no devices, no setuid. "
    "Dependencies count, too; their install scripts run only where the code's own .npmrc says so.",
    lines=(
        Line(holds="no control characters", file=LISTING, old="    if _CONTROL.search(name):", new="    if False:", tests=(f"{REFUSED}[newline]",)),
        Line(holds="no backslash", file=LISTING, old='    if "\\\\" in name:', new="    if False:", tests=(f"{REFUSED}[backslash]",)),
        Line(holds="no drive, no absolute name", file=LISTING, old='    if name.startswith("/") or _DRIVE.match(name):', new="    if False:", tests=(f"{REFUSED}[drive]",)),
        Line(holds="no ..", file=LISTING, old='    if any(part in ("", "..") for part in parts):', new="    if False:", tests=(f"{REFUSED}[parent]",)),
        Line(holds="no file under a file", file=LISTING, old="            if parent in leaves:", new="            if False:", tests=(f"{REFUSED}[file-through-link]",)),
        Line(holds="no link out, through whatever links", file=DRAFT, old='            if real != top and not real.startswith(f"{top}/"):', new="            if False:", tests=(f"{REFUSED}[symlink-chain]",)),
        Line(holds="nothing doubled", file=DRAFT, old="        if name in self.entries:\n            raise", new="        if False:\n            raise", tests=(f"{REFUSED}[doubled]",)),
        Line(holds="nothing overlapping", file=ARCHIVE, old="        if info.header_offset < end:", new="        if False:", tests=(f"{REFUSED}[overlapping]",)),
        Line(holds="no devices", file=ARCHIVE, old="    if kind not in (0, stat.S_IFREG, stat.S_IFLNK):", new="    if False:", tests=(f"{REFUSED}[device]", f"{REFUSED}[fifo]")),
        Line(holds="no setuid", file=ARCHIVE, old="    if mode & _SETUID:", new="    if False:", tests=(f"{REFUSED}[setuid]", f"{REFUSED}[setgid]")),
        Line(holds="so many bytes, as they come", file=DRAFT, old="        if self._bytes > self._limits.max_bytes:", new="        if False:", tests=(f"{REFUSED}[bytes]",)),
        Line(holds="so many entries", file=DRAFT, old="        if self._entries > self._limits.max_entries:", new="        if False:", tests=(f"{REFUSED}[entries]",)),
        Line(holds="no bombs", file=ARCHIVE, old="            if size > allowed:", new="            if False:", tests=(f"{REFUSED}[ratio]",)),
        Line(holds="nothing left behind", file=DRAFT, old="        shutil.rmtree(self.folder, ignore_errors=True)  #", new="        pass  #", tests=(f"{REFUSED}[parent]",)),
        Line(holds="folders have no setuid", file=f"{PACKAGES}/folder.py", old="    if mode & (stat.S_ISUID | stat.S_ISGID):", new="    if False:", tests=(f"{UNSAFE}[setuid]",)),
        Line(holds="no scripts of dependencies", file=NPM, old='*([] if wants_scripts else ["--ignore-scripts"])', new="", tests=(f"{NPM_TESTS}::test_scripts_of_packages_do_not_run_unless_the_code_says_so",)),
        Line(holds="no programs from a .npmrc", file=NPM, old='    npmrc.check(files.get(npmrc.FILE, b""), code / npmrc.FILE)', new="    pass", tests=(f"{NPM_TESTS}::test_setting_that_names_a_program_is_refused",)),
        Line(holds="no folders of this machine as dependencies", file=NPM, old="    _refuse_local(manifest, source)", new="    pass", tests=(f"{NPM_TESTS}::test_dependency_in_a_folder_of_this_machine_is_refused",)),
    ),
)

L5 = Requirement(
    id="L5",
    title="What a function prints is a function's",
    promise="Each record says who wrote it. Nothing that is printed becomes a START, END or REPORT line, in files, in JSON or on a terminal. An "
    "environment writes 1 MiB and 4,096 lines a second; what is over is counted, and the log says how much. The space of all logs "
    "is bounded; nobody waits for the disk.",
    lines=(
        Line(holds="who wrote it", file=f"{LOGS}/environment_log.py", old="self._logs.line(Line(at, self._function, self._stream, FUNCTION, request_id, text))", new="self._logs.line(Line(at, self._function, self._stream, START, request_id, text))", tests=(f"{LOG_TESTS}/test_environment_log.py::test_a_cold_start_and_two_calls",)),
        Line(holds="a terminal shows it", file=f"{LOGS}/render.py", old='        line.append(f"  {escaped(record.text)}")', new="        line.append(escaped(record.text))", tests=(f"{LOG_TESTS}/test_render.py::test_platform_lines_are_marked_and_functions_cannot_look_like_them",)),
        Line(holds="an error's type is a word", file=f"{LOGS}/lines.py", old="    if _ERROR_TYPE.fullmatch(error_type):", new="    if True:", tests=(f"{LOG_TESTS}/test_environment_log.py::test_error_type_of_a_runtime_cannot_forge_fields",)),
        Line(holds="so much a second", file=f"{LOGS}/environment_log.py", old="            if not (self._lines_cap.take(1, now) and self._cap.take(len(text) + 1, now)):", new="            if False:", tests=(f"{LOG_TESTS}/test_environment_log.py::test_flood_is_dropped_counted_and_told",)),
        Line(holds="so much before the disk", file=f"{LOGS}/store.py", old="            if self._pending + size > limit or self._closing:", new="            if self._closing:", tests=(f"{LOG_TESTS}/test_store.py::test_slow_disk_bounds_memory_and_platform_lines_outlive_functions",)),
        Line(holds="so much on the disk", file=f"{LOGS}/segments.py", old="        while self.total_bytes > self._max_bytes:", new="        while False:", tests=(f"{LOG_TESTS}/test_segments.py::test_oldest_go_first_over_all_functions",)),
    ),
    shown=(
        Shown(holds="a gigabyte", tests=(f"{BAD}::test_gigabyte_of_output_stalls_nobody_and_fills_nothing", "tests/contract/driver/test_output.py::test_much_output_stalls_nobody")),
        Shown(holds="forged lines, also by a container's first process", tests=(f"{BAD}::test_forged_platform_lines_stay_the_functions_own",)),
    ),
)
# fmt: on
REQUIREMENTS = (P1, L5)
