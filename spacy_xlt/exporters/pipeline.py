"""Check a pipeline before it is exported, and replace its encoder."""

from collections.abc import Mapping
from typing import Any

from spacy.language import Language
from spacy.util import load_model_from_config

from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.heads.confidence import META_KEY
from spacy_xlt.model_facts import TRAINING, TRANSFER
from spacy_xlt.pipeline.classifiers import CLASSIFIERS
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.translator import DocTranslator
from spacy_xlt.pipeline.zeroshot import META_KEY as ZERO_SHOT_META_KEY

KINDS: tuple[Any, ...] = (LanguageDetector, Encoder, Projector, CLASSIFIERS)
# What is copied from the meta of the trained pipeline.
META = ("name", "version", "description", "license", "performance", META_KEY, ZERO_SHOT_META_KEY, TRAINING, TRANSFER)


def check_pipeline(nlp: Language) -> None:
    """Check that a pipeline consists of the four components and has a torch encoder. It may have `xlt_translator`, too.

    Raises:
        XltError: It does not.
    """
    pipes = [pipe for _, pipe in nlp.pipeline]
    if len(pipes) > 1 and isinstance(pipes[1], DocTranslator):
        del pipes[1]
    if len(pipes) != len(KINDS) or not all(isinstance(pipe, kind) for pipe, kind in zip(pipes, KINDS)):
        raise XltError(
            "Only a pipeline of the four components of spacy_xlt, and perhaps xlt_translator, can be exported. It has "
            f"{', '.join(nlp.pipe_names) or 'none'}. Flatten a pipeline that was trained with spacy-transformers first."
        )
    encoder = find_pipe(nlp, Encoder).encoder
    if not isinstance(encoder, TorchEncoder):
        raise XltError(
            f"The pipeline has a {type(encoder).__name__}, so it was exported already. Export the trained model."
        )


def trained_encoder(nlp: Language) -> TorchEncoder:
    """Return the encoder with its weights. An encoder without weights loads the default ones."""
    component = find_pipe(nlp, Encoder)
    component.width  # noqa: B018  (loads the weights)
    encoder = component.encoder
    assert isinstance(encoder, TorchEncoder)
    return encoder


def replace_encoder(nlp: Language, encoder: Any, name: str, settings: Mapping[str, Any] = {}) -> Language:
    """Return a pipeline with another encoder and the other trained components of `nlp`.

    Args:
        nlp: The trained pipeline. It does not change.
        encoder: The encoder.
        name: Its registered name.
        settings: The arguments of its registered function, for the config.
    """
    config = nlp.config.copy()
    (replaced,) = [key for key, pipe in nlp.pipeline if isinstance(pipe, Encoder)]
    config["components"][replaced]["encoder"] = {"@xlt_encoders": name, **settings}
    # The folder that the trained encoder was loaded from no longer matters.
    config["initialize"]["components"].pop(replaced, None)
    result = load_model_from_config(config, validate=False)
    for key, pipe in nlp.pipeline:
        if key != replaced and hasattr(pipe, "to_bytes"):
            result.get_pipe(key).from_bytes(pipe.to_bytes())  # type: ignore[attr-defined]
    find_pipe(result, Encoder).encoder = encoder
    result.meta.update({entry: nlp.meta[entry] for entry in META if entry in nlp.meta})
    return result
