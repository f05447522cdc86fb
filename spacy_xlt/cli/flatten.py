"""`xlt flatten`: a fine-tuned pipeline as the four components."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Model, Progress, Text


def flatten_cli(
    model: Model,
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    texts: Annotated[Optional[Path], typer.Option(help="Texts of the source, such as the training texts.")] = None,
    text: Text = "text",
    source: Annotated[str, typer.Option(help="The language of the training texts.")] = "en",
    languages: Annotated[str, typer.Option(help="Languages that can occur, as en,de,sw: helps detection.")] = "",
    progress: Progress = True,
) -> None:
    """Move the weights of a fine-tuned transformer into an xlt_encoder; the scores stay the same.

    With --texts the projector learns the source's mean, which `xlt transfer project` needs.
    """
    from spacy_xlt.cli.common import load_model, quiet, save_model
    from spacy_xlt.data.docbin import load_records
    from spacy_xlt.data.records import Columns
    from spacy_xlt.transfer.flatten import flatten

    columns = Columns(text=text, labelled=False)
    source_texts = [record.text for record in load_records([texts], columns).records] if texts else None
    nlp = flatten(
        load_model(model),
        source=source,
        languages=[code for code in languages.split(",") if code],
        source_texts=source_texts,
        quiet=quiet(progress),
    )
    save_model(nlp, output)
    print(f"✔ {output}: {', '.join(nlp.pipe_names)}")
