"""The metrics document: JSON written by `xlt evaluate`, read by everything that shows figures.

    {"model": ..., "data": [...], "source": "en", "labels": [...], "n": 1352, "multilabel": false,
     "languages": {code: figures}, "mean": figures, "before_projection": {"languages": ..., "mean": ...}}

`metrics.by_language` makes the figures. "before_projection" is absent if the pipeline has no projector.
"""

import json
from math import isfinite
from pathlib import Path
from typing import Any

from spacy_xlt.errors import XltError

MEND = "write it with 'python -m spacy xlt evaluate'"


def read_document(path: Path) -> dict[str, Any]:
    """The metrics document in a file. Raises XltError for a file that's missing, broken or something else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise XltError(f"{path} is missing; {MEND}") from None
    except OSError as error:
        raise XltError(f"{path} can't be read ({error.strerror}); give a metrics file") from error
    except json.JSONDecodeError as error:
        raise XltError(f"{path}, line {error.lineno}: broken JSON ({error.msg}); {MEND}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise XltError(f"{path} is not a JSON file in UTF-8; {MEND}") from error
    check_document(document, str(path))
    checked: dict[str, Any] = document
    return checked


def check_document(document: Any, place: str) -> None:
    """Raise XltError, naming `place` and the key, unless `document` is a metrics document as `evaluate` writes it.

    Keys that we do not know are allowed: a later version may add some.
    """
    try:
        _check_type(document, dict, "the document")
        for key, kind in (("model", str), ("source", str), ("labels", list), ("data", list), ("multilabel", bool)):
            _check_type(_get(document, key, key), kind, key)
        for key in ("labels", "data"):
            for index, value in enumerate(document[key]):
                _check_type(value, str, f"{key}[{index}]")
        _check_count(_get(document, "n", "n"), "n")
        _check_figures(document, "")
        if document.get("before_projection") is not None:
            _check_figures(document["before_projection"], "before_projection.")
    except _Malformed as error:
        raise XltError(
            f"{place} is not a metrics document: {error}. Write one with 'python -m spacy xlt evaluate'."
        ) from None


class _Malformed(Exception):
    """What is wrong with a metrics document; `check_document` adds the place and the mend."""


def _get(record: dict[str, Any], key: str, path: str) -> Any:
    if key not in record:
        raise _Malformed(f"'{path}' is missing")
    return record[key]


def _check_type(value: Any, kind: type, path: str) -> None:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    if not isinstance(value, kind):
        raise _Malformed(f"{path if path == 'the document' else repr(path)} is not {names[kind]}")


def _check_count(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Malformed(f"'{path}' is not a count")


def _check_share(value: Any, path: str, low: float = 0.0) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    if not is_number or not low <= value <= 1.0:
        raise _Malformed(f"'{path}' is not a number from {low:g} to 1")


def _check_figures(record: Any, prefix: str) -> None:
    """The "languages" and the "mean" of a document or of its "before_projection"."""
    _check_type(record, dict, prefix.rstrip("."))
    languages = _get(record, "languages", f"{prefix}languages")
    _check_type(languages, dict, f"{prefix}languages")
    if not languages:
        raise _Malformed(f"'{prefix}languages' is empty")
    for code, figures in languages.items():
        path = f"{prefix}languages.{code}"
        _check_type(figures, dict, path)
        _check_count(_get(figures, "n", f"{path}.n"), f"{path}.n")
        for key in ("accuracy", "macro_f1"):
            _check_share(_get(figures, key, f"{path}.{key}"), f"{path}.{key}")
        for key in ("ci95", "macro_f1_ci95"):
            interval = _get(figures, key, f"{path}.{key}")
            _check_type(interval, list, f"{path}.{key}")
            if len(interval) != 2:
                raise _Malformed(f"'{path}.{key}' is not a pair")
            for bound in interval:
                _check_share(bound, f"{path}.{key}")
        _check_optional(figures, path)
    mean = _get(record, "mean", f"{prefix}mean")
    _check_type(mean, dict, f"{prefix}mean")
    _check_count(_get(mean, "languages", f"{prefix}mean.languages"), f"{prefix}mean.languages")
    for key in ("accuracy", "macro_f1"):
        if _get(mean, key, f"{prefix}mean.{key}") is not None:
            _check_share(mean[key], f"{prefix}mean.{key}")
    _check_optional(mean, f"{prefix}mean")


def _check_optional(figures: dict[str, Any], path: str) -> None:
    """The figures that may be null, of a language or of the mean."""
    for key, low in (("gap", -1.0), ("langid_accuracy", 0.0)):
        if _get(figures, key, f"{path}.{key}") is not None:
            _check_share(figures[key], f"{path}.{key}", low)
