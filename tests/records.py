"""A few texts of two labels, for tests that train or evaluate on the tiny encoders."""

import csv
import random
from collections.abc import Iterable
from pathlib import Path

from spacy_xlt.data.records import Record

LABELS = ["billing", "delivery"]
_WORDS = {"billing": ["invoice", "charged", "refund", "card"], "delivery": ["parcel", "courier", "late", "shipped"]}


def make_records(n: int = 24, language: str = "en", seed: int = 0) -> list[Record]:
    """The same records every time, of both labels by turns, with words that tell them apart."""
    chance = random.Random(seed)
    records = []
    for i in range(n):
        label = LABELS[i % 2]
        words = " ".join(chance.choices(_WORDS[label], k=4))
        records.append(Record(f"My order {i}: {words}.", (label,), language, f"tickets.csv:{i + 2}"))
    return records


def write_csv(records: Iterable[Record], path: Path) -> Path:
    """A CSV file with the columns text, label and lang."""
    with path.open("w", encoding="utf8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "lang"])
        writer.writerows((record.text, " ".join(record.labels), record.language) for record in records)
    return path
