"""`xlt_projector`: embeddings in the space of the source language."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.alignment.affine import AffineMap, identity
from spacy_xlt.alignment.base import Pairs
from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.detectors.base import decide
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code
from spacy_xlt.pipeline.projector import Projector, language_mixture
from spacy_xlt.vectors import unit_rows
from tests.toy import initialize, make_examples

WIDTH = 8
LANGUAGES = ("en", "de", "sw")


def rows_of(language: str, n: int = 20) -> Floats2d:
    """Unit vectors that have a bias of their language in common."""
    rng = np.random.default_rng(sum(map(ord, language)))
    return unit_rows((rng.normal(size=(n, WIDTH)) + 2 * rng.normal(size=WIDTH)).astype(np.float32))


def make(*languages: str, **settings: Any) -> Projector:
    projector = Projector(aligner=AnchoredCentering(), **settings)
    if languages:
        projector.fit({language: rows_of(language) for language in languages})
    return projector


def doc_of(vector: Floats1d, language: str = "xx", candidates: Optional[Mapping[str, float]] = None) -> Doc:
    doc = Doc(Vocab(), words=["text"])
    doc._.xlt_embedding = vector
    doc._.language = language
    doc._.language_candidates = candidates
    return doc


def projected(projector: Projector, vector: Floats1d, language: str = "xx", **candidates: float) -> Floats1d:
    result: Floats1d = projector(doc_of(vector, language, candidates or None))._.xlt_projected
    return result


def shift(vector: Floats1d, origin: Floats1d, target: Floats1d) -> Floats2d:
    return unit_rows((vector - origin + target)[None])[0]


# The projection


def test_the_source_is_left_as_it_is_bit_by_bit() -> None:
    projector = make(*LANGUAGES)
    for vector in rows_of("en"):
        np.testing.assert_array_equal(projected(projector, vector, "en"), vector)


@pytest.mark.parametrize("language", ["en", "de", "xx", "tlh"])
def test_an_unfitted_projector_leaves_everything_as_it_is_bit_by_bit(language: str) -> None:
    vector = rows_of("de")[0]
    np.testing.assert_array_equal(projected(make(), vector, language), vector)


def test_a_fitted_language_goes_through_its_map() -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("de")[0]
    de = projector.maps["de"]
    np.testing.assert_allclose(projected(projector, vector, "de"), shift(vector, de.origin, de.target), atol=1e-6)
    assert np.linalg.norm(projected(projector, vector, "de") - vector) > 0.1


def test_the_bias_of_a_language_is_gone() -> None:
    projector = make(*LANGUAGES)
    source = rows_of("en").mean(axis=0)
    before = rows_of("de")
    after = projector.project(before, [{"de": 1.0}] * len(before))
    distances = [np.linalg.norm(rows.mean(axis=0) - source) for rows in (before, after)]
    assert distances[1] < distances[0] / 2


@pytest.mark.parametrize("language", ["xx", "yo", "tlh"])
def test_an_unseen_language_goes_by_the_pooled_mean(language: str) -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("yo")[0]
    pooled = np.mean([rows_of(each).mean(axis=0) for each in LANGUAGES], axis=0)
    expected = shift(vector, pooled, rows_of("en").mean(axis=0))
    np.testing.assert_allclose(projected(projector, vector, language), expected, atol=1e-6)


@pytest.mark.parametrize("language", LANGUAGES + ("xx",))
def test_results_are_float32_unit_vectors_and_the_embedding_stays(language: str) -> None:
    projector = make(*LANGUAGES)
    for vector in rows_of("de"):
        doc = doc_of(vector.copy(), language)
        result = projector(doc)._.xlt_projected
        assert result.dtype == np.float32
        assert np.linalg.norm(result) == pytest.approx(1, abs=1e-6)
        np.testing.assert_array_equal(doc._.xlt_embedding, vector)


@pytest.mark.parametrize("language", LANGUAGES + ("xx",))
def test_zeros_stay_zeros(language: str) -> None:
    assert not projected(make(*LANGUAGES), np.zeros(WIDTH, dtype=np.float32), language).any()


@pytest.mark.parametrize("code", ["deu", "de-AT", "ger_Latn", "DE"])
def test_a_language_that_was_set_by_another_code_is_the_same_language(code: str) -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("de")[0]
    np.testing.assert_array_equal(projected(projector, vector, code), projected(projector, vector, "de"))


@pytest.mark.parametrize("nothing", ["", None])
def test_no_language_at_all_is_an_unseen_one(nothing: Any) -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("de")[0]
    np.testing.assert_array_equal(projected(projector, vector, nothing), projected(projector, vector, "xx"))


def test_pipe_and_call_agree_in_mixed_batches() -> None:
    projector = make(*LANGUAGES)
    languages = ["en", "de", "xx", "sw", "en", "yo"] * 5
    vectors = np.concatenate([rows_of("en"), rows_of("de")])[: len(languages)]
    vectors[3] = 0
    expected = [projected(projector, vector, language) for vector, language in zip(vectors, languages)]
    for batch_size in (1, 4, 100):
        docs = projector.pipe(map(doc_of, vectors, languages), batch_size=batch_size)
        np.testing.assert_allclose([doc._.xlt_projected for doc in docs], expected, atol=1e-6)


# Mixtures


def test_an_unsure_language_is_a_mixture_of_its_candidates() -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("de")[0]
    de, sw = projector.maps["de"], projector.maps["sw"]
    expected = shift(vector, 0.7 * de.origin + 0.3 * sw.origin, de.target)
    np.testing.assert_allclose(projected(projector, vector, "de", de=0.7, sw=0.3), expected, atol=1e-6)


def test_the_source_takes_part_in_a_mixture() -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("de")[0]
    de = projector.maps["de"]
    expected = unit_rows((0.5 * vector + 0.5 * (vector - de.origin + de.target))[None])[0]
    np.testing.assert_allclose(projected(projector, vector, "en", en=0.5, de=0.5), expected, atol=1e-6)


def test_a_script_uses_the_map_of_its_language_and_no_known_language_the_pooled_mean() -> None:
    projector = make(*LANGUAGES)
    vector = rows_of("de")[0]
    pooled, de, sw = projector.map_of("xx"), projector.maps["de"], projector.maps["sw"]
    unsure = projector(doc_of(vector, "sw", {"de": 0.5, "swh_Latn": 0.25, "swh_Arab": 0.25}))._.xlt_projected
    np.testing.assert_allclose(unsure, shift(vector, 0.5 * sw.origin + 0.5 * de.origin, de.target), atol=1e-6)
    unknown = projector(doc_of(vector, "xx", {"xx": 0.75, "de": 0.25}))._.xlt_projected
    np.testing.assert_allclose(unknown, shift(vector, 0.75 * pooled.origin + 0.25 * de.origin, de.target), atol=1e-6)


def test_mixtures() -> None:
    vector = rows_of("de")[0]
    assert language_mixture(doc_of(vector, "de")) == {"de": 1.0}
    assert language_mixture(doc_of(vector, "de", {"de": 0.6, "en": 0.2})) == pytest.approx({"de": 0.75, "en": 0.25})
    # A sure detection is one language: the source then stays the source bit by bit.
    assert language_mixture(doc_of(vector, "en", {"en": 0.97, "de": 0.03})) == {"en": 1.0}
    # Below the detector's threshold the language is xx, and the candidates say what it may be.
    assert language_mixture(doc_of(vector, "xx", {"de": 0.4, "sw": 0.4})) == pytest.approx({"de": 0.5, "sw": 0.5})
    assert language_mixture(doc_of(vector, "xx", {})) == {"xx": 1.0}
    # Scripts and varieties of a language are one language.
    chinese = {"zho_Hans": 0.25, "zho_Hant": 0.25, "yue": 0.375, "xx": 0.125}
    assert language_mixture(doc_of(vector, "zh", chinese)) == {"zh": 0.5, "yue": 0.375, "xx": 0.125}
    assert language_mixture(doc_of(vector, "zho_Hant", {"zho_Hant": 1.0})) == {"zh": 1.0}
    # The detector finds no language that it knows probable.
    assert language_mixture(doc_of(vector, "xx", {"xx": 0.75, "de": 0.25})) == {"xx": 0.75, "de": 0.25}
    # Somebody knew better than the detector.
    assert language_mixture(doc_of(vector, "sw", {"de": 0.6, "en": 0.2})) == {"sw": 1.0}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["en", "de", "sw", "yo", "xx", "zho_Hans", "zho_Hant"]), st.floats(0.001, 1), max_size=5
    )
)
def test_shares_of_any_candidates_add_up_to_1(candidates: dict[str, float]) -> None:
    language = decide(candidates.items()).language
    mixture = language_mixture(doc_of(np.zeros(WIDTH, dtype=np.float32), language, candidates))
    assert sum(mixture.values()) == pytest.approx(1)
    assert all(share > 0 for share in mixture.values())
    assert set(mixture) <= {base_code(code) for code in candidates} | {"xx"}
    assert language == "xx" or mixture[language] == pytest.approx(max(mixture.values()))


# Languages come and go


def snapshot(projector: Projector, *languages: str) -> NDArray[np.float32]:
    vectors = rows_of("de")
    return np.array([projector.project(vectors, [{language: 1.0}] * len(vectors)) for language in languages])


def test_adding_replacing_and_removing_a_language_moves_no_other() -> None:
    projector = make("en", "de")
    before = snapshot(projector, "en", "de")
    projector.fit({"sw": rows_of("sw")})
    np.testing.assert_array_equal(snapshot(projector, "en", "de"), before)
    first = snapshot(projector, "sw")
    projector.fit({"sw": rows_of("tr", n=50)})
    np.testing.assert_array_equal(snapshot(projector, "en", "de"), before)
    assert np.abs(snapshot(projector, "sw") - first).max() > 0.01
    assert (projector.languages, projector.counts["sw"]) == (["de", "en", "sw"], 50)
    projector.remove("sw")
    np.testing.assert_array_equal(snapshot(projector, "en", "de"), before)
    assert projector.languages == ["de", "en"]


def test_fitting_the_source_again_moves_no_other() -> None:
    projector = make("en", "de")
    before = snapshot(projector, "en", "de")
    projector.fit({"en": rows_of("tr")})
    np.testing.assert_array_equal(snapshot(projector, "en", "de"), before)


def test_languages_may_be_given_in_any_code() -> None:
    projector = make(source="eng_Latn")
    projector.fit({"eng": rows_of("en"), "swh_Latn": rows_of("sw")})
    assert projector.languages == ["en", "sw"]
    projector.remove("swa")
    assert projector.languages == ["en"]


def test_two_names_of_one_language_are_refused() -> None:
    with pytest.raises(XltError, match="'zho_Hant' is one more name of 'zh'"):
        make("en").fit({"zho_Hans": rows_of("zh"), "zho_Hant": rows_of("zh")})


def test_another_source_can_be_chosen() -> None:
    projector = make(*LANGUAGES, source="de")
    vector = rows_of("de")[0]
    np.testing.assert_array_equal(projected(projector, vector, "de"), vector)
    assert np.abs(projected(projector, vector, "en") - vector).max() > 0.01


def test_rows_of_zeros_do_not_count() -> None:
    one, other = make("en"), make("en")
    one.fit({"de": rows_of("de")})
    other.fit({"de": np.concatenate([np.zeros((7, WIDTH), dtype=np.float32), rows_of("de")])})
    np.testing.assert_array_equal(snapshot(one, "de"), snapshot(other, "de"))
    assert other.counts["de"] == len(rows_of("de"))


def test_unknown_languages_and_the_source_cannot_be_removed() -> None:
    projector = make("en", "de")
    with pytest.raises(XltError, match="knows de, en, not 'sw'"):
        projector.remove("sw")
    with pytest.raises(XltError, match="source language 'en' cannot be removed"):
        projector.remove("en")
    with pytest.raises(XltError, match="knows no language, not 'sw'"):
        make().remove("sw")


# Errors


def test_a_source_that_was_never_seen_is_named() -> None:
    with pytest.raises(XltError, match="no text of its source language 'en' yet"):
        make().fit({"de": rows_of("de")})


@pytest.mark.parametrize("n_blank", [0, 3])
def test_a_language_without_texts_is_named_and_nothing_changes(n_blank: int) -> None:
    projector = make("en", "de")
    before = projector.to_bytes()
    with pytest.raises(XltError, match="no text of language 'sw'"):
        projector.fit({"de": rows_of("tr"), "sw": np.zeros((n_blank, WIDTH), dtype=np.float32)})
    assert projector.to_bytes() == before


def test_nan_is_refused_and_nothing_changes() -> None:
    projector = make("en")
    bad = rows_of("sw")
    bad[2, 3] = np.nan
    with pytest.raises(XltError, match="'sw'.* NaN"):
        projector.fit({"sw": bad})
    assert projector.languages == ["en"]


def test_embeddings_of_another_encoder_are_noticed() -> None:
    projector = make("en", "de")
    wide = np.ones((1, WIDTH + 1), dtype=np.float32)
    with pytest.raises(XltError, match=f"{WIDTH} dimensions.* {WIDTH + 1}"):
        projected(projector, wide[0], "en")
    with pytest.raises(XltError, match="dimensions"):
        projector.fit({"sw": wide})


def test_a_doc_without_embedding_is_an_error_that_names_the_mend() -> None:
    for projector in (make(), make("en")):
        with pytest.raises(XltError, match="put xlt_encoder before it"):
            projector(Doc(Vocab(), words=["text"]))


# set_vector


def test_set_vector_also_writes_the_vector_of_the_doc() -> None:
    vector = rows_of("de")[0]
    doc = make("en", "de", set_vector=True)(doc_of(vector, "de"))
    np.testing.assert_array_equal(doc.vector, doc._.xlt_projected)
    assert doc.vector_norm == pytest.approx(1, abs=1e-6)


def test_without_set_vector_the_doc_has_none() -> None:
    assert make("en", "de")(doc_of(rows_of("de")[0], "de")).vector_norm == 0


# Initialization


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """An encoder and a projector, initialized on English and German."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    nlp.add_pipe("xlt_projector")
    initialize(nlp, tiny_bert, make_examples(nlp, "en", "de"))
    return nlp


def projector_of(nlp: Language) -> Projector:
    projector = nlp.get_pipe("xlt_projector")
    assert isinstance(projector, Projector)
    return projector


def test_initialize_fits_the_languages_of_the_references(nlp: Language) -> None:
    assert projector_of(nlp).counts == {"en": 6, "de": 2}
    encoder: Any = nlp.get_pipe("xlt_encoder")
    texts = [example.text for example in make_examples(nlp, "en")]
    np.testing.assert_allclose(projector_of(nlp).means["en"], encoder.encode(texts).mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("language", ["xx", None])
def test_texts_without_a_language_are_of_the_source(language: str | None, tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    nlp.add_pipe("xlt_projector")
    examples = make_examples(nlp, "en")
    for example in examples:
        example.reference._.language = language
    initialize(nlp, tiny_bert, examples)
    assert projector_of(nlp).counts == {"en": 6}


def test_initialize_without_texts_of_the_source_leaves_it_unfitted(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    nlp.add_pipe("xlt_projector")
    initialize(nlp, tiny_bert, make_examples(nlp, "de"))
    assert projector_of(nlp).languages == []


def test_initialize_without_encoder_names_the_mend() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_projector")
    with pytest.raises(XltError, match="put xlt_encoder before it"):
        nlp.initialize(lambda: make_examples(nlp, "en"))


def test_references_are_left_as_they_are(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    nlp.add_pipe("xlt_projector")
    examples = make_examples(nlp, "en")
    initialize(nlp, tiny_bert, examples)
    assert all(example.reference._.xlt_embedding is None for example in examples)


def test_another_aligner_can_be_registered() -> None:
    class Turning:
        """Turns every language but the source by 180 degrees."""

        needs_pairs = False

        def fit(
            self, embeddings: Mapping[str, Floats2d], source: str, pairs: Optional[Pairs] = None
        ) -> dict[str, AffineMap]:
            zeros = np.zeros(WIDTH, dtype=np.float32)
            turn = AffineMap(zeros, zeros, -np.eye(WIDTH, dtype=np.float32))
            return {language: identity(WIDTH) if language == source else turn for language in embeddings}

    xlt_aligners: Any = registry.xlt_aligners  # type: ignore[attr-defined]
    xlt_aligners.register("tests.Turning.v1", func=Turning)
    nlp = spacy.blank("xx")
    projector: Any = nlp.add_pipe("xlt_projector", config={"aligner": {"@xlt_aligners": "tests.Turning.v1"}})
    projector.fit({language: rows_of(language) for language in LANGUAGES})
    vector = rows_of("de")[0]
    np.testing.assert_allclose(projected(projector, vector, "de"), -vector, atol=1e-6)
    copy = Projector(aligner=AnchoredCentering()).from_bytes(projector.to_bytes())
    np.testing.assert_array_equal(projected(copy, vector, "de"), projected(projector, vector, "de"))


# Files


def same(one: Projector, other: Projector) -> bool:
    languages = ("en", "de", "sw", "yo", "xx")
    return one.counts == other.counts and np.array_equal(snapshot(one, *languages), snapshot(other, *languages))


@pytest.mark.parametrize("languages", [(), LANGUAGES])
def test_round_trips(tmp_path: Path, languages: tuple[str, ...]) -> None:
    projector = make(*languages)
    projector.to_disk(tmp_path / "projector")
    assert same(make().from_disk(tmp_path / "projector"), projector)
    assert same(make("en", "tr").from_bytes(projector.to_bytes()), projector)
    assert same(pickle.loads(pickle.dumps(projector)), projector)


def test_a_language_can_be_added_after_loading() -> None:
    projector, loaded = make("en", "de"), make().from_bytes(make("en", "de").to_bytes())
    for each in (projector, loaded):
        each.fit({"sw": rows_of("sw")})
    assert same(loaded, projector)


def test_same_bytes_each_time_and_no_pickle_in_them(tmp_path: Path) -> None:
    projector = make(*LANGUAGES)
    projector.to_disk(tmp_path)
    data = (tmp_path / "maps.npz").read_bytes()
    assert data == projector.to_bytes() == make(*LANGUAGES).to_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                np.lib.format.read_array(file, allow_pickle=False)


def test_the_folder_holds_a_card_for_people_and_nothing_half_written(tmp_path: Path) -> None:
    make(*LANGUAGES).to_disk(tmp_path)
    make(*LANGUAGES).to_disk(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "maps.npz"]
    card = json.loads((tmp_path / "card.json").read_text())
    assert card == {"source": "en", "aligner": "AnchoredCentering", "texts": {"en": 20, "de": 20, "sw": 20}}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_damaged_file_is_named(tmp_path: Path, share: float) -> None:
    make(*LANGUAGES).to_disk(tmp_path)
    data = (tmp_path / "maps.npz").read_bytes()
    (tmp_path / "maps.npz").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(XltError, match="maps.npz is damaged"):
        make().from_disk(tmp_path)


def archive_of(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_a_pickle_in_the_file_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "evil"),)

    with pytest.raises(XltError, match="damaged"):
        make().from_bytes(archive_of(card=np.array([Evil()], dtype=object)))
    assert not (tmp_path / "evil").exists()


def test_a_file_that_lacks_a_language_is_named() -> None:
    with pytest.raises(XltError, match="damaged"):
        make().from_bytes(archive_of(card=np.array(json.dumps({"texts": {"en": 3}}))))


def test_nan_in_a_file_is_named() -> None:
    nan = np.full(WIDTH, np.nan, dtype=np.float32)
    arrays = {"mean.en": nan, "origin.en": nan, "target.en": nan}
    with pytest.raises(XltError, match="NaN"):
        make().from_bytes(archive_of(card=np.array(json.dumps({"texts": {"en": 3}})), **arrays))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="maps.npz is missing"):
        make().from_disk(tmp_path)
