"""The articles of XQuAD to train on, to choose settings and calibrate on, and to test on.

    python benchmarks/qa_data.py       # writes train.json, dev.json and test/xquad.<language>.json to assets/xquad

Articles 1-32 are for training and 33-36 for development, in English only. Articles 37-48 are for testing.
"""

import json
from pathlib import Path
from typing import Any

from common import PROJECT, data_folder

from spacy_xlt.data.questions import Question, load_questions
from spacy_xlt.files import write_json

PARTS = {"train": slice(0, 32), "dev": slice(32, 36), "test": slice(36, 48)}
XQUAD = ("en", "de", "es", "ru", "tr", "ar", "hi", "vi", "zh")
MLQA = ("en", "de", "es", "ar", "hi", "vi", "zh")


def xquad(part: str, language: str = "en") -> list[Question]:
    """The questions of a part of XQuAD."""
    questions = load_questions(data_folder() / "xquad" / f"xquad.{language}.json")
    articles = list(dict.fromkeys(question.article for question in questions))[PARTS[part]]
    return [question for question in questions if question.article in articles]


def mlqa(language: str) -> list[Question]:
    """The questions of MLQA's development data, texts and questions in one language."""
    return load_questions(data_folder() / "mlqa" / f"dev-{language}.json")


def write_part(source: Path, part: str, target: Path) -> None:
    """Write the articles of a part of a file of XQuAD."""
    content: dict[str, Any] = json.loads(source.read_text(encoding="utf8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json({**content, "data": content["data"][PARTS[part]]}, target)


def main() -> None:
    folder = PROJECT / "assets" / "xquad"
    for part in ("train", "dev"):
        write_part(folder / "xquad.en.json", part, folder / f"{part}.json")
    for language in XQUAD:
        write_part(folder / f"xquad.{language}.json", "test", folder / "test" / f"xquad.{language}.json")
    print(f"✔ The articles of XQuAD to train on, develop on and test on are in {folder.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
