"""What the files of a model folder say about the model, for its card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.languages import UNKNOWN
from spacy_xlt.model_folder import HEADS, read_config, read_meta

# Where `nlp.meta` has what `train`, the transfer methods and `save` note.
TRAINING, TRANSFER, EVALUATION = "xlt_training", "xlt_transfer", "xlt_evaluation"


@dataclass(frozen=True)
class Figures:
    """The figures of one language."""

    n: int
    accuracy: float
    macro_f1: Optional[float]
    interval: Optional[Sequence[float]] = None


@dataclass(frozen=True)
class Facts:
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
    def test(self) -> dict[str, Figures]:
        """The figures on test data."""
        languages = (self.meta.get(EVALUATION) or {}).get("languages", {})
        return {
            code: Figures(each["n"], each["accuracy"], each["macro_f1"], each["ci95"])
            for code, each in languages.items()
        }

    @property
    def dev(self) -> dict[str, Figures]:
        """The figures on development data: the latest ones of each language."""
        found = {
            code: Figures(each["n"], each["accuracy"], each["macro_f1"])
            for code, each in ((self.meta.get("performance") or {}).get("cats_by_language") or {}).items()
        }
        for transfer in self.transfers:
            for code, each in transfer.get("metrics", {}).items():
                found[code] = Figures(each["n"], each["after" if transfer["accepted"] else "before"], None)
        return found


def read_facts(folder: Path, name_of_folder: str) -> Facts:
    """Return the facts about a model. The name of its folder is its title, if the pipeline has no name."""
    config, meta = read_config(folder), read_meta(folder)
    components: Mapping[str, Mapping[str, Any]] = config["components"]
    head = next((key for key, part in components.items() if part.get("factory") in HEADS), None)
    projector = next((key for key, part in components.items() if part.get("factory") == "xlt_projector"), None)
    cfg = _read_json(folder / head / "cfg") if head else {}
    card = _read_json(folder / projector / "card.json") if projector else {}
    return Facts(
        title=name_of_folder if meta.get("name") in (None, "pipeline") else f"{meta.get('lang', 'xx')}_{meta['name']}",
        meta=meta,
        labels=[str(label) for label in cfg.get("labels", ())],
        multilabel=bool(head) and str(components[str(head)].get("factory")).endswith("_multilabel"),
        source=str(card.get("source") or (meta.get(TRAINING) or {}).get("source") or UNKNOWN),
        projected={str(code): int(n) for code, n in card.get("texts", {}).items() if code != UNKNOWN},
    )


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
