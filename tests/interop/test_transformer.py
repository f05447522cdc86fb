"""The pooler of word pieces with its gradients, and the transformer with frozen word embeddings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam, Model
from thinc.types import Floats2d

pytest.importorskip("spacy_transformers")

from spacy_transformers.data_classes import TransformerData
from spacy_transformers.span_getters import configure_strided_spans

from spacy_xlt.errors import XltError
from spacy_xlt.interop.transformer import TransformerModel_v1, TransformerPooler_v1, nonempty_spans
from tests.finetuning import init_finetuning
from tests.layers.gradients import assert_same_gradient, numeric_gradient
from tests.records import LABELS, make_records

WIDTH = 4
RANDOM = np.random.default_rng(0)


def make_data(*lengths: int, pieces: int = 0) -> TransformerData:
    """What the transformer returns for a Doc of several spans: random vectors, padded to `pieces` or the longest."""
    pieces = max(*lengths, pieces)
    data = TransformerData.zeros(pieces, WIDTH)
    data.wordpieces.attention_mask = np.array([[i < length for i in range(pieces)] for length in lengths], dtype="f")
    data.model_output.last_hidden_state = RANDOM.normal(size=(len(lengths), pieces, WIDTH)).astype("f")
    return data


def specials_only() -> TransformerData:
    """What the transformer returns for a blank text: two pieces that are aligned with no token."""
    data = make_data(2)
    data.align.lengths[:] = 0
    return data


def states(data: TransformerData) -> Any:
    return data.model_output.last_hidden_state


def make_pooler(pooling: str = "mean") -> Model[Any, Floats2d]:
    pooler: Model[Any, Floats2d] = TransformerPooler_v1(pooling=pooling).layers[1]
    pooler.set_dim("nO", WIDTH)
    return pooler


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(vector / np.linalg.norm(vector))


# The pooler


def test_the_mean_is_over_the_pieces_of_all_spans_without_padding() -> None:
    data = make_data(3, 1, pieces=5)
    expected = unit(np.concatenate([states(data)[0, :3], states(data)[1, :1]]).mean(axis=0))
    np.testing.assert_allclose(make_pooler().predict([data])[0], expected, atol=1e-6)


def test_cls_is_the_first_piece() -> None:
    data = make_data(3, pieces=5)
    np.testing.assert_allclose(make_pooler("cls").predict([data])[0], unit(states(data)[0, 0]), atol=1e-6)


def test_docs_without_pieces_get_zeros_and_change_no_other_doc() -> None:
    data = [make_data(3), TransformerData.empty(), make_data(2), specials_only()]
    rows = make_pooler().predict(data)
    np.testing.assert_array_equal(rows[[1, 3]], np.zeros((2, WIDTH)))
    np.testing.assert_array_equal(rows[[0, 2]], make_pooler().predict([data[0], data[2]]))
    np.testing.assert_allclose(np.linalg.norm(rows[[0, 2]], axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_gradient_of_every_piece(pooling: str) -> None:
    pooler = make_pooler(pooling)
    batch = [make_data(3, pieces=5), TransformerData.empty(), make_data(2, 4), specials_only(), make_data(1)]
    direction = RANDOM.normal(size=(len(batch), WIDTH)).astype("f")
    _, backprop = pooler.begin_update(batch)
    gradients = backprop(direction)
    # The transformer has seen all Docs but the empty one, and expects one gradient for each of them.
    with_pieces = [data for data in batch if states_or_none(data) is not None]
    assert len(gradients) == len(with_pieces) == 4
    for gradient, data in zip(gradients, with_pieces):
        expected = numeric_gradient(lambda: float((pooler.predict(batch) * direction).sum()), states(data))
        assert states(gradient).shape == states(data).shape and states(gradient).dtype == np.float32
        if data is batch[3]:
            np.testing.assert_array_equal(states(gradient), 0)
            np.testing.assert_array_equal(expected, 0)
        else:
            assert_same_gradient(states(gradient), expected)


def states_or_none(data: TransformerData) -> Any:
    return data.model_output.get("last_hidden_state")


def test_padding_gets_no_gradient() -> None:
    _, backprop = make_pooler().begin_update([make_data(2, pieces=5)])
    (gradient,) = backprop(np.ones((1, WIDTH), dtype="f"))
    assert np.abs(states(gradient)[0, :2]).max() > 0
    np.testing.assert_array_equal(states(gradient)[0, 2:], 0)


def test_batches_without_docs_and_with_empty_docs_only() -> None:
    for batch in ([], [TransformerData.empty()]):
        rows, backprop = make_pooler().begin_update(batch)
        assert rows.shape == (len(batch), WIDTH) and not rows.any()
        assert backprop(rows) == []


def test_the_width_is_taken_from_the_sample() -> None:
    for sample in ([TransformerData.empty(), make_data(2)], [TransformerData.zeros(0, WIDTH)]):
        pooler: Any = TransformerPooler_v1().layers[1]
        pooler.initialize(X=sample)
        assert pooler.get_dim("nO") == WIDTH


# Spans


def test_spans_of_empty_docs_are_left_out() -> None:
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in ("", "a b c", " ")]
    of_docs: Callable[[Any], Any] = lambda docs: [[doc[:]] for doc in docs]  # noqa: E731
    assert [[span.text for span in spans] for spans in nonempty_spans(of_docs, docs)] == [[], ["a b c"], [" "]]
    strided = nonempty_spans(configure_strided_spans(2, 2), docs)
    assert [[span.text for span in spans] for spans in strided] == [[], ["a b", "c"], [" "]]


# The transformer


def weights(nlp: Language) -> dict[str, NDArray[Any]]:
    module = nlp.get_pipe("transformer").model.transformer  # type: ignore[attr-defined]
    return {name: values.detach().cpu().numpy().copy() for name, values in module.named_parameters()}


def update(nlp: Language, texts: list[str], steps: int = 3) -> None:
    """Update a few times, as `spacy train` does."""
    optimizer = Adam(0.001)
    for _ in range(steps):
        cats = [{label: float(i % 2 == j) for j, label in enumerate(LABELS)} for i in range(len(texts))]
        examples = [Example.from_dict(nlp.make_doc(text), {"cats": gold}) for text, gold in zip(texts, cats)]
        nlp.update(examples, sgd=False)
        for _, pipe in nlp.pipeline:
            pipe.finish_update(optimizer)  # type: ignore[attr-defined]


TEXTS = [record.text for record in make_records(8)]


def changed(before: dict[str, NDArray[Any]], after: dict[str, NDArray[Any]]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if not np.array_equal(before[name], after[name])}


def word_embeddings(names: set[str]) -> set[str]:
    return {name for name in names if "word_embeddings" in name}


def test_word_embeddings_stay_frozen_and_everything_else_learns_also_after_from_bytes(
    tiny_bert: Path, tmp_path: Path
) -> None:
    nlp = init_finetuning(tiny_bert, tmp_path)
    first = weights(nlp)
    update(nlp, TEXTS)
    second = weights(nlp)
    learnt = changed(first, second)
    assert word_embeddings(set(first)) and not word_embeddings(learnt)
    assert any("position_embeddings" in name for name in learnt) and any("layer.0.attention" in name for name in learnt)

    again = spacy.blank("xx", config=nlp.config).from_bytes(nlp.to_bytes())
    assert not changed(second, weights(again))
    update(again, TEXTS)
    learnt_again = changed(second, weights(again))
    assert not word_embeddings(learnt_again) and len(learnt_again) == len(learnt)


def test_word_embeddings_learn_if_they_are_not_frozen(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = init_finetuning(tiny_bert, tmp_path, changes={"components.transformer.model.freeze_embeddings": False})
    before = weights(nlp)
    update(nlp, TEXTS)
    assert word_embeddings(changed(before, weights(nlp)))


def test_blank_texts_train_and_predict_in_any_batch(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = init_finetuning(tiny_bert, tmp_path)
    update(nlp, [TEXTS[0], " ", TEXTS[1], "\n\n", TEXTS[2]], steps=2)
    update(nlp, ["  ", "\n"], steps=1)
    texts = [TEXTS[0], "", TEXTS[1], "  ", TEXTS[2], ""]
    together = [doc.cats["billing"] for doc in nlp.pipe(texts)]
    np.testing.assert_allclose(together, [nlp(text).cats["billing"] for text in texts], atol=1e-5)
    assert together[1] == together[3] == together[5]


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_an_encoder_that_cannot_be_loaded_is_an_error(damage: str, tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    if damage == "truncated":
        folder.mkdir()
        for file in tiny_bert.iterdir():
            content = file.read_bytes()
            (folder / file.name).write_bytes(content[:1000] if file.suffix == ".safetensors" else content)
    with pytest.raises(XltError, match="/encoder cannot be loaded"):
        init_finetuning(folder, tmp_path)


def test_the_default_encoder_is_used_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path / "nowhere"))
    model = TransformerModel_v1(get_spans=lambda docs: [[doc[:]] for doc in docs])
    with pytest.raises(XltError, match="default encoder.*nowhere"):
        model.initialize()
