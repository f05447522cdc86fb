"""What all benchmarks share: where they ran, and how their results are written."""

import datetime
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.files import whole_file, write_json
from spacy_xlt.languages import base_code

# The folder of the script that runs comes first in sys.path: benchmarks/langdetect.py would be taken for the package.
_FOLDER = str(Path(__file__).resolve().parent)
if _FOLDER in sys.path:
    sys.path.append(sys.path.pop(sys.path.index(_FOLDER)))

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "benchmarks" / "results"
PACKAGES = ("numpy", "torch", "spacy")
# What speed depends on: half the x86 machines have no AVX-512, and 8-bit products want VNNI.
CPU_FLAGS = {"avx2": "avx2", "avx512": "avx512f", "vnni": "avx512_vnni"}


def data_folder() -> Path:
    """The benchmark data: the folder that SPACY_XLT_DATA names, or ../shared/data beside the project."""
    return Path(os.environ.get("SPACY_XLT_DATA") or PROJECT.parent / "shared" / "data")


def read_ntrex() -> dict[str, list[str]]:
    """{language: lines}; a line of each number is the same sentence in all languages."""
    return {
        base_code(path.stem): path.read_text(encoding="utf8").splitlines()
        for path in sorted((data_folder() / "ntrex").iterdir())
    }


def machine() -> dict[str, Any]:
    """The machine, the versions and the date that a figure belongs to."""
    info = _cpu_info()
    flags = info.get("flags", "").split()
    return {
        "cpu": info.get("model name", platform.processor() or platform.machine()),
        "cores": os.cpu_count(),
        "threads": _threads(),
        "flags": {name: flag in flags for name, flag in CPU_FLAGS.items()},
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "date": datetime.date.today().isoformat(),
    }


def peak_mb() -> float:
    """The most that this process had in memory (Linux); `ru_maxrss` would count what its parent had at the fork."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


def write_results(name: str, document: dict[str, Any], markdown: str) -> None:
    """Write benchmarks/results/<name>.json and .md; the machine is added to both."""
    where = document.get("machine") or machine()
    RESULTS.mkdir(exist_ok=True)
    write_json({**document, "machine": where}, RESULTS / f"{name}.json")
    with whole_file(RESULTS / f"{name}.md") as scratch:
        scratch.write_text(f"{markdown.rstrip()}\n\n{machine_line(where)}\n", encoding="utf8")


def machine_line(where: dict[str, Any]) -> str:
    """One line about the machine, for the foot of a table."""
    flags = ", ".join(name for name, there in where["flags"].items() if there) or "no vector flags known"
    versions = ", ".join(f"{package} {where[package]}" for package in PACKAGES if where[package])
    return (
        f"Measured {where['date']} on {where['cpu']} ({where['cores']} cores, {where['threads']} threads; {flags}), "
        f"Python {where['python']}, {versions}."
    )


def _cpu_info() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _threads() -> Optional[int]:
    """The threads that NumPy's BLAS may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(os.environ.get("OMP_NUM_THREADS") or available or 1)


def _version(package: str) -> Optional[str]:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
