"""The command `xlt estimate`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Lang, Model, Progress, Strict, Text
from spacy_xlt.cli.transfer_common import Languages, Unlabeled


def estimate_cli(
    model: Model,
    texts: Unlabeled,
    language: Languages = [],  # noqa: B006  (typer's way; never written)
    minimum: Annotated[float, typer.Option(help="The accuracy that you need, from 0 to 1. For the verdict.")] = 0.7,
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write the estimates as JSON.")] = None,
    text: Text = "text",
    lang: Lang = "lang",
    encoding: Encoding = None,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Estimate the accuracy in each language from unlabeled texts.

    The table has 90% intervals and a verdict: usable, check by hand, or not usable. Each language needs at least 20
    texts; a hundred or more are better.
    """
    from spacy_xlt.cli.common import report_bad_records
    from spacy_xlt.cli.transfer_common import read_data
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.evaluation.estimate import estimate
    from spacy_xlt.files import write_json

    columns = ColumnNames(text=text, language=lang)
    dataset = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    found = estimate(model, dataset, minimum=minimum, progress=progress)
    found.table()
    if output is not None:
        write_json(found.to_dict(), output)
    beside = output.with_suffix("") if output else model.with_name(model.name + ".estimate")
    report_bad_records(dataset.bad, beside.with_name(beside.name + ".quarantine.jsonl"), strict)
