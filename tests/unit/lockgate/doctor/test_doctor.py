"""Rows, the machine, trials and the table."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from executor.driver import Capabilities
from executor.drivers.docker.cgroup import CgroupPaths
from executor.drivers.docker.probe import Findings
from executor.drivers.docker.workspace import Delivery
from lockgate.doctor import process, table, trial
from lockgate.doctor.machine import machine_rows
from lockgate.doctor.row import Row, Verdict, is_fit

ALL = Findings(
    fifo=True,
    delivery=Delivery.PROPAGATED,
    disk=True,
    cgroups=CgroupPaths(templates={}, unified=True),
    degraded=(),
)


def row(verdict: Verdict, check: str = "thing", group: str = "engine") -> Row:
    return Row(group=group, check=check, verdict=verdict, found="found", follows="It follows.", do="Do this.")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        pytest.param([Verdict.OK, Verdict.WEAK], True, id="weak-works"),
        pytest.param([Verdict.OK, Verdict.MISSING], False, id="missing-does-not"),
    ],
)
def test_only_what_serve_needs_makes_it_unfit(verdicts: list[Verdict], expected: bool) -> None:
    assert is_fit([row(each) for each in verdicts]) is expected


def test_a_row_is_json() -> None:
    found = json.loads(json.dumps(row(Verdict.WEAK).as_json()))
    assert found == {
        "group": "engine",
        "check": "thing",
        "verdict": "weak",
        "found": "found",
        "follows": "It follows.",
        "do": "Do this.",
    }


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([Verdict.OK], "All is as it should be."),
        ([Verdict.OK, Verdict.WEAK], "1 ok, 1 weak. `lockgate serve` works"),
        ([Verdict.WEAK, Verdict.MISSING], "1 weak, 1 missing. `lockgate serve` cannot"),
    ],
)
def test_the_table_says_what_follows_and_ends_in_a_sentence(verdicts: list[Verdict], said: str) -> None:
    text = io.StringIO()
    rows = [row(each, f"check {each.value}") for each in verdicts]
    table.show([*rows, row(Verdict.OK, "other", "machine")][: len(rows)], Console(file=text, width=100))
    shown = text.getvalue()
    assert shown.startswith("Engine\n")
    assert said in shown
    for each in verdicts:
        assert f"check {each.value}" in shown
    assert "→ Do this." in shown


@pytest.mark.parametrize(("available_kb", "verdict"), [(4 << 20, Verdict.OK), (512 << 10, Verdict.WEAK)])
def test_little_memory_is_told(tmp_path: Path, available_kb: int, verdict: Verdict) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 99 kB\nMemAvailable:  {available_kb} kB\n")
    memory, *_ = machine_rows({}, meminfo)
    assert memory.verdict is verdict
    assert memory.found == f"{available_kb >> 10} MB"


def test_a_folder_that_is_not_there_yet_is_judged_by_its_parent_and_a_disk_once(tmp_path: Path) -> None:
    rows = machine_rows({"state": tmp_path / "a" / "b", "images": tmp_path}, tmp_path / "none")
    assert [each.check for each in rows] == ["free memory", "free disk, state"]
    assert str(tmp_path) in rows[1].found


def test_what_the_probe_found_whole_is_well() -> None:
    assert {each.verdict for each in trial.judge(ALL, guarded=True, parted=True)} == {Verdict.OK}


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        pytest.param("temporary files", {"disk": False}, "memory + storage", id="tmpfs"),
        pytest.param("code", {"delivery": None}, "200 ms", id="no-delivery"),
        pytest.param("code", {"delivery": Delivery.COPIED}, "Large packages", id="copies"),
        pytest.param("raising limits", {"cgroups": None}, "10 ms", id="no-cgroup-files"),
    ],
)
def test_what_the_probe_lacks_is_weak(check: str, change: dict[str, object], said: str) -> None:
    values = {name: getattr(ALL, name) for name in ("fifo", "delivery", "disk", "cgroups", "degraded")}
    found = {each.check: each for each in trial.judge(Findings(**values | change), guarded=True, parted=True)}  # type: ignore[arg-type]  # by name
    assert found[check].verdict is Verdict.WEAK
    assert said in found[check].follows


def test_without_rules_the_egress_row_fails() -> None:
    """C4: where rules cannot be set the doctor says what functions reach."""
    found = {each.check: each for each in trial.judge(ALL, guarded=False, parted=False)}
    assert found["egress rules"].verdict is Verdict.WEAK
    assert "metadata address" in found["egress rules"].follows


def test_functions_that_reach_each_other_are_told() -> None:
    """C4: where the firewall does not see what stays within a bridge."""
    found = {each.check: each for each in trial.judge(ALL, guarded=True, parted=False)}
    assert found["functions apart"].verdict is Verdict.WEAK
    assert "br_netfilter" in found["functions apart"].do


def test_without_images_containers_are_not_tried() -> None:
    (found,) = trial.trial_rows("unix:///s", {}, 200_000)
    assert "lockgate images build" in found.do


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_holds_without_an_engine(is_whole: bool) -> None:
    capabilities = Capabilities(
        name="process",
        runtimes=("python3.11", "provided") if is_whole else ("provided",),
        private_tmp=is_whole,
        memory_limit="cgroup" if is_whole else "rlimit",
        own_uid=is_whole,
    )
    rows = list(process.judge(capabilities))
    assert {each.verdict for each in rows} == {Verdict.OK if is_whole else Verdict.WEAK}
    assert all(bool(each.follows) is not is_whole for each in rows)
