"""Teaching the encoder weak languages, before or after fine-tuning: accuracy on SIB-200 by language.

    python benchmarks/teach.py [--variants today,after] [--languages yor_Latn,bod_Tibt] [--lines 600] [--seeds 0]
                               [--model FOLDER] [--test]

Parallel sentences are lines of NTREX-128 in 11 weak languages, dictionaries are those of GATITOS in 18. The sentences
of the 14 languages of SIB-200's main set in NTREX are rehearsed. Each model is fine-tuned on the 701 English sentences
of SIB-200 and projected with the development sentences of each language; `--model` names one that is fine-tuned
already, for the first seed. Variants are chosen on development data. With `--test`, the named variants are measured on
test data, too. Each row is printed and written at once: benchmarks/results/teach.{json,md} keep the rows of former runs
of other variants, languages, lines and seeds.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any, Optional

from common import RESULTS, data_folder, write_results
from spacy.language import Language

from spacy_xlt import load_dataset, project, teach, train, translate
from spacy_xlt.data.dictionaries import read_dictionary
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.evaluation.evaluate import evaluate_classifier
from spacy_xlt.languages import base_code
from spacy_xlt.models import load_model, save
from spacy_xlt.training.train import default_epochs
from spacy_xlt.training.trainer import trainable_encoder

STRONG = "eng_Latn arb_Arab deu_Latn fra_Latn hin_Deva ita_Latn jpn_Jpan por_Latn rus_Cyrl spa_Latn swh_Latn tur_Latn "
STRONG += "vie_Latn zho_Hans"
# Of each weak language, its file in NTREX-128 and in GATITOS. SIB-200 has Acehnese in two scripts; its Arabic one has
# neither. N'Ko has a dictionary of Bambara in N'Ko letters, a closely related language.
WEAK = {
    "ace_Arab": ("", ""),
    "ace_Latn": ("", "ace"),
    "aka_Latn": ("", "ak"),
    "amh_Ethi": ("amh", ""),
    "bak_Cyrl": ("bak", "ba"),
    "bam_Latn": ("", "bm"),
    "bod_Tibt": ("bod", "bo"),
    "ckb_Arab": ("ckb-Arab", "ckb"),
    "ewe_Latn": ("ewe", "ee"),
    "fij_Latn": ("fij", "fj"),
    "fon_Latn": ("", "fon"),
    "grn_Latn": ("", "gn"),
    "hau_Latn": ("hau", ""),
    "ilo_Latn": ("", "ilo"),
    "kac_Latn": ("", "kac"),
    "kon_Latn": ("", "kg"),
    "lin_Latn": ("", "ln"),
    "luo_Latn": ("", "luo"),
    "lus_Latn": ("", "lus"),
    "nqo_Nkoo": ("", "bm-Nkoo"),
    "tir_Ethi": ("tir", "ti"),
    "wol_Latn": ("wol", "wo"),
    "yor_Latn": ("yor", ""),
    "zul_Latn": ("zul", ""),
}
# Lines of NTREX that are used to learn from; see the README of the data.
LINES = 1800
# What is taught: pairs, dictionaries, rehearsal; and the options of `teach`. `when`: before or after fine-tuning.
USUAL: dict[str, Any] = {"pairs": True, "dictionaries": True, "rehearsal": True, "glosses": 0, "when": "after"}
VARIANTS: dict[str, Optional[dict[str, Any]]] = {
    "today": None,
    "after": USUAL,
    "after, pairs only": {**USUAL, "dictionaries": False, "rehearsal": False},
    "after, pairs and rehearsal": {**USUAL, "dictionaries": False},
    "after, glosses": {**USUAL, "dictionaries": False, "glosses": 400},
    "after, glosses, 2 epochs": {**USUAL, "dictionaries": False, "glosses": 400, "epochs": 2},
    "after, no new pieces": {**USUAL, "new_pieces": 0},
    "after, rate 3e-5": {**USUAL, "learning_rate": 3e-5},
    "after, rate 2e-4": {**USUAL, "learning_rate": 2e-4},
    "after, 2 epochs": {**USUAL, "epochs": 2},
    "after, 4 layers frozen": {**USUAL, "freeze_layers": 4},
    "before": {**USUAL, "when": "before"},
    "before and after": {**USUAL, "when": "both"},
}


def read(folders: Sequence[str], part: str) -> list[Record]:
    """The sentences of SIB-200 in some languages. Both scripts of Acehnese are one language here."""
    records = []
    for name in folders:
        sib200 = data_folder() / ("sib200" if name in STRONG.split() else "sib200-low")
        records += load_dataset(sib200 / name / f"{part}.tsv", language=base_code(name)).records
    return records


def ntrex(name: str, lines: int) -> list[str]:
    path = data_folder() / "ntrex-128" / f"{name}.txt"
    return path.read_text(encoding="utf8").splitlines()[:lines]


def material(languages: Sequence[str], lines: int, variant: dict[str, Any]) -> dict[str, Any]:
    """The pairs, dictionaries and rehearsal of a variant, as `teach` takes them."""
    english = ntrex("eng", lines)
    files = {base_code(name): WEAK[name] for name in languages if name in WEAK}
    strong = {path.stem: base_code(path.stem) for path in sorted((data_folder() / "ntrex").glob("*.txt"))}
    found: dict[str, Any] = {
        "pairs": {code: list(zip(english, ntrex(file, lines))) for code, (file, _) in files.items() if file}
    }
    if variant["dictionaries"]:
        found["dictionaries"] = {
            code: read_dictionary(data_folder() / "gatitos" / f"en_{file}.tsv").pairs
            for code, (_, file) in files.items()
            if file
        }
    for code, (_, file) in files.items():
        if file and variant["glosses"]:
            found["pairs"].setdefault(code, []).extend(glosses(languages, code, file, variant["glosses"]))
    if variant["rehearsal"]:
        # A different part of the lines in each language, so that rehearsal takes about a quarter of the time.
        found["rehearsal"] = {
            code: ntrex(name, lines)[number :: len(strong)] for number, (name, code) in enumerate(strong.items())
        }
        found["rehearsal"]["en"] = english
    return found


def glosses(languages: Sequence[str], code: str, file: str, count: int) -> list[tuple[str, str]]:
    """Unlabeled sentences of a language, none of which is used for development, with their glosses."""
    found: list[tuple[str, str]] = []
    for name in languages:
        if base_code(name) != code or WEAK[name][1] != file:
            continue
        used = {record.text for record in read([name], "dev")}
        lines = (data_folder() / "lid200" / f"{name}.txt").read_text(encoding="utf8").splitlines()
        texts = [line for line in lines if line not in used][:count]
        words = {code: read_dictionary(data_folder() / "gatitos" / f"en_{file}.tsv").pairs}
        records = translate(texts, to="en", translator=words, language=code, labeled=False, progress=False)
        found += [(record.text, record.original) for record in records]
    return found


def teach_variant(nlp: Any, languages: Sequence[str], lines: int, variant: dict[str, Any], **options: Any) -> Any:
    given = {name: value for name, value in variant.items() if name not in USUAL}
    return teach(nlp, **material(languages, lines, variant), **given, **options)


def finetuned(encoder: Optional[Path], seed: int) -> Language:
    """A pipeline that is fine-tuned on English and not projected."""
    sib200 = data_folder() / "sib200" / "eng_Latn"
    records = load_dataset(sib200 / "train.tsv", language="en").records
    return train(
        records,
        dev=load_dataset(sib200 / "dev.tsv", language="en"),
        method="finetune",
        encoder=encoder,
        epochs=default_epochs(len(records), 16),
        seed=seed,
        progress=False,
    )


@contextmanager
def bfloat16(nlp: Language) -> Iterator[None]:
    """Encode in bfloat16 where the machine has it: twice as fast, and enough to measure accuracy."""
    encoder = trainable_encoder(nlp)
    encoder.bfloat16, before = True, encoder.bfloat16
    try:
        yield
    finally:
        encoder.bfloat16 = before


def measure(nlp: Language, folders: Sequence[str], part: str) -> dict[str, Any]:
    """The accuracy in each language, projected with the development sentences, and the means of groups."""
    with bfloat16(nlp):
        adapt: dict[str, list[str]] = {}
        for record in read(folders, "dev"):
            adapt.setdefault(record.language, []).append(record.text)
        project(nlp, adapt, progress=False)
        by_language = {}
        for name in folders:
            # One folder at a time, because two have one language.
            (figures,) = evaluate_classifier(nlp, read([name], part), progress=False).languages.values()
            by_language[name] = figures.accuracy
    groups = {
        "english": [name for name in folders if name == "eng_Latn"],
        "strong": [name for name in folders if name in STRONG.split() and name != "eng_Latn"],
        "weak": [name for name in folders if name in WEAK],
        "with pairs": [name for name in folders if WEAK.get(name, ("", ""))[0]],
        "with a dictionary only": [name for name in folders if name in WEAK and not WEAK[name][0]],
    }
    means = {name: round(mean(by_language[each] for each in of), 4) for name, of in groups.items() if of}
    return {**means, "languages": {name: round(value, 4) for name, value in by_language.items()}}


def run(variant: Optional[dict[str, Any]], base: Path, languages: Sequence[str], lines: int, seed: int) -> Language:
    """Make the model of a variant. base: the fine-tuned pipeline of this seed."""
    if variant is None:
        return load_model(base)
    if variant["when"] == "after":
        nlp = load_model(base)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "encoder"
            print(teach_variant(default_folder(), languages, lines, variant, output=out, seed=seed), flush=True)
            nlp = finetuned(out, seed)
    if variant["when"] != "before":
        print(teach_variant(nlp, languages, lines, variant, seed=seed), flush=True)
    return nlp


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["variant"], row["part"], row["seed"], row["lines"], tuple(row["taught"]))


def write(rows: list[dict[str, Any]]) -> None:
    columns = ("english", "strong", "weak", "with pairs", "with a dictionary only")
    lines = [
        f"| {row['variant']} | {row['part']} | {row['seed']} | {row['lines']} | {len(row['taught'])} | "
        + " | ".join(f"{row[name]:.3f}" if name in row else "" for name in columns)
        + f" | {row['languages'].get('bod_Tibt', float('nan')):.3f} | {row['seconds']} |"
        for row in rows
    ]
    head = f"| variant | data | seed | lines | languages taught | {' | '.join(columns)} | Tibetan | seconds |\n"
    head += f"|---|---|{'---:|' * (len(columns) + 5)}\n"
    note = "\n\nAccuracy on SIB-200, projected with development sentences. Seconds: of teaching and training."
    write_results("teach", {"rows": rows}, head + "\n".join(lines) + note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", default="today;after", help="separated by semicolons, or all")
    parser.add_argument("--languages", default=",".join(WEAK), help="the weak languages that are taught")
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--test", action="store_true")
    options = parser.parse_args()
    names = list(VARIANTS) if options.variants == "all" else options.variants.split(";")
    languages = options.languages.split(",")
    folders = [*STRONG.split(), *WEAK]
    kept = json.loads((RESULTS / "teach.json").read_text())["rows"] if (RESULTS / "teach.json").is_file() else []
    rows = {key(row): row for row in kept}
    for number, seed in enumerate(map(int, options.seeds.split(","))):
        with tempfile.TemporaryDirectory() as scratch:
            base = options.model if options.model and number == 0 else Path(scratch) / "model"
            if base != options.model:
                save(finetuned(None, seed), base)
            for name in names:
                start = perf_counter()
                nlp = run(VARIANTS[name], base, languages, options.lines, seed)
                seconds = round(perf_counter() - start)
                for part in ("dev", "test") if options.test else ("dev",):
                    row = {
                        "variant": name,
                        "part": part,
                        "seed": seed,
                        "lines": options.lines,
                        "taught": languages if VARIANTS[name] else [],
                        "seconds": seconds,
                        **measure(nlp, folders, part),
                    }
                    rows[key(row)] = row
                    print({name: value for name, value in row.items() if name != "taught"}, flush=True)
                    write(list(rows.values()))


if __name__ == "__main__":
    main()
