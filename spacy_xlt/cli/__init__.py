"""`python -m spacy xlt <command>`: one file a command.

An entry point in `spacy_cli`, loaded at every `spacy` command: so this module imports no more than typer, and each
command imports what it needs when it runs.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import typer
from spacy.cli._util import app as spacy_app

from spacy_xlt.cli.add_translator import add_translator_cli
from spacy_xlt.cli.align_vectors import align_vectors_cli
from spacy_xlt.cli.answer import answer_cli
from spacy_xlt.cli.bootstrap import bootstrap_cli
from spacy_xlt.cli.chat import chat_cli
from spacy_xlt.cli.classify import classify_cli
from spacy_xlt.cli.compare import compare_cli
from spacy_xlt.cli.convert import convert_cli
from spacy_xlt.cli.detect import detect_cli
from spacy_xlt.cli.distill import distill_cli
from spacy_xlt.cli.estimate import estimate_cli
from spacy_xlt.cli.evaluate import evaluate_cli
from spacy_xlt.cli.evaluate_alignment import evaluate_alignment_cli
from spacy_xlt.cli.export import export_cli
from spacy_xlt.cli.few_shot import few_shot_cli
from spacy_xlt.cli.flatten import flatten_cli
from spacy_xlt.cli.index import index_cli
from spacy_xlt.cli.init_encoder import init_encoder_cli
from spacy_xlt.cli.mlm import mlm_cli
from spacy_xlt.cli.process import process_cli
from spacy_xlt.cli.report import report_cli
from spacy_xlt.cli.search import search_cli
from spacy_xlt.cli.self_train import self_train_cli
from spacy_xlt.cli.table import table_cli
from spacy_xlt.cli.teach import teach_cli
from spacy_xlt.cli.train import train_cli
from spacy_xlt.cli.transfer import app as transfer_app
from spacy_xlt.cli.transfer import project_cli
from spacy_xlt.cli.transfer_matrix import transfer_matrix_cli
from spacy_xlt.cli.translate import translate_cli
from spacy_xlt.cli.zero_shot import zero_shot_cli
from spacy_xlt.errors import XltError, XltWarning

SUMMARY = "Train a text classifier in one language, use it in a hundred."

app = typer.Typer(
    name="xlt",
    help=SUMMARY,
    no_args_is_help=True,
    rich_markup_mode=None,
)


def one_sentence(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print an XltError as one line on stderr, without a traceback, and exit with 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", XltWarning)
                warnings.showwarning = partial(_show_warning, warnings.showwarning)
                return command(*args, **kwargs)
        except XltError as error:
            hint = f" Use --{error.parameter.replace('_', '-')}." if error.parameter else ""
            print(f"✘ {error}{hint}", file=sys.stderr)
            raise typer.Exit(1) from None

    return run


def _show_warning(others: Callable[..., None], message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
    """Print a warning of ours as one line on stderr, and all others as Python does."""
    if issubclass(category, XltWarning):
        print(f"⚠ {message}", file=sys.stderr)
    else:
        others(message, category, *place, **more)


def first_line(command: Callable[..., Any]) -> str:
    """The line of a command in `--help`: given as it is, because what typer finds itself, it cuts off."""
    return (command.__doc__ or "").partition("\n")[0]


COMMANDS: dict[str, Callable[..., Any]] = {
    "init-encoder": init_encoder_cli,
    "convert": convert_cli,
    "zero-shot": zero_shot_cli,
    "bootstrap": bootstrap_cli,
    "train": train_cli,
    "flatten": flatten_cli,
    "export": export_cli,
    "evaluate": evaluate_cli,
    "compare": compare_cli,
    "transfer-matrix": transfer_matrix_cli,
    "estimate": estimate_cli,
    "table": table_cli,
    "report": report_cli,
    "classify": classify_cli,
    "process": process_cli,
    "index": index_cli,
    "search": search_cli,
    "chat": chat_cli,
    "answer": answer_cli,
    "align-vectors": align_vectors_cli,
    "evaluate-alignment": evaluate_alignment_cli,
    "detect": detect_cli,
    "translate": translate_cli,
}
for _name, _command in COMMANDS.items():
    app.command(_name, short_help=first_line(_command))(one_sentence(_command))

TRANSFER_METHODS: dict[str, Callable[..., Any]] = {
    "project": project_cli,
    "add-translator": add_translator_cli,
    "few-shot": few_shot_cli,
    "self-train": self_train_cli,
    "distill": distill_cli,
    "mlm": mlm_cli,
    "teach": teach_cli,
}
for _name, _command in TRANSFER_METHODS.items():
    transfer_app.command(_name, short_help=first_line(_command))(one_sentence(_command))
app.add_typer(transfer_app, name="transfer")

spacy_app.add_typer(app, name="xlt", short_help=SUMMARY)
