"""Pairs of texts: natural language inference trained in English, and measured in eleven languages.

    python benchmarks/xnli.py

Trained on rows 0-1991 of the English development file of XNLI, tested on rows 1992-2489 in eleven languages. The three
pairs of a premise are neighbors, and the cut keeps them together. The settings were chosen by training on the English
rows 0-1493 and testing on the English rows 1494-1991. Writes benchmarks/results/xnli.{json,md}.
"""

from statistics import fmean
from time import perf_counter
from typing import Any

from common import write_results
from spacy.language import Language
from xnli_files import LANGUAGES, TEST, TRAIN, read

from spacy_xlt import evaluate, export
from spacy_xlt.training.pairs import train_pairs

# Accuracy of models that were trained on 393,000 English pairs, as published, the mean of 15 languages.
PUBLISHED = {"mMiniLM-L12": "71.1", "XLM-R base": "74.5–76.2", "mDeBERTa-v3-base": "79.8"}


def measure(nlp: Language, system: str, seconds: float) -> dict[str, Any]:
    report: Any = evaluate(nlp, [record for code in LANGUAGES for record in read(code, TEST)], progress=False)
    figures = {
        code: {"accuracy": each.accuracy, "ci95": list(each.ci95), "ece": each.calibration.ece}
        for code, each in ((code, report.languages[code]) for code in LANGUAGES)
    }
    result = {
        "system": system,
        "train_seconds": round(seconds, 1),
        "pairs_per_second": round(report.docs_per_second, 1),
        "en": figures["en"]["accuracy"],
        "others": fmean(figures[code]["accuracy"] for code in LANGUAGES[1:]),
        "languages": figures,
    }
    print({key: value for key, value in result.items() if key != "languages"}, flush=True)
    return result


def main() -> None:
    train = read("en", TRAIN)
    start = perf_counter()
    cross = train_pairs(train, languages=LANGUAGES, progress=False)
    results = [measure(cross, "cross-encoder (`finetune`)", perf_counter() - start)]
    seconds = results[0]["train_seconds"]
    results.append(measure(export(cross, preset="balanced", progress=False), "cross-encoder, 8 bits", seconds))
    start = perf_counter()
    bi = train_pairs(train, method="frozen", languages=LANGUAGES, progress=False)
    results.append(measure(bi, "bi-encoder (`frozen`)", perf_counter() - start))
    header = ["system", "en", "mean of the others", *LANGUAGES[1:], "training (s)", "pairs/s"]
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for each in results:
        figures = each["languages"]
        low, high = figures["en"]["ci95"]
        rows.append([
            each["system"],
            f"**{100 * each['en']:.1f}** ({100 * low:.1f}–{100 * high:.1f})",
            f"**{100 * each['others']:.1f}**",
            *(f"{100 * figures[code]['accuracy']:.1f}" for code in LANGUAGES[1:]),
            f"{each['train_seconds']:.0f}",
            f"{each['pairs_per_second']:.0f}",
        ])  # fmt: skip
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widest = max(high - low for each in results for low, high in (f["ci95"] for f in each["languages"].values()))
    published = ", ".join(f"{name} {figure}" for name, figure in PUBLISHED.items())
    text = (
        f"{table}\n\nAccuracy in percent on 498 pairs of each language. A 95% interval is at most {100 * widest:.1f} "
        f"points wide. Published figures of models that were trained on 393,000 pairs, 197 times as many, on the test "
        f"set of XNLI in 15 languages: {published}."
    )
    write_results("xnli", {"systems": results, "train_pairs": len(train), "test_pairs": 498}, text)


if __name__ == "__main__":
    main()
