"""What the tasks other than text classification share in training."""

from pathlib import Path

import pytest

pytest.importorskip("transformers")

from spacy_xlt.encoders.architecture import count_positions
from spacy_xlt.training.tasks import make_task_pipeline, torch_encoder, window_length


@pytest.mark.parametrize("factory", ["xlt_ner", "xlt_pairs", "xlt_qa"])
def test_a_window_has_no_more_word_pieces_than_the_encoder_has_positions(factory: str, tiny_bert: Path) -> None:
    encoder = torch_encoder(make_task_pipeline(factory, (), tiny_bert).get_pipe(factory).model)  # type: ignore[attr-defined]
    positions = count_positions(encoder.model)

    assert positions is not None
    assert window_length(encoder, positions - 1) == positions - 1
    assert window_length(encoder, positions + 1) == positions
