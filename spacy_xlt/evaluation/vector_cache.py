"""Embeddings of texts, kept in a folder so that a second run need not compute them again."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Optional

import numpy as np

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.folder import SETTINGS_FILE, WEIGHTS_FILE, check_folder
from spacy_xlt.files import file_digest, whole_file
from spacy_xlt.pipeline.encoder import Encoder, encode_in_chunks
from spacy_xlt.progress import progress_bar


def embed(
    encoder: Encoder, folder: Path, texts: Mapping[str, Sequence[str]], cache: Optional[Path], progress: bool
) -> dict[str, Floats2d]:
    """Embed texts.

    Args:
        encoder: The component, which is loaded from `folder` if an embedding is missing.
        folder: The encoder folder.
        texts: {name: texts}.
        cache: The folder that keeps the embeddings; None: they are not kept. Its files are named after a hash of the
            weights and of the texts.
        progress: Show a progress bar on a terminal or in a notebook.

    Returns:
        {name: embeddings [n, d]}.
    """
    files = {}
    if cache is not None:
        weights = file_digest(check_folder(folder) / WEIGHTS_FILE) + file_digest(folder / SETTINGS_FILE)
        files = {name: cache / f"{_digest(weights, of)}.npy" for name, of in texts.items()}
    found = {name: np.load(file) for name, file in files.items() if file.is_file()}
    missing = [name for name in texts if name not in found]
    if missing:
        encoder.initialize(source=str(folder))
    total = sum(len(texts[name]) for name in missing)
    with progress_bar(title="Embedding", unit="text", total=total, show=progress) as bar:
        for name in missing:
            found[name] = encode_in_chunks(encoder, list(texts[name]), bar)
            if name in files:
                with whole_file(files[name]) as scratch, scratch.open("wb") as file:
                    np.save(file, found[name])
    return {name: found[name] for name in texts}


def _digest(weights: str, texts: Sequence[str]) -> str:
    digest = blake2b(weights.encode(), digest_size=16)
    for text in texts:
        digest.update(f"{len(text)} {text}".encode("utf8", "surrogatepass"))
    return digest.hexdigest()
