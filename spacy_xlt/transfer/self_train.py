"""Self-training: the model labels texts of target languages and learns from its most confident predictions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.heads.temperature import fit_temperature, scores_of, temper
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import check_texts
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
from spacy_xlt.result import Result, fingerprint
from spacy_xlt.training.examples import TrainingExample, check_labels, gold_matrix, make_examples
from spacy_xlt.training.model_state import (
    get_layer,
    head_labels,
    is_exclusive,
    make_features,
    predictions,
    project_new_languages,
    restore,
    set_layer,
    take_snapshot,
)
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.train import Method, check_method
from spacy_xlt.training.trainer import finetune
from spacy_xlt.transfer.acceptance import accept_if_not_worse, correct_rows
from spacy_xlt.transfer.in_place import in_place
from spacy_xlt.transfer.label_shift import balancing_weights, estimate_prior, select_balanced, shift
from spacy_xlt.transfer.language_check import wrong_languages
from spacy_xlt.transfer.rounds import Rounds

MIN_TEXTS = 10
# The fraction of the texts of each label that is selected in the first round, and how much more in each later round.
FIRST_FRACTION, MORE_FRACTION = 0.4, 0.2
# L2 penalties of the output layer: towards the old weights without source texts, towards zero with them.
ADAPTATION_L2, JOINT_L2 = 3.0, 0.3
# The total weight of the pseudo-labeled texts as a fraction of that of the source texts: see docs/measured-settings.md.
PSEUDO_LABEL_WEIGHT = 0.3
# Rounds end if a smaller fraction of the pseudo-labels changes.
MIN_CHANGE = 0.005


@in_place
def self_train(
    nlp: Language,
    data: Data,
    *,
    source: Data = (),
    dev: Data = (),
    method: Method = "frozen",
    rounds: int = 3,
    checkpoint: Optional[PathLike] = None,
    epochs: float = 1,
    batch_size: int = 16,
    learning_rate: float = 3e-5,
    max_length: int = 128,
    freeze_layers: int = 0,
    seed: int = 0,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Result:
    """Train on unlabeled texts of target languages that the model labels itself, in place.

    In each round, and for each language, the model predicts the labels of the texts. Its probabilities are calibrated
    on labeled source texts and corrected for label shift. The same fraction of each predicted label, the most confident
    texts, become pseudo-labels; the fraction grows with each round. The head, with `finetune` also the encoder, is then
    trained on the pseudo-labeled texts and the source texts. With development data, training ends when the accuracy on
    it drops, and the best round is kept.

    Args:
        nlp: A pipeline that predicts exactly one label per text, or a model folder, which is written again.
        data: Unlabeled texts with their languages: whatever `load_dataset` takes. A language that is new to the
            projector is projected first.
        source: The labeled texts that the model was trained on. Without them, the head is regularized towards its old
            weights.
        dev: Labeled development data of the source and, better, of the target languages. If the new model is worse on
            it, the old model is kept: see `accept_if_not_worse`.
        method: `frozen` (seconds) or `finetune` (minutes).
        rounds: The largest number of rounds.
        checkpoint: A folder for the model of the last round, from which a killed run resumes.
        epochs: How often fine-tuning reads each text in a round.
        batch_size: Texts per step of fine-tuning.
        learning_rate: The highest learning rate of the encoder.
        max_length: The number of word pieces of a text that fine-tuning reads.
        freeze_layers: The number of lower layers that fine-tuning does not change.
        seed: Of the order of the texts.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The result. It is also in `nlp.meta["xlt_transfer"]`.

    Raises:
        XltError: A language has too few texts, texts have no language, the model predicts several labels per text, or
            the checkpoint is damaged.

    References:
        Zou et al. (2018), "Unsupervised domain adaptation for semantic segmentation via class-balanced self-training",
        section 4. Saerens, Latinne & Decaestecker (2002), equations 2.9 (label shift). Alexandari, Kundaje & Shrikumar
        (2020), "Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation".
    """
    check_method(method)
    tuning = TrainingSettings(epochs, batch_size, learning_rate, max_length, freeze_layers, bfloat16=False)
    labels = head_labels(nlp)
    source, dev = (
        load_dataset(source, **without_language(reading)).records,
        load_dataset(dev, **without_language(reading)).records,
    )
    texts = {
        language: list(dict.fromkeys(filter(str.strip, of_language)))
        for language, of_language in load_dataset(data, labeled=False, **reading).by_language().items()
    }
    _check(nlp, texts, rounds)
    check_labels(source, labels, exclusive=True)
    records = [Record(text, (), language, "unlabeled") for language in sorted(texts) for text in texts[language]]
    settings = {"method": method, "rounds": rounds, "joint": bool(source), "seed": seed, "languages": sorted(texts)}
    if method == "finetune":
        settings = {**tuning.to_dict(), **settings}
    used = {"texts": records, "source": source, "dev": dev}
    kept = Rounds(None if checkpoint is None else Path(checkpoint), _key(nlp, settings, used))
    notes = wrong_languages(nlp, records)

    def change() -> dict[str, Any]:
        project_new_languages(nlp, texts, progress=progress)
        start = get_layer(nlp)
        done = kept.resume(nlp)
        best, best_score, best_round, last = take_snapshot(nlp), _score(nlp, dev), done, None
        for number in progress_bar(range(done, rounds), title="Self-training", unit="round", show=progress):
            fraction = min(FIRST_FRACTION + MORE_FRACTION * number, 1.0)
            pseudo = label(nlp, records, source, fraction, _calibration_data(nlp, source, dev))
            if last is not None and (pseudo.predicted != last).mean() < MIN_CHANGE:
                break
            last = pseudo.predicted
            if method == "finetune":
                examples = make_examples(source, labels) + pseudo.examples()
                finetune(nlp, examples, replace(tuning, seed=seed + number), progress=progress)
            else:
                set_layer(nlp, fit_head(nlp, pseudo, source, start))
            kept.save(nlp, number + 1)
            score = _score(nlp, dev)
            if score < best_score:
                break
            best, best_score, best_round = take_snapshot(nlp), score, number + 1
        restore(nlp, best)
        if best_round == 0:
            notes.append("The model did not change: the first round lowered the accuracy on the development data.")
        return {**settings, "best_round": best_round}

    result = accept_if_not_worse(nlp, "self-train", change, dev=dev, data=used, notes=notes, halve=method == "finetune")
    kept.clear()
    return result


@dataclass(frozen=True)
class PseudoLabels:
    """The predicted labels of unlabeled texts, and the texts that are selected for training.

    Attributes:
        predicted: The label of every text, [n].
        rows: The selected rows, [m].
        records: The selected texts, [m].
        targets: Their labels, one-hot, [m, labels].
        weights: Their sample weights, [m], with mean 1 in each language.
    """

    predicted: NDArray[np.int64]
    rows: NDArray[np.int64]
    records: list[Record]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]

    def examples(self) -> list[TrainingExample]:
        """Return the selected texts as training examples."""
        return [
            TrainingExample(record.text, record.language, target.astype(np.float32), weight=float(weight))
            for record, target, weight in zip(self.records, self.targets, self.weights)
        ]


def label(
    nlp: Language,
    records: Sequence[Record],
    source: Sequence[Record],
    fraction: float,
    calibration_data: Sequence[Record] = (),
) -> PseudoLabels:
    """Predict labels, correct them for label shift, and select the most confident ones in each language.

    Args:
        nlp: The pipeline.
        records: Unlabeled texts with their languages.
        source: Labeled source texts; their label frequencies are the prior. Without them it is uniform.
        fraction: The fraction of each predicted label that is selected.
        calibration_data: Labeled texts to calibrate the probabilities on. Without calibration, the estimated prior can
            collapse to one label.
    """
    names = head_labels(nlp)
    prior = (gold_matrix(source, names).sum(axis=0) + 1.0) / (len(source) + len(names))
    probabilities = predictions(nlp, records)
    if calibration_data:
        scores = scores_of(predictions(nlp, calibration_data))
        probabilities = temper(probabilities, fit_temperature(scores, gold_matrix(calibration_data, names)))
    codes = np.array([record.language for record in records], dtype=object)
    predicted = np.zeros(len(records), dtype=np.int64)
    selected, weights = [], []
    for language in sorted(set(codes)):
        of_language = np.flatnonzero(codes == language)
        shifted = shift(probabilities[of_language], prior, estimate_prior(probabilities[of_language], prior))
        predicted[of_language] = shifted.argmax(axis=1)
        rows = of_language[select_balanced(shifted, fraction)]
        selected.append(rows)
        weights.append(balancing_weights(predicted[rows], prior))
    rows = np.concatenate(selected)
    return PseudoLabels(
        predicted, rows, [records[row] for row in rows], np.eye(len(names))[predicted[rows]], np.concatenate(weights)
    )


def fit_head(nlp: Language, pseudo: PseudoLabels, source: Sequence[Record], start: Layer) -> Layer:
    """Fit the output layer on pseudo-labeled texts and source texts.

    Args:
        nlp: The pipeline.
        pseudo: The pseudo-labels.
        source: Labeled source texts. Without them, the layer is regularized towards `start`.
        start: The layer before the first round.
    """
    features = make_features(nlp, pseudo.records)
    if not source:
        return fit_output_layer(features, pseudo.targets, prior=start, l2=ADAPTATION_L2, sample_weight=pseudo.weights)
    weight = min(1.0, PSEUDO_LABEL_WEIGHT * len(source) / len(pseudo.records))
    return fit_output_layer(
        np.concatenate([make_features(nlp, source), features]),
        np.concatenate([gold_matrix(source, head_labels(nlp)), pseudo.targets]),
        prior=zero_layer(*start.weight.shape),
        l2=JOINT_L2,
        sample_weight=np.concatenate([np.ones(len(source)), weight * pseudo.weights]),
    )


def _calibration_data(nlp: Language, source: Sequence[Record], dev: Sequence[Record]) -> Sequence[Record]:
    """Return labeled source texts, preferably some that the model was not trained on."""
    language = find_pipe(nlp, Projector).source
    return [record for record in dev if record.language == language] or source


def _score(nlp: Language, dev: Sequence[Record]) -> float:
    """Return the mean accuracy of the languages; 0 without development data."""
    correct = correct_rows(nlp, dev)
    codes = np.array([record.language for record in dev], dtype=object)
    return float(np.mean([correct[codes == code].mean() for code in set(codes)])) if len(dev) else 0.0


def _check(nlp: Language, texts: Mapping[str, Sequence[str]], rounds: int) -> None:
    if not is_exclusive(nlp):
        raise XltError("Self-training needs a model that predicts exactly one label per text. Train one.")
    if rounds < 1:
        raise XltError(f"Self-training needs at least one round, not {rounds}.")
    if not texts:
        raise XltError("There is no unlabeled text. Give some texts of the target languages.")
    check_texts(texts)
    for language, of_language in texts.items():
        if len(of_language) < MIN_TEXTS:
            raise XltError(
                f"Self-training needs at least {MIN_TEXTS} different texts of each language. For '{language}' there "
                f"{'is' if len(of_language) == 1 else 'are'} {len(of_language)}. Give more texts."
            )


def _key(nlp: Language, settings: Mapping[str, Any], data: Mapping[str, Sequence[Record]]) -> str:
    """Return a hash of the model, the settings and the data: only the same run is resumed."""
    layer = get_layer(nlp)
    content = json.dumps([settings, {name: fingerprint(records) for name, records in data.items()}], sort_keys=True)
    return sha256(content.encode("utf8") + layer.weight.tobytes() + layer.bias.tobytes()).hexdigest()
