"""The command `xlt translate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, Union

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Progress, Separator, Strict, Text

if TYPE_CHECKING:
    from spacy_xlt.data.dictionaries import WordPair

Translator = Annotated[
    Optional[str],
    typer.Option(help="A folder with a model of Hugging Face or CTranslate2, or 'apertium'."),
]


def read_translator(
    translator: Optional[str], dictionaries: list[str], encoding: Optional[str]
) -> "Union[str, dict[str, list[WordPair]]]":
    """Return what --translator or --dictionary gives.

    Args:
        translator: A folder or a name.
        dictionaries: LANG=FILE.
        encoding: The encoding of dictionaries without a byte-order mark; None: UTF-8.

    Raises:
        XltError: Both are given or none of them, or a dictionary cannot be read.
    """
    from spacy_xlt.cli.common import parse_by_language
    from spacy_xlt.errors import XltError
    from spacy_xlt.translators.dictionaries import read_dictionaries

    if (translator is None) == (not dictionaries):
        raise XltError("Give either --translator or --dictionary.")
    if translator is not None:
        return translator
    return read_dictionaries(parse_by_language("--dictionary", dictionaries), encoding=encoding)


def translate_cli(
    data: Annotated[list[str], typer.Argument(help="Texts: .csv, .tsv, .jsonl, .txt, .spacy, folders or patterns.")],
    output: Annotated[
        Path, typer.Option(help="A .jsonl file with the translated records, or a .tsv file with text and translation.")
    ],
    to: Annotated[str, typer.Option(help="The language to translate to, as de or German.")],
    translator: Translator = None,
    dictionary: Annotated[list[str], typer.Option(help="LANG=FILE: a dictionary for texts in LANG. Repeatable.")] = [],  # noqa: B006  (typer's way; never written)
    language: Annotated[Optional[str], typer.Option(help="The language of all texts. Default: the records'.")] = None,
    unlabeled: Annotated[bool, typer.Option("--unlabeled", help="The texts have no labels.")] = False,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Translate texts, and keep their labels.

    Train on the .jsonl file to get a classifier for another language. A .tsv file has parallel sentences.
    """
    import json

    from spacy_xlt.cli.common import make_columns, print_notes, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.errors import XltError
    from spacy_xlt.files import whole_file
    from spacy_xlt.models import use_gpu
    from spacy_xlt.transfer.translate import translate

    given = read_translator(translator, dictionary, encoding)
    if output.suffix not in (".jsonl", ".tsv"):
        raise XltError(f"The output must end in .jsonl or .tsv, not {output.name}. Use --output.")
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    dataset = Dataset.load(data, columns=columns, language=language, labeled=not unlabeled, encoding=encoding)
    print_notes(dataset.notes)
    report_bad_records(dataset.bad, output.with_name(output.name + ".quarantine.jsonl"), strict)
    written = 0
    with whole_file(output) as scratch, scratch.open("w", encoding="utf8") as file:
        for record in translate(dataset, to=to, translator=given, labeled=not unlabeled, progress=progress):
            if output.suffix == ".tsv":
                line = "\t".join(" ".join(side.split()) for side in (record.original, record.text))
            else:
                labels_of = record.labels[0] if len(record.labels) == 1 else list(record.labels)
                row = {"text": record.text, "label": labels_of, "lang": record.language, "original": record.original}
                line = json.dumps({key: value for key, value in row.items() if value != []}, ensure_ascii=False)
            file.write(f"{line}\n")
            written += 1
    print(f"✔ {output}: {written} texts were translated to {to}.")
