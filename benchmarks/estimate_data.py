"""Classification tasks with English training texts and labeled texts of other languages, for the estimates.

Eight tasks. Six use the labels of their data. `articles` (XQuAD) asks which of 48 articles a question is about, and
`persons` (UNER) whether a sentence names a person.
"""

import csv
import json
import random
from collections.abc import Callable
from typing import NamedTuple

from common import PROJECT, data_folder
from transfer import read_umsab

from spacy_xlt import load_dataset
from spacy_xlt.data.records import Record
from spacy_xlt.languages import base_code

# Characters of an article that are read.
ARTICLE = 500
# Few texts, so that all tasks are embedded in a few minutes.
TRAIN, DEV, ADAPT, TEST = 800, 300, 60, 400
TWO_LABELS = ("negative", "positive")


class Task(NamedTuple):
    """Labeled English texts, and for each target language unlabeled texts and labeled texts."""

    train: list[Record]
    dev: list[Record]
    adapt: dict[str, list[str]]
    test: dict[str, list[Record]]


def sib200() -> Task:
    """Topics of sentences, 7 labels, 37 target languages; `ace_Arab` and `ace_Latn` keep their script."""
    folders = [
        folder
        for part in ("sib200", "sib200-low")
        for folder in sorted((data_folder() / part).iterdir())
        if folder.is_dir()
    ]
    english = data_folder() / "sib200" / "eng_Latn"
    targets = {_code(folder.name): folder for folder in folders if folder != english}
    return Task(
        load_dataset(english / "train.tsv").records,
        load_dataset(english / "dev.tsv").records,
        {code: load_dataset(folder / "dev.tsv").texts for code, folder in targets.items()},
        {code: load_dataset(folder / "test.tsv").records for code, folder in targets.items()},
    )


def _code(folder: str) -> str:
    return folder if folder.startswith("ace") else base_code(folder)


def tickets() -> Task:
    """Support tickets, 12 target languages."""
    corpus = PROJECT / "corpus" / "tickets"
    codes = sorted(path.stem for path in (corpus / "test").glob("*.jsonl") if path.stem != "en")
    return Task(
        load_dataset(corpus / "train.jsonl", language="en").records,
        load_dataset(corpus / "dev.jsonl", language="en").records,
        {code: load_dataset(corpus / "unlabelled" / f"{code}.jsonl", labeled=False).texts for code in codes},
        {code: load_dataset(corpus / "test" / f"{code}.jsonl").records for code in codes},
    )


def tweets() -> Task:
    """Sentiment of tweets, 3 labels, 3 target languages (UMSAB)."""
    train, dev, test = (read_umsab(part) for part in ("train", "val", "test"))
    targets = [code for code in test if code != "en"]
    adapt = {code: [record.text for record in train[code][:ADAPT]] for code in targets}
    english = _sample(train["en"], TRAIN)
    return Task(english, dev["en"], adapt, {code: _sample(test[code], TEST) for code in targets})


def reviews() -> Task:
    """Sentiment of English film reviews (SST-2) carried to tweets without the neutral ones (UMSAB), 2 labels."""
    names = {"0": "negative", "1": "positive"}
    rows = {}
    for part in ("train", "dev"):
        with (data_folder() / "sst2" / f"{part}.csv").open(encoding="utf8", newline="") as file:
            rows[part] = [Record(row["sentence"], (names[row["label"]],), "en", part) for row in csv.DictReader(file)]
    train, test = read_umsab("train"), read_umsab("test")
    targets = [code for code in test if code != "en"]

    def polar(records: list[Record]) -> list[Record]:
        return [record for record in records if record.labels[0] in TWO_LABELS]

    adapt = {code: [record.text for record in polar(train[code][:ADAPT])] for code in targets}
    return Task(
        _sample(rows["train"], TRAIN),
        _sample(rows["dev"], DEV),
        adapt,
        {code: polar(_sample(test[code], TEST)) for code in targets},
    )


def news() -> Task:
    """Topics of news articles, 4 target languages, whose labels have other shares (MasakhaNEWS)."""

    def read(name: str) -> list[Record]:
        # Articles are quoted and have several lines.
        path = data_folder() / "masakhanews" / f"{name}.tsv"
        with path.open(encoding="utf8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        return [Record(row["text"][:ARTICLE], (row["category"],), base_code(name[:3]), name) for row in rows]

    codes = ("swa", "hau", "amh", "fra")
    return Task(
        _sample(read("eng.train"), TRAIN),
        _sample(read("eng.dev"), DEV // 2),
        {base_code(code): [record.text for record in read(f"{code}.dev")[:ADAPT]] for code in codes},
        {base_code(code): _sample(read(f"{code}.test"), TEST // 2) for code in codes},
    )


def articles() -> Task:
    """Questions, and which of 48 articles each is about, 5 target languages (XQuAD)."""
    found = {}
    for code in ("en", "ar", "de", "hi", "tr", "zh"):
        path = data_folder() / "xquad" / f"xquad.{code}.json"
        content = json.loads(path.read_text(encoding="utf8"))["data"]
        found[code] = [
            Record(question["question"], (f"{number:02d}",), code, path.name)
            for number, article in enumerate(content)
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        ]
    english = found.pop("en")
    # Questions are parallel: two of four train, one develops, one tests.
    return Task(
        [record for row, record in enumerate(english) if row % 4 < 2],
        english[2::4],
        {code: [record.text for record in records[::4][:ADAPT]] for code, records in found.items()},
        {code: records[3::4] for code, records in found.items()},
    )


def persons() -> Task:
    """Whether a sentence names a person, 4 target languages (UNER)."""

    def read(name: str) -> list[Record]:
        path = data_folder() / "uner" / f"{name}.iob2"
        records = []
        for block in path.read_text(encoding="utf8").strip().split("\n\n"):
            lines = block.splitlines()
            text = next(line.partition("=")[2].strip() for line in lines if line.startswith("# text"))
            tags = [line.split("\t")[2] for line in lines if not line.startswith("#")]
            label = "person" if any(tag.endswith("PER") for tag in tags) else "none"
            records.append(Record(text, (label,), name[:2], path.name))
        return records

    targets = {code: read(f"{code}.test") for code in ("de", "ru", "hr", "zh")}
    return Task(
        _sample(read("en.train"), TRAIN),
        _sample(read("en.dev"), DEV),
        {code: [record.text for record in records[:ADAPT]] for code, records in targets.items()},
        {code: records[ADAPT : ADAPT + TEST] for code, records in targets.items()},
    )


def inference() -> Task:
    """Premise and hypothesis in one text, 3 labels, 4 target languages (XNLI). Hard for one sentence vector."""
    found = {}
    for code in ("en", "de", "hi", "sw", "tr"):
        path = data_folder() / "xnli" / f"dev-{code}.tsv"
        rows = [line.split("\t") for line in path.read_text(encoding="utf8").splitlines()]
        found[code] = [Record(f"{row[0]} {row[1]}", (row[2],), code, path.name) for row in rows]
    english = found.pop("en")
    return Task(
        english[:900],
        english[1692:1992],
        {code: [record.text for record in records[:ADAPT]] for code, records in found.items()},
        {code: records[1992:2292] for code, records in found.items()},
    )


def _sample(records: list[Record], count: int) -> list[Record]:
    return random.Random(0).sample(records, min(count, len(records)))


TASKS: dict[str, Callable[[], Task]] = {
    "tickets": tickets,
    "sib200": sib200,
    "tweets": tweets,
    "reviews": reviews,
    "articles": articles,
    "persons": persons,
    "inference": inference,
    "news": news,
}
