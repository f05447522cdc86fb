"""Choosing between the fine-tuned weights and weights that are nearer to the pretrained ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import Labeled, fit_head
from spacy_xlt.heads.temperature import tempered_losses
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.layers import copy_model
from spacy_xlt.training.model_state import (
    get_layer,
    head_labels,
    interpolate_weights,
    is_exclusive,
    make_features,
    restore,
    set_layer,
    set_model,
    take_snapshot,
)
from spacy_xlt.training.trainer import window_limits

# The share of the way back to the pretrained weights that is tried.
BACK = 0.25


def regularize(nlp: Language, records: Sequence[Record], dev: Sequence[Record], *, pretrained: Any) -> bool:
    """Move a fine-tuned encoder a quarter of the way back to its pretrained weights, if development data favor it.

    The mean of fine-tuned and pretrained weights often transfers better to other domains (WiSE-FT: Wortsman et al.
    2022, equation 1). Its head is fitted anew. It is chosen if its cross-entropy on the development data, at the best
    temperature, is lower.

    Args:
        nlp: A pipeline that was fine-tuned.
        records: The labeled texts of training.
        dev: Labeled development data.
        pretrained: The Hugging Face model that fine-tuning started from.

    Returns:
        Whether the weights were moved.
    """
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    gold = gold_matrix(dev, labels)
    tuned = take_snapshot(nlp)
    loss = tempered_losses(_scores(nlp, dev), gold, exclusive=exclusive).mean()
    between = copy_model(tuned.model)
    interpolate_weights(between, pretrained, BACK)
    set_model(nlp, between)
    train = Labeled(make_features(nlp, records), gold_matrix(records, labels))
    try:
        set_layer(nlp, fit_head(train, Labeled(make_features(nlp, dev), gold), exclusive=exclusive).layer)
        moved = bool(tempered_losses(_scores(nlp, dev), gold, exclusive=exclusive).mean() < loss)
    except XltError:  # the new head learned nothing
        moved = False
    if not moved:
        restore(nlp, tuned)
    return moved


def _scores(nlp: Language, records: Sequence[Record]) -> Any:
    """The scores [n, labels] of the head, before softmax or sigmoid."""
    return get_layer(nlp)(make_features(nlp, records)).astype(np.float64)


@contextmanager
def fast_encoding(nlp: Language, max_length: int) -> Iterator[None]:
    """Let the encoder read what training reads, in bfloat16 where the CPU or GPU has it: enough to choose by.

    The vectors that it keeps are forgotten at the end.
    """
    component = find_pipe(nlp, Encoder)
    encoder = component.encoder
    assert isinstance(encoder, TorchEncoder)
    before, settings = encoder.bfloat16, encoder.tokenizer.settings
    try:
        encoder.bfloat16 = True
        count, length = window_limits(max_length)
        encoder.tokenizer.settings = replace(settings, window=length, max_windows=count)
        component.forget()
        yield
    finally:
        encoder.bfloat16, encoder.tokenizer.settings = before, settings
        component.forget()
