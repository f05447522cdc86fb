"""`xlt zero-shot`: from descriptions of labels to a model folder."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Lang, Progress, Strict, Text
from spacy_xlt.cli.transfer_common import Languages, Unlabeled


def zero_shot_cli(
    label_file: Annotated[
        Path, typer.Argument(metavar="LABELS", help="A YAML or JSON file: label names and their descriptions.")
    ],
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    texts: Unlabeled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    none_label: Annotated[
        Optional[str], typer.Option(help="An additional label for texts that belong to no other label.")
    ] = None,
    languages: Annotated[str, typer.Option(help="Languages that can occur, as en,de,sw: helps detection.")] = "",
    encoder: Annotated[Optional[Path], typer.Option(help="An encoder folder, if not the default encoder.")] = None,
    entailment: Annotated[
        Optional[Path], typer.Option(help="The folder of a Hugging Face NLI model, instead of prototypes.")
    ] = None,
    text: Text = "text",
    lang: Lang = "lang",
    encoding: Encoding = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Make a classifier from descriptions of its labels.

    No labeled text is needed. Give unlabeled --texts of your domain, about a hundred of each language: they make the
    classifier more accurate.
    """
    from spacy_xlt.cli.common import read_languages
    from spacy_xlt.cli.transfer_common import read_data, report_bad
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.models import check_output, save, use_gpu
    from spacy_xlt.transfer.zero_shot import zero_shot

    check_output(output)
    use_gpu(gpu_id)
    columns = ColumnNames(text=text, language=lang)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    report_bad([unlabeled], output, strict)
    nlp = zero_shot(
        label_file,
        texts=unlabeled if texts else (),
        none_label=none_label,
        languages=read_languages(languages),
        encoder=encoder,
        entailment=entailment,
        progress=progress,
    )
    save(nlp, output)
    facts = nlp.meta["xlt_zero_shot"]
    if "prior" in facts:
        shares = ", ".join(f"{label} {share:.2f}" for label, share in facts["prior"].items())
        print(f"Sharpened on {facts['texts']['texts']} texts. Estimated shares of the labels: {shares}")
    print(f'✔ {output}: nlp = spacy.load("{output}"); nlp("...").cats')
