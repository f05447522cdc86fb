"""The command `xlt transfer self-train`."""

from typing import Annotated

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text
from spacy_xlt.cli.training_options import BatchSize, Epochs, FreezeLayers, LearningRate, MaxLength
from spacy_xlt.cli.transfer_common import Dev, Languages, Output, Seed, Source, Tune, Unlabeled


def self_train_cli(
    model: Model,
    output: Output,
    texts: Unlabeled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    source_texts: Source = [],  # noqa: B006
    dev: Dev = [],  # noqa: B006
    method: Tune = "frozen",
    rounds: Annotated[int, typer.Option(help="The largest number of rounds.")] = 3,
    epochs: Epochs = 1,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 3e-5,
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
    """Train on unlabeled texts that the model labels itself.

    In each round, the model learns from its most confident predictions.

    If the command is killed, run it again: it resumes at the last round. If the new model is worse on --dev, the old
    one is kept.
    """
    from spacy_xlt.cli.common import check_choice, make_columns
    from spacy_xlt.cli.transfer_common import finish, read_data, report_bad, source_of
    from spacy_xlt.errors import XltError
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.training.train import METHODS
    from spacy_xlt.transfer.self_train import self_train

    check_choice("--method", method, METHODS)
    if not texts:
        raise XltError("There is no unlabeled text. Use --texts.")
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    nlp = load_model(model)
    source, dev_records = (
        read_data(paths, columns=columns, encoding=encoding, source=source_of(nlp)) for paths in (source_texts, dev)
    )
    report_bad([unlabeled, source, dev_records], output, strict)
    result = self_train(
        nlp,
        unlabeled,
        source=source,
        dev=dev_records,
        method=method,  # type: ignore[arg-type]
        rounds=rounds,
        checkpoint=output.with_name(output.name + ".rounds"),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=max_length,
        freeze_layers=freeze_layers,
        seed=seed,
        progress=progress,
    )
    finish(nlp, output, result)
