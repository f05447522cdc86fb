"""All 215 languages and scripts by held-out texts, and what the sentences of FLORES-200 are worth as training texts.

    python benchmarks/langdetect_ngrams.py lingua_...whl --holdout holdout.npz
    python benchmarks/langdetect_ngrams.py lingua_...whl --holdout without.npz --without-flores
    python benchmarks/langdetect_holdout.py holdout.npz without.npz

Test files are there for 38 languages of SIB-200 only. Here models of the same kind as the default detector's, trained
without every fifth sentence (fold 0) of all 205 languages, are asked about those sentences; and about news and
declarations of other lines and articles than they were trained on. Writes langdetect_holdout.{json,md} in
benchmarks/results.
"""

import argparse
from pathlib import Path
from typing import Any

from common import write_results
from langdetect_200 import judge, percent, table
from langdetect_200_texts import documents, first_words, one_word
from langdetect_data import Labeled
from langdetect_systems import best_language
from languages_data import classes, texts

from spacy_xlt.detectors import ngrams
from spacy_xlt.detectors.ngrams import NGrams, read_model

RATES = (0.0, 0.01, 0.02)


def held_out_sets(known: set[str]) -> dict[str, Labeled]:
    """Texts of the classes that a model knows."""
    sib = {name: texts(name, "sib", "fold0") for name in sorted(known)}
    sentences = [(text, name) for name, found in sib.items() for text in found]
    words = [(one_word(text, name, place), name) for place, (text, name) in enumerate(sentences)]
    return {
        "sentences": sentences,
        "three words": [(first_words(text, name), name) for text, name in sentences],
        "one word": [(word, name) for word, name in words if word],
        "documents": [(text, name) for name, found in sib.items() for text in documents(found)],
        "news": [(text, name) for name in sorted(known) for text in texts(name, "ntrex", "test")],
        "declaration": [(text, name) for name in sorted(known) for text in texts(name, "udhr", "test")],
    }


def measure(model: Path, known: set[str]) -> list[dict[str, Any]]:
    """A row for each set of texts and share of known texts that may be called unknown."""
    ngrams.FILE = model
    read_model.cache_clear()
    ngrams._weights.cache_clear()
    rows = []
    for rate in RATES:
        detector = NGrams(unknown_rate=rate)
        for kind, labeled in held_out_sets(known).items():
            found = detector.detect([text for text, _ in labeled])
            row = judge(labeled, [best_language(candidates) for candidates in found])
            rows.append({"texts": kind, "number": len(labeled), "rate": rate, **row})
            print(model.name, rate, kind, row["merged"], f"xx {row['unknown']}", f"ECE {row['ece']:.3f}", flush=True)
    return rows


def known_classes(model: Path) -> set[str]:
    ngrams.FILE = model
    read_model.cache_clear()
    return {name for group in read_model().values() for name in group.classes}


def model_table(rows: list[dict[str, Any]]) -> str:
    head = ["texts", "number", "languages", "may be called xx", "macro-F1", "macro-F1, merged", "accuracy, merged"]
    head += [">= .95, merged", "< .5", "called xx", "ECE"]
    cells = [
        [
            row["texts"],
            row["number"],
            row["base"]["languages"],
            percent(row["rate"]),
            percent(row["base"]["macro_f1"]),
            percent(row["merged"]["macro_f1"]),
            percent(row["merged"]["accuracy"]),
            row["merged"]["good"],
            row["merged"]["bad"],
            percent(row["unknown"]),
            f"{row['ece']:.3f}",
        ]
        for row in rows
    ]
    return table(head, cells)


def markdown(document: dict[str, Any]) -> str:
    return f"""# Language detection: held-out texts of all languages

Models of the same kind as the default detector's that have not seen the texts below: every fifth sentence of SIB-200's
train and dev files (205 languages and scripts), lines of NTREX-128 and articles of the Universal Declaration of Human
Rights. Figures in per cent, without a prior. Merged: Bosnian, Croatian and Serbian count as one language, Bokmål and
Nynorsk too, Cantonese as Chinese. `may be called xx`: the detector's setting `unknown_rate`.

{model_table(document["holdout"])}

## With and without FLORES

The same on the {document["common"]} languages and scripts that have other training texts, for the model above and for
one that learned nothing from SIB-200, whose sentences are FLORES-200's. Sentences of SIB-200 are another kind of text
to the second one.

With:

{model_table(document["with"])}

Without:

{model_table(document["without"])}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("holdout", type=Path, help="the model built with --holdout")
    parser.add_argument("without", type=Path, help="the model built with --holdout and --without-flores")
    options = parser.parse_args()
    common = known_classes(options.without)
    document = {
        "common": len(common),
        "holdout": measure(options.holdout, set(classes())),
        "with": measure(options.holdout, common),
        "without": measure(options.without, common),
    }
    write_results("langdetect_holdout", document, markdown(document))


if __name__ == "__main__":
    main()
