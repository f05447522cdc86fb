"""Named entities, and the tags of tokens that stand for them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

OUTSIDE = "O"
Span = tuple[int, int]


@dataclass(frozen=True)
class Entity:
    """A named entity.

    Attributes:
        start: Its start in characters of the text.
        end: Its end.
        label: Its type, such as `PER`.
        score: The mean probability of the labels of its units; 1 for a gold entity.
    """

    start: int
    end: int
    label: str
    score: float = 1.0


_TAG = re.compile(r"O|[BIESLU](-.+)?")


def is_tag(value: str) -> bool:
    """Return whether a text is a tag of BIO, BIOES or BILOU."""
    return bool(_TAG.fullmatch(value))


def entities_of_tags(spans: Sequence[Span], tags: Sequence[str]) -> list[Entity]:
    """Return the entities of tagged tokens. The tags are those of IOB1, IOB2 (BIO), BIOES or BILOU.

    Args:
        spans: The start and end of each token.
        tags: The tag of each token.
    """
    found: list[Entity] = []
    is_open = False
    for (start, end), tag in zip(spans, tags):
        prefix, _, label = tag.partition("-")
        if tag == OUTSIDE or not label:
            is_open = False
            continue
        if is_open and prefix in "IEL" and found[-1].label == label:
            found[-1] = Entity(found[-1].start, end, label)
        else:
            found.append(Entity(start, end, label))
        is_open = prefix in "BI"
    return found
