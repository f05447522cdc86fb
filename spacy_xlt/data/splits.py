"""Stratified splits: each label has the same share on both sides."""

from collections import Counter
from collections.abc import Collection, Sequence


def stratified_holdout(labels: Sequence[Collection[str]], every: int = 5) -> list[int]:
    """Choose the texts to hold out, about one in `every` of each label.

    Iterative stratification splits the label with the fewest texts first, because the shares of frequent labels can
    be corrected later. The choice depends on the order of the texts and not on chance, so the same data has the same
    split. No text of a label with fewer texts than `every` is held out.

    Args:
        labels: The labels of each text. Texts without labels are treated like texts of one more label.
        every: The inverse of the share to hold out.

    Returns:
        The indices of the texts to hold out, sorted.

    References:
        Sechidis, Tsoumakas and Vlahavas (2011), On the Stratification of Multi-Label Data, algorithm 1.
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
            # Do not hold out much more of a label than its share because of other labels of the same texts.
            spared = any(held[other] >= 2 * wanted[other] for other in sets[row])
            if held[label] < wanted[label] and number % step == 0 and not spared:
                chosen.append(row)
                held.update(sets[row])
        decided.update(rows)
    return sorted(chosen)
