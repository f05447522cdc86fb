"""Gather what the workflows `all` and `sib200` measured: trained on English labels only, tested in every language.

    python -m spacy project run all && python -m spacy project run sib200
    python benchmarks/zero_shot.py

Reads metrics/{tickets,sib200,sib200-finetuned}.json and writes benchmarks/results/zero_shot.{json,md}.
"""

from typing import Any

from common import PROJECT, write_results

from spacy_xlt.evaluation.document import Metrics

METRICS = PROJECT / "metrics"
MODELS = {"tickets": "tickets, fine-tuned", "sib200": "SIB-200, frozen", "sib200-finetuned": "SIB-200, fine-tuned"}


def row(name: str, document: dict[str, Any]) -> dict[str, Any]:
    before = document["before_projection"]
    languages = document["languages"]
    targets = [code for code in languages if code != document["source"]]
    return {
        "model": name,
        "source_accuracy": languages[document["source"]]["accuracy"],
        "targets": len(targets),
        "mean_before": before["mean"]["accuracy"],
        "mean": document["mean"]["accuracy"],
        "lowest": min((languages[code]["accuracy"], code) for code in targets),
        "languages": {code: languages[code]["accuracy"] for code in languages},
    }


def main() -> None:
    rows = [row(name, Metrics.load(METRICS / f"{file}.json").to_dict()) for file, name in MODELS.items()]
    lines = [
        f"| {r['model']} | {r['source_accuracy']:.3f} | {r['mean_before']:.3f} | {r['mean']:.3f} "
        f"| {r['lowest'][0]:.3f} ({r['lowest'][1]}) |"
        for r in rows
    ]
    head = "| trained in English on | English | other languages, no projection | with projection | lowest |\n"
    counts = ", ".join(f"{r['targets']} in {r['model']}" for r in rows)
    note = f"\n\nAccuracy on test texts; the mean is over the other languages ({counts})."
    write_results("zero_shot", {"rows": rows}, head + "|---|---|---|---|---|\n" + "\n".join(lines) + note)


if __name__ == "__main__":
    main()
