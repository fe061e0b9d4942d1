"""The table of the fleet's faults fits the code: seen at once here, and not after all else has passed."""

from pathlib import Path

import pytest

from tests.mutants.fault import Fault
from tests.mutants.fleet import FAULTS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_line_is_there_once_and_its_fault_is_python(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text()
    assert text.count(fault.old) == 1
    compile(text.replace(fault.old, fault.new), fault.file, "exec")


def test_names_are_told_apart() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
