"""What to expect in each language, and what helps: accuracy on SIB-200 in 38 languages, estimates in 205.

    python benchmarks/languages.py MODEL

MODEL is fine-tuned on the English sentences of SIB-200 and not projected; `spacy project run sib200` makes
training/sib200-finetuned/model-best. It runs in 8 bits.

Measured are the 14 languages of the main set and the 24 weak languages, on test texts: the model that is projected with
the development sentences of each language (`today`), and the same with the dictionaries of GATITOS (`dictionary`), with
the words of 1,800 parallel sentences of NTREX (`sentences`), and with both. Where a language has neither, its figures
are those of today.

The other languages have no labels here. Their accuracy is estimated by `xlt.estimate` from unlabeled sentences, after a
projection with other unlabeled sentences (`lid200`). The same is done for the measured languages, so that the page
shows how far the estimates can be trusted.

Writes benchmarks/results/languages.{json,md} and the page docs/language-list.md.
"""

import sys
from pathlib import Path
from statistics import mean
from typing import Any

from common import PROJECT, data_folder, write_results
from teach import LINES, STRONG, WEAK, ntrex, read

from spacy_xlt import add_translator, estimate, export, project
from spacy_xlt.data.dictionaries import read_dictionary
from spacy_xlt.evaluation.evaluate import evaluate_classifier
from spacy_xlt.languages import base_code, name

PAGE = PROJECT / "docs" / "language-list.md"
MEASURED = [*STRONG.split(), *WEAK]
# Its dictionary is in the other script.
OTHER_SCRIPT = "ace_Arab"
# Unlabeled sentences of a language: for the projection, and for the estimate.
ADAPT, ESTIMATE = 60, 140
WAYS = ("today", "dictionary", "sentences", "both")
# Gains below this are not called help: the standard error of an accuracy on 204 texts is about .03.
LEAST_GAIN = 0.03
HELPS = {
    "dictionary": "[a dictionary](translation.md)",
    "sentences": "[parallel sentences](translation.md#use-parallel-sentences)",
    "both": "[a dictionary and parallel sentences](translation.md#use-parallel-sentences)",
}
HEAD = """# What to expect in each language

One model, fine-tuned on 701 English sentences of SIB-200 (seven topics) and [projected](transfer.md) with unlabeled
sentences of each language. Topics are an easy task: use the table to compare languages, and
[estimate](estimates.md) or [measure](evaluation.md) the accuracy of your own model.

Where SIB-200's labels were at hand, the accuracy (**bold**) is measured on 204 test sentences. Elsewhere it is
estimated from 140 unlabeled sentences, with a 90 % interval. The last column has what helped most, if it
helped by .03 or more.
`benchmarks/languages.py` makes this page.
"""


def measure(model: Path) -> dict[str, dict[str, float]]:
    """Return the accuracy on test texts of each language in each way: {folder: {way: accuracy}}."""
    adapt: dict[str, list[str]] = {}
    for record in read(MEASURED, "dev"):
        adapt.setdefault(record.language, []).append(record.text)
    # The two scripts of Acehnese have one code and one dictionary, in Latin script.
    dictionaries = {
        base_code(folder): read_dictionary(data_folder() / "gatitos" / f"en_{file}.tsv").pairs
        for folder, (_, file) in WEAK.items()
        if file
    }
    english = ntrex("eng", LINES)
    pairs = {
        base_code(folder): list(zip(english, ntrex(file, LINES), strict=True))
        for folder, (file, _) in WEAK.items()
        if file
    }
    added: dict[str, tuple[Any, Any]] = {
        "today": (None, None),
        "dictionary": (dictionaries, None),
        "sentences": (None, pairs),
        "both": (dictionaries, pairs),
    }
    found: dict[str, dict[str, float]] = {folder: {} for folder in MEASURED}
    for way, (words, sentences) in added.items():
        nlp = export(model, preset="balanced", progress=False)
        project(nlp, adapt, progress=False)
        if way != "today":
            add_translator(nlp, words, pairs=sentences)
        for folder in MEASURED:
            known = (
                folder in WEAK and folder != OTHER_SCRIPT and base_code(folder) in {*(words or ()), *(sentences or ())}
            )
            found[folder][way] = accuracy(nlp, folder) if known or way == "today" else found[folder]["today"]
        print(way, found, flush=True)
    return found


def accuracy(nlp: Any, folder: str) -> float:
    (figures,) = evaluate_classifier(nlp, read([folder], "test"), progress=False).languages.values()
    return round(float(figures.accuracy), 4)


def expected(model: Any) -> dict[str, dict[str, Any]]:
    """Return the estimates of all languages, each projected with other sentences: {language_script: figures}."""
    found = {}
    for path in sorted((data_folder() / "lid200").glob("*.txt")):
        lines = path.read_text(encoding="utf8").splitlines()[: ADAPT + ESTIMATE]
        code = base_code(path.stem)
        project(model, lines[:ADAPT], language=code, progress=False)
        of_language = estimate(model, lines[ADAPT:], language=code, progress=False).languages[code]
        found[path.stem] = {
            "accuracy": round(float(of_language.accuracy or 0.0), 3),
            "interval": None if of_language.interval is None else [round(float(at), 3) for at in of_language.interval],
        }
        print(path.stem, found[path.stem], flush=True)
    return found


def page(measured: dict[str, dict[str, float]], estimates: dict[str, dict[str, Any]]) -> str:
    """Return the page with all languages."""
    rows = []
    for code in sorted(estimates, key=lambda code: (name(base_code(code)), code)):
        low, high = estimates[code]["interval"] or (0.0, 1.0)
        of_language = measured.get(code)
        if of_language:
            shown, helps = f"**{of_language['today']:.2f}**", what_helps(of_language)
        else:
            shown, helps = f"about {estimates[code]['accuracy']:.2f} ({low:.2f}–{high:.2f})", ""
        rows.append(f"| {name(base_code(code))} | `{code}` | {shown} | {helps} |")
    head = "| Language | Code and script | Accuracy | What helps |\n|---|---|---|---|\n"
    return f"{HEAD}\n{head}" + "\n".join(rows) + "\n"


def what_helps(of_language: dict[str, float]) -> str:
    """Return what raises the accuracy most, and to what; empty if nothing helps."""
    # The simplest way of those that are about equally good comes first.
    best = next(way for way in WAYS if of_language[way] >= max(of_language.values()) - 0.01)
    if of_language[best] - of_language["today"] < LEAST_GAIN:
        return ""
    return f"{HELPS[best]}: {of_language[best]:.2f}"


def groups(measured: dict[str, dict[str, float]]) -> dict[str, list[str]]:
    """Return the folders of each line of the table of means."""
    return {
        "English": ["eng_Latn"],
        "mean of the 13 other main languages": [folder for folder in STRONG.split() if folder != "eng_Latn"],
        "mean of the 24 weak languages": list(WEAK),
        "of these, 18 with a dictionary": [folder for folder in WEAK if WEAK[folder][1]],
        "of these, 11 with parallel sentences": [folder for folder in WEAK if WEAK[folder][0]],
        **{name(base_code(folder)) + f" ({folder[4:]})": [folder] for folder in WEAK},
    }


def table(measured: dict[str, dict[str, float]]) -> str:
    lines = [f"| languages | {' | '.join(WAYS)} |", f"|---|{'---|' * len(WAYS)}"]
    for title, folders in groups(measured).items():
        figures = (mean(measured[folder][way] for folder in folders) for way in WAYS)
        lines.append(f"| {title} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")
    return "\n".join(lines)


def estimate_errors(measured: dict[str, dict[str, float]], estimates: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return how far the estimates are from the measured accuracies."""
    pairs = [(measured[code]["today"], estimates[code]) for code in measured if code in estimates]
    return {
        "languages": len(pairs),
        "mean_absolute_error": round(mean(abs(true - found["accuracy"]) for true, found in pairs), 4),
        "coverage": round(mean(low <= true <= high for true, found in pairs for low, high in [found["interval"]]), 3),
    }


def main(model: str) -> None:
    measured = measure(Path(model))
    estimates = expected(export(Path(model), preset="balanced", progress=False))
    errors = estimate_errors(measured, estimates)
    usable = sum(each["accuracy"] >= 0.75 for each in estimates.values())
    note = (
        f"Accuracy on 204 test sentences of SIB-200. Estimates from {ESTIMATE} unlabeled sentences: the mean of all "
        f"{len(estimates)} languages and scripts is {mean(each['accuracy'] for each in estimates.values()):.3f}, and "
        f"{usable} are at .75 or above. In the {errors['languages']} measured languages, their mean absolute error is "
        f"{errors['mean_absolute_error']:.3f}, and {errors['coverage']:.0%} of the 90 % intervals contain the accuracy."
    )
    document = {"measured": measured, "estimates": estimates, "estimate_errors": errors}
    write_results("languages", document, f"{table(measured)}\n\n{note}")
    PAGE.write_text(page(measured, estimates), encoding="utf8")


if __name__ == "__main__":
    main(*sys.argv[1:])
