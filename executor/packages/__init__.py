"""The package store: functions' code, immutable and found by its content."""

from executor.packages.errors import PackageError
from executor.packages.store import Package, PackageStore

__all__ = ["Package", "PackageError", "PackageStore"]
