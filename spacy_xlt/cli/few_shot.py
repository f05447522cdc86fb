"""The command `xlt transfer few-shot`."""

from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text
from spacy_xlt.cli.training_options import BatchSize, Epochs, FreezeLayers, LearningRate, MaxLength
from spacy_xlt.cli.transfer_common import Dev, Labeled, Languages, Output, Seed, Source, Tune


def few_shot_cli(
    model: Model,
    output: Output,
    texts: Labeled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    source_texts: Source = [],  # noqa: B006
    dev: Dev = [],  # noqa: B006
    method: Tune = "frozen",
    l2: Annotated[
        Optional[float], typer.Option(help="The L2 penalty of the method frozen; without it, it is chosen.")
    ] = None,
    epochs: Epochs = 4,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 5e-5,
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
    """Train on a few labeled texts of target languages.

    Give at least one text of each label in each language. Give --source-texts to train on both.

    The settings are chosen on the --dev texts of the target languages, or by cross-validation if there are none. If the
    new model is worse on --dev, the old one is kept.
    """
    from spacy_xlt.cli.common import check_choice, make_columns
    from spacy_xlt.cli.transfer_common import finish, read_data, report_bad, source_of
    from spacy_xlt.errors import XltError
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.training.train import METHODS
    from spacy_xlt.transfer.few_shot import few_shot

    check_choice("--method", method, METHODS)
    if not texts:
        raise XltError("There is no labeled text. Use --texts.")
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    target = read_data(texts, language, columns=columns, encoding=encoding)
    nlp = load_model(model)
    source, dev_records = (
        read_data(paths, columns=columns, encoding=encoding, source=source_of(nlp)) for paths in (source_texts, dev)
    )
    report_bad([target, source, dev_records], output, strict)
    result = few_shot(
        nlp,
        target,
        source=source,
        dev=dev_records,
        method=method,  # type: ignore[arg-type]
        l2=l2,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=max_length,
        freeze_layers=freeze_layers,
        seed=seed,
        progress=progress,
    )
    finish(nlp, output, result)
