"""The command `xlt evaluate-alignment`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Progress, Strict


def evaluate_alignment_cli(
    model: Annotated[Path, typer.Argument(help="A trained model folder, or an encoder folder.")],
    dictionary: Annotated[
        list[str], typer.Option(help="LANG=FILE: pairs of a source word and a word of LANG. Repeatable.")
    ] = [],  # noqa: B006  (typer needs a list; it is not changed)
    pairs: Annotated[
        list[str],
        typer.Option(help="LANG=SRC_FILE,LANG_FILE: sentences that are translations, line by line. Repeatable."),
    ] = [],  # noqa: B006
    texts: Annotated[
        list[str], typer.Option(help="LANG=FILE: unlabeled texts, also in the source language. Repeatable.")
    ] = [],  # noqa: B006
    source: Annotated[str, typer.Option(help="Source language, if the model has no projector.")] = "en",
    limit: Annotated[int, typer.Option(help="Number of pairs or texts to use from each file, the first ones.")] = 5000,
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write the figures as JSON.")] = None,
    encoding: Encoding = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Measure how well the embeddings of languages are aligned.

    All figures are shown before and after the projection.

    A dictionary: the command looks up the translations of a held-out fifth of its source words. Pairs of sentences: it
    looks up the translation of each sentence, in both directions. Texts that are not translations: it measures the mean
    CSLS of mutual neighbors, hubness, and how well a linear probe predicts the language.
    """
    from spacy_xlt.cli.common import (
        load_model_or_encoder,
        parse_by_language,
        print_notes,
        read_sides,
        report_bad_records,
        warn_skipped,
    )
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.data.dictionaries import read_dictionary
    from spacy_xlt.errors import XltError
    from spacy_xlt.evaluation.alignment_table import print_alignment
    from spacy_xlt.evaluation.evaluate_alignment import evaluate_alignment
    from spacy_xlt.files import write_json
    from spacy_xlt.models import use_gpu

    if limit < 1:
        raise XltError(f"--limit is {limit}. It must be at least 1.")
    files = {
        "--dictionary": parse_by_language("--dictionary", dictionary),
        "--pairs": parse_by_language("--pairs", pairs),
        "--texts": parse_by_language("--texts", texts),
    }
    skipped = 0
    word_pairs = {}
    for language, path in files["--dictionary"].items():
        read = read_dictionary(path, encoding=encoding)
        word_pairs[language] = read.pairs[:limit]
        skipped += warn_skipped(path, read.skipped.to_dict())
    sentences = {language: read_sides(language, both, encoding)[:limit] for language, both in files["--pairs"].items()}
    unlabeled, bad = {}, []
    for language, path in files["--texts"].items():
        loaded = Dataset.load(path, language=language, labeled=False, encoding=encoding)
        print_notes(loaded.notes)
        unlabeled[language] = loaded.texts[:limit]
        bad.extend(loaded.bad)
    use_gpu(gpu_id)
    nlp = load_model_or_encoder(model)
    figures = evaluate_alignment(
        nlp, dictionaries=word_pairs, pairs=sentences, texts=unlabeled, source=source, progress=progress
    )
    document = {"model": str(model), **figures, "files": files}
    print_alignment(document)
    if output is not None:
        write_json(document, output)
    beside = output.with_suffix("") if output else model.with_name(model.name + ".alignment")
    report_bad_records(bad, beside.with_name(beside.name + ".quarantine.jsonl"), strict)
    if strict and skipped:
        raise typer.Exit(1)
