"""The model card: the README.md of a model folder, with the front matter of the Hugging Face Hub.

It is made of the files of the folder alone: meta.json, config.cfg, and the labels of the text categorizer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_xlt.languages import UNKNOWN, name
from spacy_xlt.model_card_text import card_text
from spacy_xlt.model_facts import Facts, read_facts
from spacy_xlt.model_folder import CARD_FILE

# What a person writes outside these lines is kept when the card is written again.
START = "<!-- spacy_xlt writes the part between these two lines. Write your own text above or below it. -->"
END = "<!-- end of the part that spacy_xlt writes -->"


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

    facts = read_facts(folder, name_of_folder)
    front = srsly.yaml_dumps(_front_matter(facts), indent_mapping=2, indent_sequence=4, indent_offset=2)
    parts = [f"# {facts.title}", own.above, f"{START}\n\n{card_text(facts)}\n\n{END}", own.below]
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


def _front_matter(facts: Facts) -> dict[str, Any]:
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
