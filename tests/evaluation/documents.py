"""Metrics documents for the tests in this folder."""

from typing import Any

from spacy_xlt.evaluation.report import Report

LABELS = ["account", "billing"]


def figures(accuracy: float, gap: float | None, langid: float | None = 0.98) -> dict[str, Any]:
    interval = [round(accuracy - 0.06, 4), round(accuracy + 0.05, 4)]
    return {
        "n": 104,
        "accuracy": accuracy,
        "macro_f1": accuracy,
        "ci95": interval,
        "macro_f1_ci95": interval,
        "langid_accuracy": langid,
        "gap": gap,
    }


def half(swahili: float) -> dict[str, Any]:
    """Figures of three languages. English is the source."""
    mean = round((swahili + 0.88) / 2, 4)
    return {
        "languages": {
            "sw": figures(swahili, round(0.92 - swahili, 4)),
            "de": figures(0.88, 0.04),
            "en": figures(0.92, 0.0),
        },
        "mean": {
            "languages": 2,
            "accuracy": mean,
            "macro_f1": mean,
            "gap": round(0.92 - mean, 4),
            "langid_accuracy": 0.98,
        },
    }


def document(**changes: Any) -> dict[str, Any]:
    return {
        "model": "training/tickets/transfer",
        "data": ["corpus/test.spacy"],
        "source": "en",
        "labels": LABELS,
        "n": 312,
        "multilabel": False,
        **half(0.82),
        "before_projection": half(0.755),
        **changes,
    }


def without_projection(**changes: Any) -> dict[str, Any]:
    metrics = document(**changes)
    del metrics["before_projection"]
    return metrics


def source_only() -> dict[str, Any]:
    nothing = dict.fromkeys(("accuracy", "macro_f1", "gap", "langid_accuracy"))
    return without_projection(languages={"en": figures(0.92, 0.0)}, mean={"languages": 0, **nothing})


def make_report(content: dict[str, Any] | None = None, **changes: Any) -> Report:
    """A report of `content`, by default of `document(**changes)`."""
    return Report.parse(document(**changes) if content is None else content, "test")
