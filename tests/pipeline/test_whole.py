"""All four components together: what is saved, sent, packaged and streamed gives the same scores."""

import copy
import json
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_xlt.text import replace_surrogates
from tests.processes import run_python, start_method
from tests.toy import COMPONENTS, LABELS, TEXTS, make_examples, make_pipeline, train

MILLION = 1_000_000
BAD = {
    "empty": "",
    "blank": " \n\t\u3000",
    "digits": "12345 67,89",
    "emoji": "😡😡 👩‍👩‍👧",
    "NUL": "My order\0has not\0arrived",
    "only NUL": "\0",
    "controls": "\x01\x02\u202eorder\u200b\ufeff",
    "mixed scripts": "order заказ 订单 注文 طلبي ऑर्डर",
    "capitals": "MEINE BESTELLUNG IST NICHT ANGEKOMMEN",
    "one character": "x",
    "one long word": "x" * 5000,
    "combining marks": "e\u0301" * 300,
    "unassigned": "\u0378\U000e0fff",
    "markup": "<s> [CLS] </s> [MASK] <unk> </b>",
}
GOOD = [text for language in TEXTS.values() for text, _ in language]
ALL = [text for pair in zip(BAD.values(), [*GOOD, *GOOD]) for text in pair]


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """Trained on English, fitted for German. Tests leave it as it is."""
    return make_pipeline(tiny_bert)


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    nlp.to_disk(folder)
    return folder


def written(doc: Doc) -> dict[str, Any]:
    """All that the components write, in JSON's types; a float keeps all its bits."""
    return {
        "text": doc.text,
        "language": doc._.language,
        "score": doc._.language_score,
        "candidates": doc._.language_candidates,
        "embedding": doc._.xlt_embedding.tolist(),
        "projected": doc._.xlt_projected.tolist(),
        "cats": doc.cats,
    }


def run(nlp: Language, texts: Iterable[str], **options: Any) -> list[dict[str, Any]]:
    """What a pipeline that has not seen the texts yet writes."""
    encoder: Any = nlp.get_pipe("xlt_encoder")
    encoder._cache.clear()
    return [written(doc) for doc in nlp.pipe(texts, **options)]


def assert_close(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Vectors and scores to 1e-5; all else, and the order, exactly."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        for key in ("text", "language", "score", "candidates"):
            assert one[key] == other[key]
        for key in ("embedding", "projected"):
            np.testing.assert_allclose(one[key], other[key], atol=1e-5)
        assert one["cats"] == pytest.approx(other["cats"], abs=1e-5)


# Saved and sent

FRESH = """
import json, sys, spacy
nlp = spacy.load(sys.argv[1])
print(json.dumps([
    {
        "text": doc.text,
        "language": doc._.language,
        "score": doc._.language_score,
        "candidates": doc._.language_candidates,
        "embedding": doc._.xlt_embedding.tolist(),
        "projected": doc._.xlt_projected.tolist(),
        "cats": doc.cats,
    }
    for doc in nlp.pipe(json.loads(sys.argv[2]))
]))
"""


def test_a_moved_folder_gives_the_same_bits_in_a_fresh_process_without_network(
    nlp: Language, saved: Path, tmp_path: Path
) -> None:
    shutil.copytree(saved, tmp_path / "there")
    moved = (tmp_path / "there").rename(tmp_path / "elsewhere")
    assert run_python(FRESH, moved, json.dumps(ALL)) == run(nlp, ALL)


def test_round_trips_give_the_same_bits(nlp: Language, saved: Path) -> None:
    expected = run(nlp, ALL)
    twins = {
        "disk": spacy.load(saved),
        "bytes": spacy.blank("xx", config=nlp.config).from_bytes(nlp.to_bytes()),
        "pickle": pickle.loads(pickle.dumps(nlp)),
        "deepcopy": copy.deepcopy(nlp),
    }
    for twin in twins.values():
        assert run(twin, ALL) == expected


def test_components_can_be_pickled(nlp: Language) -> None:
    """As spawned worker processes need it."""
    for _, pipe in nlp.pipeline:
        pickle.loads(pickle.dumps(pipe))


def test_saving_again_into_the_same_folder(nlp: Language, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "model")
    for _ in range(2):
        spacy.load(tmp_path / "model").to_disk(tmp_path / "model")
    assert run(spacy.load(tmp_path / "model"), ALL) == run(nlp, ALL)


def test_a_saved_folder_has_no_path_and_nothing_superfluous(saved: Path, tiny_bert: Path) -> None:
    files = {str(file.relative_to(saved)): file for file in saved.rglob("*") if file.is_file()}
    assert {name for name in files if name.startswith("xlt_")} == {
        "xlt_encoder/config.json",
        "xlt_encoder/model.safetensors",
        "xlt_encoder/tokenizer.json",
        "xlt_encoder/tokenizer_config.json",
        "xlt_encoder/xlt_encoder.json",
        "xlt_projector/card.json",
        "xlt_projector/maps.npz",
        "xlt_textcat/cfg",
        "xlt_textcat/model",
    }
    for name, file in files.items():
        if name != "config.cfg":  # below [initialize] it says where the weights came from
            assert str(tiny_bert).encode() not in file.read_bytes(), name
    assert str(tiny_bert) not in json.dumps(spacy.load(saved).config["components"])


def test_a_pipeline_learns_on_after_loading(saved: Path) -> None:
    loaded = spacy.load(saved)
    before = loaded(GOOD[0]).cats
    train(loaded, make_examples(loaded), steps=5)
    assert loaded(GOOD[0]).cats != before


def test_docbin_keeps_everything(nlp: Language) -> None:
    docs = list(nlp.pipe(ALL))
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    assert [written(doc) for doc in DocBin().from_bytes(data).get_docs(nlp.vocab)] == [written(doc) for doc in docs]


def test_docs_from_a_docbin_can_be_processed_again(nlp: Language) -> None:
    expected = run(nlp, GOOD)
    data = DocBin(docs=list(nlp.pipe(GOOD)), store_user_data=True).to_bytes()
    again = nlp.pipe(DocBin().from_bytes(data).get_docs(nlp.vocab))
    assert_close([written(doc) for doc in again], expected)


def test_docs_keep_everything_in_bytes(nlp: Language) -> None:
    for doc in nlp.pipe(ALL):
        assert written(Doc(nlp.vocab).from_bytes(doc.to_bytes())) == written(doc)


# In batches, processes and parts


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_call_and_pipe_agree_for_any_batch_size(nlp: Language, batch_size: int) -> None:
    expected = [written(nlp(text)) for text in ALL]
    assert_close(run(nlp, ALL, batch_size=batch_size), expected)


def test_the_order_of_texts_does_not_matter(nlp: Language) -> None:
    assert_close(run(nlp, ALL[::-1])[::-1], run(nlp, ALL))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_agree_after_a_call_in_the_parent(nlp: Language, method: str) -> None:
    expected = run(nlp, ALL)
    with start_method(method):
        assert_close(run(nlp, ALL, n_process=2, batch_size=5), expected)


def test_parts_of_the_pipeline_can_be_switched_off(nlp: Language) -> None:
    expected = written(nlp(GOOD[0]))
    with nlp.select_pipes(enable="xlt_langdetect"):
        doc = nlp(GOOD[0])
        assert (doc._.language, doc._.xlt_embedding, doc.cats) == (expected["language"], None, {})
    with nlp.select_pipes(disable="xlt_textcat"):
        doc = nlp(GOOD[0])
        assert doc.cats == {}
        assert doc._.xlt_projected.tolist() == expected["projected"]
    with nlp.select_pipes(disable="xlt_langdetect"):
        doc = nlp(GOOD[0])
        assert doc._.language == "xx"
        assert sum(doc.cats.values()) == pytest.approx(1)
    assert written(nlp(GOOD[0])) == expected


def test_parts_can_be_left_out_at_loading(saved: Path) -> None:
    assert spacy.load(saved, exclude=["xlt_textcat"]).pipe_names == list(COMPONENTS[:3])
    assert spacy.load(saved, enable=["xlt_langdetect"])(GOOD[0]).cats == {}


def test_a_stream_in_a_memory_zone_gives_the_same(nlp: Language, saved: Path) -> None:
    expected = run(nlp, ALL)
    streaming = spacy.load(saved)
    strings = len(streaming.vocab.strings)
    found = []
    for start in range(0, len(ALL), 7):
        with streaming.memory_zone():
            found += [written(doc) for doc in streaming.pipe(ALL[start : start + 7])]
    assert_close(found, expected)
    assert len(streaming.vocab.strings) == strings


def test_a_generator_is_read_as_it_is_needed(nlp: Language) -> None:
    read = []

    def texts() -> Iterator[str]:
        for n in range(1000):
            read.append(n)
            yield f"My order {n} has not arrived"

    stream = nlp.pipe(texts(), batch_size=8)
    for _ in range(3):
        next(stream)
    assert len(read) < 100
    stream.close()  # type: ignore[attr-defined]


def test_context_stays_with_its_text(nlp: Language) -> None:
    pairs = list(nlp.pipe(((text, n) for n, text in enumerate(ALL)), as_tuples=True, batch_size=4))
    assert [(doc.text, n) for doc, n in pairs] == [(text, n) for n, text in enumerate(ALL)]


# Odd texts


def check(doc: Doc) -> None:
    """What holds for every Doc whatever its text."""
    length = np.linalg.norm(doc._.xlt_embedding)
    assert length == pytest.approx(0, abs=1e-6) or length == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(doc._.xlt_projected) == pytest.approx(length, abs=1e-5)
    assert list(doc.cats) == list(LABELS)
    assert sum(doc.cats.values()) == pytest.approx(1, abs=1e-5)
    assert (doc._.language == "xx") == (doc._.language_score == 0)


@pytest.mark.parametrize("kind", BAD)
def test_odd_texts(nlp: Language, kind: str) -> None:
    check(nlp(BAD[kind]))


def test_text_without_letters_has_no_language(nlp: Language) -> None:
    for kind in ("empty", "blank", "digits", "emoji", "only NUL", "unassigned"):
        assert nlp(BAD[kind])._.language == "xx"


def test_empty_and_blank_texts_have_no_embedding_and_the_prior(nlp: Language) -> None:
    empty, blank = nlp(BAD["empty"]), nlp(BAD["blank"])
    assert not empty._.xlt_embedding.any()
    assert not blank._.xlt_embedding.any()
    assert empty.cats == blank.cats != nlp(GOOD[0]).cats


def test_digits_and_emoji_are_encoded(nlp: Language) -> None:
    assert nlp(BAD["digits"])._.xlt_embedding.any()
    assert nlp(BAD["emoji"])._.xlt_embedding.any()


@pytest.mark.parametrize("unit", ["My order has not arrived. ", "x"])
def test_a_million_characters(nlp: Language, unit: str) -> None:
    doc = nlp((unit * MILLION)[:MILLION])
    check(doc)
    assert len(doc.text) == MILLION


def test_spacy_refuses_lone_surrogates_and_all_is_well_without_them(nlp: Language) -> None:
    text = "My order \ud800 has not arrived"
    with pytest.raises(UnicodeEncodeError):
        nlp(text)
    check(nlp(replace_surrogates(text)))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=5, max_size=15))
@settings(max_examples=30, deadline=None)
def test_any_texts_give_results_in_their_order(nlp: Language, texts: list[str]) -> None:
    docs = list(nlp.pipe(texts, batch_size=4))
    assert [doc.text for doc in docs] == texts
    for doc in docs:
        check(doc)
