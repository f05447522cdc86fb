"""The number of usable CPUs, and the instruction sets that they support."""

import os
from functools import lru_cache
from pathlib import Path


def usable_threads() -> int:
    """Return the number of CPUs that this process may use. OMP_NUM_THREADS can reduce it."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cpus, int(wanted))) if wanted.isdigit() else cpus


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """Return the names of the instruction sets of the CPU, as Linux lists them. It is empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()[2:])


def has_cpu_flag(*names: str) -> bool:
    """Whether the CPU supports at least one of some instruction sets, such as `avx512_vnni`."""
    return not cpu_flags().isdisjoint(names)
