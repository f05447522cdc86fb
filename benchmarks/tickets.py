"""As many tickets as one likes, in 12 languages: the sentences of corpus/tickets, mixed, with names, numbers and noise.

python benchmarks/tickets.py 200000 tickets.jsonl
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
from common import PROJECT

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "pt", "ru", "sw", "tr", "zh")
ENDINGS = ("", "!", "?", " ...", " 🙏", " #{number}", " ({number})", " – {name}", "\n\n{name}\n+49 {number}")
NAMES = ("Anna", "Li Wei", "Mehmet", "Amina", "Olga", "João", "Fatima", "Kenji", "Priya", "Juma", "Lucía", "Zoë")


def read_texts(corpus: Path) -> dict[str, list[str]]:
    """{language: texts} of the corpus's test and unlabeled files."""
    texts: dict[str, list[str]] = {}
    for language in LANGUAGES:
        files = [corpus / folder / f"{language}.jsonl" for folder in ("test", "unlabelled")]
        lines = [line for file in files if file.is_file() for line in file.read_text(encoding="utf8").splitlines()]
        texts[language] = [json.loads(line)["text"] for line in lines]
    return texts


def make_tickets(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The same tickets every time: id, body (one or two texts of one language and an ending), lang, priority."""
    chance = random.Random(seed)
    texts = read_texts(PROJECT / "corpus" / "tickets")
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        body = " ".join(chance.sample(texts[language], chance.choice((1, 1, 2))))
        ending = chance.choice(ENDINGS).format(number=chance.randrange(10**6), name=chance.choice(NAMES))
        yield {"id": f"ticket-{number:08d}", "body": body + ending, "lang": language, "priority": number % 4}


def write_tickets(count: int, path: Path, seed: int = 0) -> Path:
    with path.open("w", encoding="utf8") as file:
        for ticket in make_tickets(count, seed):
            file.write(json.dumps(ticket, ensure_ascii=False) + "\n")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("count", type=int)
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    write_tickets(options.count, options.path)
