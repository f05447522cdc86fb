"""The model card: the README.md of a model folder, with the front matter of the Hugging Face Hub.

It is made of the files of the folder alone: meta.json, config.cfg, and the labels of the text categorizer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.languages import UNKNOWN, name
from spacy_xlt.model_folder import CARD_FILE, HEADS, read_config, read_meta

# What a person writes outside these lines is kept when the card is written again.
START = "<!-- spacy_xlt writes the part between these two lines. Write your own text above or below it. -->"
END = "<!-- end of the part that spacy_xlt writes -->"
TRAINING, TRANSFER, EVALUATION = "xlt_training", "xlt_transfer", "xlt_evaluation"


@dataclass(frozen=True)
class _Figures:
    """The figures of one language."""

    n: int
    accuracy: float
    macro_f1: Optional[float]
    interval: Optional[Sequence[float]] = None


@dataclass(frozen=True)
class _Facts:
    """What the files of a model folder say about the model."""

    title: str
    meta: Mapping[str, Any]
    labels: list[str]
    multilabel: bool
    source: str
    projected: dict[str, int]

    @property
    def training(self) -> Mapping[str, Any]:
        return dict(self.meta.get(TRAINING) or {})

    @property
    def transfers(self) -> list[Mapping[str, Any]]:
        return list(self.meta.get(TRANSFER) or [])

    @property
    def requirements(self) -> list[str]:
        """The packages to install. spaCy notes those of a pipeline in its meta.json."""
        return list(self.meta.get("requirements") or ["spacy-xlt"])

    @property
    def test(self) -> dict[str, _Figures]:
        """The figures on test data."""
        languages = (self.meta.get(EVALUATION) or {}).get("languages", {})
        return {
            code: _Figures(each["n"], each["accuracy"], each["macro_f1"], each["ci95"])
            for code, each in languages.items()
        }

    @property
    def dev(self) -> dict[str, _Figures]:
        """The figures on development data: the latest ones of each language."""
        found = {
            code: _Figures(each["n"], each["accuracy"], each["macro_f1"])
            for code, each in ((self.meta.get("performance") or {}).get("cats_by_language") or {}).items()
        }
        for transfer in self.transfers:
            for code, each in transfer.get("metrics", {}).items():
                found[code] = _Figures(each["n"], each["after" if transfer["accepted"] else "before"], None)
        return found


@dataclass(frozen=True)
class OwnText:
    """What a person wrote into a card, above and below the part that is written here."""

    above: str = ""
    below: str = ""


def write_card(folder: Path, name_of_folder: str, own: OwnText) -> None:
    """Write the README.md of a model folder, which has all other files already.

    Args:
        folder: The model folder.
        name_of_folder: The name that the folder will have: the title, if the pipeline has no name.
        own: What a person wrote into an older card.
    """
    import srsly

    facts = _read_facts(folder, name_of_folder)
    front = srsly.yaml_dumps(_front_matter(facts), indent_mapping=2, indent_sequence=4, indent_offset=2)
    parts = [f"# {facts.title}", own.above, f"{START}\n\n{_body(facts)}\n\n{END}", own.below]
    text = f"---\n{front.strip()}\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n"
    (folder / CARD_FILE).write_text(text, encoding="utf8", newline="\n")


def read_own_text(folders: Sequence[Path]) -> OwnText:
    """Return what a person wrote into the card of the first of these model folders that has a card.

    A card without the two lines is from elsewhere. Its whole text counts as written by a person.
    """
    card = next((folder / CARD_FILE for folder in folders if (folder / CARD_FILE).is_file()), None)
    if card is None:
        return OwnText()
    text = card.read_text(encoding="utf8", errors="replace")
    if text.startswith("---\n"):
        text = text[4:].partition("\n---\n")[2]
    above, _, rest = text.partition(START)
    lines = above.strip().splitlines()
    title = bool(lines) and lines[0].startswith("# ")
    return OwnText("\n".join(lines[title:]).strip(), rest.partition(END)[2].strip())


def _read_facts(folder: Path, name_of_folder: str) -> _Facts:
    config, meta = read_config(folder), read_meta(folder)
    components: Mapping[str, Mapping[str, Any]] = config["components"]
    head = next((key for key, part in components.items() if part.get("factory") in HEADS), None)
    projector = next((key for key, part in components.items() if part.get("factory") == "xlt_projector"), None)
    cfg = _read_json(folder / head / "cfg") if head else {}
    card = _read_json(folder / projector / "card.json") if projector else {}
    return _Facts(
        title=name_of_folder if meta.get("name") in (None, "pipeline") else f"{meta.get('lang', 'xx')}_{meta['name']}",
        meta=meta,
        labels=[str(label) for label in cfg.get("labels", ())],
        multilabel=bool(head) and str(components[str(head)].get("factory")).endswith("_multilabel"),
        source=str(card.get("source") or (meta.get(TRAINING) or {}).get("source") or UNKNOWN),
        projected={str(code): int(n) for code, n in card.get("texts", {}).items() if code != UNKNOWN},
    )


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}


def _front_matter(facts: _Facts) -> dict[str, Any]:
    """Return the metadata that the Hugging Face Hub reads (its documentation: "Model cards").

    The licence is that of `nlp.meta["license"]`. Without one there is no field, because the Hub would show it as known.
    """
    front: dict[str, Any] = {}
    codes = sorted({facts.source, *facts.projected, *facts.test} - {UNKNOWN})
    if codes:
        front["language"] = codes
    if facts.meta.get("license"):
        front["license"] = str(facts.meta["license"]).lower()
    front["library_name"] = "spacy"
    front["pipeline_tag"] = "text-classification"
    front["tags"] = ["spacy", "text-classification", "spacy-xlt", "cross-lingual-transfer"]
    if facts.training.get("encoder"):
        front["base_model"] = facts.training["encoder"]
    results = [
        {
            "task": {"type": "text-classification"},
            "dataset": {"type": "custom", "name": f"{kind} data, {name(code)}"},
            "metrics": [
                {"type": metric, "name": title, "value": round(float(value), 4)}
                for metric, title, value in (
                    ("accuracy", "Accuracy", figures.accuracy),
                    ("f1", "Macro-F1", figures.macro_f1),
                )
                if value is not None
            ],
        }
        for kind, group in (("test", facts.test), ("development", {} if facts.test else facts.dev))
        for code, figures in group.items()
    ]
    if results:
        front["model-index"] = [{"name": facts.title, "results": results}]
    return front


def _body(facts: _Facts) -> str:
    kind = "any number of labels" if facts.multilabel else "one label"
    others = [name(code) for code in sorted(facts.projected) if code != facts.source]
    languages = f" It was adapted to {_join(others)} with unlabeled texts." if others else ""
    source = f" on texts in {name(facts.source)}" if facts.source != UNKNOWN else ""
    return "\n\n".join(
        [
            f"This text classifier gives each text {kind}. It was trained with spacy_xlt{source}.{languages}",
            "## How to load it",
            f"```bash\npip install {' '.join(map(json.dumps, facts.requirements))}\n```",
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


def _figures(facts: _Facts) -> list[str]:
    parts = []
    if facts.test:
        parts += ["On test data, with 95% confidence intervals:", _figures_table(facts.test)]
    if facts.dev:
        parts += [
            "On development data, by which settings were chosen. So these figures are a little too high:",
            _figures_table(facts.dev),
        ]
    return parts or ["No figures were measured when the model was saved."]


def _figures_table(figures: Mapping[str, _Figures]) -> str:
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


def _training(facts: _Facts) -> list[str]:
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


def _limits(facts: _Facts) -> str:
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
    lines.append(
        "- The model learned from the labels and texts above, with the biases that they have. Do not use it for "
        "decisions about people without a review of its errors in each language."
    )
    return "\n".join(lines)


def _licenses(facts: _Facts) -> str:
    own = facts.meta.get("license") or 'not named. Set `nlp.meta["license"]` and save the model again'
    encoder = facts.training.get("encoder")
    about = f"that of `{encoder}`" if encoder else "not recorded"
    return f"- Model: {own}.\n- Pretrained encoder: {about}.\n- Training data: not recorded."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
