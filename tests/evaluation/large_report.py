"""A metrics document with all details: 14 languages, a map of the embeddings, and wrongly classified texts."""

import random
from typing import Any

from tests.evaluation.documents import figures

LANGUAGES = ("en", "ar", "de", "es", "fr", "hi", "ja", "pt", "ru", "sw", "th", "tr", "vi", "zh")
LABELS = ["account", "defect", "delivery", "feedback", "order_change", "payment", "product", "return"]
TEXTS = {
    "en": "Where is the parcel that I ordered two weeks ago? Nobody answers.",
    "de": "Wo ist das Paket, das ich vor zwei Wochen bestellt habe?",
    "ar": "أين الطرد الذي طلبته قبل أسبوعين؟",
    "ja": "二週間前に注文した荷物はどこですか。",
    "zh": "我两周前订的包裹在哪里？",
    "hi": "दो हफ़्ते पहले मँगाया हुआ मेरा पार्सल कहाँ है?",
}
PER_LANGUAGE = 104


def language_figures(seed: int) -> dict[str, dict[str, Any]]:
    chance = random.Random(seed)
    accuracies = {code: 0.95 if code == "en" else round(chance.uniform(0.7, 0.93), 4) for code in LANGUAGES}
    return {
        code: {
            **figures(accuracy, round(0.95 - accuracy, 4)),
            "confusion": confusion(accuracy, chance),
            "calibration": calibration(chance),
        }
        for code, accuracy in accuracies.items()
    }


def confusion(accuracy: float, chance: random.Random) -> dict[str, dict[str, int]]:
    """13 texts of each label."""
    counts: dict[str, dict[str, int]] = {label: {} for label in LABELS}
    for label, row in counts.items():
        for _ in range(PER_LANGUAGE // len(LABELS)):
            predicted = label if chance.random() < accuracy else chance.choice(LABELS)
            row[predicted] = row.get(predicted, 0) + 1
    return counts


def calibration(chance: random.Random) -> dict[str, Any]:
    bins = [
        {
            "lower": tenth / 10,
            "upper": (tenth + 1) / 10,
            "n": 4 * tenth,
            "confidence": tenth / 10 + 0.05,
            "accuracy": round(min(1.0, tenth / 10 + chance.uniform(-0.1, 0.1)), 4),
        }
        for tenth in range(2, 10)
    ]
    return {"ece": 0.05, "bins": bins}


def part(seed: int) -> dict[str, Any]:
    languages = language_figures(seed)
    mean = round(sum(each["accuracy"] for code, each in languages.items() if code != "en") / 13, 4)
    means = {"accuracy": mean, "macro_f1": mean, "gap": round(0.95 - mean, 4), "langid_accuracy": 0.98}
    return {"languages": languages, "mean": {"languages": 13, **means}}


def groups(kind: str) -> dict[str, Any]:
    """The groups of the target languages, with invented figures."""
    codes = {
        "Latin": ["de", "es", "fr", "pt", "sw", "tr", "vi"],
        "Arabic": ["ar"],
        "Other": ["hi", "ja", "ru", "th", "zh"],
    }
    if kind != "script":
        codes = {"class 5": ["de", "es", "fr"], "class 2": ["sw"]}
    means = {"accuracy": 0.8, "macro_f1": 0.79, "gap": 0.15, "langid_accuracy": 0.98}
    return {group: {"codes": of, "languages": len(of), **means} for group, of in codes.items()}


def example(number: int, chance: random.Random) -> dict[str, Any]:
    language = LANGUAGES[number % len(LANGUAGES)]
    text = f"{TEXTS.get(language, TEXTS['en'])} (#{number})"
    gold, predicted = chance.sample(LABELS, 2)
    detected = language
    if number % 7 == 0:
        detected, predicted = "nl", gold
    words = [(match, match + 4) for match in range(0, min(len(text) - 4, 40), 9)]
    return {
        "text": text,
        "language": language,
        "detected": detected,
        "gold": [gold],
        "predicted": [predicted],
        "probabilities": {predicted: 0.7, gold: 0.7 if gold == predicted else 0.2},
        "explained": predicted,
        "words": [{"start": start, "end": end, "effect": round(chance.uniform(-0.5, 0.5), 3)} for start, end in words],
        "neighbors": [
            {"text": "Where is my parcel?", "labels": [predicted], "language": "en", "similarity": 0.93},
            {"text": "My account was charged twice.", "labels": [gold], "language": "en", "similarity": 0.88},
        ],
    }


def details(examples: int = 200, points: int = PER_LANGUAGE * len(LANGUAGES)) -> dict[str, Any]:
    chance = random.Random(0)
    languages = [row % len(LANGUAGES) for row in range(points)]
    labels = [chance.randrange(len(LABELS)) for _ in languages]

    def coordinates(pull: float) -> list[list[int]]:
        places = [
            [
                min(1000, max(0, round(500 + 300 * (pull * (language % 4 - 1.5) + (1 - pull) * (label % 3 - 1)))))
                + chance.randrange(60)
                for language, label in zip(languages, labels)
            ]
            for _ in range(2)
        ]
        return [[min(1000, value) for value in axis] for axis in places]

    return {
        "expected": {code: {"accuracy": 0.85, "interval": [0.78, 0.9]} for code in LANGUAGES},
        "detected": {"pt": {"es": 4}, "hi": {"ne": 2, "mr": 1}},
        "embedding_map": {
            "variance": [0.21, 0.12],
            "languages": list(LANGUAGES),
            "labels": list(LABELS),
            "language": languages,
            "label": labels,
            "before": coordinates(0.8),
            "after": coordinates(0.1),
        },
        "wrong": 341,
        "examples": [example(number, chance) for number in range(examples)],
    }


def large_document(examples: int = 200, points: int = PER_LANGUAGE * len(LANGUAGES), **changes: Any) -> dict[str, Any]:
    return {
        "model": "training/tickets/transfer",
        "data": ["corpus/tickets/test"],
        "source": "en",
        "labels": list(LABELS),
        "n": PER_LANGUAGE * len(LANGUAGES),
        "multilabel": False,
        **part(1),
        "before_projection": part(2),
        "groups": {"script": groups("script"), "resources": groups("resources")},
        "details": details(examples, points),
        **changes,
    }
