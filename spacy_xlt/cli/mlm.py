"""The command `xlt transfer mlm`."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Lang, Progress, Strict, Text
from spacy_xlt.cli.training_options import BatchSize, Epochs, LearningRate, MaxLength
from spacy_xlt.cli.transfer_common import Languages, Seed, Unlabeled


def mlm_cli(
    model: Annotated[Path, typer.Argument(help="A Hugging Face folder of mBERT, XLM-R ... with its head.")],
    output: Annotated[Path, typer.Argument(help="The encoder folder to write.")],
    texts: Unlabeled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    epochs: Epochs = 3,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 5e-5,
    max_length: MaxLength = 128,
    seed: Seed = 0,
    text: Text = "text",
    lang: Lang = "lang",
    encoding: Encoding = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Continue the pretraining of an encoder on unlabeled texts.

    Then train on the new encoder: python -m spacy xlt train DATA MODEL --encoder OUTPUT. If the command is killed, run
    it again: it resumes at the last epoch.
    """
    from spacy_xlt.cli.transfer_common import read_data, report_bad
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.errors import XltError
    from spacy_xlt.files import check_replaceable
    from spacy_xlt.models import use_gpu
    from spacy_xlt.training.pretrain import pretrain

    if not texts:
        raise XltError("There is no unlabeled text. Use --texts.")
    check_replaceable(output.expanduser().resolve(), "config.json")
    use_gpu(gpu_id)
    columns = ColumnNames(text, language=lang)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    report_bad([unlabeled], output, strict)
    result = pretrain(
        model,
        unlabeled,
        output,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=max_length,
        seed=seed,
        checkpoint=output.with_name(output.name + ".checkpoint"),
        progress=progress,
    )
    if not result.accepted:
        raise XltError(result.reason)
    print(f"✔ {output}: {result.reason}")
