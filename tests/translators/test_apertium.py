"""Apertium: the installed program, and a stand-in for it."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from spacy_xlt.errors import NotInstalledError, XltError
from spacy_xlt.translators.apertium import Apertium, installed_pairs

# Answers as the program does, and writes the words in capitals. It fails on `fail`.
STAND_IN = """#!/bin/sh
if [ "$1" = "-l" ]; then printf '  spa-eng\\n  eng-spa\\n  spa-eng_US\\n'; exit 0; fi
input=$(cat; printf x); input=${input%x}
case "$input" in *fail*) echo "no such mode" >&2; exit 3;; *lost*) exit 0;; esac
printf '%s' "$input" | tr a-z A-Z
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    installed_pairs.cache_clear()
    yield
    installed_pairs.cache_clear()


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apertium"
    program.write_text(STAND_IN)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_texts_of_installed_pairs_are_translated(stand_in: None) -> None:
    translator = Apertium()
    assert translator.source_languages() == ["en", "es"]
    texts, languages = ["hola\nmundo", "bonjour", "adios", "x"], ["es", "fr", "es", "en"]
    assert translator.translate(texts, languages, "en") == ["HOLA MUNDO", None, "ADIOS", None]


@pytest.mark.parametrize(("text", "fragment"), [("fail", "no such mode"), ("lost", "2 texts")])
def test_a_failure_is_an_error(stand_in: None, text: str, fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        Apertium().translate([text, text], ["es", "es"], "en")


def test_a_missing_program_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotInstalledError, match="apt install apertium"):
        Apertium().translate(["hola"], ["es"], "en")


@pytest.mark.skipif(shutil.which("apertium") is None, reason="needs the program apertium with the pair spa-eng")
def test_spanish_to_english_by_the_installed_program() -> None:
    translator = Apertium()
    assert "es" in translator.source_languages()
    texts = ["La casa es grande", "", "¿Dónde está mi libro?", "palabra [desconocida] ^$/\\ {x} <b>\nsegunda línea"]
    found = translator.translate(texts, ["es"] * len(texts), "en")
    assert found[0] == "The house is big" and found[1] == ""
    assert "book" in str(found[2]) and "\n" not in str(found[3]) and "second line" in str(found[3])
    assert translator.translate(texts[::-1], ["es"] * len(texts), "en") == found[::-1]
