"""Glossing by dictionaries: accuracy of text, gloss and both in languages that the encoder knows badly.

    python benchmarks/gloss.py [MODEL]

MODEL is fine-tuned on English SIB-200 and projected to 14 languages: `spacy project run sib200` makes
training/sib200-finetuned/transfer. It runs in 8 bits. The dictionaries are those of GATITOS. The languages are those of
sib200-low that have one, and three that the encoder knows well. The default weight of translations was chosen on the
development texts. Writes benchmarks/results/gloss.{json,md}.
"""

import sys
from statistics import mean
from time import perf_counter
from typing import Any

import numpy as np
from common import PROJECT, data_folder, write_results
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt import export, load_dataset
from spacy_xlt.alignment.projection import DEFAULT_TRANSLATION_WEIGHT
from spacy_xlt.data.dictionaries import read_dictionary
from spacy_xlt.data.records import Record
from spacy_xlt.languages import UNKNOWN, name
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.model_state import read_head
from spacy_xlt.transfer.translation_weights import GRID, Embedded, mix, weight_by_labels
from spacy_xlt.translators.glossary import Glossary

# Folder of SIB-200, dictionary of GATITOS.
LOW = {
    "ace_Latn": "ace", "aka_Latn": "ak", "bak_Cyrl": "ba", "bam_Latn": "bm", "bod_Tibt": "bo", "ckb_Arab": "ckb",
    "ewe_Latn": "ee", "fij_Latn": "fj", "fon_Latn": "fon", "grn_Latn": "gn", "ilo_Latn": "ilo", "kac_Latn": "kac",
    "kon_Latn": "kg", "lin_Latn": "ln", "luo_Latn": "luo", "lus_Latn": "lus", "nqo_Nkoo": "bm-Nkoo", "tir_Ethi": "ti",
    "wol_Latn": "wo",
}  # fmt: skip
HIGH = {"fra_Latn": "fr", "hin_Deva": "hi", "spa_Latn": "es"}
SPLITS = ("dev", "test")


def embed(nlp: Language, glossary: Glossary, records: list[Record]) -> tuple[Embedded, dict[str, Any]]:
    """The embeddings of texts and glosses. A text without a known word is its own gloss."""
    encoder, projector = find_pipe(nlp, Encoder), find_pipe(nlp, Projector)
    texts, languages = [record.text for record in records], [record.language for record in records]
    start = perf_counter()
    glosses = glossary.translate(texts, languages, projector.source)
    seconds = perf_counter() - start
    start = perf_counter()
    vectors = encoder.encode([*texts, *(gloss or text for gloss, text in zip(glosses, texts))])
    per_text = (perf_counter() - start) / (2 * len(texts))
    mixtures = [{language if language in projector.languages else UNKNOWN: 1.0} for language in languages]
    facts = {
        "coverage": glossary.coverage(texts, languages[0]),
        "glossed_per_second": len(texts) / seconds,
        "encoded_per_second": 1 / per_text,
    }
    return Embedded(projector.project(vectors[: len(texts)], mixtures), vectors[len(texts) :]), facts


def measure(nlp: Language, folder: str, dictionary: str) -> dict[str, Any]:
    """The accuracies of a language, by split and weight."""
    data = data_folder()
    head = read_head(nlp)
    glossary = Glossary()
    source = data / ("sib200-low" if folder in LOW else "sib200") / folder
    row: dict[str, Any] = {"folder": folder}
    for split in SPLITS:
        records = load_dataset(source / f"{split}.tsv", language=folder).records
        row["language"] = records[0].language
        if not glossary.is_loaded:
            glossary.add(row["language"], read_dictionary(data / "gatitos" / f"en_{dictionary}.tsv").pairs)
        gold = np.array([[float(label in record.labels) for label in head.labels] for record in records])
        embedded, facts = embed(nlp, glossary, records)
        accuracies = {str(weight): round(_accuracy(head(mix(embedded, weight)), gold), 4) for weight in GRID}
        row[split] = {"texts": len(records), "by_weight": accuracies, **{k: round(v, 3) for k, v in facts.items()}}
        if split == "dev":
            row["weight_on_dev"] = weight_by_labels(embedded, gold, head)
    return row


def _accuracy(probabilities: NDArray[np.float32], gold: NDArray[np.float64]) -> float:
    return float(gold[np.arange(len(gold)), probabilities.argmax(axis=1)].mean())


def main(model: str = "training/sib200-finetuned/transfer") -> None:
    nlp = export(PROJECT / model, preset="balanced", progress=False)
    rows = []
    for folder, dictionary in {**LOW, **HIGH}.items():
        rows.append(measure(nlp, folder, dictionary))
        print(folder, rows[-1], flush=True)
    head = "| language | words known | text | gloss | both | chosen on dev |\n|---|---|---|---|---|---|\n"
    lines = [_line(name(row["language"]), [row]) for row in rows]
    low = [row for row in rows if row["folder"] in LOW]
    means = [_line(f"mean of {len(low)} weak languages", low), _line("mean of the others", rows[len(low) :])]
    speed = "Glossing takes {:.1%} of the time of encoding the text once, in the mean of the languages.".format(
        mean(row["test"]["encoded_per_second"] / row["test"]["glossed_per_second"] for row in rows)
    )
    note = (
        "Accuracy on the test texts. `both` averages text and gloss with the weight .5, which was chosen on the "
        f"development texts of all languages; `chosen on dev` chooses it for each language. {speed}"
    )
    table = "\n".join([*lines, *means])
    write_results("gloss", {"rows": rows, "default_weight": DEFAULT_TRANSLATION_WEIGHT}, f"{head}{table}\n\n{note}")


def _line(title: str, rows: list[dict[str, Any]]) -> str:
    """A line of the table: the means of the rows."""
    accuracies = [row["test"]["by_weight"] for row in rows]
    figures = [mean(each[str(weight)] for each in accuracies) for weight in (0.0, 1.0, DEFAULT_TRANSLATION_WEIGHT)]
    figures.append(mean(each[str(row["weight_on_dev"])] for each, row in zip(accuracies, rows)))
    covered = mean(row["test"]["coverage"] for row in rows)
    return f"| {title} | {covered:.0%} | {' | '.join(f'{figure:.3f}' for figure in figures)} |"


if __name__ == "__main__":
    main(*map(str, sys.argv[1:]))
