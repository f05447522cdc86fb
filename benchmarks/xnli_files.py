"""Write the training and test pairs of the benchmark of XNLI as JSONL.

    python benchmarks/xnli_files.py FOLDER

The development files of XNLI are read from ../shared/data, or from the folder that SPACY_XLT_DATA names. They are
tab-separated without a header: premise, hypothesis, label. FOLDER gets train.jsonl and test.jsonl.
"""

import json
import sys
from pathlib import Path

from common import data_folder

from spacy_xlt.data.records import Record

LANGUAGES = ("en", "de", "es", "fr", "ru", "tr", "zh", "vi", "ar", "hi", "sw")
# The three pairs of a premise are neighbors, and the cut keeps them together.
TRAIN, TEST = slice(0, 1992), slice(1992, 2490)


def read(language: str, rows: slice) -> list[Record]:
    """The pairs of some rows."""
    file = data_folder() / "xnli" / f"dev-{language}.tsv"
    records = []
    for number, line in enumerate(file.read_text(encoding="utf8").splitlines()[rows], start=rows.start + 1):
        premise, hypothesis, label = line.split("\t")
        records.append(Record(premise, (label,), language, f"{file.name}:{number}", pair=hypothesis))
    return records


def write(records: list[Record], path: Path) -> None:
    rows = (
        {"premise": each.text, "hypothesis": each.pair, "label": each.labels[0], "lang": each.language}
        for each in records
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf8")


def main(folder: Path) -> None:
    write(read("en", TRAIN), folder / "train.jsonl")
    write([record for language in LANGUAGES for record in read(language, TEST)], folder / "test.jsonl")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
