"""The environments in which the tests run: `nox -l` lists them, `nox -s SESSION` runs one."""

import re
import shutil
from configparser import ConfigParser
from pathlib import Path

import nox

ROOT = Path(__file__).parent
# The versions in constraints.txt were tested together, on this Python.
PINNED_PYTHON = "3.11"
PINNED = ("-c", "constraints.txt")
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "psutil")
# One process for each core, as in `make test`.
PARALLEL = ("--numprocesses", "auto", "--maxprocesses", "8", "--dist", "loadfile")
# The tests of what the core install can do. Tests among them that need an extra are skipped.
CORE_TESTS = (
    "tests/alignment/test_affine.py",
    "tests/alignment/test_aligners.py",
    "tests/alignment/test_base.py",
    "tests/alignment/test_centering.py",
    "tests/data",
    "tests/detectors",
    "tests/layers",
    "tests/pipeline/test_langdetect.py",
    "tests/test_cache.py",
    "tests/test_extras.py",
    "tests/test_files.py",
    "tests/test_languages.py",
    "tests/test_registration.py",
    "tests/test_registries.py",
    "tests/test_text.py",
)
DETECT = """
import spacy
nlp = spacy.blank("xx"); nlp.add_pipe("xlt_langdetect")
assert nlp("Wo ist mein Paket geblieben?")._.language == "de"
"""
SERVE = """
import sys
from spacy_xlt import Classifier
answers = list(Classifier.load(sys.argv[1]).pipe(["Wo ist mein Paket?", ""]))
assert len(answers) == 2, answers
assert not {"torch", "transformers", "sklearn"} & set(sys.modules)
print(answers)
"""

nox.options.sessions = ["lint", "no_skips"]


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run all tests on one version of Python, with spacy-transformers."""
    session.install("-e", ".[test]", *(PINNED if session.python == PINNED_PYTHON else ()))
    run_tests(session)


@nox.session(python="3.10")
def oldest(session: nox.Session) -> None:
    """Run all tests with the lowest versions that setup.cfg allows."""
    lowest = Path(session.create_tmp()) / "lowest.txt"
    lowest.write_text("\n".join(lowest_versions()) + "\n", encoding="utf8")
    # Without py3langid, which needs a newer NumPy than the rest.
    session.install("-e", ".[demo,spacy-transformers,fasttext,batch]", *TOOLS, "-c", str(lowest))
    run_tests(session)


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """Run all tests with the newest versions, without spacy-transformers, which holds transformers back."""
    session.install("--upgrade", "-e", ".[demo,fasttext,py3langid,batch]", *TOOLS, "pandas", "polars")
    run_tests(session)


@nox.session(python=PINNED_PYTHON)
def core(session: nox.Session) -> None:
    """Detect a language and run the tests of the core with nothing but the core install."""
    session.install("-e", ".", *TOOLS, *PINNED)
    session.run("python", "-c", DETECT)
    run_tests(session, *CORE_TESTS)


@nox.session(python=PINNED_PYTHON)
def serve_model(session: nox.Session) -> None:
    """Train and export the tiny model that the session `serve` loads."""
    session.install("-e", ".[demo]", *TOOLS, *PINNED)
    session.run("python", "-m", "tests.serving.make_model", str(served_model(session)))


@nox.session(python=PINNED_PYTHON, requires=["serve_model"])
def serve(session: nox.Session) -> None:
    """Classify with an exported model where only the extra `serve` is installed."""
    session.install("-e", ".[serve]", *PINNED)
    session.run("python", "-c", SERVE, str(served_model(session)))


@nox.session(python=PINNED_PYTHON)
def no_skips(session: nox.Session) -> None:
    """Run all tests with everything installed, and fail if one is skipped."""
    session.install("-e", ".[test,lingua,ray]", *PINNED)
    run_tests(session, "--fail-on-skip")


@nox.session(python=PINNED_PYTHON)
def lint(session: nox.Session) -> None:
    """Run ruff and mypy."""
    session.install("-e", ".[test]", *PINNED)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=PINNED_PYTHON)
def wheel(session: nox.Session) -> None:
    """Build a wheel from the source distribution, and run the tests on it where the source is absent."""
    folder = Path(session.create_tmp())
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"), str(ROOT))
    (built,) = (folder / "dist").glob("*.whl")
    session.install(f"{built}[test]", *PINNED)
    copy = folder / "repository"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("spacy_xlt", "*.egg-info", ".*", "training", "metrics"))
    session.chdir(copy)
    run_tests(session, "--ignore=tests/test_house.py")


@nox.session(python=PINNED_PYTHON)
def docs(session: nox.Session) -> None:
    """Build the documentation site, and fail on warnings."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", "--site-dir", session.create_tmp(), *session.posargs)


def run_tests(session: nox.Session, *arguments: str) -> None:
    """Run pytest in the folder of the session."""
    command = ("python", "-m", "pytest", "-q", *PARALLEL, *arguments, *session.posargs)
    session.run(*command, env={"OMP_NUM_THREADS": "1"})


def lowest_versions() -> list[str]:
    """Return the constraints that pin every requirement of setup.cfg to its lower bound."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf8")
    groups = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    bounds = re.findall(r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)", "\n".join(groups), flags=re.MULTILINE)
    return sorted({f"{name}=={version}" for name, version in bounds})


def served_model(session: nox.Session) -> Path:
    """Return the folder that `serve_model` writes and `serve` reads."""
    return Path(session.cache_dir) / "served-model"
