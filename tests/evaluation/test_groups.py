"""The groups of languages."""

import json
from importlib.resources import files

import pytest

from spacy_xlt.evaluation.groups import groups_of
from spacy_xlt.languages import is_known

TABLE = json.loads((files("spacy_xlt.evaluation") / "language_groups.json").read_text(encoding="utf8"))


@pytest.mark.parametrize(
    ("code", "script", "family", "resources"),
    [
        ("de", "Latin", "Indo-European", "class 5"),
        ("zh", "Han", "Sino-Tibetan", "class 5"),
        ("ja", "Japanese", "Japonic", "class 5"),
        ("hi", "Devanagari", "Indo-European", "class 4"),
        ("vi", "Latin", "Austroasiatic", "class 4"),
        ("swh_Latn", "Latin", "Atlantic-Congo", "class 2"),
        ("ace_Arab", "Arabic", "Austronesian", "unknown"),
        ("sr", "several scripts", "Indo-European", "class 4"),
        ("xx", "unknown", "unknown", "unknown"),
        ("qqq", "unknown", "unknown", "unknown"),
    ],
)
def test_groups_of_a_language(code: str, script: str, family: str, resources: str) -> None:
    assert groups_of(code) == {"script": script, "family": family, "resources": resources}


@pytest.mark.parametrize("kind", ["families", "resources"])
def test_each_language_is_known_and_in_one_group(kind: str) -> None:
    codes = [code for codes in TABLE[kind].values() for code in codes.split()]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not is_known(code)] == []
