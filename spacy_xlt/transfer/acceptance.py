"""Development data decide whether a changed model is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.predictions import labels_of, probabilities_of
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.model_facts import EVALUATION
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import MissingLanguageError
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.result import Result, fingerprint
from spacy_xlt.training.examples import check_labels, gold_matrix
from spacy_xlt.training.model_state import find_head, interpolate_with, is_exclusive, restore, take_snapshot

# A drop in a language's accuracy that is always allowed.
ALLOWED_DROP = 0.01
# How often a rejected change is halved and tested again.
MAX_HALVINGS = 2
META_KEY = "xlt_transfer"

Correct = NDArray[np.bool_]


def accept_if_not_worse(
    nlp: Language,
    method: str,
    change: Callable[[], dict[str, Any]],
    *,
    dev: Sequence[Record],
    data: Mapping[str, Sequence[Record]],
    notes: Sequence[str] = (),
    max_drop: Optional[float] = None,
    halve: bool = False,
) -> Result:
    """Change a pipeline in place, and undo the change if the pipeline is worse on development data.

    The change is rejected if the accuracy in any language drops by more than `ALLOWED_DROP`, one standard error and one
    text, or if the mean accuracy of the target languages drops at all. Without development data the change is
    accepted. An exception, including a keyboard interrupt, leaves the pipeline as it was.

    Args:
        nlp: The pipeline.
        method: The name of the method, for the result.
        change: A function that changes the pipeline and returns its settings.
        dev: Labeled development texts of the source language and, better, of target languages.
        data: The data that the method used, by name. The result contains their fingerprints.
        notes: Warnings for the result. `change` may append to the list.
        max_drop: For a model that is made smaller: the change is rejected only if the mean accuracy of all languages
            drops by more than this fraction. None: the rule above.
        halve: Interpolate a rejected change with the old weights and test it again, at most `MAX_HALVINGS` times. The
            encoder must keep its layers.

    Returns:
        The result, which is also appended to `nlp.meta["xlt_transfer"]`.

    Raises:
        XltError: A development text has a label that the model does not have.

    References:
        Wortsman et al. (2022), "Robust fine-tuning of zero-shot models", equation 1: the interpolation.
    """
    snapshot = take_snapshot(nlp)
    languages, source = [record.language for record in dev], find_pipe(nlp, Projector).source
    before = correct_rows(nlp, dev)
    try:
        settings = change()
        for halvings in range(1 + MAX_HALVINGS if halve else 1):
            if halvings:
                interpolate_with(nlp, snapshot)
            after = correct_rows(nlp, dev)
            accepted, reason = decide(before, after, languages, source, max_drop)
            if accepted:
                break
        if halve:
            settings = {**settings, "halvings": halvings}
    except BaseException:
        restore(nlp, snapshot)
        raise
    metrics = accuracies(before, after, languages)
    if not accepted:
        restore(nlp, snapshot)
    fingerprints = {name: fingerprint(records) for name, records in data.items()}
    result = Result(method, accepted, reason, settings, fingerprints, metrics, list(notes))
    add_to_meta(nlp, result)
    return result


def add_to_meta(nlp: Language, result: Result) -> None:
    """Append a result to `nlp.meta["xlt_transfer"]`, which is saved in the model's meta.json."""
    nlp.meta.setdefault(META_KEY, []).append(result.to_dict())
    if result.accepted:
        nlp.meta.pop(EVALUATION, None)  # It was measured before the change.


def correct_rows(nlp: Language, records: Sequence[Record]) -> Correct:
    """Return which texts get exactly their labels, [n]. The language of each text is detected."""
    if not records:
        return np.zeros(0, dtype=bool)
    head = find_head(nlp)
    check_labels(records, list(head.labels), is_exclusive(nlp))
    docs = list(nlp.pipe(record.text for record in records))
    gold = gold_matrix(records, head.labels) > 0
    return np.asarray((labels_of(head, probabilities_of(head, docs)) == gold).all(axis=1))


def accuracies(before: Correct, after: Correct, languages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return {language: {n, before, after}}: the number of texts and both accuracies."""
    codes = np.array(languages, dtype=object)
    return {
        str(code): {
            "n": int((codes == code).sum()),
            "before": round(float(before[codes == code].mean()), 4),
            "after": round(float(after[codes == code].mean()), 4),
        }
        for code in sorted(set(languages))
    }


def decide(
    before: Correct, after: Correct, languages: Sequence[str], source: str, max_drop: Optional[float] = None
) -> tuple[bool, str]:
    """Return whether a change is accepted, and the reason in a sentence.

    Args:
        before: Which development texts were classified correctly before the change, [n].
        after: The same after the change, [n].
        languages: The language of each text, [n].
        source: The source language.
        max_drop: See `accept_if_not_worse`.
    """
    if not len(before):
        return True, "There is no development data, so nothing was compared."
    if max_drop is not None:
        metrics = accuracies(before, after, languages).values()
        old, new = (float(np.mean([of_language[key] for of_language in metrics])) for key in ("before", "after"))
        change = f"The mean accuracy changed from {old:.3f} to {new:.3f} on the development data"
        return new >= (1 - max_drop) * old, f"{change}; a drop of {max_drop:.0%} is allowed."
    codes = np.array(languages, dtype=object)
    gains = {str(code): after[codes == code].astype(float) - before[codes == code] for code in sorted(set(languages))}
    for code, gain in gains.items():
        standard_error = float(gain.std() / np.sqrt(len(gain)))
        allowed = max(ALLOWED_DROP, standard_error, 1 / len(gain))
        if gain.mean() < -allowed - 1e-9:
            return False, (
                f"The accuracy in '{code}' dropped by {-gain.mean():.3f} on {len(gain)} development texts; "
                f"{allowed:.3f} is allowed."
            )
    targets = [float(gain.mean()) for code, gain in gains.items() if code != source]
    if targets:
        gain_of_targets = float(np.mean(targets))
        compared = f"The mean accuracy of {len(targets)} target language{'s' if len(targets) > 1 else ''}"
        return gain_of_targets >= 0, f"{compared} changed by {gain_of_targets:+.3f} on the development data."
    return True, f"The accuracy in '{source}' changed by {gains[source].mean():+.3f} on the development data."


def check_languages(records: Sequence[Record]) -> None:
    """Check that each record has a language.

    Raises:
        XltError: A record has none.
    """
    for record in records:
        if record.language == UNKNOWN:
            raise MissingLanguageError(f"{record.location}: the text has no language. Name the language of the data.")
