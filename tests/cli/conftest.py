"""Models that the commands' tests read and never write."""

from pathlib import Path

import pytest

from tests.cli.running import succeed
from tests.finetuning import finetune
from tests.records import make_records, write_csv


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labeled English texts as CSV."""
    return write_csv(make_records(), tmp_path_factory.mktemp("data") / "tickets.csv")


@pytest.fixture(scope="session")
def model(data: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that `xlt train` made."""
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models") / "tickets"
    succeed("train", data, folder, "--encoder", tiny_bert)
    return folder


@pytest.fixture(scope="session")
def finetuned(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that `spacy train` with configs/finetune.cfg makes: transformer and head."""
    pytest.importorskip("spacy_transformers")
    folder = tmp_path_factory.mktemp("finetuned")
    finetune(tiny_bert, folder)
    return folder / "model-last"
