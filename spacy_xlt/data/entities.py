"""Texts with named entities, from the files of spaCy, Prodigy, Label Studio, CoNLL and Universal Dependencies."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_xlt.data.decoding import as_text, unpacked
from spacy_xlt.data.entity_tags import Entity, Span, entities_of_tags, is_tag
from spacy_xlt.data.items import items_of
from spacy_xlt.data.layouts import conll_sentences
from spacy_xlt.data.paths import Input, find_inputs, paths_of
from spacy_xlt.data.reading import open_rows, told_as_damaged
from spacy_xlt.data.rows import BadRecord, printable_row, text_of
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.languages import UNKNOWN, as_base_code, by_base_code

LANGUAGE_FIELD = "lang"
# The columns of CoNLL-U, the last of which is MISC.
CONLLU_COLUMNS = 10


@dataclass(frozen=True)
class EntityRecord:
    """A text with its named entities.

    Attributes:
        text: The text.
        entities: The entities, sorted by their start.
        language: The base code of the language; `xx` if that is unknown.
        location: Where it comes from, such as `news.iob2:17`.
    """

    text: str
    entities: tuple[Entity, ...]
    language: str
    location: str


# Whatever `load_entities` reads.
EntityData = Union[str, "os.PathLike[str]", Mapping[str, Any], Iterable[Any]]


def load_entities(data: EntityData, *, language: Optional[str] = None) -> list[EntityRecord]:
    """Read texts with named entities.

    Args:
        data: One of:

            - a path, a folder or a pattern, or a list of them: IOB2 and CoNLL files (`.iob2`, `.conll`), CoNLL-U with
              tags in the column MISC (`.conllu`), spaCy's DocBin (`.spacy`), and JSON or JSONL in the layouts of
              Prodigy (`spans`), spaCy (`entities`) and Label Studio (`annotations`);
            - an iterable of such records as dicts, or of EntityRecords;
            - a mapping {language: any of these}.
        language: The language of all texts, a code or an English name; None: each record's own language.

    Returns:
        The records.

    Raises:
        XltError: A path does not exist, a file is damaged, a record cannot be used, or there is no record.
    """
    code = None if language is None else as_base_code(language)
    if isinstance(data, Mapping):
        of_languages = by_base_code(data, as_base_code)
        return [record for key, each in of_languages.items() for record in load_entities(each, language=key)]
    paths = paths_of(data)
    if paths:
        records = [record for each in find_inputs(paths) for record in _read(each)]
    else:
        records = [_of_item(item, f"item:{number}") for number, item in enumerate(items_of(data), start=1)]
    if not records:
        raise XltError("There is no text with named entities in the data.")
    return records if code is None else [replace(record, language=code) for record in records]


def entity_labels(records: Iterable[EntityRecord]) -> list[str]:
    """Return the entity types of records, sorted."""
    return sorted({entity.label for record in records for entity in record.entities})


def _read(source: Input) -> Iterator[EntityRecord]:
    if source.kind == "spacy":
        yield from _read_docbin(source.path)
    elif source.kind == "conll":
        yield from _read_conll(source)
    elif source.kind in ("json", "jsonl"):
        with told_as_damaged(source.path), open_rows(source, say=lambda sentence: None) as (_, rows):
            for location, row in rows:
                if isinstance(row, BadRecord):
                    raise XltError(f"{row.location}: {row.reason}")
                yield _of_item(row, location)
    else:
        raise XltError(f"{source.path}: named entities are read from .iob2, .conll, .conllu, .spacy, .json or .jsonl.")


def _of_item(item: Any, location: str) -> EntityRecord:
    if isinstance(item, EntityRecord):
        return item
    if not isinstance(item, Mapping):
        raise XltError(f"{location}: a record with named entities is a mapping, not {type(item).__name__}.")
    row = dict(item)
    if isinstance(row.get("data"), Mapping):  # Label Studio
        row = {**row, **row["data"]}
    try:
        text = text_of(row, "text")
        found = [_entity(each, text) for each in _annotations(row)]
        language = as_base_code(str(row[LANGUAGE_FIELD])) if row.get(LANGUAGE_FIELD) else UNKNOWN
        return EntityRecord(text, _checked(found), language, location)
    except XltError as error:
        raise XltError(f"{location}: {error} In: {printable_row(row)[:200]}") from None


def _annotations(row: Mapping[str, Any]) -> Sequence[Any]:
    """Return the annotations of a record of Prodigy, spaCy or Label Studio."""
    for key in ("spans", "entities", "ents", "label"):
        if isinstance(row.get(key), (list, tuple)):
            return list(row[key])
    if row.get("annotations"):
        return [each["value"] for each in row["annotations"][0].get("result", []) if "start" in each.get("value", {})]
    raise XltError("it has no list of entities in 'spans', 'entities' or 'annotations'.")


def _entity(found: Any, text: str) -> Entity:
    try:
        if isinstance(found, Mapping):
            labels = found.get("labels")
            start, end, label = found["start"], found["end"], labels[0] if labels else found["label"]
        else:
            start, end, label = found[:3]
        start, end, label = int(start), int(end), str(label).strip()
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise XltError(f"the entity {found!r} has no start, end and label.") from error
    if not 0 <= start < end <= len(text) or not label:
        raise XltError(f"the entity {start}-{end} '{label}' is not inside the text of {len(text)} characters.")
    return Entity(start, end, label)


def _checked(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Return the entities sorted by their start. Raises XltError if two of them overlap."""
    ordered = sorted(entities, key=lambda entity: (entity.start, entity.end))
    for one, other in zip(ordered, ordered[1:]):
        if other.start < one.end:
            raise XltError(f"the entities {one.start}-{one.end} and {other.start}-{other.end} overlap.")
    return tuple(ordered)


def _read_docbin(path: str) -> Iterator[EntityRecord]:
    set_extensions("language")
    try:
        with open(path, "rb") as file:
            docs = list(DocBin().from_bytes(file.read()).get_docs(Vocab()))
    except Exception as error:  # zlib and msgpack each raise their own kinds
        raise XltError(f"{path} is not a .spacy file, or is damaged ({error}). Convert it again.") from error
    for number, doc in enumerate(docs, start=1):
        found = tuple(Entity(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
        yield EntityRecord(doc.text, found, language_of(doc), f"{path}:{number}")


def _read_conll(source: Input) -> Iterator[EntityRecord]:
    with (
        told_as_damaged(source.path),
        open(source.path, "rb") as raw,
        as_text(unpacked(raw, source.path), source.path, encoding=source.encoding) as file,
    ):
        for sentence in conll_sentences(file, source.path):
            if isinstance(sentence, BadRecord):
                raise XltError(f"{sentence.location}: {sentence.reason}")
            if not sentence.tokens:
                continue
            tags = _tags(sentence.rows)
            if tags is None:
                raise XltError(f"{sentence.location}: no column has tags such as O, B-PER and I-PER.")
            text, spans = _place_tokens(sentence.text, sentence.tokens)
            language = sentence.comments.get(LANGUAGE_FIELD)
            yield EntityRecord(
                text,
                tuple(entities_of_tags(spans, tags)),
                as_base_code(language) if language else UNKNOWN,
                sentence.location,
            )


def _tags(rows: Sequence[Sequence[str]]) -> Optional[list[str]]:
    """Return the tag of each token: from the column MISC of CoNLL-U, or the last column that has only tags."""
    width = min(len(row) for row in rows)
    if width == CONLLU_COLUMNS:
        return [_misc_tag(row[-1]) for row in rows]
    for column in range(width - 1, 0, -1):
        found = [row[column] for row in rows]
        if all(is_tag(tag) for tag in found):
            return found
    return None


def _misc_tag(misc: str) -> str:
    """Return the tag in a field such as `SpaceAfter=No|Entity=B-PER`; O if there is none."""
    values = [value for part in misc.split("|") if (value := part.partition("=")[2])]
    return next((value for value in values if "-" in value and is_tag(value)), "O")


def _place_tokens(text: str, tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """Return the text, and the start and end of each token. If a token is not in the text, the text is made of them."""
    spans: list[Span] = []
    place = 0
    for token in tokens:
        start = text.find(token, place)
        if start < 0:
            break
        place = start + len(token)
        spans.append((start, place))
    if len(spans) == len(tokens):
        return text, spans
    spans, place = [], 0
    for token in tokens:
        spans.append((place, place + len(token)))
        place += len(token) + 1
    return " ".join(tokens), spans
