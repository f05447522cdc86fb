"""Classifying without Docs."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("transformers")

import spacy_xlt
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.export import export
from spacy_xlt.serving.classifier import WINDOW, Classifier
from tests.detectors.with_scripts import ANSWERS, DETECTOR
from tests.pipeline.test_whole import BAD, GOOD
from tests.processes import run_python
from tests.toy import LABELS, make_pipeline

MLP = {
    "model": {
        "@architectures": "spacy-xlt.TextCatMLP.v1",
        "exclusive_classes": True,
        "hidden": 16,
        "embed": {"@architectures": "spacy-xlt.DocEmbedding.v1", "attribute": "xlt_projected"},
    }
}
ON_EMBEDDING = {
    "model": {
        "@architectures": "spacy-xlt.TextCatLinear.v1",
        "embed": {"@architectures": "spacy-xlt.DocEmbedding.v1", "attribute": "xlt_embedding"},
    }
}
MODELS: dict[str, dict[str, Any]] = {
    "linear": {},
    "mlp": {"config": {"xlt_textcat": MLP}},
    "on embedding": {"config": {"xlt_textcat": ON_EMBEDDING}},
    "multilabel": {"textcat": "xlt_textcat_multilabel"},
    "prior, threshold": {
        "config": {"xlt_langdetect": {"languages": ["en", "de", "ru"], "threshold": 0.9, "min_chars": 8}}
    },
}
ALL = [*BAD.values(), *GOOD]


@pytest.fixture(scope="module", params=list(MODELS))
def pipeline(request: pytest.FixtureRequest, tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert, **MODELS[request.param])


@pytest.fixture(scope="module")
def linear(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.fixture(scope="module")
def folder(linear: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model, int8."""
    out = tmp_path_factory.mktemp("exported") / "model"
    export(linear).to_disk(out)
    return out


def of_docs(nlp: Language, texts: list[str]) -> tuple[list[dict[str, float]], list[str]]:
    docs = list(nlp.pipe(texts))
    return [doc.cats for doc in docs], [doc._.language for doc in docs]


# The figures of nlp.pipe


@pytest.mark.parametrize("preset", ["torch", "quality", "balanced"])
def test_the_figures_are_those_of_nlp_pipe(pipeline: Language, preset: Any, tmp_path: Path) -> None:
    nlp = pipeline if preset == "torch" else export(pipeline, preset=preset)
    nlp.to_disk(tmp_path / "model")
    classifier = Classifier.load(tmp_path / "model")
    result = classifier(ALL)
    cats, languages = of_docs(spacy.load(tmp_path / "model"), ALL)
    expected = np.array([[each[label] for label in classifier.labels] for each in cats])
    # float32 products in batches of other shapes are rounded otherwise, which the hidden layer of `mlp` makes larger.
    np.testing.assert_allclose(
        result.probabilities, expected, atol=5e-6 if preset == "quality" and classifier._head.hidden else 1e-6
    )
    assert result.languages == languages
    assert classifier.labels == LABELS
    if "multilabel" in "".join(nlp.pipe_names):
        threshold = nlp.get_pipe("xlt_textcat_multilabel").cfg["threshold"]  # type: ignore[attr-defined]
        chosen = [tuple(label for label in LABELS if each[label] >= threshold) for each in cats]
        assert result.labels == chosen
    else:
        assert result.labels == [max(each, key=each.__getitem__) for each in cats]


@pytest.mark.parametrize("threshold", [0.0, 0.8])
def test_scripts_and_no_known_language_as_in_nlp_pipe(folder: Path, threshold: float) -> None:
    nlp, classifier = spacy.load(folder), Classifier.load(folder)
    detector: Any = nlp.get_pipe("xlt_langdetect")
    detector.detector, detector.threshold = DETECTOR, threshold
    classifier._detector, classifier._threshold = DETECTOR, threshold
    docs = list(nlp.pipe(ANSWERS))
    result = classifier.scored(list(ANSWERS))
    assert result.languages == [doc._.language for doc in docs]
    assert result.language_scores == [doc._.language_score for doc in docs]
    assert {"zh", "xx", "de"} <= set(result.languages)
    expected = [[doc.cats[label] for label in classifier.labels] for doc in docs]
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-6)


def test_order_company_and_copies_change_nothing(folder: Path) -> None:
    classifier = Classifier.load(folder)
    expected = classifier(ALL)
    reverse = classifier(ALL[::-1])
    np.testing.assert_allclose(reverse.probabilities[::-1], expected.probabilities, atol=1e-5)
    many = classifier(ALL * (2 * WINDOW // len(ALL) + 1))
    np.testing.assert_allclose(many.probabilities[-len(ALL) :], expected.probabilities, atol=1e-5)
    assert many.labels[: len(ALL)] == reverse.labels[::-1] == expected.labels
    assert many.languages[-len(ALL) :] == reverse.languages[::-1] == expected.languages


def test_a_text_that_comes_several_times_is_encoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier.load(folder)
    seen: list[str] = []
    encode = classifier._encoder.encode
    monkeypatch.setattr(classifier._encoder, "encode", lambda texts: (seen.extend(texts), encode(texts))[1])
    result = classifier(["a b", "c d", "a b", "a b"])
    assert seen == ["a b", "c d"]
    assert len(result.labels) == 4 and result.labels[0] == result.labels[2] == result.labels[3]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_texts_give_a_result_for_each(folder: Path, texts: list[str]) -> None:
    """Lone surrogates too, which spaCy refuses."""
    labels, probabilities, languages = _classifier(folder)(texts)
    assert len(labels) == len(languages) == len(texts)
    assert probabilities.shape == (len(texts), len(LABELS))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


_loaded: dict[Path, Classifier] = {}


def _classifier(folder: Path) -> Classifier:
    return _loaded.setdefault(folder, Classifier.load(folder))


# Streams


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_stream_is_read_as_it_is_needed(folder: Path, threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"order {read % 7}"

    stream = _classifier(folder).pipe(endless())
    first = [next(stream) for _ in range(2 * WINDOW)]
    assert read <= 5 * WINDOW
    stream.close()  # type: ignore[attr-defined]
    again = _classifier(folder)([f"order {n % 7}" for n in range(1, len(first) + 1)])
    assert [each.label for each in first] == again.labels
    assert [each.language for each in first] == again.languages


def test_an_error_in_the_stream_comes_out(folder: Path) -> None:
    def broken() -> Iterator[str]:
        yield from ["a"] * (3 * WINDOW)
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        list(_classifier(folder).pipe(broken()))


def test_nothing_at_all(folder: Path) -> None:
    labels, probabilities, languages = _classifier(folder)([])
    assert (labels, probabilities.shape, languages) == ([], (0, len(LABELS)), [])
    assert list(_classifier(folder).pipe([])) == []


# Light

FRESH = """
import json, sys
import spacy_xlt
classifier = spacy_xlt.Classifier.load(sys.argv[1])
result = classifier(json.loads(sys.argv[2]))
heavy = [name for name in ("spacy", "thinc", "torch", "transformers", "onnx") if name in sys.modules]
print(json.dumps([result.labels, result.probabilities.tolist(), result.languages, heavy]))
"""
BLOCKED = """
import sys
sys.modules.update(dict.fromkeys(["torch", "transformers", "spacy_transformers", "onnx", "sklearn", "scipy"]))
"""


def test_neither_spacy_nor_thinc_nor_torch_is_imported(folder: Path) -> None:
    labels, probabilities, languages, heavy = run_python(
        BLOCKED + FRESH.replace('"torch", "transformers", "onnx"', '""'), folder, json.dumps(GOOD)
    )
    expected = _classifier(folder)(GOOD)
    assert heavy == []
    assert (labels, languages) == (expected.labels, expected.languages)
    np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-6)


SERVED = """
import importlib.metadata, json
distributions = importlib.metadata.distributions
importlib.metadata.distributions = lambda **options: (
    each for each in distributions(**options) if each.metadata["Name"] != "spacy-transformers"
)
import spacy
nlp = spacy.load(sys.argv[1])
print(json.dumps([doc.cats for doc in nlp.pipe(json.loads(sys.argv[2]))]))
"""


def test_spacy_loads_it_without_torch_and_transformers(folder: Path) -> None:
    found = run_python(BLOCKED + SERVED, folder, json.dumps(GOOD))
    for one, other in zip(found, of_docs(spacy.load(folder), GOOD)[0]):
        assert one == pytest.approx(other, abs=1e-6)


def test_an_unknown_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clasifier'"):
        spacy_xlt.Clasifier  # noqa: B018


# What cannot be done


def test_one_text_instead_of_a_list(folder: Path) -> None:
    with pytest.raises(XltError, match="list of texts"):
        _classifier(folder)("Where is my parcel?")


def test_other_pipelines_are_left_to_spacy(tmp_path: Path, linear: Language) -> None:
    with pytest.raises(XltError, match="is not a model folder"):
        Classifier.load(tmp_path)
    with linear.select_pipes(disable="xlt_projector"):
        linear.to_disk(tmp_path / "parts")
    with pytest.raises(XltError, match="spacy.load"):
        Classifier.load(tmp_path / "parts")
    spacy.blank("xx").to_disk(tmp_path / "blank")
    with pytest.raises(XltError, match=r"has none.*spacy\.load"):
        Classifier.load(tmp_path / "blank")


@pytest.mark.parametrize(
    ("file", "left", "message"),
    [
        ("config.cfg", 200, r"config\.cfg cannot be read"),
        ("xlt_textcat/model", 100, "The head in .* is damaged"),
        ("xlt_textcat/cfg", 3, "The head in .* is damaged"),
        ("xlt_projector/maps.npz", 100, "its file maps.npz is damaged"),
        ("xlt_encoder/tokenizer.json", 100, "cannot be loaded"),
    ],
)
def test_damaged_files(folder: Path, tmp_path: Path, file: str, left: int, message: str) -> None:
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    (damaged / file).write_bytes((damaged / file).read_bytes()[:left])
    with pytest.raises(XltError, match=message) as caught:
        Classifier.load(damaged)
    assert "\n" not in str(caught.value)


def test_a_head_of_another_architecture(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    config = (other / "config.cfg").read_text()
    (other / "config.cfg").write_text(config.replace("spacy-xlt.TextCatLinear.v1", "mine.Head.v1"))
    with pytest.raises(XltError, match=r"mine\.Head\.v1.*spacy\.load"):
        Classifier.load(other)


def test_a_back_end_that_is_not_installed(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    config = (other / "config.cfg").read_text()
    (other / "config.cfg").write_text(config.replace("spacy-xlt.OnnxEncoder.v1", "mine.Encoder.v1"))
    with pytest.raises(XltError, match=r"mine\.Encoder\.v1.*spacy\.load"):
        Classifier.load(other)
