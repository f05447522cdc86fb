"""Train a reader, which answers questions with spans of a text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

import numpy as np
from spacy.language import Language

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.questions import Question, QuestionData, load_questions
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import base_model
from spacy_xlt.encoders.pieces import PieceTokenizer, PieceWindow
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.languages import find_language
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.qa import QuestionAnswerer
from spacy_xlt.result import fingerprint
from spacy_xlt.tasks.answer_scores import answer_f1
from spacy_xlt.tasks.qa import LABELS, NO_ANSWER, Reading, calibrate, find_answers, gold_places, touches
from spacy_xlt.training.network import can_freeze
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.tasks import encoder_folder, finetune_layer, make_task_pipeline, torch_encoder, window_length

# One in this many texts is set aside for the calibration, if there are no development data.
HOLDOUT = 12
# With fewer texts, none is set aside, and the score of an answer is not calibrated.
FEWEST_TEXTS = 24
# One in this many questions is also asked of a text of another article, if each question has an answer.
FOREIGN = 5
# The learning rate of the layer divided by that of the encoder.
HEAD_RATE = 20.0


@dataclass(frozen=True)
class ReaderExample:
    """A window of a text after a question, and the places of the first and the last word piece of the answer.

    Both places are `NO_ANSWER` if the window does not answer the question.
    """

    window: PieceWindow
    first: int
    last: int


def train_qa(
    data: QuestionData,
    *,
    dev: Optional[QuestionData] = None,
    source: str = "en",
    languages: Sequence[str] = (),
    encoder: Optional[PathLike] = None,
    epochs: float = 8,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    max_length: int = 256,
    freeze_layers: Optional[int] = None,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    progress: bool = True,
) -> Language:
    """Train a model that answers questions with spans of a text.

    The encoder is fine-tuned with a linear layer that predicts the start and the end of the answer (Devlin et al. 2019,
    section 4.2). It is trained on one language, and answers questions in others. The score of an answer is calibrated
    on questions that it was not trained on, with and without an answer.

    Args:
        data: Questions about texts with their answers: see `load_questions`.
        dev: Questions to calibrate the score on. None sets texts aside, if there are at least 24. Questions without an
            answer are made from the others if there are none.
        source: The language of the questions, as a code or an English name.
        languages: The languages that can occur when the model is used. If empty, all languages can occur.
        encoder: An encoder folder. None uses the default encoder.
        epochs: How often each question is read.
        batch_size: The number of windows in a step.
        learning_rate: The highest learning rate of the encoder.
        max_length: The longest window in word pieces, with the question. Longer texts are read in several windows.
        freeze_layers: The number of lower layers that are not changed. None is half of the layers.
        seed: The seed of the order of the questions, and of the choice of windows without an answer.
        checkpoint: A folder in which training saves its state, so that a killed run resumes.
        progress: Show progress bars on a terminal or in a notebook.

    Returns:
        A pipeline of `xlt_langdetect` and `xlt_qa`.

    Raises:
        XltError: The data have no question with an answer, or the encoder folder is missing.
    """
    source = find_language(source)
    folder = encoder_folder(encoder)
    questions = load_questions(data)
    held_out = [] if dev is None else load_questions(dev)
    if dev is None:
        questions, held_out = set_aside(questions)
    if not any(question.answers for question in questions):
        raise XltError("No question has an answer. Give questions with answers to train on.")
    nlp = make_task_pipeline("xlt_qa", languages, folder)
    reader = find_pipe(nlp, QuestionAnswerer)
    model, its_encoder = reader.model, torch_encoder(reader.model)
    window = window_length(its_encoder, max_length)
    reading = Reading(window=window, overlap=window * 3 // 8)
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=window,
        freeze_layers=_half(its_encoder) if freeze_layers is None else freeze_layers,
        seed=seed,
    )
    examples = make_examples(with_foreign_texts(questions, FOREIGN, seed), model.tokenizer, reading, seed)
    layer = finetune_layer(
        its_encoder,
        [example.window.ids for example in examples],
        len(LABELS),
        _SpanLoss(examples),
        settings,
        head_rate=HEAD_RATE,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        progress=progress,
    )
    model.set(layer, LABELS, reading.to_dict())
    if held_out:
        reading = calibrated(reader, held_out, seed)
        model.set(layer, LABELS, reading.to_dict())
    nlp.meta[TRAINING] = {
        "method": "finetune",
        "task": "qa",
        "source": source,
        "encoder": base_model(folder),
        "settings": settings.to_dict(),
        "data": {"questions": _fingerprint(questions), "development questions": _fingerprint(held_out)},
    }
    return nlp


def _fingerprint(questions: Sequence[Question]) -> dict[str, Any]:
    """Return the number of questions, and a hash of them with their texts and answers."""
    return fingerprint(
        [Record(f"{each.question}\n{each.context}", each.answers, each.language, "") for each in questions]
    )


def set_aside(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Return the questions to train on and those to calibrate on, which are about other texts.

    The last texts are set aside: one in `HOLDOUT`; none if there are fewer than `FEWEST_TEXTS`.
    """
    texts = list(dict.fromkeys(question.context for question in questions))
    count = len(texts) // HOLDOUT if len(texts) >= FEWEST_TEXTS else 0
    last = set(texts[len(texts) - count :])
    return [each for each in questions if each.context not in last], [
        each for each in questions if each.context in last
    ]


def with_foreign_texts(questions: Sequence[Question], every: int, seed: int) -> list[Question]:
    """Add questions without an answer, if there are none: some of the questions, with a text of another article.

    Args:
        questions: The questions.
        every: One in this many questions is also asked of another text.
        seed: The seed of the choice of the texts.
    """
    articles = [question.article or question.context for question in questions]
    if len(set(articles)) < 2 or not all(question.answers for question in questions):
        return list(questions)
    chance = np.random.default_rng(seed)
    added = []
    for row in range(seed % every, len(questions), every):
        others = [other for other, article in enumerate(articles) if article != articles[row]]
        text = questions[chance.choice(others)].context
        added.append(replace(questions[row], context=text, answers=(), starts=()))
    return [*questions, *added]


def make_examples(
    questions: Sequence[Question], tokenizer: PieceTokenizer, reading: Reading, seed: int
) -> list[ReaderExample]:
    """Return the windows to train on.

    All windows with the whole answer are used. Of the windows of a question that have no part of it, one is drawn.

    Args:
        questions: The questions. The first of several answers is used.
        tokenizer: The tokenizer of the encoder.
        reading: The settings of windows.
        seed: The seed of the choice of windows without the answer.
    """
    chance = np.random.default_rng(seed)
    texts = list(dict.fromkeys(text for each in questions for text in (each.question, each.context)))
    pieces = dict(zip(texts, tokenizer.pieces(texts)))
    examples = []
    for each in questions:
        windows = tokenizer.windows_after(
            pieces[each.question], pieces[each.context], length=reading.window, overlap=reading.overlap
        )
        others = windows
        if each.answers:
            start, end = each.starts[0], each.starts[0] + len(each.answers[0])
            others = [window for window in windows if not touches(window, start, end)]
            places = [(window, gold_places(window, start, end)) for window in windows]
            examples += [ReaderExample(window, *place) for window, place in places if place is not None]
        if others:
            examples.append(ReaderExample(others[chance.integers(len(others))], NO_ANSWER, NO_ANSWER))
    return examples


def calibrated(reader: QuestionAnswerer, questions: Sequence[Question], seed: int) -> Reading:
    """Return the settings of a reader, with the calibration on questions that it was not trained on.

    Args:
        reader: The component.
        questions: The questions. Each is also asked of a text of another article if each has an answer.
        seed: The seed of the choice of these texts.
    """
    asked = with_foreign_texts(questions, 1, seed)
    spans = find_answers(reader.trained_model, [(each.question, each.context) for each in asked], reader.reading)
    found = [(each, span) for each, span in zip(asked, spans) if span is not None]
    f1 = [
        answer_f1(each.context[span.start : span.end], each.answers, each.language) if each.answers else 0.0
        for each, span in found
    ]
    scale, offset, min_score = calibrate([span.margin for _, span in found], f1, [bool(q.answers) for q, _ in found])
    return replace(reader.reading, scale=scale, offset=offset, min_score=min_score)


class _SpanLoss:
    """The cross-entropy of the places of start and end among the word pieces of the text and that of no answer."""

    def __init__(self, examples: Sequence[ReaderExample]) -> None:
        self._examples = examples

    def __call__(self, scores: Any, mask: Any, rows: Sequence[int]) -> Any:
        import torch

        allowed = torch.zeros(scores.shape[:2], dtype=torch.bool, device=scores.device)
        allowed[:, NO_ANSWER] = True
        for number, row in enumerate(rows):
            allowed[number, self._examples[row].window.text_places] = True
        logits = scores.masked_fill(~allowed.unsqueeze(-1), float("-inf"))
        gold = torch.tensor([[self._examples[row].first, self._examples[row].last] for row in rows])
        # Cross-entropy wants [rows, classes, 2]: each place is a class.
        return torch.nn.functional.cross_entropy(logits, gold.to(scores.device), reduction="sum") / 2


def _half(encoder: TorchEncoder) -> int:
    """Return half of the number of layers, or 0 if layers cannot be frozen."""
    model = encoder.model
    return len(model.encoder.layer) // 2 if can_freeze(model) else 0
