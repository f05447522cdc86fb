"""The command `xlt answer`."""

from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Model, Text


def answer_cli(
    model: Model,
    files: Annotated[
        list[str], typer.Argument(help="Texts: .txt (the file is one text), .jsonl, .csv, .spacy, folders or patterns.")
    ],
    question: Annotated[list[str], typer.Option(help="A question, in any language. Repeatable.")],
    k: Annotated[int, typer.Option("--top", "-k", min=1, help="Largest number of answers to a question.")] = 3,
    min_score: Annotated[
        Optional[float],
        typer.Option(min=0.0, max=1.0, help="Lowest score of an answer. 0: always answer. Default: calibrated."),
    ] = None,
    json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object per answer.")] = False,
    text: Text = "text",
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
) -> None:
    """Answer questions with the words of texts."""
    import json
    import sys

    from rich.console import Console
    from rich.table import Table

    from spacy_xlt.data.questions import read_texts
    from spacy_xlt.models import load_model, use_gpu
    from spacy_xlt.pipeline.find import find_pipe
    from spacy_xlt.pipeline.qa import QuestionAnswerer
    from spacy_xlt.text import replace_surrogates, strip_controls

    use_gpu(gpu_id)
    reader = find_pipe(load_model(model), QuestionAnswerer)
    texts, bad = read_texts(files, text=text, encoding=encoding)
    if bad:
        print(f"⚠ {len(bad)} texts left out (first: {bad[0].location}: {bad[0].reason})", file=sys.stderr)
    table = Table("question", "answer", "score", "where")
    for asked in map(replace_surrogates, question):
        answers = reader.answer_batch([(each, asked) for _, each in texts], min_score=min_score)
        given = sorted(
            ((answer, location) for answer, (location, _) in zip(answers, texts) if answer),
            key=lambda pair: -pair[0].score,
        )[:k]
        for answer, location in given:
            if json_lines:
                print(json.dumps({"question": asked, "location": location, **answer.to_dict()}, ensure_ascii=False))
            else:
                cells = [" ".join(strip_controls(cell).split()) for cell in (asked, answer.text, location)]
                table.add_row(*cells[:2], f"{answer.score:.2f}", f"{cells[2]}:{answer.start}")
        if not given and not json_lines:
            table.add_row(" ".join(strip_controls(asked).split()), "–", "", "")
    if not json_lines:
        Console().print(table, markup=False)
