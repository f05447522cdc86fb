"""The registered architectures where spacy-transformers is not installed."""

import sys
from pathlib import Path

import pytest
from spacy.util import registry

from spacy_xlt import interop
from spacy_xlt.errors import XltError
from tests.processes import run_python

ARCHITECTURES = {
    "spacy-xlt.TransformerModel.v1": {"get_spans": lambda docs: [[doc[:]] for doc in docs]},
    "spacy-xlt.TransformerPooler.v1": {},
}
LOAD_ALL = """
import json, sys
from importlib.metadata import distribution
sys.modules["spacy_transformers"] = None
print(json.dumps([point.name for point in distribution("spacy-xlt").entry_points if callable(point.load())]))
"""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_making_an_architecture_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy_transformers", None)
    make = registry.architectures.get(name)
    with pytest.raises(XltError, match=r"spacy_transformers.*spacy-xlt\[spacy-transformers\]"):
        make(**ARCHITECTURES[name])


def test_all_entry_points_can_be_loaded() -> None:
    """spaCy imports the module of every entry point when it lists a registry."""
    assert set(ARCHITECTURES) <= set(run_python(LOAD_ALL))


def test_no_other_module_imports_spacy_transformers() -> None:
    room = Path(interop.__file__).parent
    others = [file for file in room.parent.rglob("*.py") if room not in file.parents]
    assert len(others) > 100
    imports = ("import spacy_transformers", "from spacy_transformers")
    assert [file for file in others if any(line in file.read_text(encoding="utf8") for line in imports)] == []
