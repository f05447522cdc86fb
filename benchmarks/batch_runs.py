"""One run of benchmarks/batch.py in a process of its own; the last line that it prints is JSON.

batch_runs.py bare|process|workers-2 MODEL SOURCE OUT      seconds without the loading of modules and model
batch_runs.py bad MODEL SOURCE OUT GOOD BAD                writes SOURCE first
batch_runs.py strings MODEL COUNT OUT
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
from common import peak_mb
from tickets import make_tickets

from spacy_xlt import Classifier
from spacy_xlt.batch import process
from spacy_xlt.data.rows import MAX_CHARS


def read_bodies(source: Path) -> list[str]:
    with source.open(encoding="utf8") as file:
        return [json.loads(line)["body"] for line in file]


def bare(model: Path, source: Path) -> dict[str, Any]:
    """The model alone: the texts are in memory already, and what it says is thrown away."""
    classifier = Classifier.load(model)
    texts = read_bodies(source)
    start = time.perf_counter()
    count = sum(1 for _ in classifier.pipe(texts))
    return {"docs": count, "seconds": time.perf_counter() - start}


def whole(model: Path, source: Path, out: Path, workers: int) -> dict[str, Any]:
    """Everything: from the bytes of the input to those of the output. What comes before the first text is left out."""
    started: list[float] = []
    summary = process(model, source, out, workers=workers, say=lambda sentence: started.append(time.perf_counter()))
    load = time.perf_counter()
    Classifier.load(model)
    loading = time.perf_counter() - load
    return {"docs": summary.documents, "seconds": load - started[0] - loading}


def bad_lines(number: int) -> list[bytes]:
    """A bad record of each of the ten kinds; the last of them has the id of the first good one."""
    start = b'{"id": "bad-%d", ' % number
    return [
        start + b'"body": "caf\xe9"}',
        start + b'"body": ',
        b'["not an object"]',
        b'"neither"',
        start + b'"title": "no body"}',
        start + b'"body": null}',
        start + b'"body": 12.5}',
        start + b'"body": ["a", "list"]}',
        start + b'"body": "' + b"x" * (MAX_CHARS + 1) + b'"}',
        b'{"id": "ticket-00000000", "body": "again"}',
    ]


def bad(model: Path, source: Path, out: Path, good: int, count: int) -> dict[str, Any]:
    chance = random.Random(0)
    kinds = len(bad_lines(0))
    records = [json.dumps(ticket, ensure_ascii=False).encode() for ticket in make_tickets(good)]
    places = sorted(chance.sample(range(1, good), count))
    lines: list[bytes] = []
    expected: list[int] = []
    for number, record in enumerate(records):
        if places and places[0] == number:
            lines.append(bad_lines(number)[len(expected) % kinds])
            expected.append(len(lines))
            places.pop(0)
        lines.append(record)
    source.write_bytes(b"\n".join(lines) + b"\n")
    summary = process(model, source, out)
    with (out / "quarantine.jsonl").open(encoding="utf8") as file:
        found = [json.loads(line)["line"] for line in file]
    return {
        "good": good,
        "bad": count,
        "classified": summary.documents,
        "in_quarantine_with_its_line": len(set(found) & set(expected)) if len(found) == count else 0,
    }


def random_string(chance: random.Random) -> str:
    """Any code points, surrogates too; random bytes with surrogateescape; or a short mixture of scripts."""
    length = chance.choice((0, 1, 2, 5, 20, 100))
    kind = chance.randrange(3)
    if kind == 0:
        return "".join(chr(chance.randrange(0x110000)) for _ in range(length))
    if kind == 1:
        return chance.randbytes(length).decode("utf8", "surrogateescape")
    ranges = ((0, 0x80), (0x400, 0x500), (0x600, 0x700), (0x900, 0x980), (0x3040, 0x30FF), (0x1F600, 0x1F650))
    return "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(length))


def strings(model: Path, count: int) -> dict[str, int]:
    chance = random.Random(0)
    texts = [random_string(chance) for _ in range(count)]
    rows: list[dict[str, Any]] = []
    summary = process(model, texts, rows.append)
    formed = sum(
        row["text"] == text
        and abs(sum(row["probabilities"].values()) - 1) < 1e-3
        and row["label"] in row["probabilities"]
        and 0 <= row["language_score"] <= 1
        for row, text in zip(rows, texts)
    )
    return {"strings": count, "well_formed_in_order": formed, "quarantined": summary.quarantined}


def main() -> None:
    way, model, *others = sys.argv[1:]
    if way == "bare":
        measured = bare(Path(model), Path(others[0]))
    elif way == "bad":
        measured = bad(Path(model), Path(others[0]), Path(others[1]), int(others[2]), int(others[3]))
    elif way == "strings":
        measured = strings(Path(model), int(others[0]))
    else:
        measured = whole(Path(model), Path(others[0]), Path(others[1]), 2 if way == "workers-2" else 0)
    print(json.dumps({**measured, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
