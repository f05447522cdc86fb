"""Make a translator from what a user gives: a translator, a function, a folder or a name."""

from pathlib import Path
from typing import Any, Union

from spacy_xlt.data.paths import PathLike
from spacy_xlt.errors import XltError
from spacy_xlt.model_folder import MARKER, read_config
from spacy_xlt.translators.apertium import PROGRAM, Apertium
from spacy_xlt.translators.base import Translator
from spacy_xlt.translators.callable import CallableTranslator, Function
from spacy_xlt.translators.ctranslate2 import CTranslate2
from spacy_xlt.translators.seq2seq import HuggingFaceSeq2Seq

TranslatorLike = Union[Translator, Function, PathLike]


def find_translator(given: TranslatorLike) -> Translator:
    """Return a translator.

    Args:
        given: A translator; a function of a text, its language and the language to translate to; a folder of Hugging
            Face or CTranslate2, or of a pipeline with `xlt_seq2seq`; or the name `apertium`.

    Raises:
        XltError: It is something else, or the folder does not exist or holds no translation model.
    """
    if hasattr(type(given), "translate") and not isinstance(given, str):
        return given  # type: ignore[return-value]
    if callable(given):
        return CallableTranslator(given)
    if not isinstance(given, str) and not hasattr(given, "__fspath__"):
        raise XltError(f"A translator is a folder, a function or '{PROGRAM}', not {type(given).__name__}.")
    path: Any = given
    folder = Path(path).expanduser()
    if not folder.is_dir():
        if str(given).lower() == PROGRAM:
            return Apertium()
        raise XltError(f"There is no folder {folder} with a translation model. Give another folder, or '{PROGRAM}'.")
    folder = pipeline_part(folder)
    kind: Any = CTranslate2 if (folder / "model.bin").is_file() else HuggingFaceSeq2Seq
    translator: Translator = kind()
    translator.load(folder)
    return translator


def pipeline_part(folder: Path) -> Path:
    """Return the folder with the model of `xlt_seq2seq`, if a folder is that of a pipeline; else the folder itself.

    Raises:
        XltError: The pipeline has no such component.
    """
    if not (folder / MARKER).is_file():
        return folder
    components = read_config(folder)["components"]
    name = next((key for key, part in components.items() if part.get("factory") == "xlt_seq2seq"), None)
    if name is None or not (folder / str(name)).is_dir():
        raise XltError(f"{folder} is a pipeline without a model in xlt_seq2seq. Give another folder.")
    return folder / str(name)
