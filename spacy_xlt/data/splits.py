"""Setting texts aside so that every label keeps its share on both sides."""

from collections import Counter
from collections.abc import Collection, Sequence


def stratified_holdout(labels: Sequence[Collection[str]], every: int = 5) -> list[int]:
    """The rows to set aside: about one in `every` of each label, in order.

    Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011, algorithm 1): the label with the fewest texts comes
    first, because later ones can still be evened out. Rows are taken by order, not by chance: the same data give the
    same split. A label with fewer texts than `every` keeps all of them in training.

    Args:
        labels: of each text; a text without labels counts as one of a label of its own.
    """
    sets = [frozenset(names) or frozenset({""}) for names in labels]
    counts = Counter(label for names in sets for label in names)
    wanted = {label: count // every for label, count in counts.items()}
    held: Counter[str] = Counter()
    decided: set[int] = set()
    chosen: list[int] = []
    order = {label: place for place, label in enumerate(counts)}
    for label in sorted(counts, key=lambda label: (counts[label], order[label])):
        rows = [row for row, names in enumerate(sets) if label in names and row not in decided]
        missing = wanted[label] - held[label]
        step = max(1, min(every, len(rows) // missing)) if missing > 0 else 0
        for number, row in enumerate(rows, start=1):
            # No label gives away much more than its share because of the labels beside it.
            spared = any(held[other] >= 2 * wanted[other] for other in sets[row])
            if held[label] < wanted[label] and number % step == 0 and not spared:
                chosen.append(row)
                held.update(sets[row])
        decided.update(rows)
    return sorted(chosen)
