"""From unlabeled texts to a file of texts that a person should check."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Dataset, UnlabeledReading, load_dataset
from spacy_xlt.data.paths import PathLike
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of
from spacy_xlt.progress import progress_bar
from spacy_xlt.transfer.zero_shot import zero_shot
from spacy_xlt.zeroshot.labels import Labels
from spacy_xlt.zeroshot.review import Layout, PreLabeled, read_review, write_pre_labeled, write_review
from spacy_xlt.zeroshot.selection import select_typical


@dataclass(frozen=True)
class Bootstrap:
    """The result of `bootstrap`.

    Attributes:
        nlp: The zero-shot classifier that labeled the texts.
        review: The texts that a person should check, the most useful ones first.
        pre_labeled: The other texts, with their predicted labels.
    """

    nlp: Language
    review: list[PreLabeled]
    pre_labeled: list[PreLabeled]


def bootstrap(
    data: Data,
    labels: Labels,
    output: Optional[PathLike] = None,
    *,
    n: int = 100,
    layout: Layout = "jsonl",
    encoder: Optional[PathLike] = None,
    seed: int = 0,
    progress: bool = True,
    **reading: Unpack[UnlabeledReading],
) -> Bootstrap:
    """Label texts with a zero-shot classifier, and select the texts that a person should check.

    The classifier is made from the descriptions of the labels and sharpened on the texts: see `zero_shot`. TypiClust
    selects texts that differ from each other and are typical of many others.

    Check the labels in the file, and train on it: `train(load_checked("review.jsonl"), pre_labeled="review.
    pre-labeled.jsonl")`.

    Args:
        data: Unlabeled texts: whatever `load_dataset` takes.
        labels: The labels and their descriptions: see `zero_shot`.
        output: The JSONL file with the texts to check, such as `review.jsonl`. The other texts are written beside it,
            to `review.pre-labeled.jsonl`. None writes nothing.
        n: The number of texts to check.
        layout: The layout of the file: `jsonl`, `prodigy` or `argilla`. See `write_review`.
        encoder: An encoder folder. None uses the default encoder.
        seed: The seed of the selection.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text`, the name of the field.

    Returns:
        The classifier, the texts to check, and the other texts.

    Raises:
        XltError: `n` is not positive, there are fewer than 10 texts, or the labels are not valid.
    """
    if n < 1:
        raise XltError(f"{n} texts cannot be selected. Give a positive number.")
    records = load_dataset(data, labeled=False, **reading).records
    records = list({record.text: record for record in reversed(records)}.values())[::-1]
    nlp = zero_shot(labels, texts=Dataset(records), encoder=encoder, progress=progress)
    docs = progress_bar(
        nlp.pipe([record.text for record in records]),
        title="Labeling",
        unit="text",
        total=len(records),
        show=progress,
    )
    items, vectors = [], []
    for doc in docs:
        label = max(doc.cats, key=doc.cats.__getitem__)
        items.append(PreLabeled(doc.text, language_of(doc), label, float(doc.cats[label])))
        vectors.append(doc._.xlt_projected)
    selected = select_typical(np.array(vectors, dtype=np.float32), n, seed).tolist()
    chosen = set(selected)
    review = [items[row] for row in selected]
    others = [item for row, item in enumerate(items) if row not in chosen]
    if output is not None:
        write_review(review, list(nlp.meta["xlt_zero_shot"]["labels"]), output, layout)
        write_pre_labeled(others, pre_labeled_path(output))
    return Bootstrap(nlp, review, others)


def pre_labeled_path(output: PathLike) -> Path:
    """Return the path of the file with the other texts: `review.pre-labeled.jsonl` beside `review.jsonl`."""
    return Path(output).with_suffix(".pre-labeled.jsonl")


def load_checked(path: PathLike) -> Dataset:
    """Load the texts of a review file that a person has checked.

    Args:
        path: A file that `bootstrap` has written, in any of its layouts, after a person has checked it.

    Returns:
        The checked texts with their labels. Texts that were not checked, or rejected, are left out.

    Raises:
        XltError: The file is missing or damaged, or no text was checked.
    """
    return Dataset(read_review(path))
