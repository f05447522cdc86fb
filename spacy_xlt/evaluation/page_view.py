"""What the template of a report shows of one metrics document, formatted."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from spacy_xlt.evaluation.details import EmbeddingMap, Example, Expected, WordEffect
from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.evaluation.svg import key_mark, map_box, map_points
from spacy_xlt.evaluation.table import Row, interval, one_line, percent
from spacy_xlt.languages import name

# The most frequent wrong detections that are named.
SHOWN_DETECTIONS = 12
# If the largest effect in a text is smaller, it is shown more faintly.
FAINT = 0.1
KINDS = {"script": "Script", "family": "Family", "resources": "Resources"}


@dataclass(frozen=True)
class Map:
    """The panels of an embedding map: (title, points by label, points by language)."""

    box: str
    panels: list[tuple[str, str, str]]
    labels: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    variance: str


@dataclass(frozen=True)
class GroupRow:
    """The mean figures of a group of target languages, such as those of one script."""

    kind: str
    group: str
    languages: list[str]
    accuracy: Optional[float]
    macro_f1: Optional[float]
    gap: Optional[float]


@dataclass(frozen=True)
class Piece:
    """A piece of a text.

    Attributes:
        text: The piece.
        effect: What it adds to the probability of the explained label; 0 for no effect.
        strength: The size of the effect in comparison with the largest one in the text, from 0 to 1.
    """

    text: str
    effect: float = 0.0
    strength: float = 0.0


@dataclass(frozen=True)
class Score:
    """The probability of a label; kind: `gold` or `said` (predicted)."""

    label: str
    probability: float
    kind: str


@dataclass(frozen=True)
class ExampleView:
    """An example of the error browser."""

    example: Example
    language: str
    detected: Optional[str]
    kinds: str
    gold: str
    predicted: str
    pieces: list[Piece]
    scores: list[Score]


@dataclass(frozen=True)
class Browser:
    """The error browser, and the choices of its filters: (value, name, number of texts)."""

    wrong: int
    examples: list[ExampleView]
    languages: list[tuple[str, str, int]]
    gold: list[tuple[str, str, int]]
    predicted: list[tuple[str, str, int]]
    wrong_labels: int
    wrong_languages: int
    has_words: bool


def group_rows(metrics: Metrics, rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return the rows of the plot by script: (script, rows). Without scripts, all rows are in one group without name.

    The source comes first, in a group of its own without name.
    """
    scripts = (metrics.groups or {}).get("script", {})
    script_of = {one_line(code): script for script, group in scripts.items() for code in group.codes}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault("" if row.is_source else script_of.get(row.code, ""), []).append(row)
    return sorted(groups.items(), key=lambda item: (item[0] != "", -len(item[1]), item[0]))


def group_means(metrics: Metrics) -> list[GroupRow]:
    """Return the means of the groups of target languages."""
    return [
        GroupRow(KINDS.get(kind, kind), group, sorted(map(name, each.codes)), each.accuracy, each.macro_f1, each.gap)
        for kind, groups in (metrics.groups or {}).items()
        for group, each in groups.items()
    ]


def make_map(embedding_map: EmbeddingMap) -> Map:
    """Return the panels of a map, before and after the projection."""

    def panel(title: str, coordinates: tuple[list[int], list[int]]) -> tuple[str, str, str]:
        return (
            title,
            map_points(coordinates, embedding_map.label, embedding_map.labels, "label"),
            map_points(coordinates, embedding_map.language, languages, "language"),
        )

    languages = [name(code) for code in embedding_map.languages]
    panels = [panel("Before projection" if embedding_map.after else "Embeddings", embedding_map.before)]
    if embedding_map.after:
        panels.append(panel("After projection", embedding_map.after))
    return Map(
        box=map_box(embedding_map),
        panels=panels,
        labels=[(label, key_mark(group)) for group, label in enumerate(embedding_map.labels)],
        languages=[(language, key_mark(group)) for group, language in enumerate(languages)],
        variance=" and ".join(f"{percent(share)}%" for share in embedding_map.variance),
    )


def make_browser(metrics: Metrics) -> Optional[Browser]:
    """Return the error browser of a document; None if it has no texts."""
    details = metrics.details
    if details is None or not details.examples:
        return None
    views = [_example_view(example) for example in details.examples]

    def choices(values: Sequence[str], named: bool = False) -> list[tuple[str, str, int]]:
        counts = Counter(values)
        return sorted(
            ((value, name(value) if named else value, n) for value, n in counts.items()), key=lambda each: each[1]
        )

    return Browser(
        wrong=details.wrong,
        examples=views,
        languages=choices([view.example.language for view in views], named=True),
        gold=choices([label for view in views for label in view.example.gold]),
        predicted=choices([label for view in views for label in view.example.predicted]),
        wrong_labels=sum("label" in view.kinds.split() for view in views),
        wrong_languages=sum("language" in view.kinds.split() for view in views),
        has_words=any(view.example.words for view in views),
    )


def make_detections(metrics: Metrics) -> list[tuple[str, str, int]]:
    """Return the most frequent wrong detections: (language, detected language, number of texts)."""
    if metrics.details is None:
        return []
    pairs = [
        (name(language), name(found), n)
        for language, each in metrics.details.detected.items()
        for found, n in each.items()
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:SHOWN_DETECTIONS]


def expected_of(metrics: Metrics) -> dict[str, Expected]:
    """Return the expected accuracies by language code."""
    return metrics.details.expected if metrics.details else {}


def split_text(text: str, words: Sequence[WordEffect]) -> list[Piece]:
    """Split a text at its words with an effect."""
    largest = max([FAINT, *(abs(word.effect) for word in words)])
    pieces, end = [], 0
    for word in sorted(words, key=lambda word: word.start):
        if word.start < end or word.end > len(text):
            continue
        strength = round(abs(word.effect) / largest, 2)
        pieces += [Piece(text[end : word.start]), Piece(text[word.start : word.end], word.effect, strength)]
        end = word.end
    return [piece for piece in [*pieces, Piece(text[end:])] if piece.text]


def alt_text(rows: Sequence[Row]) -> str:
    """Describe the plot of accuracies in words."""

    def line(row: Row) -> str:
        before = f", {percent(row.before)} before projection" if row.before is not None else ""
        return f"{row.name} {percent(row.accuracy)} ({interval(row.accuracy_interval)}){before}"

    return "Bars of accuracy in percent, with 95% intervals. " + "; ".join(map(line, rows)) + "."


def _example_view(example: Example) -> ExampleView:
    wrong_label = set(example.gold) != set(example.predicted)
    wrong_language = example.detected is not None and example.detected != example.language
    scores = [
        Score(label, probability, "gold" if label in example.gold else "said")
        for label, probability in sorted(example.probabilities.items(), key=lambda item: -item[1])
    ]
    return ExampleView(
        example=example,
        language=name(example.language),
        detected=name(example.detected) if wrong_language and example.detected else None,
        kinds=" ".join(kind for kind, wrong in (("label", wrong_label), ("language", wrong_language)) if wrong),
        gold=json.dumps(example.gold, ensure_ascii=False),
        predicted=json.dumps(example.predicted, ensure_ascii=False),
        pieces=split_text(example.text, example.words),
        scores=scores,
    )
