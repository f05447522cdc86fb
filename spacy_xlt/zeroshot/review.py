"""Files of pre-labeled texts that people check, in the layouts of annotation tools."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional, get_args

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_file

Layout = Literal["jsonl", "prodigy", "argilla"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
# The question of Argilla's layout.
QUESTION = "label"


@dataclass(frozen=True)
class PreLabeled:
    """A text with a predicted label that a person should check.

    Attributes:
        text: The text.
        language: Its base code, `xx` if unknown.
        label: The predicted label.
        score: Its probability.
    """

    text: str
    language: str
    label: str
    score: float


def write_review(items: Sequence[PreLabeled], labels: Sequence[str], path: PathLike, layout: Layout = "jsonl") -> None:
    """Write pre-labeled texts for review, one JSON object per line.

    Args:
        items: The texts.
        labels: All labels.
        path: The file to write.
        layout: `jsonl` has the fields text, lang, label, score and checked; a person corrects `label` and sets
            `checked` to true. `prodigy` is a task of Prodigy's `choice` interface with the predicted label selected.
            `argilla` is a record that `argilla.Record.from_dict` reads, with the predicted label as a suggestion.

    Raises:
        XltError: There is no such layout, or the file cannot be written.
    """
    if layout not in LAYOUTS:
        raise XltError(f"There is no layout '{layout}'. Use {', '.join(LAYOUTS[:-1])} or {LAYOUTS[-1]}.")
    write = _WRITERS[layout]
    with whole_file(Path(path)) as scratch:
        lines = (json.dumps(write(item, labels), ensure_ascii=False) + "\n" for item in items)
        scratch.write_text("".join(lines), encoding="utf8")


def write_pre_labeled(items: Sequence[PreLabeled], path: PathLike) -> None:
    """Write pre-labeled texts with the fields text, lang, label and score, one JSON object per line."""
    with whole_file(Path(path)) as scratch:
        lines = (json.dumps(_fields(item), ensure_ascii=False) + "\n" for item in items)
        scratch.write_text("".join(lines), encoding="utf8")


def read_review(path: PathLike) -> list[Record]:
    """Read the texts of a reviewed file that a person has checked. The layout is detected.

    Args:
        path: A file that `write_review` has written, or an export of Prodigy or Argilla.

    Returns:
        The checked texts with their labels and languages. Texts that were rejected or skipped are left out.

    Raises:
        XltError: The file is missing, a line is not a record of one of the layouts, or no text was checked.
    """
    records = [record for record in _read(Path(path)) if record is not None]
    if not records:
        raise XltError(
            f"No text of {path} was checked. Set 'checked' to true in each record that you have checked, or accept "
            "records in the annotation tool."
        )
    return records


def _read(path: Path) -> Iterator[Optional[Record]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise XltError(f"{path} cannot be read ({error}). Give a JSONL file in UTF-8.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        location = f"{path}, line {number}"
        try:
            fields = json.loads(line)
            layout = "argilla" if "fields" in fields else "prodigy" if "options" in fields else "jsonl"
            found = _READERS[layout](fields)
        except Exception as error:  # Whatever wrong JSON makes of itself.
            raise XltError(
                f"{location} is not a record of the layouts {', '.join(LAYOUTS)} ({type(error).__name__}: {error}). "
                "Correct or remove the line."
            ) from error
        yield None if found is None else Record(found[0], (found[1],), found[2], location)


def _fields(item: PreLabeled) -> dict[str, Any]:
    return {"text": item.text, "lang": item.language, "label": item.label, "score": round(item.score, 4)}


def _write_jsonl(item: PreLabeled, labels: Sequence[str]) -> dict[str, Any]:
    return {**_fields(item), "checked": False}


def _read_jsonl(fields: Mapping[str, Any]) -> Optional[tuple[str, str, str]]:
    if fields["checked"] is not True:
        return None
    return _text(fields["text"]), _text(fields["label"]), str(fields["lang"])


def _write_prodigy(item: PreLabeled, labels: Sequence[str]) -> dict[str, Any]:
    options = [{"id": label, "text": label} for label in labels]
    meta = {"lang": item.language, "score": round(item.score, 4)}
    return {"text": item.text, "options": options, "accept": [item.label], "meta": meta}


def _read_prodigy(fields: Mapping[str, Any]) -> Optional[tuple[str, str, str]]:
    if fields.get("answer") != "accept":
        return None
    (label,) = fields["accept"]
    return _text(fields["text"]), _text(label), str(fields["meta"]["lang"])


def _write_argilla(item: PreLabeled, labels: Sequence[str]) -> dict[str, Any]:
    suggestions = {QUESTION: {"value": item.label, "score": round(item.score, 4), "agent": "spacy-xlt"}}
    metadata = {"lang": item.language}
    return {"fields": {"text": item.text}, "metadata": metadata, "suggestions": suggestions, "responses": {}}


def _read_argilla(fields: Mapping[str, Any]) -> Optional[tuple[str, str, str]]:
    responses = (fields.get("responses") or {}).get(QUESTION, [])
    submitted = [each for each in responses if each.get("status", "submitted") == "submitted"]
    if not submitted:
        return None
    return _text(fields["fields"]["text"]), _text(submitted[0]["value"]), str(fields["metadata"]["lang"])


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a text or a label is {value!r}")
    return value


_WRITERS: dict[str, Callable[[PreLabeled, Sequence[str]], dict[str, Any]]] = {
    "jsonl": _write_jsonl,
    "prodigy": _write_prodigy,
    "argilla": _write_argilla,
}
_READERS: dict[str, Callable[[Mapping[str, Any]], Optional[tuple[str, str, str]]]] = {
    "jsonl": _read_jsonl,
    "prodigy": _read_prodigy,
    "argilla": _read_argilla,
}
