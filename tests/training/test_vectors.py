"""Training an encoder on target vectors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.training import loop
from spacy_xlt.training.checkpoints import Checkpoints
from spacy_xlt.training.examples import TrainingExample
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.vectors import fit_vectors, vector_loss
from tests.encoders import tiny

SETTINGS = TrainingSettings(epochs=20, batch_size=8, learning_rate=1e-3, average_epochs=1)


@pytest.fixture
def encoder(tiny_bert: Path) -> TorchEncoder:
    encoder = TorchEncoder()
    encoder.load(tiny_bert)
    return encoder


def make_examples(encoder: TorchEncoder) -> list[TrainingExample]:
    """Each text learns the vector of the text before it."""
    vectors = np.roll(encoder.encode(tiny.LINES), 1, axis=0)
    return [TrainingExample(text, "en", vector=vector) for text, vector in zip(tiny.LINES, vectors)]


def mean_cosine(encoder: TorchEncoder, examples: list[TrainingExample]) -> float:
    vectors = encoder.encode([example.text for example in examples])
    return float((vectors * np.array([example.vector for example in examples])).sum(axis=1).mean())


def fit(encoder: TorchEncoder, examples: list[TrainingExample], **options: Any) -> Any:
    return fit_vectors(encoder, examples, options.pop("settings", SETTINGS), temperature=0.05, **options)


def test_texts_get_nearer_to_their_targets(encoder: TorchEncoder) -> None:
    examples = make_examples(encoder)
    before = mean_cosine(encoder, examples)
    old = {name: values.clone() for name, values in encoder.model.named_parameters()}
    model = fit(encoder, examples)
    assert all(torch.equal(values, old[name]) for name, values in encoder.model.named_parameters())
    assert torch.equal(model.get_input_embeddings().weight, encoder.model.get_input_embeddings().weight)
    encoder.replace_model(model)
    assert mean_cosine(encoder, examples) > before + 0.3 * (1 - before)


def test_only_the_given_rows_of_the_word_embeddings_learn(encoder: TorchEncoder) -> None:
    rows = sorted(set(encoder.tokenizer.windows(tiny.LINES[:3])[0][0]))
    old = encoder.model.get_input_embeddings().weight.clone()
    model = fit(encoder, make_examples(encoder), rows=rows)
    new = model.get_input_embeddings().weight
    changed = torch.nonzero((new != old).any(dim=1)).flatten().tolist()
    assert changed == rows and torch.equal(encoder.model.get_input_embeddings().weight, old)


def test_the_loss_is_lowest_where_a_vector_equals_its_target() -> None:
    chance = np.random.default_rng(0)
    goals = torch.nn.functional.normalize(torch.tensor(chance.normal(size=(6, 8)), dtype=torch.float32), dim=1)
    goals[1] = goals[0]
    vectors = goals.clone().requires_grad_(True)
    units = torch.nn.functional.normalize(vectors, dim=1)
    (gradient,) = torch.autograd.grad(vector_loss(units, goals, 0.05).sum(), vectors)
    assert gradient.abs().max() < 1e-4
    worse = torch.nn.functional.normalize(goals + 0.1 * torch.tensor(chance.normal(size=(6, 8)), dtype=torch.float32))
    assert (vector_loss(worse, goals, 0.05) > vector_loss(goals, goals, 0.05)).all()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_training_that_is_killed_within_an_epoch_resumes_to_the_same_bits(
    steps: int, encoder: TorchEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_STEPS", 2)
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-3, average_epochs=2)
    examples = make_examples(encoder)
    whole = fit(encoder, examples, settings=settings)
    saved: list[int] = []
    save = Checkpoints.save

    def save_and_stop(self: Checkpoints, epoch: int) -> None:
        save(self, epoch)
        saved.append(epoch)
        if len(saved) == steps:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        fit(encoder, examples, settings=settings, checkpoint=tmp_path / "state")
    assert (tmp_path / "state").is_dir()
    resumed = fit(encoder, examples, settings=settings, checkpoint=tmp_path / "state")
    # 18 texts in batches of 4 are 5 steps: saved after 2, 4 and 5 of them.
    assert len(saved) == 6 and not (tmp_path / "state").exists()
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), resumed.parameters()))


def test_no_text(encoder: TorchEncoder) -> None:
    with pytest.raises(XltError, match="no text"):
        fit(encoder, [TrainingExample(" ", "en", vector=np.ones(encoder.width, dtype=np.float32))])
