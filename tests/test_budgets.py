"""Budgets: how large the package is, what it requires, and how much its import loads."""

from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

import spacy_xlt
from tests.processes import run_python

# The tables of the language detector are 18 MB of it.
MOST_MEGABYTES = 24
# Every spaCy command imports the package, so its import loads nothing but itself.
MOST_MODULES = 3
CORE = {
    "langdetect", "numpy", "pydantic", "rich", "safetensors", "spacy", "thinc", "tokenizers", "tqdm", "typer",
    "typing_extensions",
}  # fmt: skip


def test_the_size_of_the_package() -> None:
    package = Path(spacy_xlt.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < MOST_MEGABYTES * 1_000_000


def test_the_core_needs_few_packages() -> None:
    needed = {
        requirement.name
        for requirement in map(Requirement, requires("spacy-xlt") or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }
    assert needed <= CORE, needed - CORE


def test_the_import_loads_nothing_else() -> None:
    new = run_python(
        """
import json, sys
import spacy
before = set(sys.modules)
import spacy_xlt
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    )
    assert len(new) <= MOST_MODULES, new
    assert all(name.startswith(("spacy_xlt", "importlib")) for name in new), new
