"""The tables of alignment figures."""

import io
from typing import Any

from rich.console import Console

from spacy_xlt.evaluation.alignment_table import print_alignment, print_vectors

WORDS = {
    "words": 9,
    "cosine": {"p@1": 0.5, "p@5": 0.6, "p@10": 0.7, "mrr": 0.55},
    "csls": dict.fromkeys(("p@1", "p@5", "p@10", "mrr"), 0.8),
}
SENTENCES = {
    "pairs": 4,
    "cosine": {"from_source": 0.25, "to_source": 0.5},
    "csls": {"from_source": 0.75, "to_source": 1.0},
}
TEXTS = {"mean_csls": 0.1234, "hubness": 2.5, "separability": 0.95, "chance": 0.5}


def document(**languages: Any) -> dict[str, Any]:
    """The mean of each kind is the figures of the last language that has it."""
    mean = {kind: figures[kind] for figures in languages.values() for kind in figures if kind != "fitted"}
    return {"model": "[red]m", "source": "en", "width": 384, "languages": languages, "mean": mean}


def printed(content: dict[str, Any], function: Any = print_alignment, width: int = 80, encoding: str = "utf8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    function(content, Console(file=stream, width=width))
    stream.flush()
    return raw.getvalue().decode(encoding)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the lines of the table by their first."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if len(cells) > 2:
            found[cells[0]] = cells[1:]
    return found


def test_before_and_after_by_language_with_the_mean() -> None:
    after = {**WORDS, "cosine": {**WORDS["cosine"], "p@1": 0.625}}  # type: ignore[dict-item]
    text = printed(document(de={"fitted": True, "words": {"before": WORDS, "after": after}}))
    assert text.startswith("Translations of words: [red]m\n")
    cells = ["50.0 / 62.5", "80.0 / 80.0", "80.0 / 80.0", "80.0 / 80.0", "80.0 / 80.0"]
    assert rows(text)["German (de)"] == rows(text)["Mean"] == cells
    assert "Before / after projection." in " ".join(text.split()) and "not fitted" not in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_one_table_for_each_kind_that_was_measured() -> None:
    text = printed(document(de={"fitted": None, "sentences": {"before": SENTENCES}, "texts": {"before": TEXTS}}))
    assert "Translations of words" not in text and "after" not in text
    first, second = text.split("Texts: [red]m")
    assert rows(first)["German (de)"] == ["50.0", "25.0", "100.0", "75.0"]
    assert rows(second)["German (de)"] == ["95.0", "0.123", "2.500"]


def test_a_language_that_lacks_a_kind_has_no_line_in_its_table() -> None:
    german = {"fitted": None, "sentences": {"before": SENTENCES}}
    first, second = printed(document(de=german, sw={"fitted": None, "texts": {"before": TEXTS}})).split("Texts:")
    assert "German" in first and "Swahili" not in first
    assert "Swahili" in second and "German" not in second


def test_languages_that_were_not_fitted_are_named_if_there_is_a_projection() -> None:
    stages = {"before": TEXTS, "after": TEXTS}
    text = printed(document(de={"fitted": True, "texts": stages}, sw={"fitted": False, "texts": stages}))
    assert "not fitted on sw," in text
    assert "not fitted" not in printed(document(sw={"fitted": False, "texts": {"before": TEXTS}}))


def test_an_old_terminal() -> None:
    stages = {"before": TEXTS, "after": TEXTS}
    assert "95.0 / 95.0" in printed(document(de={"fitted": True, "texts": stages}), encoding="ascii")


# Vectors


def vectors(evaluation: dict[str, Any] | None) -> dict[str, Any]:
    space = {"before": {"mean_csls": 0.1, "hubness": 9.0}, "after": {"mean_csls": 0.2, "hubness": 3.0}}
    return {"aligner": "Procrustes", "evaluation": evaluation, "space": space}


def test_the_figures_of_align_vectors() -> None:
    evaluation = {"path": "en-de.txt", "pairs": 12, "coverage": 0.625, **WORDS}
    text = printed(vectors(evaluation), print_vectors)
    assert text.startswith("9 held-out words of en-de.txt\n")
    assert rows(text)["Procrustes"] == ["P@1", "P@5", "P@10", "MRR"]
    assert rows(text)["cosine"] == ["50.0", "60.0", "70.0", "55.0"] and rows(text)["CSLS"] == ["80.0"] * 4
    caption = " ".join(text.split())
    assert "62.5%" in caption
    assert caption.endswith("Mean CSLS 0.100 before, 0.200 after. Hubness 9.000 before, 3.000 after.")


def test_the_figures_without_a_dictionary() -> None:
    text = " ".join(printed(vectors(None), print_vectors).split())
    assert "no dictionary" in text and "P@1" not in text
    assert text.endswith("Mean CSLS 0.100 before, 0.200 after. Hubness 9.000 before, 3.000 after.")
