"""`xlt align-vectors`: the word vectors of one language in the space of another's."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Progress, Strict

# The parts of the figures that tell of a file that was read.
PARTS = ("source", "target", "dictionary", "evaluation")


def align_vectors_cli(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Vectors of the language whose space it is (English).")],
    target: Annotated[Path, typer.Argument(metavar="TGT", help="Vectors of the language to bring there (German).")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The text vectors to write; figures go to OUT.json.")],
    dictionary: Annotated[
        Optional[Path], typer.Option(help="Word pairs: 'source target' (MUSE) or 'target @ source' (hunalign) a line.")
    ] = None,
    unsupervised: Annotated[bool, typer.Option("--unsupervised", help="Learn without a dictionary.")] = False,
    aligner: Annotated[
        Optional[str],
        typer.Option(help="As Procrustes or spacy-xlt.Procrustes.v1 (the default); without a dictionary SelfLearning."),
    ] = None,
    max_vectors: Annotated[
        int, typer.Option(help="So many words of each side are learned from and compared.")
    ] = 200_000,
    evaluate_on: Annotated[
        Optional[Path], typer.Option(help="A dictionary to evaluate on; else a fifth of --dictionary is held out.")
    ] = None,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Bring word vectors of TGT into the space of SRC.

    Then words of both languages can be compared.

    SRC and TGT: fastText .vec, word2vec or GloVe text, .gz of them, or spaCy pipeline folders. Use the result with:
    python -m spacy init vectors de OUT nlp_de
    """
    from spacy_xlt.cli.common import quiet, warn_skipped
    from spacy_xlt.errors import XltError
    from spacy_xlt.evaluation.alignment_table import print_vectors
    from spacy_xlt.files import write_json
    from spacy_xlt.registries import make_aligner
    from spacy_xlt.transfer.align_vectors import align_vectors

    if unsupervised == (dictionary is not None):
        raise XltError("Give either --dictionary with word pairs, or --unsupervised.")
    figures = align_vectors(
        source,
        target,
        output,
        aligner=make_aligner(aligner or ("SelfLearning" if unsupervised else "Procrustes")),
        dictionary=dictionary,
        evaluate_on=evaluate_on,
        max_vectors=max_vectors,
        quiet=quiet(progress),
    )
    write_json(figures, output.with_name(output.name + ".json"))
    print_vectors(figures)
    read = {part["path"]: part["skipped"] for part in map(figures.get, PARTS) if part}
    bad = sum(warn_skipped(path, skipped) for path, skipped in read.items())
    print(
        f"✔ {output}: {figures['output']['words']} words. Use them: python -m spacy init vectors LANG {output} FOLDER"
    )
    if strict and bad:
        raise typer.Exit(1)
