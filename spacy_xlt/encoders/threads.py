"""How many threads a back end may use."""

import os


def usable_threads() -> int:
    """The CPUs that this process may run on, or fewer where OMP_NUM_THREADS says so."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cpus, int(wanted))) if wanted.isdigit() else cpus
