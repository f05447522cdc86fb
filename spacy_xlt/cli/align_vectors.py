"""The command `xlt align-vectors`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Progress, Strict

# The parts of the figures that describe a file that was read.
PARTS = ("source", "target", "dictionary", "evaluation")


def align_vectors_cli(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Vectors of the language whose space is used (English).")
    ],
    target: Annotated[Path, typer.Argument(metavar="TGT", help="Vectors of the language to map (German).")],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The text vectors to write. Figures are written to OUT.json.")
    ],
    dictionary: Annotated[
        Optional[Path],
        typer.Option(help="Word pairs, one per line: 'source target' (MUSE) or 'target @ source' (hunalign)."),
    ] = None,
    unsupervised: Annotated[bool, typer.Option("--unsupervised", help="Align without a dictionary.")] = False,
    aligner: Annotated[
        Optional[str],
        typer.Option(help="Registered aligner, as Procrustes or RCSLS.  [default: Procrustes, else SelfLearning]"),
    ] = None,
    max_vectors: Annotated[
        int, typer.Option(help="Number of words of each side to fit and evaluate on, the first ones.")
    ] = 200_000,
    evaluate_on: Annotated[
        Optional[Path], typer.Option(help="Dictionary to evaluate on.  [default: a held-out fifth of --dictionary]")
    ] = None,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Map the word vectors of TGT into the space of SRC.

    Then words of both languages can be compared.

    SRC and TGT are fastText .vec, word2vec or GloVe text files, also as .gz, or spaCy pipeline folders. Use the result
    with: python -m spacy init vectors de OUT nlp_de
    """
    from spacy_xlt.cli.common import warn_skipped
    from spacy_xlt.errors import XltError
    from spacy_xlt.evaluation.alignment_table import print_vectors
    from spacy_xlt.files import write_json
    from spacy_xlt.registries import make_aligner
    from spacy_xlt.transfer.align_vectors import align_vectors

    if unsupervised == (dictionary is not None):
        raise XltError("Use either --dictionary with word pairs, or --unsupervised.")
    figures = align_vectors(
        source,
        target,
        output,
        aligner=make_aligner(aligner or ("SelfLearning" if unsupervised else "Procrustes")),
        dictionary=dictionary,
        evaluate_on=evaluate_on,
        max_vectors=max_vectors,
        progress=progress,
    )
    write_json(figures, output.with_name(output.name + ".json"))
    print_vectors(figures)
    read = {part["path"]: part["skipped"] for part in map(figures.get, PARTS) if part}
    bad = sum(warn_skipped(path, skipped) for path, skipped in read.items())
    print(f"✔ {output}: {figures['output']['words']} words. Next: python -m spacy init vectors LANG {output} FOLDER")
    if strict and bad:
        raise typer.Exit(1)
