"""The command `xlt index`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Lang, Progress, Text


def index_cli(
    model: Annotated[Path, typer.Argument(help="A trained pipeline folder, or an encoder folder.")],
    data: Annotated[list[str], typer.Argument(help="Texts: files (.csv, .tsv, .jsonl ...), folders or patterns.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The index folder to write.")],
    faq: Annotated[bool, typer.Option("--faq", help="The texts are questions, and have the field 'answer'.")] = False,
    calibrate: Annotated[
        list[str], typer.Option(help="With --faq: questions with the field 'answer_id', to calibrate on. Repeatable.")
    ] = [],  # noqa: B006  (typer's way; never written)
    update: Annotated[bool, typer.Option("--update", help="Add the texts to an index that exists.")] = False,
    remove: Annotated[list[str], typer.Option(help="With --update: the id of a text to remove. Repeatable.")] = [],  # noqa: B006  (typer's way; never written)
    text: Text = "text",
    id: Annotated[str, typer.Option("--id", help="Name of the field with the id. It may be missing.")] = "id",
    lang: Lang = "lang",
    language: Annotated[Optional[str], typer.Option(help="The language of all texts. Default: the records'.")] = None,
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Index texts, so that they can be searched in any language.

    All fields of the records are kept. Search the index with: python -m spacy xlt search MODEL OUTPUT "a question"
    """
    from spacy_xlt.cli.common import load_model_or_encoder
    from spacy_xlt.errors import XltError
    from spacy_xlt.files import check_replaceable
    from spacy_xlt.models import use_gpu
    from spacy_xlt.search.faq import FAQ
    from spacy_xlt.search.folder import MARKER
    from spacy_xlt.search.index import Index

    if faq and update:
        raise XltError("The index of an FAQ cannot be updated, because its answers belong together. Build it again.")
    if calibrate and not faq:
        raise XltError("Only the index of an FAQ can be calibrated. Use --faq.")
    if remove and not update:
        raise XltError("Texts can only be removed from an index that exists. Use --update.")
    check_replaceable(output.expanduser().resolve(), MARKER)
    use_gpu(gpu_id)
    nlp = load_model_or_encoder(model)
    index = Index.load(output, nlp) if update else Index(nlp)
    if remove:
        index.remove(remove)
    added = index.add(data, text=text, id=id, lang=lang, language=language, encoding=encoding, progress=progress)
    if faq:
        made = FAQ.of(index, progress=progress)
        if calibrate:
            made.calibrate(calibrate)
        index = made.index
    index.save(output)
    print(f"✔ {output}: {len(added)} texts were added; the index has {len(index)}.")
