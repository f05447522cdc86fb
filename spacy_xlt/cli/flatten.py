"""The command `xlt flatten`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Model, Progress, Strict, Text


def flatten_cli(
    model: Model,
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    texts: Annotated[
        Optional[str], typer.Option(help="Texts of the source language, such as the training texts.")
    ] = None,
    text: Text = "text",
    source: Annotated[str, typer.Option(help="The language of the training texts.")] = "en",
    languages: Annotated[str, typer.Option(help="Languages that can occur, as en,de,sw: helps detection.")] = "",
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Turn a pipeline of spacy-transformers into the four components.

    The scores stay the same. With --texts, the projector is fitted on the source language, which `xlt transfer project`
    needs.
    """
    from spacy_xlt.cli.common import print_notes, read_languages, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.extras import require
    from spacy_xlt.interop.flatten import flatten
    from spacy_xlt.models import check_output, load_model, save, use_gpu

    require("spacy-transformers", "spacy_transformers")
    check_output(output)
    known_languages = read_languages(languages)
    use_gpu(gpu_id)
    columns = ColumnNames(text=text)
    loaded = Dataset.load(texts, columns=columns, labeled=False, encoding=encoding) if texts else Dataset()
    print_notes(loaded.notes)
    report_bad_records(loaded.bad, output.with_name(output.name + ".quarantine.jsonl"), strict)
    nlp = flatten(
        load_model(model),
        source=source,
        languages=known_languages,
        source_texts=loaded.texts if texts else None,
        progress=progress,
    )
    save(nlp, output)
    print(f"✔ {output}: {', '.join(nlp.pipe_names)}")
