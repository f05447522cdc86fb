"""The transfer matrix: how well a classifier that was trained in each language works in each other language."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional, Union

import numpy as np
import spacy
from typing_extensions import Unpack

from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.data.dataset import Data, Dataset, Reading, load_dataset
from spacy_xlt.data.splits import stratified_holdout
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.matrix import Labeling, TransferMatrix, mean_accuracy
from spacy_xlt.evaluation.vector_cache import embed
from spacy_xlt.heads.fitting import Labeled, fit_head
from spacy_xlt.heads.logistic import fit_path
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.progress import progress_bar
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.vectors import unit_rows

PathLike = Union[str, os.PathLike[str]]


def transfer_matrix(
    train: Data,
    test: Data,
    *,
    encoder: Optional[PathLike] = None,
    k: int = 3,
    cache: Optional[PathLike] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> TransferMatrix:
    """Train a classifier in each language, and test it in each language.

    The encoder is frozen, and the embeddings of each other language are projected into the space of the training
    language, as `train` and `project` do it. So each classifier takes a second. The languages to label first are
    chosen one after the other: each is the one with which a classifier, trained on the labels of all chosen languages,
    has the highest accuracy in its worst language.

    Args:
        train: Labeled texts of several languages: whatever `load_dataset` takes. Each language is a source.
        test: Labeled texts to test on. If you choose a source or languages by the result, pass development data, and
            measure the chosen model on other test data.
        encoder: The encoder folder; None: the default encoder.
        k: The number of languages to choose for labeling; 0: none.
        cache: A folder that keeps the embeddings for the next run; None: they are not kept.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The accuracies, the best source of each language, and the languages to label first.

    Raises:
        XltError: The data cannot be read, a text has no language or not exactly one label, or a test label or language
            is not in the training data.

    Example:
        >>> matrix = transfer_matrix("train.jsonl", "dev.jsonl")  # doctest: +SKIP
        >>> matrix.best_source["sw"]  # doctest: +SKIP
        'fr'

    References:
        Hu et al. (2020), "XTREME: a massively multilingual multi-task benchmark for evaluating cross-lingual
        generalization" (zero-shot transfer). Turc et al. (2021), "Revisiting the primacy of English in zero-shot
        cross-lingual transfer" (other sources than English). Krause et al. (2008), "Robust submodular observation
        selection" (the best worst case; a greedy choice is a heuristic for it).
    """
    data = {"train": load_dataset(train, **reading), "test": load_dataset(test, **reading)}
    labels = data["train"].labels
    _check(data["train"], data["test"], labels)
    parts = {f"{part} {code}": texts for part in data for code, texts in data[part].by_language().items()}
    pipe = spacy.blank("xx").add_pipe("xlt_encoder")
    assert isinstance(pipe, Encoder)
    folder = default_folder() if encoder is None else Path(encoder)
    vectors = embed(pipe, folder, parts, None if cache is None else Path(cache), progress)
    sets = {
        part: {
            code: Labeled(
                vectors[f"{part} {code}"], gold_matrix([each for each in data[part] if each.language == code], labels)
            )
            for code in sorted(data[part].languages, key=lambda code: (code != "en", code))
        }
        for part in data
    }
    accuracy, l2s = {}, []
    for source in progress_bar(sets["train"], title="Training", unit="language", show=progress):
        projected = _project(sets, source)
        fit = fit_head(*_split(projected["train"][source]), exclusive=True)
        l2s.append(fit.l2)
        accuracy[source] = _accuracies([projected["train"][source]], projected["test"], fit.l2)
    return TransferMatrix(
        accuracy=accuracy,
        best_source=_best_sources(accuracy),
        label_first=_label_first(sets, accuracy, float(np.median(l2s)), min(k, len(accuracy)), progress),
        train={code: len(each.gold) for code, each in sets["train"].items()},
        test={code: len(each.gold) for code, each in sets["test"].items()},
    )


Sets = Mapping[str, Mapping[str, Labeled]]


def _check(train: Dataset, test: Dataset, labels: Sequence[str]) -> None:
    known = set(train.languages)
    for record in [*train, *test]:
        if record.language == UNKNOWN:
            raise XltError(f"{record.location}: the text has no language. Name the language of each text.")
        if len(record.labels) != 1:
            raise XltError(f"{record.location}: the text has {len(record.labels)} labels. Give exactly one.")
        if record.labels[0] not in labels or record.language not in known:
            raise XltError(
                f"{record.location}: there is no training text with the label '{record.labels[0]}', or none in "
                f"'{record.language}'. Give some, or leave the test text out."
            )


def _project(sets: Sets, source: str) -> dict[str, dict[str, Labeled]]:
    """Return the same texts with their embeddings in the space of the source language."""
    maps = AnchoredCentering().fit({code: each.features for code, each in sets["train"].items()}, source)

    def moved(code: str, features: Floats2d) -> Floats2d:
        return features if code == source else unit_rows(maps[code](features))

    return {
        part: {code: Labeled(moved(code, each.features), each.gold) for code, each in of.items()}
        for part, of in sets.items()
    }


def _split(data: Labeled) -> tuple[Labeled, Labeled]:
    """Return four fifths and one fifth of labeled texts, which chooses the L2 penalty."""
    holdout = stratified_holdout([[str(label)] for label in data.gold.argmax(axis=1)])
    inside = np.setdiff1d(np.arange(len(data.gold)), holdout)
    return Labeled(data.features[inside], data.gold[inside]), Labeled(data.features[holdout], data.gold[holdout])


def _accuracies(train: Sequence[Labeled], test: Mapping[str, Labeled], l2: float) -> dict[str, float]:
    """Train on all texts, and return the accuracy on the test texts of each language."""
    features, gold = (np.concatenate([each[column] for each in train]) for column in (0, 1))
    (layer,) = fit_path(features, gold, (l2,))
    return {
        code: float((layer(each.features).argmax(axis=1) == each.gold.argmax(axis=1)).mean())
        for code, each in test.items()
    }


def _best_sources(accuracy: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    best = {}
    for target in next(iter(accuracy.values())):
        others = [source for source in accuracy if source != target]
        if others:
            best[target] = max(others, key=lambda source: accuracy[source][target])
    return best


def _label_first(
    sets: Sets, accuracy: Mapping[str, dict[str, float]], l2: float, k: int, progress: bool
) -> list[Labeling]:
    """Choose languages greedily for the best worst case, and for the best mean where that is equal."""
    steps: list[Labeling] = []
    chosen: list[str] = []
    projected: dict[str, dict[str, Labeled]] = {}
    for _ in progress_bar(range(k), title="Choosing", unit="language", show=progress):
        tried = {}
        for code in accuracy:
            if code in chosen:
                continue
            if not chosen:
                tried[code] = accuracy[code]
            else:
                # The classifier is in the space of the first language. The penalty is a prior for the weights, so it
                # does not depend on the number of texts.
                train = [projected["train"][each] for each in [*chosen, code]]
                tried[code] = _accuracies(train, projected["test"], l2)
        best = max(tried, key=lambda code: (min(tried[code].values()), mean_accuracy(tried[code])))
        chosen = [*chosen, best]
        if len(chosen) == 1:
            projected = _project(sets, best)
        worst = min(tried[best], key=tried[best].__getitem__)
        steps.append(Labeling(chosen, tried[best][worst], worst, mean_accuracy(tried[best])))
    return steps
