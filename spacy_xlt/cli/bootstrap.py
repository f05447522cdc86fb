"""`xlt bootstrap`: from unlabeled texts to a file of texts to check."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Lang, Progress, Strict, Text
from spacy_xlt.cli.transfer_common import Seed


def bootstrap_cli(
    data: Annotated[str, typer.Argument(help="Unlabeled texts: .txt, .csv, .jsonl ...; a file, folder or pattern.")],
    output: Annotated[Path, typer.Argument(help="The JSONL file with the texts to check.")],
    labels: Annotated[Path, typer.Option(help="A YAML or JSON file: label names and their descriptions.")],
    n: Annotated[int, typer.Option("--n", help="The number of texts to check.")] = 100,
    layout: Annotated[str, typer.Option(help="The layout of the file: jsonl, prodigy or argilla.")] = "jsonl",
    encoder: Annotated[Optional[Path], typer.Option(help="An encoder folder, if not the default encoder.")] = None,
    seed: Seed = 0,
    text: Text = "text",
    lang: Lang = "lang",
    encoding: Encoding = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Label texts, and select those that a person should check.

    The other texts are written beside OUTPUT, to NAME.pre-labeled.jsonl. Check the labels in OUTPUT, set "checked" to
    true, and train on both files: xlt train OUTPUT MODEL --checked --pre-labeled NAME.pre-labeled.jsonl
    """
    from spacy_xlt.cli.common import check_choice
    from spacy_xlt.cli.transfer_common import read_data, report_bad
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.models import use_gpu
    from spacy_xlt.transfer.bootstrap import bootstrap, pre_labeled_path
    from spacy_xlt.zeroshot.review import LAYOUTS

    check_choice("--layout", layout, LAYOUTS)
    use_gpu(gpu_id)
    columns = ColumnNames(text=text, language=lang)
    unlabeled = read_data([data], columns=columns, encoding=encoding, labeled=False)
    report_bad([unlabeled], output, strict)
    result = bootstrap(
        unlabeled,
        labels,
        output,
        n=n,
        layout=layout,  # type: ignore[arg-type]
        encoder=encoder,
        seed=seed,
        progress=progress,
    )
    others = pre_labeled_path(output)
    print(f"✔ {output}: {len(result.review)} texts to check. {others}: {len(result.pre_labeled)} other texts.")
    print(f"Then train: python -m spacy xlt train {output} MODEL --checked --pre-labeled {others}")
