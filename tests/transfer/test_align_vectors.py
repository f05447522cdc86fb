"""Word vectors of one language in the space of another's."""

import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy

from spacy_xlt import progress
from spacy_xlt.alignment.affine import AffineMap
from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.alignment.procrustes import Procrustes
from spacy_xlt.alignment.report import AlignmentWarning
from spacy_xlt.data import vector_text
from spacy_xlt.data.dictionaries import is_held_out, read_dictionary
from spacy_xlt.data.word_vectors import WordVectors, read_vectors
from spacy_xlt.errors import XltError
from spacy_xlt.transfer import align_vectors as module
from spacy_xlt.transfer.align_vectors import align_vectors
from tests.data.languages import WIDTH, Languages, N, make_languages
from tests.data.vectors import write_pipeline


@pytest.fixture
def two(tmp_path: Path) -> Languages:
    return make_languages(tmp_path)


def align(two: Languages, **settings: Any) -> dict[str, Any]:
    settings = {"aligner": Procrustes(), "dictionary": two.dictionary, **settings}
    return align_vectors(two.english, two.german, two.german.with_name("out.vec"), **settings)


def cosine(a: WordVectors, b: WordVectors, word: str, other: str) -> float:
    rows = a.rows[a.row_of[word]], b.rows[b.row_of[other]]
    return float(rows[0] @ rows[1] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[1]))


class Spy(Procrustes):
    """What the aligner was given."""

    def fit(self, embeddings: Any, source: str, pairs: Any = None) -> dict[str, AffineMap]:
        self.embeddings = {name: rows.copy() for name, rows in embeddings.items()}
        self.pairs = pairs
        # (row of German, row of English)
        self.found = [] if pairs is None else next(iter(pairs.values()))
        return super().fit(embeddings, source, pairs)


def test_translations_come_to_lie_together(two: Languages) -> None:
    figures = align(two)
    english, german = read_vectors(two.english, 999), read_vectors(two.german, 999)
    out = read_vectors(two.german.with_name("out.vec"), 999)
    assert list(out.row_of) == list(german.row_of)
    for i, word in enumerate(out.row_of):
        assert cosine(english, out, list(english.row_of)[i], word) > 0.99
    assert abs(cosine(english, german, "dog", "Hund")) < 0.9
    assert figures["evaluation"]["csls"] == {"p@1": 1.0, "p@5": 1.0, "p@10": 1.0, "mrr": 1.0}
    assert figures["space"]["after"]["mean_csls"] > figures["space"]["before"]["mean_csls"]
    assert (figures["aligner"], figures["output"]["words"], figures["output"]["width"]) == ("Procrustes", N, WIDTH)
    assert set(figures["seconds"]) == {"reading", "fit", "evaluation", "writing"}


def test_each_vector_keeps_its_length(two: Languages) -> None:
    align(two, aligner=Procrustes(center=False))
    lengths = [
        np.linalg.norm(read_vectors(two.german.with_name(name), 99).rows, axis=1) for name in ("de.vec", "out.vec")
    ]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=1e-4)


def test_words_held_out_are_not_fitted_on(two: Languages) -> None:
    spy = Spy()
    figures = align(two, aligner=spy)
    fitted = {english for _, english in spy.found}
    words = list(read_vectors(two.english, 999).row_of)
    assert fitted == {row for row, word in enumerate(words) if not is_held_out(word)}
    assert all(german == english for german, english in spy.found)
    assert figures["dictionary"]["pairs"] + figures["evaluation"]["pairs"] == N
    assert figures["evaluation"]["words"] == N - len(fitted)
    np.testing.assert_allclose(np.linalg.norm(spy.embeddings[str(two.german)], axis=1), 1, rtol=1e-5)


def test_a_second_dictionary_to_evaluate_on_keeps_its_words_out_of_the_fit(two: Languages, tmp_path: Path) -> None:
    (tmp_path / "test.dict").write_text("hund @ DOG\nde2 @ en2\nKatze @ cat\n")
    spy = Spy()
    figures = align(two, aligner=spy, evaluate_on=tmp_path / "test.dict")
    assert {english for _, english in spy.found} == set(range(N)) - {0, 2}
    assert figures["evaluation"]["path"] == str(tmp_path / "test.dict")
    assert (figures["evaluation"]["pairs"], figures["evaluation"]["words"]) == (2, 2)
    assert figures["evaluation"]["coverage"] == pytest.approx(2 / 3)


def test_words_that_share_a_vector_are_on_one_side(two: Languages, tmp_path: Path) -> None:
    """As rare words do in spaCy's tables: `alias` is in the fit's part, the word whose vector it has is not."""
    (tmp_path / "test.dict").write_text("de2 @ en2\n")
    with two.dictionary.open("a") as file:
        file.write("alias de2\n")
    english = read_vectors(two.english, 999)
    nlp = spacy.load(write_pipeline(tmp_path / "en", dict(zip(english.row_of, english.rows.tolist())), "en"))
    nlp.vocab.vectors.add(nlp.vocab.strings.add("alias"), row=english.row_of["en2"])
    nlp.to_disk(tmp_path / "en")
    spy = Spy()
    options: dict[str, Any] = {"dictionary": two.dictionary, "evaluate_on": tmp_path / "test.dict"}
    align_vectors(tmp_path / "en", two.german, tmp_path / "out.vec", aligner=spy, **options)
    assert len(spy.found) == N - 1 and english.row_of["en2"] not in {row for _, row in spy.found}


def test_without_a_dictionary(two: Languages) -> None:
    spy = Spy()
    with pytest.raises(XltError, match="Procrustes .*translations"):
        align(two, aligner=spy, dictionary=None)
    assert spy.pairs is None
    figures = align(two, aligner=AnchoredCentering(), dictionary=None)
    assert figures["dictionary"] is None and figures["evaluation"] is None
    assert np.isfinite(figures["space"]["after"]["hubness"])
    figures = align(two, aligner=AnchoredCentering(), dictionary=None, evaluate_on=two.dictionary)
    assert figures["evaluation"]["words"] == N


def test_a_dictionary_too_small_to_hold_anything_out(two: Languages) -> None:
    two.dictionary.write_text("dog Hund\n")
    assert not is_held_out("dog")
    assert align(two)["evaluation"] is None


def test_learning_from_the_first_words_moves_all_of_them(two: Languages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_text, "CHUNK", 7)
    monkeypatch.setattr(module, "BLOCK", 5)
    spy = Spy()
    figures = align(two, aligner=spy, max_vectors=40)
    assert {name: len(rows) for name, rows in spy.embeddings.items()} == {str(two.english): 40, str(two.german): 40}
    assert (figures["source"]["vectors"], figures["target"]["vectors"], figures["output"]["words"]) == (40, 40, N)
    english, out = read_vectors(two.english, 999), read_vectors(two.german.with_name("out.vec"), 999)
    assert cosine(english, out, "en59", "De59") > 0.99


def test_the_first_words_of_a_large_dictionary_are_looked_up(two: Languages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUERIES", 3)
    evaluation = align(two)["evaluation"]
    assert evaluation["words"] == 3 and evaluation["pairs"] > 3


def test_files_and_folders_give_the_same(two: Languages, tmp_path: Path) -> None:
    align(two)
    text = (tmp_path / "out.vec").read_bytes()
    english, german = read_vectors(two.english, 999), read_vectors(two.german, 999)
    folders = [
        write_pipeline(tmp_path / name, dict(zip(read.row_of, read.rows.tolist())))
        for name, read in (("en", english), ("de", german))
    ]
    align_vectors(*folders, tmp_path / "out.vec", aligner=Procrustes(), dictionary=two.dictionary)
    assert (tmp_path / "out.vec").read_bytes() == text


def test_what_was_left_out_is_counted(two: Languages) -> None:
    with two.english.open("a") as file:
        file.write("broken 1 2\n")
    with two.german.open("ab") as file:
        file.write(b"\xff" + b" 1" * WIDTH + b"\nNew York" + b" 1" * WIDTH + b"\n")
    with two.dictionary.open("a") as file:
        file.write("one two three\n")
    figures = align(two)
    assert figures["source"]["skipped"]["first"] == f"{two.english}:{N + 2}: 2 numbers where {WIDTH} belong"
    assert figures["target"]["skipped"]["reasons"] == {"not UTF-8": 1, "white space in the word": 1}
    assert figures["dictionary"]["skipped"]["first"] == f"{two.dictionary}:{N + 1}: not a pair of words (one two three)"


def test_every_part_shows_that_it_runs(
    two: Languages, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    align(two, progress=True)
    shown = capsys.readouterr().err
    for part in ("Reading en.vec", "Reading de.vec", "Evaluating before", "Fitting Procrustes", "Mapping de.vec: 100%"):
        assert part in shown
    align(two, progress=False)
    assert capsys.readouterr().err == ""


# What cannot be done


def message(two: Languages, **settings: Any) -> str:
    with pytest.raises(XltError) as error:
        align(two, **settings)
    assert not two.german.with_name("out.vec").exists()
    return str(error.value)


def test_a_dictionary_of_other_languages(two: Languages, tmp_path: Path) -> None:
    other = tmp_path / "fr.txt"
    other.write_text("dog chien\nchat Hund\n")
    assert message(two, dictionary=other).startswith(f"{other} has no pair to fit on")
    assert message(two, evaluate_on=other).startswith(f"{other} has no pair to evaluate on")


def test_a_dictionary_whose_words_are_all_for_evaluation(two: Languages) -> None:
    assert message(two, evaluate_on=two.dictionary).startswith(f"{two.dictionary} has no pair to fit on")


def test_vectors_of_other_widths(two: Languages) -> None:
    two.german.write_text("Hund 1 2 3\n")
    assert message(two).startswith(f"{two.english} has {WIDTH} dimensions and {two.german} has 3")


def test_no_vectors_to_learn_from(two: Languages) -> None:
    assert "max_vectors is 0" in message(two, max_vectors=0)


@dataclass(frozen=True)
class Report:
    failed: bool
    message: str = "Spy: it has FAILED. Give more words."


@pytest.mark.parametrize("failed", [False, True])
def test_an_aligner_that_says_how_it_went(two: Languages, failed: bool) -> None:
    class Reporting(Procrustes):
        report = {str(two.german): Report(failed)}

        def fit(self, *args: Any, **kwargs: Any) -> dict[str, AffineMap]:
            warnings.warn(Report.message, AlignmentWarning, stacklevel=2)  # the command says it once, not twice
            return super().fit(*args, **kwargs)

    spy = Reporting()
    if failed:
        assert message(two, aligner=spy) == "Spy: it has FAILED. Give more words."
    else:
        assert align(two, aligner=spy)["report"] == {"failed": False, "message": Report.message}


def test_the_same_vectors_twice(two: Languages) -> None:
    with pytest.raises(XltError, match=f"^{re.escape(str(two.english))} is both"):
        align_vectors(two.english, two.english, two.german.with_name("out.vec"), aligner=Procrustes())


def test_places_that_cannot_be_written_to(two: Languages, tmp_path: Path) -> None:
    def fails(output: Path) -> str:
        with pytest.raises(XltError) as error:
            align_vectors(two.english, two.german, output, aligner=Procrustes(), dictionary=two.dictionary)
        return str(error.value)

    before = two.german.read_bytes()
    assert fails(two.german).startswith(f"{two.german} contains the vectors")
    assert two.german.read_bytes() == before
    assert fails(tmp_path).startswith(f"{tmp_path} is a folder")
    gz = tmp_path / "out.vec.gz"
    assert fails(gz).startswith(f"{gz} ") and ".gz" in fails(gz)


def test_ctrl_c_while_writing_leaves_nothing(two: Languages, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: Any, **kwargs: Any) -> Any:
        yield ["a"], np.ones((1, WIDTH), dtype=np.float32)
        raise KeyboardInterrupt

    before = sorted(os.listdir(two.german.parent))
    monkeypatch.setattr(module, "stream_vectors", stop)
    with pytest.raises(KeyboardInterrupt):
        align(two)
    assert sorted(os.listdir(two.german.parent)) == before
    assert len(read_dictionary(two.dictionary).pairs) == N
