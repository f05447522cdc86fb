"""Self-training: the model labels unlabelled texts of the target languages, and learns from what it is sure of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.heads.temperature import fit_temperature, scores_of, temper
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
from spacy_xlt.training.examples import TrainingExample, gold_matrix, make_examples
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
from spacy_xlt.training.trainer import finetune
from spacy_xlt.transfer.acceptance import Result, accept_if_not_worse, check_labels, correct_rows, fingerprint
from spacy_xlt.transfer.few_shot import Method
from spacy_xlt.transfer.label_shift import (
    balancing_weights,
    estimate_prior,
    select_balanced,
    shift,
)
from spacy_xlt.transfer.language_check import wrong_languages
from spacy_xlt.transfer.rounds import Rounds

FEWEST_TEXTS = 10
# The share of each label's texts that is believed: in the first round, and how much more in each next one.
FIRST_SHARE, MORE_SHARE = 0.4, 0.2
# Frozen: the pull towards the source's weights, or with source texts towards zero.
ADAPTING_STRENGTH, JOINT_STRENGTH = 3.0, 0.3
# How much all pseudo-labels together count beside all labels. On dev (SIB-200, NTREX unlabelled) 1.0 lost .01-.03.
PSEUDO_SHARE = 0.3
# Rounds end when so few labels change from one to the next.
SETTLED = 0.005
SETTINGS = TrainingSettings(epochs=1, learning_rate=3e-5, bfloat16=False)


def self_train(
    nlp: Language,
    texts: Data,
    *,
    source: Data = (),
    dev: Data = (),
    method: Method = "frozen",
    rounds: int = 3,
    checkpoint: Optional[Path] = None,
    seed: int = 0,
    progress: bool = True,
) -> Result:
    """Train the pipeline on its own labels of unlabelled texts, in place.

    In each round and for each language: the model's probabilities are calibrated on labelled texts of the source (of
    dev, else of `source`) and corrected for the labels' prior in these texts (label shift), the most confident share of
    every label is chosen (more with each round), every label counts as much as its prior, and the head (`finetune`: the
    encoder too) learns from these and the source's texts. With dev texts the rounds end when dev gets worse, and the
    best round stands.

    texts: {language: texts, or files of them}, or files that say their languages; a language new to the projector is
        fitted on them first.
    source: the labelled texts that the model was trained on; none: the head is pulled to its old weights instead.
    dev: see `accept_if_not_worse`. checkpoint: a folder for the last round's model, from which a killed run goes on.
    Raises XltError for too few texts of a language, a head that gives several labels, and texts without a language.
    """
    labels = head_labels(nlp)
    source, dev = load_dataset(source).records, load_dataset(dev).records
    given = load_dataset(texts, labeled=False).by_language()
    different = {language: list(dict.fromkeys(filter(str.strip, found))) for language, found in given.items()}
    _check(nlp, different, rounds)
    check_labels(source, labels, exclusive=True)
    records = [
        Record(text, (), language, "unlabelled") for language in sorted(different) for text in different[language]
    ]
    settings = {"method": method, "rounds": rounds, "joint": bool(source), "seed": seed, "languages": sorted(different)}
    data = {"texts": records, "source": source, "dev": dev}
    key = _key(nlp, settings, data)
    notes = wrong_languages(nlp, records)

    def change() -> dict[str, Any]:
        project_new_languages(nlp, different, progress=progress)
        kept = Rounds(checkpoint, key)
        start = get_layer(nlp)
        done = kept.resume(nlp)
        best, best_score, best_round, found = take_snapshot(nlp), _score(nlp, dev), done, None
        for number in progress_bar(range(done, rounds), title="Rounds", unit="round", show=progress):
            believed = _Believed(
                nlp, records, source, FIRST_SHARE + MORE_SHARE * number, _calibrating(nlp, source, dev)
            )
            if found is not None and (believed.labels != found).mean() < SETTLED:
                break
            found = believed.labels
            if method == "finetune":
                examples = make_examples(source, labels) + believed.examples()
                finetune(nlp, examples, replace(SETTINGS, seed=seed + number), progress=progress)
            else:
                set_layer(nlp, believed.fit(start))
            kept.save(nlp, number + 1)
            score = _score(nlp, dev)
            if score < best_score:
                break
            best, best_score, best_round = take_snapshot(nlp), score, number + 1
        restore(nlp, best)
        if best_round == 0:
            notes.append("Nothing was learned: the first round made dev worse. The model stays as it is.")
        return {**settings, "best_round": best_round}

    result = accept_if_not_worse(nlp, "self-train", change, dev=dev, data=data, notes=notes, halve=method == "finetune")
    Rounds(checkpoint, key).clear()
    return result


class _Believed:
    """The texts whose labels are believed in a round, with importance, and the source's texts."""

    def __init__(
        self,
        nlp: Language,
        records: Sequence[Record],
        source: Sequence[Record],
        share: float,
        calibrating: Sequence[Record] = (),
    ) -> None:
        self.nlp, self.source = nlp, source
        names = head_labels(nlp)
        gold = gold_matrix(source, names).reshape(len(source), len(names))
        prior = (gold.sum(axis=0) + 1.0) / (len(source) + len(names))
        self.gold = gold
        codes = np.array([record.language for record in records], dtype=object)
        raw = predictions(nlp, records)
        if calibrating:
            # EM drives the prior of a badly calibrated head to one label (Alexandari, Kundaje & Shrikumar 2020).
            scores = scores_of(predictions(nlp, calibrating))
            raw = temper(raw, fit_temperature(scores, gold_matrix(calibrating, names)))
        self.labels: NDArray[np.int64] = np.zeros(len(records), dtype=np.int64)
        chosen, importance = [], []
        for language in sorted(set(codes)):
            rows = np.flatnonzero(codes == language)
            shifted = shift(raw[rows], prior, estimate_prior(raw[rows], prior))
            self.labels[rows] = shifted.argmax(axis=1)
            kept = select_balanced(shifted, min(share, 1.0))
            chosen.append(rows[kept])
            importance.append(balancing_weights(self.labels[rows[kept]], prior))
        self.rows = np.concatenate(chosen)
        self.importance = np.concatenate(importance)
        self.records = [records[row] for row in self.rows]
        self.targets = np.eye(len(names))[self.labels[self.rows]]

    def fit(self, start: Layer) -> Layer:
        features = make_features(self.nlp, self.records)
        if not self.source:
            return fit_output_layer(
                features, self.targets, towards=start, strength=ADAPTING_STRENGTH, importance=self.importance
            )
        share = PSEUDO_SHARE * len(self.source) / len(self.records)
        return fit_output_layer(
            np.concatenate([make_features(self.nlp, self.source), features]),
            np.concatenate([self.gold, self.targets]),
            towards=zero_layer(*start.weight.shape),
            strength=JOINT_STRENGTH,
            importance=np.concatenate([np.ones(len(self.source)), min(1.0, share) * self.importance]),
        )

    def examples(self) -> list[TrainingExample]:
        return [
            TrainingExample(record.text, record.language, target.astype(np.float32), weight=float(weight))
            for record, target, weight in zip(self.records, self.targets, self.importance)
        ]


def _calibrating(nlp: Language, source: Sequence[Record], dev: Sequence[Record]) -> Sequence[Record]:
    """Texts of the source with labels, better those that the model has not learned."""
    home = find_pipe(nlp, Projector).source
    return [record for record in dev if record.language == home] or source


def _score(nlp: Language, dev: Sequence[Record]) -> float:
    """The mean accuracy of the dev texts' languages; 0 without any."""
    correct = correct_rows(nlp, dev)
    codes = np.array([record.language for record in dev], dtype=object)
    return float(np.mean([correct[codes == code].mean() for code in set(codes)])) if len(dev) else 0.0


def _check(nlp: Language, texts: Mapping[str, Sequence[str]], rounds: int) -> None:
    if not is_exclusive(nlp):
        raise XltError("Self-training needs a model that gives exactly one label a text; this one gives several.")
    if rounds < 1:
        raise XltError(f"Self-training takes at least one round, not {rounds}.")
    if not texts:
        raise XltError("There is no unlabelled text to learn from: give some with --texts.")
    for language, of_language in texts.items():
        if language == UNKNOWN:
            raise XltError("There are texts without a language: name it with --language, or in the field 'lang'.")
        if len(of_language) < FEWEST_TEXTS:
            raise XltError(
                f"Self-training needs at least {FEWEST_TEXTS} different texts of each language; of '{language}' there "
                f"{'is' if len(of_language) == 1 else 'are'} {len(of_language)}."
            )


def _key(nlp: Language, settings: Mapping[str, Any], data: Mapping[str, Sequence[Record]]) -> str:
    """Of model, settings and data: other rounds than these are not gone on with."""
    layer = get_layer(nlp)
    content = json.dumps([settings, {name: fingerprint(records) for name, records in data.items()}], sort_keys=True)
    return sha256(content.encode("utf8") + layer.weight.tobytes() + layer.bias.tobytes()).hexdigest()
