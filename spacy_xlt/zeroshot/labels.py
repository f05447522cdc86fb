"""Labels that are described in words instead of examples."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from spacy_xlt.data.paths import PathLike
from spacy_xlt.errors import XltError, first_line

# What `read_labels` takes: a file, names, or {name: description, descriptions, or {"descriptions", "examples"}}.
Labels = Union[PathLike, Sequence[str], Mapping[str, Any]]
FIELDS = ("descriptions", "examples")


@dataclass(frozen=True)
class DescribedLabel:
    """A label.

    Attributes:
        name: The name, which is the key in `doc.cats`.
        descriptions: At least one sentence or list of keywords, in any language.
        examples: Texts that have the label. There may be none.
    """

    name: str
    descriptions: tuple[str, ...]
    examples: tuple[str, ...] = ()


def read_labels(labels: Labels) -> list[DescribedLabel]:
    """Read labels and their descriptions.

    Args:
        labels: One of:

            - a mapping {name: description}, {name: [descriptions]} or {name: {"descriptions": [...], "examples":
              [...]}};
            - a list of names, which describe themselves: `order_change` is read as "order change";
            - the path of a YAML or JSON file with one of these.

    Returns:
        The labels, in order.

    Raises:
        XltError: There are fewer than two labels, a label has no description, two labels have an equal description, or
            the file is missing or damaged.

    Example:
        >>> read_labels({"billing": "invoices and payments", "account": ["sign-in", "password"]})[1].descriptions
        ('sign-in', 'password')
    """
    if isinstance(labels, (str, Path)):
        return _read_file(Path(labels))
    return _check(_parse(labels), "")


def _read_file(path: Path) -> list[DescribedLabel]:
    import srsly

    if not path.is_file():
        raise XltError(f"There is no file {path}. Give a YAML or JSON file with the labels, or the labels themselves.")
    try:
        content = path.read_text(encoding="utf8")
        labels = json.loads(content) if path.suffix == ".json" else srsly.yaml_loads(content)
    except Exception as error:  # The YAML reader raises errors of many kinds.
        raise XltError(f"{path} cannot be read: {first_line(error)}. Correct the file.") from error
    return _check(_parse(labels, f"{path}: "), f"{path}: ")


def _parse(labels: Any, where: str = "") -> list[DescribedLabel]:
    if isinstance(labels, Mapping):
        return [_label(name, content, where) for name, content in labels.items()]
    if isinstance(labels, (list, tuple)):
        return [_label(name, str(name).replace("_", " "), where) for name in labels]
    raise XltError(f"{where}Labels are a mapping of names to descriptions, or a list of names, not {labels!r}.")


def _label(name: Any, content: Any, where: str) -> DescribedLabel:
    if not isinstance(name, str) or not name.strip():
        raise XltError(f"{where}The name of a label is {name!r}. It must be a text.")
    fields = dict(content) if isinstance(content, Mapping) else {"descriptions": content}
    unknown = sorted(map(str, set(fields) - set(FIELDS)))
    if unknown:
        raise XltError(f"{where}The label '{name}' has the field '{unknown[0]}'. Use {' and '.join(FIELDS)}.")
    descriptions, examples = (_texts(fields.get(field), name, field, where) for field in FIELDS)
    if not descriptions:
        raise XltError(f"{where}The label '{name}' has no description. Describe it in a few words, in any language.")
    return DescribedLabel(name, descriptions, examples)


def _texts(content: Any, name: str, field: str, where: str) -> tuple[str, ...]:
    """Return a text or a list of texts as a tuple without blank texts and copies."""
    texts = [content] if isinstance(content, str) else [] if content is None else content
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise XltError(f"{where}The {field} of the label '{name}' are {content!r}. Give a text or a list of texts.")
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _check(labels: list[DescribedLabel], where: str) -> list[DescribedLabel]:
    if len(labels) < 2:
        given = f"only '{labels[0].name}'" if labels else "none"
        raise XltError(f"{where}Classification needs at least two labels, but there is {given}. Add another one.")
    owners: dict[str, str] = {}
    for label in labels:
        for text in label.descriptions:
            owner = owners.setdefault(text.casefold(), label.name)
            if owner != label.name:
                raise XltError(
                    f"{where}The labels '{owner}' and '{label.name}' have an equal description, '{text}'. "
                    "Describe what sets them apart."
                )
    names = [label.name for label in labels]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise XltError(f"{where}The label '{twice}' is there twice. Give each label once.")
    return labels
