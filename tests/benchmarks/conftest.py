"""What tests of the benchmarks share."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def importable_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts can be imported. Last in the path: benchmarks/langdetect.py must not hide the package."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(BENCHMARKS)])
