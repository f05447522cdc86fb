"""The guard of all transfer methods: a model is changed only if dev texts do not speak against it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.thresholds import labels_above
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.model_state import find_head, interpolate_with, is_exclusive, restore, take_snapshot

# A loss of accuracy in a language that is let pass, whatever its dev texts are.
MARGIN = 0.01
# How often a step that the guard refuses is halved.
HALVINGS = 2
META_KEY = "xlt_transfer"


@dataclass
class Result:
    """What a transfer method did; `to_dict` goes to meta.json.

    kept: whether the new model stands (else the pipeline is as it was). reason: why, in a sentence.
    chosen: settings, given or chosen. data: {name: {texts, sha256}}. dev: {language: {n, before, after}}, accuracies.
    notes: sentences for the user, such as warnings.
    """

    method: str
    kept: bool
    reason: str
    chosen: dict[str, Any]
    data: dict[str, dict[str, Any]]
    dev: dict[str, dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


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
    """Run `change`, which changes the pipeline in place and returns its settings; take it back if dev says so.

    dev: labelled texts of the source and of target languages. It is taken back if a language loses more accuracy than
        `MARGIN`, one standard error and one text, or if the mean of the target languages falls. Without dev texts
        nothing is compared, which the result says.
    max_drop: for a model that is smaller on purpose: it is taken back only if the mean accuracy of all languages falls
        by more than this share of itself.
    halve: where it would be taken back, the new weights go half of the way back to the old ones and are judged again by
        the same rule, up to `HALVINGS` times: a smaller step gains less and harms less. Not for other layers.
    An exception, Ctrl-C among them, leaves the pipeline as it was.
    The result is appended to nlp.meta["xlt_transfer"], which goes to meta.json.
    """
    snapshot = take_snapshot(nlp)
    languages, source = [record.language for record in dev], find_pipe(nlp, Projector).source
    before = correct_rows(nlp, dev)
    try:
        chosen = change()
        for halved in range(1 + HALVINGS if halve else 1):
            if halved:
                interpolate_with(nlp, snapshot)
            after = correct_rows(nlp, dev)
            kept, reason = judge(before, after, languages, source, max_drop)
            if kept:
                break
        if halve:
            chosen["halved"] = halved
    except BaseException:
        restore(nlp, snapshot)
        raise
    figures = compare(before, after, languages)
    if not kept:
        restore(nlp, snapshot)
    result = Result(
        method, kept, reason, chosen, {name: fingerprint(records) for name, records in data.items()}, figures,
        list(notes),
    )  # fmt: skip
    nlp.meta.setdefault(META_KEY, []).append(result.to_dict())
    return result


def correct_rows(nlp: Language, records: Sequence[Record]) -> NDArray[np.bool_]:
    """Which texts get their labels, all of them and no other, with the language detected: [n]."""
    if not records:
        return np.zeros(0, dtype=bool)
    head = find_head(nlp)
    check_labels(records, list(head.labels), is_exclusive(nlp))
    correct = []
    for record, doc in zip(records, nlp.pipe(record.text for record in records), strict=True):
        if is_exclusive(nlp):
            found = {max(head.labels, key=doc.cats.__getitem__)}
        else:
            found = set(labels_above(doc.cats, head.cfg, head.labels))
        correct.append(found == set(record.labels))
    return np.array(correct)


def compare(before: NDArray[np.bool_], after: NDArray[np.bool_], languages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """{language: {n, before, after}} with accuracies."""
    codes = np.array(languages, dtype=object)
    return {
        str(code): {
            "n": int((codes == code).sum()),
            "before": round(float(before[codes == code].mean()), 4),
            "after": round(float(after[codes == code].mean()), 4),
        }
        for code in sorted(set(languages))
    }


def judge(
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    languages: Sequence[str],
    source: str,
    max_drop: Optional[float] = None,
) -> tuple[bool, str]:
    """Whether the new model may stand, and why."""
    if not len(before):
        return True, "Not compared: there are no dev texts."
    if max_drop is not None:
        figures = compare(before, after, languages).values()
        old, new = (float(np.mean([figure[key] for figure in figures])) for key in ("before", "after"))
        kept = new >= (1 - max_drop) * old
        return kept, f"{'Kept' if kept else 'Taken back'}: {new:.3f} of {old:.3f} mean accuracy on dev."
    codes = np.array(languages, dtype=object)
    means = []
    for code in sorted(set(languages)):
        gains = after[codes == code].astype(float) - before[codes == code]
        if code != source:
            means.append(float(gains.mean()))
        # The standard error of a paired difference.
        error = float(gains.std() / np.sqrt(len(gains)))
        if gains.mean() < -max(MARGIN, error, 1 / len(gains)) - 1e-9:
            return False, f"Taken back: {code} loses {-gains.mean():.3f} on {len(gains)} dev texts."
    if means and np.mean(means) < 0:
        return False, f"Taken back: the mean of {len(means)} target languages falls by {-np.mean(means):.3f} on dev."
    gain = np.mean(means) if means else (after.astype(float) - before).mean()
    what = f"the mean of {len(means)} target languages" if means else "the source"
    return True, f"Kept: {what} changes by {gain:+.3f} on dev."


def check_labels(records: Sequence[Record], labels: Sequence[str], exclusive: bool) -> None:
    """Raise XltError for a label that the model does not know, or for several where it gives one."""
    for record in records:
        for label in record.labels:
            if label not in labels:
                raise XltError(
                    f"{record.location}: the model does not know the label '{label}'; it knows {', '.join(labels)}."
                )
        if exclusive and len(record.labels) != 1:
            raise XltError(f"{record.location}: {len(record.labels)} labels, but the model gives exactly one.")


def check_languages(records: Sequence[Record]) -> None:
    """Raise XltError for a text without a language."""
    for record in records:
        if record.language == UNKNOWN:
            raise XltError(
                f"{record.location}: a text without a language: name it with --language, or in the field 'lang'."
            )


def fingerprint(records: Sequence[Record]) -> dict[str, Any]:
    """{texts, sha256} of records: of their languages, labels and texts, in order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update("\x1f".join([record.language, *record.labels, record.text, "\x1e"]).encode("utf8"))
    return {"texts": len(records), "sha256": digest.hexdigest()}
