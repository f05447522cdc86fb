"""Training encoder and head of a pipeline together, from where they are, on texts with hard or soft labels."""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from spacy.language import Language
from tqdm import tqdm

from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require
from spacy_xlt.heads.layer import Layer
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.serving.head import Head
from spacy_xlt.training.model_state import get_layer, read_head, set_layer, set_model

BATCH = 16
# Of so many batches drawn at random, each is made of texts of about the same length.
POOL = 16
# Word pieces of a text that training sees; the pipeline reads longer texts whole.
LONGEST = 128
# The rate of the head beside that of the encoder, for vectors of unit length: see layers/classifier.py.
HEAD_RATE = 1000.0
WARM_UP = 0.1
WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class TrainingExample:
    """A text to learn, in its language: probabilities of the labels [labels], a vector [d] of unit length, or both.

    importance: how much it counts.
    """

    text: str
    language: str
    target: Optional[Floats1d] = None
    vector: Optional[Floats1d] = None
    importance: float = 1.0


def tune(
    nlp: Language,
    examples: Sequence[TrainingExample],
    *,
    epochs: float,
    rate: float,
    layers: Optional[Sequence[int]] = None,
    vector_share: float = 5.0,
    temperature: float = 1.0,
    bfloat16: bool = False,
    seed: int = 0,
    quiet: bool = True,
) -> None:
    """Train the encoder (word embeddings frozen) and the head's output layer on the examples; put both in the pipeline.

    The loss of a lesson is the cross entropy to its probabilities, through the projector's map of its language as it
    is, and `vector_share` times 1 - cosine of the encoder's vector to its vector. AdamW, linear warm-up and decay.
    temperature: the head's scores are divided by it (and the loss multiplied by its square) to learn probabilities that
        are softened by it, see `soften`.
    bfloat16: the encoder's matrix products in it, where the CPU or GPU has it: a step takes half the time. In float32
        a training gives nearly the same figures on every machine.
    layers: keep only those of the encoder, such as every second; None: all. rate: of the encoder's weights.
    seed: of order and dropout; torch's own state stays as it was.
    Raises XltError for an encoder that is not a TorchEncoder, and without a lesson.
    """
    require("train", "torch", "transformers")
    import torch

    component = find_pipe(nlp, Encoder)
    component.width  # noqa: B018  (loads the weights)
    old = component.encoder
    if not isinstance(old, TorchEncoder):
        raise XltError(
            f"A {type(old).__name__} cannot be trained: tune the trained model, and export it again afterwards."
        )
    # Before it is copied: the copy would take the word embeddings, which it shares, to the GPU without the rest.
    device = old._place()
    model = copy_model(old._model)
    if layers is not None:
        keep_layers(model, layers)
    encoder = TorchEncoder(device=old.device, bfloat16=bfloat16)
    encoder.set_model(model, old.tokenizer_json, old.settings)
    head = _TorchHead(nlp, device)
    assert encoder._tokenizer is not None
    windows, owners, _ = encoder._tokenizer.windows([lesson.text for lesson in examples])
    first = {owner: window for owner, window in zip(reversed(owners), reversed(windows))}
    limit = LONGEST - len(encoder._tokenizer.closing)
    pieces = {
        owner: window if len(window) <= LONGEST else window[:limit] + encoder._tokenizer.closing
        for owner, window in first.items()
    }
    if not pieces:
        raise XltError("There is no text to train on.")
    rows = sorted(pieces)
    steps = max(1, math.ceil(epochs * len(rows) / BATCH))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trainable = _make_trainable(model)
        optimizer = torch.optim.AdamW(
            [{"params": trainable, "lr": rate}, {"params": head.parameters, "lr": rate * HEAD_RATE}],
            weight_decay=WEIGHT_DECAY,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share_of_rate(step, steps))
        batches = _endless_batches({row: len(pieces[row]) for row in rows}, seed)
        for _ in tqdm(range(steps), desc="Training", unit="step", disable=quiet):
            batch = next(batches)
            vectors = torch.nn.functional.normalize(encoder._pool([pieces[row] for row in batch], device), dim=1)
            loss = head.loss(vectors, [examples[row] for row in batch], vector_share, temperature)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*trainable, *head.parameters], 1.0)
            optimizer.step()
            schedule.step()
    set_model(nlp, model)
    set_layer(nlp, head.layer())


def soften(probabilities: Floats2d, temperature: float, exclusive: bool) -> Floats2d:
    """The probabilities [n, labels] of scores divided by a temperature (Hinton, Vinyals & Dean 2015, equation 1)."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    powers = clipped ** (1 / temperature)
    others = powers.sum(axis=1, keepdims=True) if exclusive else powers + (1 - clipped) ** (1 / temperature)
    return np.asarray(powers / others, dtype=np.float32)


def copy_model(model: Any) -> Any:
    """A copy that shares the word embeddings, four fifths of the weights, which do not learn."""
    shared = {id(parameter): parameter for parameter in model.get_input_embeddings().parameters()}
    return copy.deepcopy(model, shared)


def keep_layers(model: Any, layers: Sequence[int]) -> None:
    """Drop all layers of a BERT-like encoder or a T5 encoder but those, in place."""
    import torch

    stack = getattr(model, "encoder", model)
    name = "layer" if hasattr(stack, "layer") else "block"
    old = getattr(stack, name, None)
    if old is None:
        raise XltError(f"The layers of a {type(model).__name__} cannot be dropped: only BERT's, XLM-R's and T5's can.")
    if 0 not in layers and name == "block":
        raise XltError("The first layer of a T5 encoder holds the relative positions: keep it.")
    setattr(stack, name, torch.nn.ModuleList([old[number] for number in layers]))
    model.config.num_hidden_layers = len(layers)
    if hasattr(model.config, "num_layers"):
        model.config.num_layers = len(layers)


def count_layers(nlp: Language) -> int:
    """The number of layers of the encoder."""
    component = find_pipe(nlp, Encoder)
    component.width  # noqa: B018  (loads the weights)
    return int(component.encoder._model.config.num_hidden_layers)  # type: ignore[attr-defined]


def _make_trainable(model: Any) -> list[Any]:
    model.train().requires_grad_(True)
    model.get_input_embeddings().requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _share_of_rate(step: int, steps: int) -> float:
    warm = max(1.0, WARM_UP * steps)
    return min((step + 1) / warm, max(0.0, (steps - step) / max(1.0, steps - warm)))


def _endless_batches(lengths: Mapping[int, int], seed: int) -> Iterator[list[int]]:
    """Batches of rows {row: length}, the longest first; texts of about the same length, so that little is padding."""
    chance = np.random.default_rng(seed)
    while True:
        order = chance.permutation(list(lengths)).tolist()
        pools = [order[start : start + POOL * BATCH] for start in range(0, len(order), POOL * BATCH)]
        for pool in pools:
            pool.sort(key=lambda row: -lengths[row])
            batches = [pool[start : start + BATCH] for start in range(0, len(pool), BATCH)]
            yield from (batches[number] for number in chance.permutation(len(batches)))


class _TorchHead:
    """What stands above the encoder, in torch: projection, scale, hidden layer (these stay), output layer (learns)."""

    def __init__(self, nlp: Language, device: Any) -> None:
        import torch

        self.device = device
        self.head: Head = read_head(nlp)
        self.projector = find_pipe(nlp, Projector)
        layer = get_layer(nlp)
        # On vectors of about unit length the weights are large: so that one rate fits all heads, they carry the scale.
        self.size = self.head.scale if self.head.hidden is None else 1.0
        self.weight = self._tensor(layer.weight * self.size).requires_grad_(True)
        self.bias = self._tensor(layer.bias).requires_grad_(True)
        self.parameters = [self.weight, self.bias]
        self._maps: dict[str, Any] = {}
        self._torch = torch

    def _tensor(self, values: Any) -> Any:
        import torch

        return torch.tensor(np.asarray(values, dtype=np.float32), device=self.device)

    def _map(self, language: str) -> Any:
        """(origin, target, matrix) of a language, or None where vectors stay as they are."""
        projector = self.projector
        if self.head.attribute != "xlt_projected" or not projector.maps or language == projector.source:
            return None
        if language not in self._maps:
            found = projector.map_of(language)
            matrix = None if found.matrix is None else self._tensor(found.matrix)
            self._maps[language] = (self._tensor(found.origin), self._tensor(found.target), matrix)
        return self._maps[language]

    def _project(self, vectors: Any, languages: Sequence[str]) -> Any:
        rows = []
        for vector, language in zip(vectors, languages):
            found = self._map(language or UNKNOWN)
            if found is not None:
                origin, target, matrix = found
                moved = vector - origin
                vector = (moved if matrix is None else matrix @ moved) + target
            rows.append(vector)
        return self._torch.nn.functional.normalize(self._torch.stack(rows), dim=1)

    def _scores(self, units: Any) -> Any:
        functional = self._torch.nn.functional
        if self.head.hidden is not None:
            hidden = self.head.hidden
            weight, bias = self._tensor(hidden.weight), self._tensor(hidden.bias)
            units = functional.gelu(functional.linear(units * self.head.scale, weight, bias))
        return functional.linear(units, self.weight, self.bias)

    def loss(self, vectors: Any, examples: Sequence[TrainingExample], vector_share: float, temperature: float) -> Any:
        functional = self._torch.nn.functional
        total = vectors.sum() * 0.0
        labelled = [i for i, lesson in enumerate(examples) if lesson.target is not None]
        if labelled:
            units = self._project(vectors[labelled], [examples[i].language for i in labelled])
            scores = self._scores(units) / temperature
            gold = self._tensor(np.array([examples[i].target for i in labelled]))
            if self.head.exclusive:
                losses = -(gold * functional.log_softmax(scores, dim=1)).sum(dim=1)
            else:
                losses = functional.binary_cross_entropy_with_logits(scores, gold, reduction="none").sum(dim=1)
            total = total + temperature**2 * (losses * self._importance(examples, labelled)).sum()
        aligned = [i for i, lesson in enumerate(examples) if lesson.vector is not None]
        if aligned:
            goal: Floats2d = np.array([examples[i].vector for i in aligned])
            cosines = (vectors[aligned] * self._tensor(goal)).sum(dim=1)
            total = total + vector_share * ((1.0 - cosines) * self._importance(examples, aligned)).sum()
        return total / len(examples)

    def _importance(self, examples: Sequence[TrainingExample], rows: Sequence[int]) -> Any:
        return self._tensor([examples[i].importance for i in rows])

    def layer(self) -> Layer:
        weight, bias = (values.detach().cpu().numpy() for values in self.parameters)
        return Layer(weight / np.float32(self.size), bias)
