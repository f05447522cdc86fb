"""Reading and writing whole model folders."""

from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from spacy.language import Language

from spacy_xlt.errors import XltError, first_line
from spacy_xlt.files import check_replaceable, whole_folder
from spacy_xlt.model_card import read_own_text, write_card
from spacy_xlt.model_facts import EVALUATION
from spacy_xlt.model_folder import MARKER, write_hashes

if TYPE_CHECKING:
    from spacy_xlt.evaluation.document import Metrics


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


def save(nlp: Language, output: Union[str, Path], *, report: "Optional[Metrics]" = None) -> None:
    """Save a pipeline as a model folder with a model card and the hashes of its files.

    The folder appears whole or not at all, and replaces an older model of the same name. Load it with `spacy.load`. The
    card is the README.md of the folder. What a person wrote into the card of the older model, or of the model that was
    loaded, is kept.

    Args:
        nlp: A pipeline. `nlp.meta["license"]` is the license in the card.
        output: The folder to write.
        report: A report of `evaluate` on this pipeline. Its figures go to the card.

    Raises:
        XltError: The folder holds something that is not a model, or cannot be written.
    """
    output = Path(output)
    if report is not None:
        nlp.meta[EVALUATION] = {
            "languages": {
                code: {"n": each.n, "accuracy": each.accuracy, "ci95": list(each.ci95), "macro_f1": each.macro_f1}
                for code, each in report.languages.items()
            }
        }
    own_text = read_own_text([output, *([Path(nlp.path)] if nlp.path else [])])
    with whole_folder(output, MARKER) as folder:
        nlp.to_disk(folder)
        write_card(folder, output.resolve().name, own_text)
        write_hashes(folder)


def use_gpu(gpu_id: int) -> None:
    """Take a GPU, as `spacy train --gpu-id` does; -1 stays on the CPU."""
    if gpu_id >= 0:
        from thinc.api import require_gpu

        try:
            require_gpu(gpu_id)
        except ValueError as error:
            raise XltError(f"There is no GPU {gpu_id} ({error}). Use -1 for the CPU.") from error
