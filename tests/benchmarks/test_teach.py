"""The benchmark of teaching."""

from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def teach(importable_benchmarks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    pytest.importorskip("torch")
    import teach

    files = {
        "ntrex-128/eng.txt": "One.\nTwo.\nThree.\n",
        "ntrex-128/yor.txt": "Kan.\nMeji.\nMeta.\n",
        "ntrex-128/deu.txt": "Eins.\nZwei.\nDrei.\n",
        "ntrex/deu.txt": "",
        "gatitos/en_bm-Nkoo.tsv": "one\tߞߋߟߋ߲\ntwo\tߝߌߟߊ\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf8")
    monkeypatch.setattr(teach, "data_folder", lambda: tmp_path)
    return teach


def test_lines_are_pairs_and_dictionaries_and_rehearsal(teach: ModuleType) -> None:
    languages = ["yor_Latn", "nqo_Nkoo"]
    found = teach.material(languages, 2, teach.USUAL)
    assert found["pairs"] == {"yo": [("One.", "Kan."), ("Two.", "Meji.")]}
    assert found["dictionaries"] == {"nqo": [("one", "ߞߋߟߋ߲"), ("two", "ߝߌߟߊ")]}
    assert found["rehearsal"] == {"de": ["Eins.", "Zwei."], "en": ["One.", "Two."]}
    pairs_only = teach.VARIANTS["after, pairs only"]
    assert set(teach.material(languages, 2, pairs_only)) == {"pairs"}


def test_every_variant_has_known_options(teach: ModuleType) -> None:
    from spacy_xlt import teach as function

    known = {*teach.USUAL, *function.__annotations__}
    assert all(set(variant) <= known for variant in teach.VARIANTS.values() if variant)


def test_each_language_is_weak_or_strong(teach: ModuleType) -> None:
    assert len(teach.WEAK) == 24 and len(teach.STRONG.split()) == 14
    assert not set(teach.WEAK) & set(teach.STRONG.split())
