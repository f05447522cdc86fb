"""The command `xlt search`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Gpu

IndexModel = Annotated[Path, typer.Argument(help="The pipeline or encoder folder that the index was built with.")]
IndexFolder = Annotated[Path, typer.Argument(help="An index folder.")]


def search_cli(
    model: IndexModel,
    index: IndexFolder,
    queries: Annotated[
        Optional[list[str]], typer.Argument(help="Queries. Without any, stdin is read, one query per line.")
    ] = None,
    k: Annotated[int, typer.Option("--top", "-k", help="Number of texts to find for each query.")] = 5,
    where: Annotated[list[str], typer.Option(help="FIELD=VALUE: search only texts with this value. Repeatable.")] = [],  # noqa: B006  (typer's way; never written)
    language: Annotated[Optional[str], typer.Option(help="The language of the queries. Default: detected.")] = None,
    json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object per text found.")] = False,
    gpu_id: Gpu = -1,
) -> None:
    """Find the texts of an index that are nearest to a query."""
    import json
    import sys
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from spacy_xlt.cli.common import load_model_or_encoder
    from spacy_xlt.errors import XltError
    from spacy_xlt.models import use_gpu
    from spacy_xlt.search.index import Index
    from spacy_xlt.text import replace_surrogates, strip_controls

    filters: dict[str, list[str]] = {}
    for each in where:
        field, equals, value = each.partition("=")
        if not equals or not field:
            raise XltError(f"--where '{each}': name the field and the value, as in --where lang=de.")
        filters.setdefault(field, []).append(value)
    use_gpu(gpu_id)
    loaded = Index.load(index, load_model_or_encoder(model))
    asked = [replace_surrogates(query) for query in queries or sys.stdin.read().split("\n") if query.strip()]
    table = Table("query", "score", "id", "language", "text")
    for query, hits in zip(asked, loaded.search_all(asked, k, where=filters, language=language)):
        for hit in hits:
            if json_lines:
                print(json.dumps({"query": query, **asdict(hit)}, ensure_ascii=False))
            else:
                shown = [" ".join(strip_controls(cell).split()) for cell in (query, hit.id, hit.language, hit.text)]
                table.add_row(shown[0], f"{hit.score:.3f}", *shown[1:])
    if not json_lines:
        Console().print(table, markup=False)
