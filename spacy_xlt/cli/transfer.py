"""The group of commands `xlt transfer METHOD`, and the command `xlt transfer project`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Lang, Model, Progress, Strict, Text

app = typer.Typer(help="Transfer a trained model to new languages.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def transfer_cli() -> None:
    """Transfer a trained model to new languages."""


def project_cli(
    model: Model,
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    texts: Annotated[
        list[str], typer.Option(help="Unlabeled texts: .txt, .csv, .tsv, .jsonl, .spacy, folders. Repeatable.")
    ] = [],  # noqa: B006  (typer's way; never written)
    language: Annotated[
        list[str], typer.Option(help="The language of each --texts, in order; without it, the records name it.")
    ] = [],  # noqa: B006
    pairs: Annotated[
        list[str], typer.Option(help="LANG=SRC_FILE,LANG_FILE: sentences and their translations. Repeatable.")
    ] = [],  # noqa: B006
    dictionary: Annotated[
        list[str], typer.Option(help="LANG=FILE: word pairs of the source and LANG. Repeatable.")
    ] = [],  # noqa: B006
    aligner: Annotated[
        Optional[str], typer.Option(help="Another aligner of the registry, such as RidgeToIdentity.")
    ] = None,
    text: Text = "text",
    lang: Lang = "lang",
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Fit the projector for new languages.

    Languages that were fitted before do not change.

    The default aligner needs unlabeled texts only. Others learn from translations or dictionaries: see the README. The
    texts should resemble those that the model was trained on. If they come from another domain, give texts of that
    domain in the source language as well (--language en --texts news.en.txt).
    """
    from spacy_xlt.cli.common import parse_by_language, read_sides, warn_skipped
    from spacy_xlt.cli.transfer_common import read_data, report_bad
    from spacy_xlt.data.dictionaries import read_dictionary
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.errors import XltError
    from spacy_xlt.models import check_output, load_model, save, use_gpu
    from spacy_xlt.pipeline.find import find_pipe
    from spacy_xlt.pipeline.projector import Projector
    from spacy_xlt.transfer.project import project

    if not (texts or pairs or dictionary):
        raise XltError("There is nothing to fit on. Use --texts, --pairs or --dictionary.")
    check_output(output)
    use_gpu(gpu_id)
    columns = ColumnNames(text=text, language=lang)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    translations: dict[str, list[tuple[str, str]]] = {}
    for code, both in parse_by_language("--pairs", pairs).items():
        translations.setdefault(code, []).extend(read_sides(code, both, encoding))
    skipped = 0
    for code, file in parse_by_language("--dictionary", dictionary).items():
        words = read_dictionary(file, encoding=encoding)
        skipped += warn_skipped(file, words.skipped.to_dict())
        translations.setdefault(code, []).extend(words.pairs)
    report_bad([unlabeled], output, strict)
    if strict and skipped:
        raise typer.Exit(1)
    nlp = load_model(model)
    result = project(nlp, unlabeled, translations=translations, aligner=aligner, progress=progress)
    save(nlp, output)
    counts = ", ".join(f"{code} {count}" for code, count in result.settings["counts"].items())
    known = ", ".join(find_pipe(nlp, Projector).languages)
    print(f"✔ {output}: fitted on {counts} texts. The model knows {known}.")
