"""Train an encoder-decoder on texts and targets."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Optional

import spacy
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.targets import TargetRecord, load_targets, target_options
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.generation import chrf, exact_match
from spacy_xlt.extras import require
from spacy_xlt.generation.facts import FolderFacts
from spacy_xlt.generation.prompts import fill_languages, fill_text
from spacy_xlt.generation.settings import GenerationSettings, Task
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.result import fingerprint
from spacy_xlt.training.best_weights import BestWeights
from spacy_xlt.training.loop import run_epochs
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.translators.find import pipeline_part
from spacy_xlt.translators.seq2seq import HuggingFaceSeq2Seq, encode_inputs, encode_targets, padded
from spacy_xlt.translators.tokens import choose_tokens

Score = Literal["chrf", "exact"]
# Without development data, every tenth text is set aside if there are at least FEW. At most MOST_DEV are scored.
HOLD_OUT, FEW, MOST_DEV = 10, 100, 200
# The label of word pieces that are not predicted.
IGNORED = -100


@dataclass(frozen=True)
class Seq2SeqSettings:
    """What is trained besides the settings of all trainings.

    Attributes:
        task: See `GenerationSettings`.
        template: The prompt; None: that of the model, or that of the task.
        target_language: The language of all targets; None: each record's own, or else that of its text.
        label_smoothing: The probability that is spread over all word pieces (Szegedy et al. 2016, section 7).
        stop_on: The score on development texts that decides which epoch is the best: `chrf`, or `exact` match.
        patience: Training stops after this many epochs without a better score.
    """

    task: Task = "translate"
    template: Optional[str] = None
    target_language: Optional[str] = None
    label_smoothing: float = 0.1
    stop_on: Score = "chrf"
    patience: int = 2

    def __post_init__(self) -> None:
        GenerationSettings(self.task, self.template)  # Checks them before the work, which may take long.
        if not 0.0 <= self.label_smoothing < 1.0:
            raise XltError(f"label_smoothing is at least 0 and below 1, not {self.label_smoothing}.")
        if self.stop_on not in ("chrf", "exact"):
            raise XltError(f"stop_on is chrf or exact, not '{self.stop_on}'.")
        if self.patience < 1:
            raise XltError(f"patience is at least 1, not {self.patience}.")


DEFAULT_SEQ2SEQ = Seq2SeqSettings()


def train_seq2seq(
    data: Data,
    *,
    model: Optional[PathLike],
    dev: Optional[Data] = None,
    seq2seq: Seq2SeqSettings = DEFAULT_SEQ2SEQ,
    epochs: Optional[float] = None,
    batch_size: int = 16,
    learning_rate: float = 5e-5,
    max_length: int = 128,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Language:
    """Train an encoder-decoder to generate the target of each text (teacher forcing).

    The result has the weights of the epoch with the best score on development texts.

    Args:
        data: Texts with targets: whatever `load_targets` takes.
        model: A folder with an encoder-decoder of Hugging Face, or a pipeline that this function has made.
        dev: Development data. None: every tenth text is set aside if there are at least 100.
        seq2seq: What is trained: see `Seq2SeqSettings`.
        epochs: How often each text is read; None: 10 times at most.
        batch_size: The number of texts in a step.
        learning_rate: The highest learning rate. Random models need a higher one, such as 1e-3.
        max_length: The number of word pieces of a text and of a target that are read.
        seed: The seed of the order of the texts.
        checkpoint: A folder in which the state is kept, so that a killed run resumes.
        progress: Show a progress bar.
        reading: Options of `load_dataset`: `text`, `lang`, `language`, `encoding`, and `label`, the target's field.

    Returns:
        A pipeline of `xlt_seq2seq`, with `xlt_langdetect` before it if the model must know the language of a text.

    Raises:
        XltError: There is no model, it does not have a language of the data, or no record can be used.

    References:
        Sutskever et al. (2014), "Sequence to sequence learning with neural networks", section 3.
    """
    require("seq2seq", "torch", "transformers", "sacrebleu")
    if model is None:
        raise XltError("There is no default encoder-decoder. Give the folder of one.", parameter="encoder")
    options: dict[str, Any] = {**target_options(reading), "target_language": seq2seq.target_language}
    records = load_targets(data, **options)
    if dev is not None:
        dev_records = load_targets(dev, **options)
    else:
        records, dev_records = _split(records)
    settings = TrainingSettings(
        10 if epochs is None else epochs,
        batch_size,
        learning_rate,
        max_length,
        average_epochs=1,
        bfloat16=False,
        seed=seed,
    )
    back_end = HuggingFaceSeq2Seq()
    back_end.load(pipeline_part(Path(model).expanduser()))
    generation = GenerationSettings(seq2seq.task, seq2seq.template)
    template = back_end.template(generation)
    network = back_end.model.model
    examples = encode_examples(back_end, records, template, max_length)
    checked = dev_records[:: max(1, len(dev_records) // MOST_DEV)]

    def score() -> float:
        return _score(back_end, checked, generation, seq2seq.stop_on)

    kept = None if checkpoint is None else Path(checkpoint)
    best = BestWeights(network, score, seq2seq.patience, kept) if checked else None
    _train(network, examples, seq2seq, settings, best, back_end, kept, progress)
    if best is not None:
        best.put()
    nlp = _make_pipeline(back_end, records, generation, template)
    nlp.meta[TRAINING] = {
        "method": "seq2seq",
        "encoder": str(Path(model).name),
        "settings": {**settings.to_dict(), **asdict(seq2seq)},
        "data": {"texts": fingerprint(records), "development texts": fingerprint(dev_records)},
    }
    if best is not None:
        nlp.meta["performance"] = {seq2seq.stop_on: best.best}
    return nlp


@dataclass(frozen=True)
class Example:
    """The ids of the word pieces of an input and of its target."""

    inputs: list[int]
    targets: list[int]


def encode_examples(
    back_end: HuggingFaceSeq2Seq, records: Sequence[TargetRecord], template: str, max_length: int
) -> list[Example]:
    """Return the examples of records, in their order.

    Args:
        back_end: A loaded model.
        records: The texts and targets.
        template: The prompt.
        max_length: The most word pieces of an input, and of a target.

    Raises:
        XltError: The model does not have a language of a record, or the prompt needs a language that is unknown.
    """
    loaded = back_end.model
    limit = min(max_length, back_end.max_pieces())
    examples: list[Optional[Example]] = [None] * len(records)
    pairs = [(record.language, record.target_language) for record in records]
    for language, to in sorted(set(pairs)):
        rows = [row for row, pair in enumerate(pairs) if pair == (language, to)]
        tokens, prompt = choose_tokens(loaded.tokens, language, to), fill_languages(template, language, to)
        if tokens is None or prompt is None:
            raise XltError(
                f"{records[rows[0]].location}: the model cannot be trained from '{language}' to '{to}', because it has "
                "no such languages. Name the languages of texts and targets, or use another model."
            )
        inputs = encode_inputs(loaded.tokenizer, [fill_text(prompt, records[row].text) for row in rows], tokens, limit)
        targets = encode_targets(loaded.tokenizer, [records[row].target for row in rows], tokens, limit)
        for row, ours, theirs in zip(rows, inputs, targets):
            examples[row] = Example(ours, theirs)
    return [example for example in examples if example is not None]


def _train(
    network: Any,
    examples: Sequence[Example],
    seq2seq: Seq2SeqSettings,
    settings: TrainingSettings,
    best: Optional[BestWeights],
    back_end: HuggingFaceSeq2Seq,
    checkpoint: Optional[Path],
    progress: bool,
) -> None:
    """Train the model in place."""
    import torch
    from thinc.api import get_torch_default_device

    network.to(get_torch_default_device())
    padding = back_end.model.tokenizer.pad_token_id
    # The loss of a batch is then about the mean over its word pieces.
    mean_length = sum(len(example.targets) for example in examples) / len(examples)

    def loss_of(rows: list[int]) -> Any:
        network.train()
        ids, mask = padded([examples[row].inputs for row in rows], padding)
        labels = torch.tensor(padded([examples[row].targets for row in rows], IGNORED)[0], device=network.device)
        output = network(
            input_ids=torch.tensor(ids, device=network.device),
            attention_mask=torch.tensor(mask, device=network.device),
            labels=labels,
        )
        losses = torch.nn.functional.cross_entropy(
            output.logits.flatten(0, 1),
            labels.flatten(),
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=seq2seq.label_smoothing,
        )
        return losses / mean_length

    hooks = _keep_zero_padding(network, padding)
    run_epochs(
        network,
        [{"params": [each for each in network.parameters() if each.requires_grad], "lr": settings.learning_rate}],
        loss_of,
        [len(example.inputs) + len(example.targets) for example in examples],
        settings,
        callbacks=[] if best is None else [best],
        checkpoint=checkpoint,
        progress=progress,
    )
    for hook in hooks:
        hook.remove()
    network.eval()


def _keep_zero_padding(network: Any, padding: int) -> list[Any]:
    """Keep the embedding of padding at zero if it is. Marian starts with it, and CTranslate2 takes it to be zero."""
    weights = network.get_input_embeddings().weight
    if bool(weights[padding].any()):
        return []

    def zero(gradient: Any) -> Any:
        gradient = gradient.clone()
        gradient[padding] = 0.0
        return gradient

    return [weights.register_hook(zero)]


def _score(
    back_end: HuggingFaceSeq2Seq, records: Sequence[TargetRecord], settings: GenerationSettings, stop_on: Score
) -> float:
    """The score of greedy outputs on development texts. Higher is better."""
    back_end.model.model.eval()
    found = back_end.generate(
        [record.text for record in records],
        [record.language for record in records],
        [record.target_language for record in records],
        settings,
    )
    outputs = ["" if output is None else output.text for output in found]
    measure: Callable[[Sequence[str], Sequence[str]], float] = chrf if stop_on == "chrf" else exact_match
    return measure(outputs, [record.target for record in records])


def _split(records: Sequence[TargetRecord]) -> tuple[list[TargetRecord], list[TargetRecord]]:
    """Training and development records. Copies of a text stay on one side."""
    texts = list(dict.fromkeys(record.text for record in records))
    held = set(texts[::HOLD_OUT]) if len(texts) >= FEW else set()
    return (
        [record for record in records if record.text not in held],
        [record for record in records if record.text in held],
    )


def _make_pipeline(
    back_end: HuggingFaceSeq2Seq, records: Sequence[TargetRecord], generation: GenerationSettings, template: str
) -> Language:
    """Return a pipeline with the trained model, whose files are written to a temporary folder."""
    back_end.save_model(FolderFacts(template=template, max_pieces=back_end.max_pieces()))
    targets = sorted({record.target_language for record in records} - {UNKNOWN})
    nlp = spacy.blank("xx")
    if back_end.source_languages() is not None or "{source}" in template:
        known = sorted({record.language for record in records} - {UNKNOWN})
        nlp.add_pipe("xlt_langdetect", config={"languages": known})
    to = targets[0] if len(targets) == 1 and generation.task == "translate" else None
    component: Any = nlp.add_pipe("xlt_seq2seq", config={"task": generation.task, "to": to})
    component.back_end = back_end
    return nlp
