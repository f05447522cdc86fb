"""The command `xlt transfer teach`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Progress, Separator, Strict, Text
from spacy_xlt.cli.training_options import BatchSize, Epochs, FreezeLayers, LearningRate, MaxLength
from spacy_xlt.cli.transfer_common import Dev, Languages, Pairs, Seed


def teach_cli(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL_OR_ENCODER", help="A trained pipeline folder, or an encoder folder.")
    ],
    output: Annotated[Path, typer.Argument(help="The folder to write, of the same kind.")],
    pairs: Pairs = [],  # noqa: B006  (typer's way; never written)
    dictionary: Annotated[
        list[str], typer.Option(help="LANG=FILE: a source word, a tab and its translation per line. Repeatable.")
    ] = [],  # noqa: B006
    texts: Annotated[
        list[str], typer.Option("--texts", help="Unlabeled texts whose vectors must not change. Repeatable.")
    ] = [],  # noqa: B006
    language: Languages = [],  # noqa: B006
    dev: Dev = [],  # noqa: B006
    source: Annotated[
        Optional[str], typer.Option(help="The language of the source texts. Default: that of MODEL, or English.")
    ] = None,
    new_pieces: Annotated[
        int, typer.Option(help="Word pieces to learn for each language whose script the tokenizer lacks.")
    ] = 1000,
    epochs: Epochs = 1,
    batch_size: BatchSize = 32,
    learning_rate: LearningRate = 1e-4,
    max_length: MaxLength = 128,
    freeze_layers: FreezeLayers = 0,
    seed: Seed = 0,
    gpu_id: Gpu = -1,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Teach the encoder languages with parallel sentences and dictionaries.

    The encoder of a trained model learns to give a translation the vector of its source, so the classifier stays as it
    is. An encoder folder can be taught before a classifier is trained on it: python -m spacy xlt train DATA MODEL
    --encoder OUTPUT. If the command is killed, run it again: it resumes.
    """
    from spacy_xlt.cli.common import make_columns, parse_by_language
    from spacy_xlt.cli.transfer_common import print_result, read_data, read_parallel, report_bad
    from spacy_xlt.encoders.folder import SETTINGS_FILE
    from spacy_xlt.errors import XltError
    from spacy_xlt.files import check_replaceable
    from spacy_xlt.model_folder import MARKER
    from spacy_xlt.models import use_gpu
    from spacy_xlt.transfer.teach import teach

    if not pairs and not dictionary:
        raise XltError("There is nothing to learn from. Use --pairs or --dictionary.")
    is_pipeline = (model / MARKER).is_file()
    check_replaceable(output.expanduser().resolve(), MARKER if is_pipeline else SETTINGS_FILE)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    rehearsal = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    dev_data = read_data(dev, columns=columns, encoding=encoding)
    report_bad([rehearsal, dev_data], output, strict)
    result = teach(
        model,
        pairs=read_parallel(pairs, encoding),
        dictionaries=parse_by_language("--dictionary", dictionary),
        rehearsal=rehearsal,
        dev=dev_data,
        output=output,
        source=source,
        new_pieces=new_pieces,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=max_length,
        freeze_layers=freeze_layers,
        seed=seed,
        checkpoint=output.with_name(output.name + ".checkpoint"),
        progress=progress,
        encoding=encoding,
    )
    print_result(output, result)
