"""`xlt train`: from a CSV or JSONL of labelled texts to a model folder."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Separator, Strict, Text


def train_cli(
    data: Annotated[
        str, typer.Argument(help="Labelled texts: .csv, .tsv, .jsonl, .spacy ...; a file, folder or pattern.")
    ],
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    dev: Annotated[Optional[str], typer.Option(help="To choose the best model on; else a fifth of DATA.")] = None,
    method: Annotated[str, typer.Option(help="frozen (seconds) or finetune (minutes, better).")] = "frozen",
    source: Annotated[str, typer.Option(help="The language of the texts.")] = "en",
    languages: Annotated[str, typer.Option(help="Languages that can occur, as en,de,sw: helps detection.")] = "",
    encoder: Annotated[Optional[Path], typer.Option(help="An encoder folder, if not the default encoder.")] = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
) -> None:
    """Train a text categorizer on texts of one language.

    The model loads with spacy.load(OUTPUT).
    """
    import sys

    from spacy_xlt.cli.common import make_columns, print_notes, read_languages, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.errors import XltError
    from spacy_xlt.models import check_output, save_model, use_gpu
    from spacy_xlt.training.train import train

    if method not in ("frozen", "finetune"):
        raise XltError(f"--method is frozen or finetune, not '{method}'.")
    check_output(output)
    known_languages = read_languages(languages)
    columns = make_columns(text, label, lang, label_separator, labels)
    loaded = Dataset.load(data, columns=columns, encoding=encoding)
    loaded_dev = Dataset.load(dev, columns=columns, encoding=encoding) if dev else Dataset()
    print_notes([*loaded.notes, *loaded_dev.notes])
    report_bad_records([*loaded.bad, *loaded_dev.bad], output.with_name(output.name + ".quarantine.jsonl"), strict)
    use_gpu(gpu_id)
    nlp = train(
        loaded,
        dev=loaded_dev if dev else None,
        method=method,  # type: ignore[arg-type]
        source=source,
        languages=known_languages,
        encoder=encoder,
        gpu_id=gpu_id,
        stdout=sys.stdout,
        warn=lambda sentence: print(f"⚠ {sentence}", file=sys.stderr),
    )
    save_model(nlp, output)
    print(f'✔ {output}: nlp = spacy.load("{output}"); nlp("...").cats')
