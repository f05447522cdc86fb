"""Unlabeled texts of 14 languages for the projector of the SIB-200 models: one JSONL file with text and language.

    python benchmarks/sib200_unlabelled.py

Per language the 99 sentences of SIB-200's dev split and the first 150 lines of NTREX-128, both free to adapt on. The
source language is among them: its mean has to come from texts of the same kind. Chosen on dev, by mean accuracy of 13
languages with a frozen encoder (one standard error is .01): no projection .793, SIB-200 dev alone .810, 50-500 lines of
NTREX alone .805-.816, dev and 50 lines .817, 100 .814, 150 .819, 200 .819, 500 .814.
"""

import json

from common import PROJECT

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.files import whole_file
from spacy_xlt.languages import base_code

ASSETS = PROJECT / "assets"
OUTPUT = PROJECT / "corpus" / "sib200" / "unlabelled.jsonl"
NTREX_LINES = 150


def main() -> None:
    records = Dataset.load(ASSETS / "sib200" / "dev", labeled=False).records
    for path in sorted((ASSETS / "ntrex").iterdir()):
        records += Dataset.load(path, language=base_code(path.stem), labeled=False).records[:NTREX_LINES]
    rows = (json.dumps({"text": record.text, "lang": record.language}, ensure_ascii=False) for record in records)
    with whole_file(OUTPUT) as scratch:
        scratch.write_text("".join(f"{row}\n" for row in rows), encoding="utf8")
    print(f"✔ {len(records)} texts: {OUTPUT.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
