"""The text of a model card."""

import json
from collections.abc import Mapping, Sequence

from spacy_xlt.languages import UNKNOWN, name
from spacy_xlt.model_facts import Facts, Figures

BIASES = (
    "- The model learned from the labels and texts above, with the biases that they have. Do not use it for decisions "
    "about people without a review of its errors in each language."
)
# For each task other than text classification: what the model does, and code that shows it.
TASKS = {
    "ner": ("finds named entities", "print([(ent.text, ent.label_) for ent in doc.ents])"),
    "pairs": ("classifies pairs of texts", "print(doc.cats)"),
    "qa": ("answers questions with a span of a text", 'print(nlp.get_pipe("xlt_qa").answer(doc, "...?"))'),
    "seq2seq": ("generates texts, such as translations", "print(doc._.xlt_output)"),
}


def card_text(facts: Facts) -> str:
    """Return the part of the card that is written by this package."""
    task = facts.training.get("task")
    return _task_text(facts, task) if task in TASKS else _classifier_text(facts)


def _task_text(facts: Facts, task: str) -> str:
    does, code = TASKS[task]
    performance = facts.meta.get("performance") or {}
    figures = [(key, f"{value:.3f}") for key, value in performance.items() if isinstance(value, float)]
    measured = [
        "On development data:",
        _table(("Figure", "Value"), figures),
    ]
    return "\n\n".join(
        [
            f"This model {does}. It was trained with spacy_xlt on texts in {name(facts.source)}.",
            "## How to load it",
            _installation(facts),
            f'```python\nimport spacy\n\nnlp = spacy.load("path/to/this/folder")\ndoc = nlp("...")\n{code}\n```',
            "## Figures",
            *(measured if figures else ["No figures were measured when the model was saved."]),
            "## Training",
            *_training(facts),
            "## Limits",
            "- The figures are those of the development data. In other languages and domains the model can be much "
            "worse. Measure it (`spacy_xlt.evaluate`) before you use it there.\n" + BIASES,
            "## Licenses",
            _licenses(facts),
        ]
    )


def _installation(facts: Facts) -> str:
    return f"```bash\npip install {' '.join(map(json.dumps, facts.requirements))}\n```"


def _classifier_text(facts: Facts) -> str:
    kind = "any number of labels" if facts.multilabel else "one label"
    others = [name(code) for code in sorted(facts.projected) if code != facts.source]
    languages = f" It was adapted to {_join(others)} with unlabeled texts." if others else ""
    source = f" on texts in {name(facts.source)}" if facts.source != UNKNOWN else ""
    return "\n\n".join(
        [
            f"This text classifier gives each text {kind}. It was trained with spacy_xlt{source}.{languages}",
            "## How to load it",
            _installation(facts),
            '```python\nimport spacy\n\nnlp = spacy.load("path/to/this/folder")\ndoc = nlp("...")\n'
            "print(doc._.language, max(doc.cats, key=doc.cats.get))\n```",
            f"Labels: {', '.join(f'`{label}`' for label in facts.labels) or 'none'}.",
            "## Figures",
            *_figures(facts),
            "## Training",
            *_training(facts),
            "## Limits",
            _limits(facts),
            "## Licenses",
            _licenses(facts),
        ]
    )


def _figures(facts: Facts) -> list[str]:
    parts = []
    if facts.test:
        parts += ["On test data, with 95% confidence intervals:", _figures_table(facts.test)]
    if facts.dev:
        parts += [
            "On development data, by which settings were chosen. So these figures are a little too high:",
            _figures_table(facts.dev),
        ]
    return parts or ["No figures were measured when the model was saved."]


def _figures_table(figures: Mapping[str, Figures]) -> str:
    rows = [
        (
            f"{name(code)} ({code})",
            str(each.n),
            f"{100 * each.accuracy:.1f}"
            + (f" ({100 * each.interval[0]:.1f} to {100 * each.interval[1]:.1f})" if each.interval else ""),
            "" if each.macro_f1 is None else f"{100 * each.macro_f1:.1f}",
        )
        for code, each in figures.items()
    ]
    return _table(("Language", "Texts", "Accuracy, %", "Macro-F1, %"), rows)


def _training(facts: Facts) -> list[str]:
    training, parts = facts.training, []
    if training:
        settings = ", ".join(f"{key} {value}" for key, value in training.get("settings", {}).items())
        parts.append(f"Method: {training['method']}" + (f" ({settings})." if settings else "."))
    rows = [
        (step, part, str(each["texts"]), f"`{each['sha256']}`")
        for step, data in [
            ("train", training.get("data", {})),
            *((transfer["method"], transfer.get("data", {})) for transfer in facts.transfers),
        ]
        for part, each in data.items()
        if each["texts"]
    ]
    if rows:
        parts += [
            "The data of each step. The hash is that of the languages, labels and texts in order.",
            _table(("Step", "Data", "Texts", "SHA-256"), rows),
        ]
    for transfer in facts.transfers:
        state = "accepted" if transfer["accepted"] else "rejected"
        parts.append(f"- {transfer['method']}: {state}. {transfer['reason']}")
    return parts or ["How the model was trained is not recorded."]


def _limits(facts: Facts) -> str:
    measured = facts.test or facts.dev
    lines = [
        f"- Accuracy was measured only in {_join([name(code) for code in measured])}. In other languages it is unknown "
        "and can be much lower. Estimate it from unlabeled texts (`spacy_xlt.estimate`) or measure it "
        "(`spacy_xlt.evaluate`) before you use the model there."
        if measured
        else "- Accuracy was not measured. Measure it (`spacy_xlt.evaluate`) before you use the model.",
        "- Texts of another domain than that of the training texts can be classified much worse.",
    ]
    if len(measured) > 1:
        lowest = min(measured, key=lambda code: measured[code].accuracy)
        lines.append(f"- The lowest accuracy was measured in {name(lowest)}: {100 * measured[lowest].accuracy:.1f}%.")
    if not facts.multilabel:
        lines.append("- The model gives every text one of its labels, also a text that fits none of them.")
    if facts.projected:
        lines.append("- A text whose language is detected wrongly is treated as a text of that language.")
    lines.append(BIASES)
    return "\n".join(lines)


def _licenses(facts: Facts) -> str:
    own = facts.meta.get("license") or 'not named. Set `nlp.meta["license"]` and save the model again'
    encoder = facts.training.get("encoder")
    about = f"that of `{encoder}`" if encoder else "not recorded"
    return f"- Model: {own}.\n- Pretrained encoder: {about}.\n- Training data: not recorded."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
