"""The command `xlt classify`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Model


def classify_cli(
    model: Model,
    texts: Annotated[
        Optional[list[str]],
        typer.Argument(
            help="Texts. Without any, --file or stdin is read, one text per line. A model of pairs takes two texts "
            "for each pair, in a line separated by a tab."
        ),
    ] = None,
    file: Annotated[Optional[Path], typer.Option(help="A file with one text per line.")] = None,
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
) -> None:
    """Print the language, the labels and their probabilities."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer

    from spacy_xlt.data.decoding import decode
    from spacy_xlt.data.docbin import make_pair
    from spacy_xlt.data.rows import MAX_CHARS
    from spacy_xlt.errors import XltError
    from spacy_xlt.heads.thresholds import labels_above
    from spacy_xlt.models import load_model, use_gpu
    from spacy_xlt.pipeline.classifiers import find_classifier
    from spacy_xlt.pipeline.pairs import PairClassifier
    from spacy_xlt.text import replace_surrogates, strip_controls

    if file is not None and not file.is_file():
        raise XltError(f"{file} does not exist. Choose another file.")
    use_gpu(gpu_id)
    nlp = load_model(model)
    head = find_classifier(nlp)
    in_pairs = isinstance(head, PairClassifier)
    if not texts:
        lines = decode(file.read_bytes(), str(file), encoding) if file else sys.stdin.read()
        texts = [line for line in lines.split("\n") if line.strip()]
        if in_pairs:
            if bad := next((line for line in texts if line.count("\t") != 1), None):
                raise XltError(
                    f"The line '{bad[:40]}' is not two texts separated by a tab, which a model of pairs takes."
                )
            texts = [text for line in texts for text in line.rstrip("\r").split("\t")]
    for text in texts:
        if len(text) > MAX_CHARS:
            raise XltError(
                f"A text has {len(text)} characters ({text[:40]}...). The limit is {MAX_CHARS}. Shorten the text."
            )
    if in_pairs and len(texts) % 2:
        raise XltError(f"A model of pairs takes two texts for each pair, but there are {len(texts)} texts.")
    clean = list(map(replace_surrogates, texts))
    inputs = [make_pair(nlp, *pair) for pair in zip(clean[::2], clean[1::2])] if in_pairs else clean
    table = Table("text", "language", "label", "probability")
    for doc in nlp.pipe(inputs):
        if isinstance(head, MultiLabel_TextCategorizer):
            found = sorted(labels_above(doc.cats, head.cfg, head.labels), key=doc.cats.__getitem__, reverse=True)
        else:
            found = [max(head.labels, key=doc.cats.__getitem__)]
        language = doc._.language if doc.has_extension("language") else ""
        # Line breaks would break the table, and a terminal would interpret control characters.
        parts = [doc.text, doc._.xlt_pair] if in_pairs else [doc.text]
        shown = " | ".join(" ".join(strip_controls(part).split()) for part in parts)
        table.add_row(shown, language, ", ".join(found) or "-", ", ".join(f"{doc.cats[name]:.2f}" for name in found))
    Console().print(table, markup=False)
