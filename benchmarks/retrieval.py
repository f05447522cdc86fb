"""CSLS retrieval of every row of one large set in another: speed beside the machine's sgemm, and peak memory.

    python benchmarks/retrieval.py [--n 200000] [--width 300]

Each kind of data runs in a process of its own, which makes two sets [n, width], measures sgemm (NumPy's product of one
tile, before and after), and finds the nearest key of every query by CSLS. That takes two products of both sets: one
for the mean similarity of the neighborhoods on both sides, one for the retrieval. Peak memory is that of the whole
process, Python, NumPy and both sets included. Writes benchmarks/results/retrieval.{json,md}.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
from common import peak_mb, write_results
from numpy.typing import NDArray

from spacy_xlt.alignment.retrieval import hubness, nearest
from spacy_xlt.alignment.tiles import BLOCK_ROWS

KINDS = {
    "random": "normal vectors: no structure, all neighbors equally far",
    "clustered": "rows around 2,000 centers, in the order of the centers: hubs, and neighbors that lie side by side",
}
CENTERS = 2000
SGEMM_SECONDS = 3.0
SCANS = 2

Floats = NDArray[np.float32]


def make(kind: str, n: int, width: int, rng: np.random.Generator) -> Floats:
    """One side [n, width], made in place: the memory of making it is not to be the peak."""
    rows = rng.standard_normal((n, width), dtype=np.float32)
    if kind == "clustered":
        centers = np.random.default_rng(0).standard_normal((CENTERS, width), dtype=np.float32)
        owners = np.sort(rng.integers(CENTERS, size=n))
        for start in range(0, n, BLOCK_ROWS):
            rows[start : start + BLOCK_ROWS] += centers[owners[start : start + BLOCK_ROWS]]
    return rows


def sgemm_gflops(width: int) -> float:
    """GFLOP/s of NumPy's product of one tile of the retrieval, for some seconds."""
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((BLOCK_ROWS, width), dtype=np.float32) for _ in range(2))
    out = np.empty((BLOCK_ROWS, BLOCK_ROWS), dtype=np.float32)
    np.matmul(x, y.T, out=out)
    start, products = time.perf_counter(), 0
    while time.perf_counter() - start < SGEMM_SECONDS:
        np.matmul(x, y.T, out=out)
        products += 1
    return products * 2 * BLOCK_ROWS**2 * width / (time.perf_counter() - start) / 1e9


def measure(kind: str, n: int, width: int) -> dict[str, Any]:
    """One row of the table, measured in this process."""
    rng = np.random.default_rng(1)
    queries, keys = make(kind, n, width, rng), make(kind, n, width, rng)
    before = sgemm_gflops(width)
    start, cpu_start = time.perf_counter(), time.process_time()
    indices, _ = nearest(queries, keys)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    after = sgemm_gflops(width)
    gflops = SCANS * 2 * n * n * width / seconds / 1e9
    return {
        "data": kind,
        "n": n,
        "width": width,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "gflops": round(gflops, 1),
        "sgemm_before": round(before, 1),
        "sgemm_after": round(after, 1),
        "ratio": round(gflops / ((before + after) / 2), 3),
        "peak_mb": round(peak_mb()),
        "input_mb": round(2 * queries.nbytes / 2**20),
        "hubness": round(hubness(indices, n), 2),
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "# CSLS retrieval",
        "",
        "Every query's nearest key by CSLS, n x n. GFLOP/s counts the two products of both sets that it takes; sgemm "
        "is NumPy's product of one tile, before and after, in the same process.",
        "",
        "| data | n | dimensions | seconds | CPU seconds | GFLOP/s | sgemm GFLOP/s | ratio | peak MB | of it input "
        "| hubness |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row["data"],
            f"{row['n']:,}",
            *(row[name] for name in ("width", "seconds", "cpu_seconds", "gflops")),
            f"{row['sgemm_before']}, {row['sgemm_after']}",
            row["ratio"],
            f"{row['peak_mb']:,}",
            row["input_mb"],
            row["hubness"],
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, "", *(f"- {kind}: {what}." for kind, what in KINDS.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200_000, help="rows of each side")
    parser.add_argument("--width", type=int, default=300, help="dimensions")
    parser.add_argument("--only", choices=list(KINDS), help="measure one kind of data in this process and print it")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args.n, args.width)))
        return
    rows = []
    for kind in KINDS:
        command = [sys.executable, __file__, "--only", kind, "--n", str(args.n), "--width", str(args.width)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout))
        print(rows[-1], flush=True)
    markdown = table(rows)
    write_results("retrieval", {"rows": rows}, markdown)
    print(markdown)


if __name__ == "__main__":
    main()
