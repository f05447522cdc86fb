"""A toy task in three languages, and a whole pipeline that has learned it on a tiny encoder."""

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

COMPONENTS = ("xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat")
ANNOTATING = ["xlt_langdetect", "xlt_encoder", "xlt_projector"]
LABELS = ("order", "account")
TEXTS = {
    "en": (
        ("My order has not arrived and I want my money back.", "order"),
        ("How can I change the password of my account?", "account"),
        ("Where is the parcel that I ordered last week?", "order"),
        ("The app forgets my password every time I open it.", "account"),
        ("The shop sent me the wrong order.", "order"),
        ("Please delete my account and all settings.", "account"),
    ),
    "de": (
        ("Meine Bestellung ist noch nicht angekommen.", "order"),
        ("Wie kann ich das Passwort meines Kontos ändern?", "account"),
    ),
    "ru": (
        ("Мой заказ ещё не пришёл, верните деньги.", "order"),
        ("Как изменить пароль моей учётной записи?", "account"),
    ),
}


def make_examples(nlp: Language, *languages: str, labels: tuple[str, ...] = LABELS) -> list[Example]:
    """The texts of the languages with their categories; each reference names its language."""
    examples = []
    for language in languages or ("en",):
        for text, gold in TEXTS[language]:
            example = Example.from_dict(nlp.make_doc(text), {"cats": {label: float(label == gold) for label in labels}})
            example.reference._.language = language
            examples.append(example)
    return examples


def initialize(nlp: Language, encoder: Path, examples: list[Example]) -> None:
    """`nlp.initialize` with the weights of an encoder folder."""
    nlp.config["initialize"]["components"]["xlt_encoder"] = {"source": str(encoder)}
    nlp.initialize(lambda: examples)


def train(nlp: Language, examples: list[Example], *, steps: int = 60, annotates: list[str] = ANNOTATING) -> None:
    """Learn the examples by heart."""
    optimizer = Adam(0.01)
    for _ in range(steps):
        nlp.update(
            [Example(nlp.make_doc(example.text), example.reference) for example in examples],
            sgd=optimizer,
            annotates=annotates,
        )


def make_pipeline(encoder: Path, *, config: dict[str, Any] | None = None, textcat: str = "xlt_textcat") -> Language:
    """All four components, trained on English and projecting German.

    config: of components, by name.
    """
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    for name in COMPONENTS[:3]:
        nlp.add_pipe(name, config=(config or {}).get(name, {}))
    nlp.add_pipe(textcat, config=(config or {}).get(textcat, {}))
    examples = make_examples(nlp)
    initialize(nlp, encoder, examples)
    train(nlp, examples)
    embed: Any = nlp.get_pipe("xlt_encoder")
    projector: Any = nlp.get_pipe("xlt_projector")
    projector.fit({"de": embed.encode([text for text, _ in TEXTS["de"]])})
    return nlp
