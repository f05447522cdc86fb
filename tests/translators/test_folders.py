"""Translation models in folders: Hugging Face and CTranslate2, with tiny random weights."""

import pickle
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import spacy

pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")

from spacy_xlt.errors import NotInstalledError, XltError
from spacy_xlt.translators.ctranslate2 import CTranslate2
from spacy_xlt.translators.find import find_translator
from spacy_xlt.translators.folder import FolderTranslator
from spacy_xlt.translators.sentences import split_sentences
from spacy_xlt.translators.seq2seq import HuggingFaceSeq2Seq
from spacy_xlt.translators.tokens import Tokens, choose_tokens, language_tokens
from tests.processes import start_method
from tests.translators import tiny

TEXTS = ["Wo ist mein Paket?", "Meine Bestellung ist nicht da. Wo ist sie?\nBitte antworten.", "Paket"]
KINDS = ["marian", "nllb", "m2m100", "mbart"]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("translators")
    return {kind: getattr(tiny, f"make_tiny_{kind}")(root / kind) for kind in KINDS}


@pytest.fixture(scope="session")
def converted(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of Marian and NLLB for CTranslate2."""
    pytest.importorskip("ctranslate2")
    from ctranslate2.converters import TransformersConverter

    root = tmp_path_factory.mktemp("ctranslate2")
    files = {"marian": ["source.spm", "target.spm"], "nllb": ["sentencepiece.bpe.model"]}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
        for kind, copied in files.items():
            TransformersConverter(str(folders[kind]), copy_files=copied).convert(str(root / kind))
    return {kind: root / kind for kind in files}


def load(folder: Path) -> FolderTranslator:
    translator = find_translator(folder)
    assert isinstance(translator, FolderTranslator)
    return translator


def translate(translator: FolderTranslator, language: str = "de", to: str = "en") -> list[str | None]:
    return translator.translate(TEXTS, [language] * len(TEXTS), to)


def check(folder: Path, kind: type, tmp_path: Path) -> None:
    """Order, round trips, and that the folder is copied."""
    translator = load(folder)
    assert type(translator) is kind
    expected = translate(translator)
    assert len(expected) == len(TEXTS) and any(expected)
    assert [translator.translate([text], ["de"], "en")[0] for text in TEXTS] == expected
    assert translator.translate(TEXTS[::-1], ["de"] * len(TEXTS), "en")[::-1] == expected
    translator.to_disk(tmp_path / "copy")
    by_bytes: Any = kind()
    by_bytes.from_bytes(translator.to_bytes())
    for copy in (load(tmp_path / "copy"), by_bytes, pickle.loads(pickle.dumps(translator))):
        assert translate(copy) == expected
    translator.to_disk(folder)
    assert translate(load(folder)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_hugging_face_folders(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    check(folders[kind], HuggingFaceSeq2Seq, tmp_path)


@pytest.mark.parametrize("kind", ["marian", "nllb"])
def test_ctranslate2_folders(converted: dict[str, Path], kind: str, tmp_path: Path) -> None:
    check(converted[kind], CTranslate2, tmp_path)


class Echo:
    """Takes the place of CTranslate2's translator: returns the pieces that it gets, with the target prefix."""

    def __init__(self) -> None:
        self.pieces: list[list[str]] = []

    def translate_batch(self, pieces: list[list[str]], target_prefix: Any, **options: Any) -> list[Any]:
        self.pieces += pieces
        prefixes = target_prefix or [[]] * len(pieces)
        return [SimpleNamespace(hypotheses=[[*prefix, *each[-4:-1]]]) for prefix, each in zip(prefixes, pieces)]


@pytest.mark.parametrize("kind", ["marian", "nllb"])
def test_ctranslate2_gets_the_pieces_of_hugging_face(
    folders: dict[str, Path], converted: dict[str, Path], kind: str
) -> None:
    translator, echo = load(converted[kind]), Echo()
    translator._model = translator.model._replace(translator=echo)
    found = translate(translator)
    tokenizer = load(folders[kind]).model.tokenizer
    if kind == "nllb":
        tokenizer.src_lang = "deu_Latn"
    sentences = [sentence for text in TEXTS for sentence in split_sentences(text)]
    expected = [tokenizer.convert_ids_to_tokens(tokenizer(each).input_ids) for each in sentences]
    assert sorted(echo.pieces) == sorted(expected)
    # The last pieces of the text, as a text.
    assert found[2] and TEXTS[2].endswith(found[2])


@pytest.mark.parametrize(
    ("kind", "languages"), [("marian", None), ("nllb", ["de", "en", "sw", "zh"]), ("m2m100", "de"), ("mbart", "de")]
)
def test_languages_are_known_from_the_tokens(folders: dict[str, Path], kind: str, languages: Any) -> None:
    found = load(folders[kind]).source_languages()
    assert found == languages if not isinstance(languages, str) else languages in (found or [])


@pytest.mark.parametrize(
    ("kind", "source", "target"),
    [("nllb", "deu_Latn", "swh_Latn"), ("m2m100", "__de__", "__sw__"), ("mbart", "de_DE", "sw_KE")],
)
def test_the_tokens_of_both_languages_are_given(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, kind: str, source: str, target: str
) -> None:
    translator = load(folders[kind])
    tokenizer, model, *_ = translator.model
    calls: list[dict[str, Any]] = []
    generate = model.generate
    monkeypatch.setattr(model, "generate", lambda **options: (calls.append(options), generate(**options))[1])
    translate(translator, to="sw")
    assert {call["forced_bos_token_id"] for call in calls} == {tokenizer.convert_tokens_to_ids(target)}
    number = tokenizer.convert_tokens_to_ids(source)
    assert all((call["input_ids"] == number).sum(dim=1).eq(1).all() for call in calls)


def test_a_language_that_the_model_does_not_have_is_not_translated(folders: dict[str, Path]) -> None:
    translator = load(folders["nllb"])
    assert translate(translator, language="yo") == translate(translator, to="yo") == [None] * len(TEXTS)


def test_marian_models_with_target_tokens(tmp_path: Path) -> None:
    translator = load(tiny.make_tiny_marian(tmp_path / "marian", targets=(">>deu<<", ">>swh<<")))
    assert translator.source_languages() is None
    assert any(translate(translator, language="en", to="de"))
    assert translate(translator, language="en", to="fr") == [None] * len(TEXTS)


def test_weights_in_a_bin_file_are_converted(folders: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "bin"
    shutil.copytree(folders["marian"], folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    translator = load(folder)
    assert translate(translator) == translate(load(folders["marian"]))
    assert not any(file.suffix == ".bin" for file in translator.files())


def test_in_a_pipeline(folders: dict[str, Path], tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    block = {"@xlt_translators": "spacy-xlt.HuggingFaceSeq2Seq.v1"}
    component: Any = nlp.add_pipe("xlt_translator", config={"translator": block, "languages": ["de"]})
    component.initialize(source=str(folders["marian"]))
    docs = [nlp.make_doc(text) for text in TEXTS]
    for doc in docs:
        doc._.language = "de"
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    found = [doc._.xlt_translation for doc in nlp.pipe(docs)]
    assert any(found)
    again = [loaded.make_doc(text) for text in TEXTS]
    for doc in again:
        doc._.language = "de"
    assert [doc._.xlt_translation for doc in loaded.pipe(again)] == found


@pytest.mark.parametrize("back_end", ["hugging face", "ctranslate2"])
def test_forked_workers_after_a_call_in_the_parent(
    folders: dict[str, Path], converted: dict[str, Path], back_end: str
) -> None:
    folder = folders["marian"] if back_end == "hugging face" else converted["marian"]
    nlp = spacy.blank("xx")
    component: Any = nlp.add_pipe("xlt_translator", config={"languages": ["de"]})
    component.translator = load(folder)

    def run(**options: Any) -> list[str | None]:
        docs = [nlp.make_doc(text) for text in TEXTS]
        for doc in docs:
            doc._.language = "de"
        component.forget()
        return [doc._.xlt_translation for doc in nlp.pipe(docs, **options)]

    expected = run()
    with start_method("fork"):
        assert run(n_process=2, batch_size=1) == expected


# Damage


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_incomplete_folders_are_errors(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    shutil.copytree(folders["marian"], tmp_path / "damaged")
    (tmp_path / "damaged" / name).unlink()
    with pytest.raises(XltError, match="damaged"):
        load(tmp_path / "damaged")


def test_damaged_weights_are_an_error(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["marian"], tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(XltError, match="damaged"):
        translate(load(tmp_path / "damaged"))


def test_a_folder_that_is_gone_is_an_error(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["marian"], tmp_path / "moved")
    translator = load(tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved")
    with pytest.raises(XltError, match="moved"):
        translator.to_disk(tmp_path / "copy")


def test_ctranslate2_without_a_tokenizer_is_an_error(converted: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(converted["marian"], tmp_path / "model")
    (tmp_path / "model" / "source.spm").unlink()
    with pytest.raises(XltError, match="tokenizer"):
        load(tmp_path / "model")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("spacy_xlt.translators.ctranslate2.find_spec", lambda name: None)
    monkeypatch.setattr("spacy_xlt.translators.seq2seq.find_spec", lambda name: None)
    with pytest.raises(NotInstalledError, match=r"spacy-xlt\[translate\]"):
        CTranslate2().load(tmp_path)
    with pytest.raises(NotInstalledError, match=r"spacy-xlt\[train\]"):
        HuggingFaceSeq2Seq().load(tmp_path)


# Language tokens


def test_language_tokens() -> None:
    tokens = ["</s>", "__de__", ">>cmn_Hans<<", "eng_Latn", "zh_CN", "de", "ein", "▁de", "qqq_Latn", "__xyz"]
    assert language_tokens(tokens) == {"de": ["__de__"], "zh": [">>cmn_Hans<<", "zh_CN"], "en": ["eng_Latn"]}


@pytest.mark.parametrize(
    ("tokens", "language", "to", "expected"),
    [
        ([], "de", "en", Tokens("", "")),
        (["deu_Latn", "eng_Latn"], "deu", "en", Tokens("deu_Latn", "eng_Latn")),
        (["deu_Latn", "eng_Latn"], "fr", "en", None),
        (["deu_Latn", "eng_Latn"], "de", "fr", None),
        (["arb_Arab", "arb_Latn", "eng_Latn"], "en", "ar", Tokens("eng_Latn", "arb_Arab")),
        (["arb_Latn", "arb_Arab", "eng_Latn"], "en", "ar", Tokens("eng_Latn", "arb_Arab")),
        ([">>deu<<", ">>fra<<"], "en", "fr", Tokens("", ">>fra<<")),
    ],
)
def test_choose_tokens(tokens: list[str], language: str, to: str, expected: Any) -> None:
    assert choose_tokens(language_tokens(tokens), language, to) == expected
