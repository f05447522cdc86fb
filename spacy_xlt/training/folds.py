"""Cross-validation folds that are stratified by label and language."""

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.data.records import Record
from spacy_xlt.extras import require

FOLDS = 5


def make_folds(records: Sequence[Record], seed: int = 0) -> list[NDArray[np.int64]]:
    """Return the rows of at most `FOLDS` folds.

    Texts of each language and label are spread over the folds. Copies of a text are in the same fold. If no label has
    enough texts, there are fewer folds.
    """
    require("train", "sklearn")
    from sklearn.model_selection import StratifiedKFold

    first = {record.text: record for record in reversed(records)}
    kinds = {text: f"{record.language} {sorted(record.labels)}" for text, record in first.items()}
    most = max(Counter(kinds.values()).values())
    if most == 1:  # nothing can be stratified
        kinds = dict.fromkeys(kinds, "")
        most = len(kinds)
    fold_of: dict[str, int] = {}
    texts = list(kinds)
    with warnings.catch_warnings():
        # scikit-learn warns if a label has fewer texts than there are folds.
        warnings.simplefilter("ignore", UserWarning)
        folds = StratifiedKFold(min(FOLDS, most), shuffle=True, random_state=seed)
        for number, (_, rows) in enumerate(folds.split(texts, list(kinds.values()))):
            fold_of.update(dict.fromkeys((texts[row] for row in rows), number))
    numbers = np.array([fold_of[record.text] for record in records])
    return [np.flatnonzero(numbers == number) for number in sorted(set(numbers.tolist()))]
