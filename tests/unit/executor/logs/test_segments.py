import os
from pathlib import Path

import pytest

from executor.logs import segments
from executor.logs.segments import Segments

LINE = b"x" * 999 + b"\n"


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jsonl"))


def test_rotation_begins_the_next_segment(tmp_path: Path) -> None:
    log = Segments(tmp_path, 1024 * 1024)  # segments of 64 KiB
    for _ in range(70):
        log.append("notes", LINE)
    log.close()

    assert files(tmp_path) == ["notes/1.jsonl", "notes/2.jsonl"]
    assert (tmp_path / "notes/1.jsonl").stat().st_size <= 64 * 1024


def test_oldest_go_first_over_all_functions(tmp_path: Path) -> None:
    """L5: the space of all logs together."""
    log = Segments(tmp_path, 256 * 1024)  # 16 segments of 16 KiB
    for _ in range(10):
        log.append("quiet", LINE)
    for _ in range(1000):
        log.append("loud", LINE)
    log.close()

    total = sum(path.stat().st_size for path in tmp_path.rglob("*.jsonl"))
    assert 200 * 1024 < total <= 256 * 1024
    assert total == log.total_bytes
    assert not [name for name in files(tmp_path) if name.startswith("quiet")]


def test_function_whose_file_was_removed_logs_on(tmp_path: Path) -> None:
    log = Segments(tmp_path, 256 * 1024)
    log.append("quiet", LINE)
    for _ in range(1000):
        log.append("loud", LINE)
    log.append("quiet", LINE)
    log.close()

    assert (tmp_path / "quiet/2.jsonl").read_bytes() == LINE


def test_new_process_continues_the_last_segment(tmp_path: Path) -> None:
    for _ in range(2):
        log = Segments(tmp_path, 1024 * 1024)
        log.append("notes", LINE)
        log.close()

    assert (tmp_path / "notes/1.jsonl").read_bytes() == LINE * 2


def test_segment_that_a_crash_cut_is_not_continued(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/3.jsonl").write_bytes(LINE + b"half a li")
    log = Segments(tmp_path, 1024 * 1024)
    log.append("notes", LINE)
    log.close()

    assert files(tmp_path) == ["notes/3.jsonl", "notes/4.jsonl"]
    assert (tmp_path / "notes/4.jsonl").read_bytes() == LINE


def test_space_used_before_the_start_counts(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/1.jsonl").write_bytes(LINE * 300)
    os.utime(tmp_path / "old/1.jsonl", (0, 0))
    log = Segments(tmp_path, 256 * 1024)
    log.append("notes", LINE)
    log.close()

    assert files(tmp_path) == ["notes/1.jsonl"]


def test_open_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MAX_OPEN_FILES", 3)
    log = Segments(tmp_path, 1024 * 1024)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        for number in range(20):
            log.append(f"f{number}", LINE)
    opened = len(os.listdir("/proc/self/fd")) - before
    log.close()

    assert opened == 3
    assert all((tmp_path / f"f{number}/1.jsonl").read_bytes() == LINE * 2 for number in range(20))


def test_files_are_private(tmp_path: Path) -> None:
    log = Segments(tmp_path, 1024 * 1024)
    log.append("notes", LINE)
    log.close()

    assert (tmp_path / "notes").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "notes/1.jsonl").stat().st_mode & 0o777 == 0o600
