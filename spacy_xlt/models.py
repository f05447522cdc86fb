"""Reading and writing whole model folders."""

from pathlib import Path
from typing import Union

from spacy.language import Language

from spacy_xlt.errors import XltError, first_line
from spacy_xlt.files import check_replaceable, whole_folder
from spacy_xlt.model_folder import MARKER, write_hashes


def load_model(path: Union[str, Path]) -> Language:
    """`spacy.load` with errors that say what to do."""
    import spacy

    path = Path(path)
    if not (path / MARKER).is_file():
        raise XltError(f"{path} is not a model folder (it has no {MARKER}). Train one with: python -m spacy xlt train")
    try:
        return spacy.load(path)
    except XltError:
        raise
    except Exception as error:  # whatever a damaged file makes of itself
        raise XltError(
            f"{path} cannot be loaded ({type(error).__name__}: {first_line(error)}). "
            "A file of it is damaged, or a package that it needs is not installed: copy or train it again."
        ) from error


def check_output(output: Union[str, Path]) -> None:
    """Raise XltError if a model cannot be written to `output`: asked before the work, which may take long."""
    check_replaceable(Path(output).expanduser().resolve(), MARKER)


def save(nlp: Language, output: Union[str, Path]) -> None:
    """Save a pipeline as a model folder with the hashes of its files.

    The folder appears whole or not at all, and replaces an older model of the same name. Load it with `spacy.load`.

    Args:
        nlp: A pipeline.
        output: The folder to write.

    Raises:
        XltError: The folder holds something that is not a model, or cannot be written.
    """
    with whole_folder(Path(output), MARKER) as folder:
        nlp.to_disk(folder)
        write_hashes(folder)


def use_gpu(gpu_id: int) -> None:
    """Take a GPU, as `spacy train --gpu-id` does; -1 stays on the CPU."""
    if gpu_id >= 0:
        from thinc.api import require_gpu

        try:
            require_gpu(gpu_id)
        except ValueError as error:
            raise XltError(f"There is no GPU {gpu_id} ({error}). Use -1 for the CPU.") from error
