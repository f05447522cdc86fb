"""What the CPU offers: asked, never assumed."""

import os
from functools import lru_cache
from pathlib import Path


def usable_threads() -> int:
    """The CPUs that this process may run on, or fewer where OMP_NUM_THREADS says so."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cpus, int(wanted))) if wanted.isdigit() else cpus


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """The names of the CPU's abilities as Linux lists them; none where that is not known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()[2:])


def has_cpu_flag(*names: str) -> bool:
    """Whether the CPU has one of these abilities, such as `avx512_vnni`."""
    return not cpu_flags().isdisjoint(names)
