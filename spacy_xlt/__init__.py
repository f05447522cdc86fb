"""Train a spaCy text classifier in one language and use it in a hundred.

    import spacy_xlt as xlt

    nlp = xlt.train("tickets.csv", dev="dev.csv", languages=["en", "de", "sw"])
    xlt.project(nlp, "german.txt", language="de")
    report = xlt.evaluate(nlp, "test.jsonl")
    xlt.save(nlp, "model")

Every name is imported when it is first used: all `spacy` commands import this module, so it must stay light.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_xlt.batch.engine import process as process
    from spacy_xlt.data.dataset import Dataset as Dataset
    from spacy_xlt.data.dataset import load_dataset as load_dataset
    from spacy_xlt.data.entities import load_entities as load_entities
    from spacy_xlt.data.questions import load_questions as load_questions
    from spacy_xlt.detectors.base import Detection as Detection
    from spacy_xlt.detectors.detect import detect as detect
    from spacy_xlt.errors import XltError as XltError
    from spacy_xlt.errors import XltWarning as XltWarning
    from spacy_xlt.evaluation.compare import Comparison as Comparison
    from spacy_xlt.evaluation.compare import compare as compare
    from spacy_xlt.evaluation.estimate import Estimate as Estimate
    from spacy_xlt.evaluation.estimate import estimate as estimate
    from spacy_xlt.evaluation.evaluate import evaluate as evaluate
    from spacy_xlt.evaluation.matrix import TransferMatrix as TransferMatrix
    from spacy_xlt.evaluation.report import Report as Report
    from spacy_xlt.evaluation.seq2seq import Seq2SeqReport as Seq2SeqReport
    from spacy_xlt.evaluation.task_report import TaskReport as TaskReport
    from spacy_xlt.evaluation.transfer_matrix import transfer_matrix as transfer_matrix
    from spacy_xlt.exporters.export import export as export
    from spacy_xlt.models import save as save
    from spacy_xlt.pipeline.similarity import similarity as similarity
    from spacy_xlt.result import Result as Result
    from spacy_xlt.router import Router as Router
    from spacy_xlt.search.faq import FAQ as FAQ
    from spacy_xlt.search.index import Index as Index
    from spacy_xlt.serving.classifier import Classifier as Classifier
    from spacy_xlt.training.pretrain import pretrain as pretrain
    from spacy_xlt.training.seq2seq import Seq2SeqSettings as Seq2SeqSettings
    from spacy_xlt.training.train import train as train
    from spacy_xlt.transfer.add_translator import add_translator as add_translator
    from spacy_xlt.transfer.bootstrap import bootstrap as bootstrap
    from spacy_xlt.transfer.bootstrap import load_checked as load_checked
    from spacy_xlt.transfer.distill import distill as distill
    from spacy_xlt.transfer.few_shot import few_shot as few_shot
    from spacy_xlt.transfer.project import project as project
    from spacy_xlt.transfer.self_train import self_train as self_train
    from spacy_xlt.transfer.teach import teach as teach
    from spacy_xlt.transfer.translate import translate as translate
    from spacy_xlt.transfer.zero_shot import zero_shot as zero_shot

# Where each public name is defined.
_MODULES = {
    "Classifier": "serving.classifier",
    "Comparison": "evaluation.compare",
    "Dataset": "data.dataset",
    "Detection": "detectors.base",
    "Estimate": "evaluation.estimate",
    "FAQ": "search.faq",
    "Index": "search.index",
    "Report": "evaluation.report",
    "Result": "result",
    "Router": "router",
    "Seq2SeqReport": "evaluation.seq2seq",
    "TaskReport": "evaluation.task_report",
    "Seq2SeqSettings": "training.seq2seq",
    "TransferMatrix": "evaluation.matrix",
    "XltError": "errors",
    "XltWarning": "errors",
    "add_translator": "transfer.add_translator",
    "bootstrap": "transfer.bootstrap",
    "compare": "evaluation.compare",
    "detect": "detectors.detect",
    "distill": "transfer.distill",
    "estimate": "evaluation.estimate",
    "evaluate": "evaluation.evaluate",
    "export": "exporters.export",
    "few_shot": "transfer.few_shot",
    "load_checked": "transfer.bootstrap",
    "load_dataset": "data.dataset",
    "load_entities": "data.entities",
    "load_questions": "data.questions",
    "pretrain": "training.pretrain",
    "process": "batch.engine",
    "project": "transfer.project",
    "save": "models",
    "self_train": "transfer.self_train",
    "similarity": "pipeline.similarity",
    "teach": "transfer.teach",
    "train": "training.train",
    "transfer_matrix": "evaluation.transfer_matrix",
    "translate": "transfer.translate",
    "zero_shot": "transfer.zero_shot",
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        return version("spacy-xlt")
    if name not in _MODULES:
        raise AttributeError(f"module 'spacy_xlt' has no attribute {name!r}")
    value = getattr(import_module(f"spacy_xlt.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
