"""Write the data of the workflows `fewshot` and `sentiment` as JSONL with text, label and lang.

    python benchmarks/transfer_data.py

- corpus/sib200/few.jsonl: 16 texts per label in each of the 13 target languages, from their training data.
- corpus/sentiment: SST-2 in English (train, dev), and German tweets of UMSAB without the neutral ones (few with 16
  texts per label, test, unlabeled with English texts, unlabelled-targets).
- corpus/tweets: the same files of UMSAB with three labels in English, German, French and Spanish, and dev-targets.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from common import PROJECT
from transfer import choose, read_task, unlabeled

from spacy_xlt.data.records import Record
from spacy_xlt.files import whole_file

CORPUS = PROJECT / "corpus"
K, SEED = 16, 0


def write(records: Iterable[Record], path: Path, labeled: bool = True) -> None:
    rows = (
        {"text": record.text, **({"label": record.labels[0]} if labeled else {}), "lang": record.language}
        for record in records
    )
    with whole_file(path) as scratch:
        scratch.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf8")


def main() -> None:
    train, dev, _ = read_task("sib200")
    targets = sorted(set(train) - {"en"})
    write((record for code in targets for record in choose(train[code], K, SEED)), CORPUS / "sib200" / "few.jsonl")
    for task, name in (("sst2-de", "sentiment"), ("umsab", "tweets")):
        train, dev, test = read_task(task)
        texts = unlabeled(task, train, dev)
        targets = sorted(set(train) - {"en"})
        folder = CORPUS / name
        write(train["en"], folder / "train.jsonl")
        write(dev["en"], folder / "dev.jsonl")
        write((record for code in targets for record in choose(train[code], K, SEED)), folder / "few.jsonl")
        write((record for code in targets for record in test[code]), folder / "test.jsonl")
        for file, codes in (("unlabelled", sorted(texts)), ("unlabelled-targets", targets)):
            records = (Record(text, (), code, "") for code in codes for text in texts[code])
            write(records, folder / f"{file}.jsonl", labeled=False)
        if name == "tweets":
            write((record for code in targets for record in dev[code]), folder / "dev-targets.jsonl")
        print(f"✔ {folder.relative_to(PROJECT)}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


if __name__ == "__main__":
    main()
