"""`xlt transfer mlm`: let a masked language model read texts of the target languages first."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Lang, Progress, Strict, Text
from spacy_xlt.cli.transfer_common import Languages, Seed, Unlabelled


def mlm_cli(
    model: Annotated[Path, typer.Argument(help="A Hugging Face folder of mBERT, XLM-R ... with its head.")],
    output: Annotated[Path, typer.Argument(help="The encoder folder to write.")],
    texts: Unlabelled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    epochs: Annotated[float, typer.Option(help="How often each text is read.")] = 3.0,
    seed: Seed = 0,
    text: Text = "text",
    lang: Lang = "lang",
    encoding: Encoding = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Train a masked language model on unlabeled texts.

    Then use it: xlt train DATA MODEL --encoder OUTPUT.
    """
    from spacy_xlt.cli.transfer_common import read_data, report_bad
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.files import check_replaceable
    from spacy_xlt.models import use_gpu
    from spacy_xlt.training.pretrain import pretrain

    check_replaceable(output.expanduser().resolve(), "config.json")
    use_gpu(gpu_id)
    columns = ColumnNames(text, language=lang)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    report_bad([unlabeled], output, strict)
    card = pretrain(model, output, unlabeled, epochs=epochs, seed=seed, progress=progress)
    print(f"✔ {output}: loss on held-out texts {card['loss_before']:.3f} -> {card['loss_after']:.3f}")
