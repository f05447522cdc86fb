"""The command `xlt transfer distill`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text
from spacy_xlt.cli.training_options import BatchSize, FreezeLayers, MaxLength, OptionalEpochs, OptionalLearningRate
from spacy_xlt.cli.transfer_common import Dev, Languages, Output, Seed, Tune, Unlabeled


def distill_cli(
    model: Model,
    output: Output,
    texts: Unlabeled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    teacher: Annotated[
        Optional[Path], typer.Option(help="A pipeline folder with the same labels; without it, MODEL is the teacher.")
    ] = None,
    pairs: Annotated[
        list[str], typer.Option(help="LANG=SRC_FILE,LANG_FILE: sentences and their translations. Repeatable.")
    ] = [],  # noqa: B006
    layers: Annotated[
        Optional[int], typer.Option(help="The number of encoder layers to keep; without it, all.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Softens the teacher's probabilities.")] = 2.0,
    dev: Dev = [],  # noqa: B006
    method: Tune = "finetune",
    epochs: OptionalEpochs = None,
    batch_size: BatchSize = 16,
    learning_rate: OptionalLearningRate = None,
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
    """Train MODEL on the predictions of a teacher.

    Give unlabeled texts of the source and of target languages.

    With --layers, MODEL becomes smaller and faster. With --pairs, the teacher reads the source sentences, and MODEL
    learns the predictions for the translations. For a static student, use: python -m spacy xlt export --preset fast
    """
    from spacy_xlt.cli.common import check_choice, make_columns, parse_by_language, read_sides
    from spacy_xlt.cli.transfer_common import finish, read_data, report_bad, source_of
    from spacy_xlt.errors import XltError
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.training.train import METHODS
    from spacy_xlt.transfer.distill import distill

    check_choice("--method", method, METHODS)
    if not texts and not pairs:
        raise XltError("There is no text. Use --texts or --pairs.")
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    translations = {
        code: read_sides(code, both, encoding) for code, both in parse_by_language("--pairs", pairs).items()
    }
    nlp = load_model(model)
    dev_records = read_data(dev, columns=columns, encoding=encoding, source=source_of(nlp))
    report_bad([unlabeled, dev_records], output, strict)
    result = distill(
        nlp,
        unlabeled,
        teacher=None if teacher is None else load_model(teacher),
        translations=translations,
        layers=layers,
        method=method,  # type: ignore[arg-type]
        temperature=temperature,
        dev=dev_records,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=max_length,
        freeze_layers=freeze_layers,
        seed=seed,
        progress=progress,
    )
    finish(nlp, output, result)
