"""What the commands `xlt transfer METHOD` share: their options, reading their files, writing their result."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_xlt.data.records import BadRecord, ColumnNames, Record
    from spacy_xlt.result import Result

Output = Annotated[Path, typer.Argument(help="The model folder to write.")]
Labelled = Annotated[
    list[str], typer.Option("--texts", help="Labelled texts of target languages: .csv, .tsv, .jsonl ... Repeatable.")
]
Unlabelled = Annotated[
    list[str],
    typer.Option("--texts", help="Unlabelled texts: .txt, .csv, .tsv, .jsonl, .spacy, folders. Repeatable."),
]
Languages = Annotated[
    list[str], typer.Option("--language", help="The language of each --texts, in order; else the records say.")
]
Source = Annotated[
    list[str], typer.Option("--source-texts", help="The labelled texts that MODEL was trained on. Repeatable.")
]
Dev = Annotated[
    list[str],
    typer.Option(help="Labelled texts of the source, better of targets too, to compare on. Repeatable."),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same model.")]
METHODS = ("frozen", "finetune")
Tune = Annotated[
    str, typer.Option("--method", help="frozen (the head learns, seconds) or finetune (the encoder too, minutes).")
]


@dataclass
class Inputs:
    """Reads record files and gathers what is wrong with them."""

    columns: "ColumnNames"
    encoding: Optional[str] = None
    bad: "list[BadRecord]" = field(default_factory=list)

    def read(
        self, paths: Sequence[str], languages: Sequence[Optional[str]] = (), labelled: bool = True
    ) -> "list[Record]":
        """The records of files. languages: of each file; empty: the records say."""
        from spacy_xlt.cli.common import print_notes
        from spacy_xlt.data.docbin import load_records
        from spacy_xlt.errors import XltError

        if languages and len(languages) != len(paths):
            raise XltError(
                f"There are {len(paths)} --texts and {len(languages)} --language: name one for each, or none."
            )
        found = []
        for path, code in zip(paths, languages or [None] * len(paths)):
            columns = replace(self.columns, labelled=labelled)
            loaded = load_records(path, columns, code, encoding=self.encoding)
            print_notes(loaded.notes)
            found += loaded.records
            self.bad += loaded.bad
        return found

    def read_source(self, paths: Sequence[str], source: str) -> "list[Record]":
        """Labelled records, which are of the source language unless they say another."""
        from spacy_xlt.languages import UNKNOWN

        return [
            replace(record, language=source) if record.language == UNKNOWN else record for record in self.read(paths)
        ]

    def report_bad(self, output: Path, strict: bool) -> None:
        """Write what is wrong with the files read so far to a quarantine file beside the output."""
        from spacy_xlt.cli.common import report_bad_records

        report_bad_records(self.bad, output.with_name(output.name + ".quarantine.jsonl"), strict)


def source_of(nlp: "Language") -> str:
    from spacy_xlt.pipeline.find import find_pipe
    from spacy_xlt.pipeline.projector import Projector

    return find_pipe(nlp, Projector).source


def finish(nlp: "Language", output: Path, result: "Result") -> None:
    """Write the model and say what happened; a model that was taken back is written as it was."""
    from spacy_xlt.models import save_model

    save_model(nlp, output)
    for note in result.notes:
        print(f"⚠ {note}", file=sys.stderr)
    for language, figures in result.metrics.items():
        print(f"  {language}: {figures['before']:.3f} -> {figures['after']:.3f} ({figures['n']} development texts)")
    state = "accepted" if result.accepted else "rejected, so the model did not change"
    print(f"✔ {output}: {result.method} was {state}. {result.reason}")
