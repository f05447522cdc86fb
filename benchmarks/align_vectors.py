"""`xlt align-vectors` at full size: peak memory and seconds of the command, in a process of its own.

    python benchmarks/align_vectors.py [--n 200000] [--width 300] [--pairs 5000] [--aligner Procrustes]

The vectors are made: 2,000 clusters of words, and the same turned and with noise as the other language, in another
order. So P@1 says only that the way was found; what counts here are memory and time. Peak memory is that of the
command's whole process. Writes benchmarks/results/align_vectors.{json,md}.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import write_results
from numpy.typing import NDArray

from spacy_xlt.data.vector_chunks import CHUNK, Chunk
from spacy_xlt.data.word_vectors import write_vectors

CLUSTERS = 2000
NOISE = 0.6


def make_files(folder: Path, n: int, width: int, pairs: int) -> None:
    """en.vec, de.vec and en-de.txt in a folder: word i of English means word i of German."""
    chance = np.random.default_rng(0)
    centers = chance.standard_normal((CLUSTERS, width), dtype=np.float32)
    english = centers[chance.integers(CLUSTERS, size=n)] + chance.standard_normal((n, width), dtype=np.float32)
    turn = np.linalg.qr(chance.standard_normal((width, width)))[0].astype(np.float32)
    write_vectors(folder / "en.vec", chunks("en", english, np.arange(n)), width)
    english += NOISE * chance.standard_normal((n, width), dtype=np.float32)
    # Frequent words stay frequent, but not in the same order.
    order = np.argsort(np.arange(n) + chance.uniform(0, n / 10, size=n))
    write_vectors(folder / "de.vec", chunks("de", np.asarray(english @ turn, dtype=np.float32), order), width)
    chosen = np.sort(chance.choice(n // 4, size=pairs, replace=False))
    (folder / "en-de.txt").write_text("".join(f"en{i} de{i}\n" for i in chosen))


def chunks(language: str, rows: NDArray[np.float32], order: NDArray[np.int64]) -> Iterator[Chunk]:
    for start in range(0, len(order), CHUNK):
        chosen = order[start : start + CHUNK]
        yield [f"{language}{i}" for i in chosen], rows[chosen]


def measure(n: int, width: int, pairs: int, aligner: str) -> dict[str, Any]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, n, width, pairs)
        command = [
            sys.executable,
            "-m",
            "spacy",
            "xlt",
            "align-vectors",
            *(str(folder / f"{x}.vec") for x in ("en", "de", "out")),
        ]
        start = time.perf_counter()
        subprocess.run([*command, "--dictionary", str(folder / "en-de.txt"), "--aligner", aligner], check=True)
        seconds = time.perf_counter() - start
        figures = json.loads((folder / "out.vec.json").read_text())
        size = (folder / "en.vec").stat().st_size
    return {
        "aligner": aligner,
        "n": n,
        "width": width,
        "pairs": pairs,
        "file_mb": round(size / 2**20),
        "seconds": round(seconds, 1),
        "parts": figures["seconds"],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "csls_p@1": figures["evaluation"]["csls"]["p@1"],
    }


def table(row: dict[str, Any]) -> str:
    parts = ", ".join(f"{part} {seconds:.0f}" for part, seconds in row["parts"].items())
    return "\n".join(
        [
            "# align-vectors",
            "",
            f"Two text files of {row['n']:,} vectors, {row['width']} dimensions ({row['file_mb']:,} MB each), "
            f"{row['pairs']:,} word pairs, {row['aligner']}.",
            "",
            "| seconds | of them | peak MB | P@1 (made data) |",
            "|---|---|---|---|",
            f"| {row['seconds']} | {parts} | {row['peak_mb']:,} | {row['csls_p@1']:.3f} |",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200_000, help="words of each side")
    parser.add_argument("--width", type=int, default=300, help="dimensions")
    parser.add_argument("--pairs", type=int, default=5000, help="pairs of the dictionary")
    parser.add_argument("--aligner", default="Procrustes")
    args = parser.parse_args()
    row = measure(args.n, args.width, args.pairs, args.aligner)
    markdown = table(row)
    write_results("align_vectors", {"rows": [row]}, markdown)
    print(markdown)


if __name__ == "__main__":
    main()
