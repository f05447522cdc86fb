"""The command `xlt chat`."""

from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Gpu
from spacy_xlt.cli.search import IndexFolder, IndexModel


def chat_cli(
    model: IndexModel,
    index: IndexFolder,
    page: Annotated[
        Optional[int], typer.Option(help="Serve a page for the browser on this port of this machine, as 8000.")
    ] = None,
    language: Annotated[Optional[str], typer.Option(help="The language of all questions. Default: detected.")] = None,
    gpu_id: Gpu = -1,
) -> None:
    """Answer questions from an index of questions with answers.

    Make the index with: python -m spacy xlt index MODEL base.jsonl --faq --output INDEX. The questions are read from
    the terminal, one per line; an empty line ends the conversation.
    """
    import sys

    from spacy_xlt.cli.common import load_model_or_encoder
    from spacy_xlt.languages import as_base_code
    from spacy_xlt.models import use_gpu
    from spacy_xlt.search.faq import FAQ, Reply
    from spacy_xlt.search.page import serve
    from spacy_xlt.text import replace_surrogates

    code = None if language is None else as_base_code(language)
    use_gpu(gpu_id)
    faq = FAQ.load(index, load_model_or_encoder(model))
    if page is not None:
        serve(faq, page, started=lambda address: print(f"ℹ {address} (Ctrl-C to stop)"))
        return
    history: list[Reply] = []
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        print(f"ℹ {len(faq.answers.ids)} answers. Ask in any language; an empty line ends the conversation.")
    while True:
        print("> " if is_terminal else "", end="", flush=True)
        question = replace_surrogates(sys.stdin.readline()).strip()
        if not question:
            return
        history.append(faq.ask(question, history, language=code))
        print(history[-1].shown())
