"""`xlt evaluate` of a model that generates texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from spacy.language import Language


def evaluate_seq2seq_cli(
    nlp: "Language", data: list[str], output: Optional[Path], options: Mapping[str, Any], progress: bool
) -> None:
    """Print BLEU, chrF and exact match for each pair of languages.

    Args:
        nlp: The pipeline.
        data: Texts with targets.
        output: A JSON file to write.
        options: Options of `load_targets`.
        progress: Show a progress bar.
    """
    from spacy_xlt.evaluation.seq2seq import evaluate_seq2seq

    report = evaluate_seq2seq(nlp, data, progress=progress, **options)
    report.table()
    print(f"{report.words_per_second:.0f} words per second")
    if output is not None:
        report.to_json(output)
