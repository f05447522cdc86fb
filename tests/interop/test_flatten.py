"""`flatten`: the four components give the same scores as the fine-tuned pipeline."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

pytest.importorskip("spacy_transformers")

from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.errors import XltError
from spacy_xlt.interop.flatten import flatten
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from tests.finetuning import finetune
from tests.records import LABELS, make_records

HEAD = "components.xlt_textcat.model"
# Texts of one window, with characters that tokenizers treat in special ways.
TEXTS = [
    *(record.text for record in make_records(4)),
    "Wo ist mein Paket?",
    "我的订单还没有送到。",
    "لم يصل طلبي بعد",
    "  two  spaces\n\n a line\tand a tab ",
    "no-break\u00a0space, zero\u200bwidth, soft\u00adhyphen, \ufeffmark",
    "😀",
    "👩‍👩‍👧‍👦 é é ﬁ ①",
    "nul\x00and\x07bell",
    "[CLS] <s> </s> <pad> [SEP]",
    "!?",
    "",
    " ",
    "\n\n\t",
    "\ufffd",
    "\u200b",
]


def scores(nlp: Language, texts: list[str] = TEXTS) -> NDArray[np.float64]:
    return np.array([[doc.cats[label] for label in LABELS] for doc in nlp.pipe(texts)])


def assert_same_scores(nlp: Language, flat: Language) -> None:
    """The scores agree, in a batch and one by one. They must differ between texts, or the check would prove nothing."""
    expected = scores(nlp)
    assert np.ptp(expected[:, 0]) > 0.01
    np.testing.assert_allclose(scores(flat), expected, atol=1e-5)
    np.testing.assert_allclose([scores(flat, [text])[0] for text in TEXTS], expected, atol=1e-5)


@pytest.fixture(scope="module")
def finetuned(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Language:
    """Read only."""
    return finetune(tiny_bert, tmp_path_factory.mktemp("finetuned"))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("tiny_encoder", ["bert", "xlmr"], indirect=True)
def test_scores_stay_the_same_before_and_after_saving(tiny_encoder: Path, pooling: str, tmp_path: Path) -> None:
    nlp = finetune(tiny_encoder, tmp_path, changes={f"{HEAD}.embed.pooling": pooling})
    flat = flatten(nlp)
    assert_same_scores(nlp, flat)
    flat.to_disk(tmp_path / "flat")
    loaded = spacy.load(tmp_path / "flat")
    # Old versions of transformers load the encoder with another kind of attention than spacy-transformers uses.
    np.testing.assert_allclose(scores(loaded), scores(flat), atol=1e-6)
    assert_same_scores(nlp, loaded)


def test_scores_of_a_multilabel_head_stay_the_same(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = finetune(tiny_bert, tmp_path, multilabel=True)
    flat = flatten(nlp)
    assert flat.pipe_names[-1] == "xlt_textcat_multilabel"
    assert_same_scores(nlp, flat)


def test_scores_of_a_head_with_a_hidden_layer_stay_the_same(tiny_bert: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {f"{HEAD}.@architectures": "spacy-xlt.TextCatMLP.v1", f"{HEAD}.scale": 10.0}
    nlp = finetune(tiny_bert, tmp_path, changes=changes)
    flat = flatten(nlp)
    assert flat.get_pipe("xlt_textcat").model.has_ref("output_layer")  # type: ignore[attr-defined]
    assert_same_scores(nlp, flat)


def test_fitting_the_projector_changes_no_score_of_the_source_language(finetuned: Language) -> None:
    texts = [record.text for record in make_records(16)]
    flat = flatten(finetuned, source="en", languages=["en"], source_texts=texts)
    assert find_pipe(flat, Projector).languages == ["en"]
    np.testing.assert_allclose(scores(flat, texts), scores(finetuned, texts), atol=1e-5)


def test_the_saved_tokenizer_can_pad_in_transformers(finetuned: Language, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    flatten(finetuned).to_disk(tmp_path / "flat")
    spacy.load(tmp_path / "flat").to_disk(tmp_path / "again")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "again" / "xlt_encoder")
    assert len(set(map(len, tokenizer(["a", "a b c d"], padding=True).input_ids))) == 1


def test_the_projector_is_not_fitted_without_texts(finetuned: Language) -> None:
    assert find_pipe(flatten(finetuned), Projector).languages == []


def test_using_and_training_the_old_pipeline_changes_nothing_in_the_new_one(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = finetune(tiny_bert, tmp_path)
    flat = flatten(nlp)
    before = scores(flat)
    find_pipe(flat, Encoder)._cache.clear()
    nlp("Thinc puts the module back into training mode.")
    np.testing.assert_array_equal(scores(flat), before)
    find_pipe(flat, Encoder)._cache.clear()
    optimizer = Adam(0.01)
    examples = [Example.from_dict(nlp.make_doc("late"), {"cats": {LABELS[0]: 1.0, LABELS[1]: 0.0}})]
    nlp.update(examples, sgd=False)
    for _, pipe in nlp.pipeline:
        pipe.finish_update(optimizer)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(scores(flat), before)


def test_the_flat_pipeline_reads_the_end_of_long_texts(finetuned: Language) -> None:
    flat = flatten(finetuned)
    long = "word " * 200
    one, other = long + "invoice refund card", long + "parcel courier late"
    np.testing.assert_allclose(*scores(finetuned, [one, other]), atol=1e-6)
    assert np.abs(flat(one)._.xlt_embedding - flat(other)._.xlt_embedding).max() > 1e-3


def test_settings_labels_and_performance_are_kept(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = finetune(tiny_bert, tmp_path, changes={"components.xlt_textcat.threshold": 0.25})
    nlp.meta["name"] = "tickets"
    flat = flatten(nlp, source="fr", languages=["fr", "sw"])
    assert flat.pipe_names == ["xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat"]
    assert flat.pipe_labels["xlt_textcat"] == LABELS
    assert flat.meta["name"] == "tickets" and flat.meta["performance"] == nlp.meta["performance"]
    assert flat.config["components"]["xlt_textcat"]["threshold"] == 0.25
    assert find_pipe(flat, Projector).source == "fr"
    back_end: Any = find_pipe(flat, Encoder).encoder
    assert back_end.settings == EncoderSettings(pooling="mean", prefix="", window=128)


def test_a_pipeline_without_a_transformer_is_an_error() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect")
    with pytest.raises(XltError, match="xlt_langdetect.* no transformer"):
        flatten(nlp)


def test_a_head_without_our_pooler_is_an_error() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("transformer")
    nlp.add_pipe("textcat")
    with pytest.raises(XltError, match=r"spacy-xlt\.TransformerPooler\.v1"):
        flatten(nlp)
