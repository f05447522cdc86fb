"""How well changes of language are found: sentences of which the first half is in one language, the second in another.

    python benchmarks/langdetect_segments.py      # the choice of the constants in segments.py, on dev

Pairs of parallel sentences of SIB-200. A segment counts as found if its language is right and both its ends are right
to within a word (in Chinese and Japanese, four characters). F1 is that of all segments of a pair of languages; the mean
over the pairs is reported, and the share of letters that have the right language.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Optional

from langdetect_data import LANGUAGES, UNSPACED, sib200

from spacy_xlt.detectors import segments as module
from spacy_xlt.detectors.base import Detector
from spacy_xlt.detectors.ngrams import NGrams
from spacy_xlt.detectors.segments import Segment, find_segments

PAIRS = (
    ("en", "de"),
    ("en", "fr"),
    ("en", "es"),
    ("pt", "en"),
    ("es", "pt"),
    ("it", "es"),
    ("fr", "it"),
    ("en", "sw"),
    ("sw", "fr"),
    ("en", "tr"),
    ("de", "tr"),
    ("en", "vi"),
    ("en", "ru"),
    ("en", "ar"),
    ("fr", "ar"),
    ("en", "hi"),
    ("ru", "ar"),
    ("en", "zh"),
    ("ja", "en"),
    ("zh", "ja"),
)
Switched = tuple[str, list[Segment]]


def switched(pair: tuple[str, str], split: str, most: Optional[int] = None) -> list[Switched]:
    """The texts of a pair of languages with their gold segments."""
    found = []
    for texts in list(zip(*(sib200(language, split) for language in pair)))[:most]:
        first, second = _half(texts[0], pair[0], 0), _half(texts[1], pair[1], 1)
        start = len(first) + 1
        gold = [Segment(0, len(first), pair[0], 1.0), Segment(start, start + len(second), pair[1], 1.0)]
        found.append((f"{first} {second}", gold))
    return found


def _half(text: str, language: str, number: int) -> str:
    units: Sequence[str] = text if language in UNSPACED else text.split()
    middle = len(units) // 2
    return ("" if language in UNSPACED else " ").join(units[middle:] if number else units[:middle]).strip()


def count(text: str, gold: Sequence[Segment], found: Sequence[Segment]) -> dict[str, int]:
    """Gold and found segments, those that agree, letters, and letters with the right language."""
    letters = [place for place, char in enumerate(text) if char.isalpha()]
    language_of: dict[int, str] = {}
    for segment in found:
        language_of.update(dict.fromkeys(range(segment.start, segment.end), segment.language))
    gold_of = {place: segment.language for segment in gold for place in range(segment.start, segment.end)}
    agree = sum(any(_agree(text, one, other) for other in found) for one in gold)
    right = sum(language_of.get(place) == gold_of.get(place) for place in letters)
    return {"gold": len(gold), "found": len(found), "agree": agree, "letters": len(letters), "right": right}


def _agree(text: str, gold: Segment, found: Segment) -> bool:
    same = gold.language == found.language
    return same and _near(text, gold.start, found.start) and _near(text, gold.end, found.end)


def _near(text: str, one: int, other: int) -> bool:
    """Whether there is at most one word between two places; of an unspaced script, four characters."""
    between = text[min(one, other) : max(one, other)]
    if any("\u3040" <= char <= "\u9fff" for char in between):
        return sum(map(str.isalpha, between)) <= 4
    return sum(any(map(str.isalpha, word)) for word in between.split()) <= 1


def score(counts: Sequence[dict[str, int]]) -> dict[str, float]:
    total = {name: sum(each[name] for each in counts) for name in counts[0]}
    return {
        "f1": round(2 * total["agree"] / (total["gold"] + total["found"]), 4),
        "letters": round(total["right"] / total["letters"], 4),
    }


def measure_segments(detector: Optional[Detector] = None, split: str = "test") -> list[dict[str, Any]]:
    """A row for each pair of languages: F1 and letters with the 14 languages as prior, and without."""
    detector = detector or NGrams()
    rows = []
    for pair in PAIRS:
        data = switched(pair, split)
        row: dict[str, Any] = {"pair": "-".join(pair)}
        for name, languages in (("prior", LANGUAGES), ("open", None)):
            found = find_segments(detector, [text for text, _ in data], languages)
            row[name] = score([count(text, gold, own) for (text, gold), own in zip(data, found)])
        rows.append(row)
        print(row, flush=True)
    return rows


def means(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {
        f"{name} {figure}": round(sum(row[name][figure] for row in rows) / len(rows), 4)
        for name in ("prior", "open")
        for figure in ("f1", "letters")
    }


def segments_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "## Segments",
        "",
        "Code-switched sentences (NGrams): the first half in one language, the second in another. F1 of segments",
        "whose language is right and whose ends are right to within a word; letters: the share in the right language.",
        "",
        "| languages | F1, 14 languages | letters | F1, no prior | letters |",
        "|---|---|---|---|---|",
    ]
    mean = means(rows)
    named = [(row["pair"], *row["prior"].values(), *row["open"].values()) for row in rows]
    named.append(("**mean**", *mean.values()))
    lines += [f"| {name} | {a:.3f} | {b:.3f} | {c:.3f} | {d:.3f} |" for name, a, b, c, d in named]
    return "\n".join(lines)


def main() -> None:
    """Print the dev figures of several settings: what SWITCH_COST, NEIGHBOURS and OWN_WEIGHT were chosen by."""
    detector = NGrams()
    data = [item for pair in PAIRS for item in switched(pair, "dev", 20)]
    texts = [text for text, _ in data]
    for neighbors in (1, 2, 3):
        module.NEIGHBOURS = neighbors
        units = [module.split_units(text) for text in texts]
        asked = [window for text, own in zip(texts, units) for window in module._windows(text, own)]
        for name, languages in (("prior", LANGUAGES), ("open", None)):
            answers = detector.detect(asked, languages)
            for own_weight, cost in itertools.product((0.25, 0.5, 1.0), (5.0, 8.0, 11.0)):
                module.OWN_WEIGHT, module.SWITCH_COST = own_weight, cost
                judged = iter(answers)
                found = [module._join(own, [next(judged) for _ in range(2 * len(own))]) for own in units]
                figures = score([count(text, gold, own) for (text, gold), own in zip(data, found)])
                print(name, {"neighbors": neighbors, "own": own_weight, "cost": cost}, figures, flush=True)


if __name__ == "__main__":
    main()
