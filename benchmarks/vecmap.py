"""Our supervised VecMap beside the original program, on the same vectors.

    git clone https://github.com/artetxem/vecmap somewhere
    python benchmarks/vecmap.py somewhere [--rows 50000] [--width 300] [--language de] [--vectors encoder]

Vectors: the first `rows` words of each side of a dictionary (SPACY_XLT_DATA/bli), embedded by the default encoder and
brought to `width` dimensions by the principal components of each side (kept under training/, embedding takes long); or
`--vectors synthetic`: two noisy copies of the same rows, one turned, without words.
The dictionary is split by English word, at random: fitted on the pairs of `train` English words, reported on `test`
others, looked up from English. Every program is a process of its own that reads both sides as text, maps, and writes
text. The original maps both languages into a common space; ours does either that, or maps one language into the
space of the other, which then stays as it is and is not written. Seconds of the original are taken around its own
functions for reading and writing. Writes benchmarks/results/vecmap.{json,md}.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import write_results
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap
from spacy_xlt.alignment.base import unit_rows
from spacy_xlt.alignment.retrieval import nearest, neighborhood_similarity
from spacy_xlt.alignment.vecmap import VecMap, common_space

Floats = NDArray[np.float32]
Words = list[str]
WordPairs = list[tuple[str, str]]

SOURCE = "en"
CHUNK = 1024
# Runs the original's script as it is, with a clock around its reading and its writing.
ORIGINAL = """
import runpy, sys, time
checkout, clock, *arguments = sys.argv[1:]
sys.path.insert(0, checkout)
import json, embeddings
seconds = {"read": 0.0, "write": 0.0}
def timed(name, function):
    def run(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[name] += time.perf_counter() - start
    return run
embeddings.read, embeddings.write = timed("read", embeddings.read), timed("write", embeddings.write)
sys.argv = ["map_embeddings.py", *arguments]
start = time.perf_counter()
runpy.run_path(checkout + "/map_embeddings.py", run_name="__main__")
seconds["map"] = time.perf_counter() - start - seconds["read"] - seconds["write"]
open(clock, "w").write(json.dumps(seconds))
"""


def dictionary(language: str) -> WordPairs:
    """(word of the language, English word): single words only, as the original can read no others."""
    path = Path(os.environ["SPACY_XLT_DATA"]) / "bli" / f"en-{language}.dict"
    pairs = [line.split(" @ ") for line in path.read_text(encoding="utf8").split("\n") if " @ " in line]
    return [(word, english) for word, english in pairs if [word] == word.split() and [english] == english.split()]


def embedded(words: Words, width: int, cache: Path) -> Floats:
    """Vectors [n, width] of the default encoder, reduced by principal components."""
    if not cache.is_file():
        from spacy_xlt.encoders.folder import default_folder
        from spacy_xlt.encoders.torch_encoder import TorchEncoder

        encoder = TorchEncoder()
        encoder.load(default_folder())
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.save(cache, np.concatenate([encoder.encode(words[i : i + 1000]) for i in range(0, len(words), 1000)]))
    vectors = np.load(cache)
    centered = vectors - vectors.mean(axis=0)
    directions = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :width]
    return np.asarray(vectors @ directions, dtype=np.float32)


def synthetic(rows: int, width: int) -> tuple[Floats, Floats, WordPairs]:
    """Two noisy copies of the same rows, the first turned."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((rows, width), dtype=np.float32) * np.linspace(0.2, 1, width, dtype=np.float32)
    turn = np.linalg.qr(rng.standard_normal((width, width)))[0].astype(np.float32)
    sides = [hidden + 0.6 * rng.standard_normal(hidden.shape, dtype=np.float32) for _ in range(2)]
    return sides[0] @ turn, sides[1], [(f"x{i}", f"y{i}") for i in rng.permutation(rows)]


def write_vectors(words: Words, vectors: Floats, path: Path) -> None:
    line = " ".join(["%s"] + ["%.6g"] * vectors.shape[1]) + "\n"
    with path.open("w", encoding="utf8") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n")
        file.writelines(line % (word, *row) for word, row in zip(words, vectors.tolist()))


def read_vectors(path: Path) -> tuple[Words, Floats]:
    with path.open(encoding="utf8") as file:
        n, width = map(int, file.readline().split())
        words, vectors = [], np.empty((n, width), dtype=np.float32)
        for i, line in enumerate(file):
            word, numbers = line.split(" ", 1)
            words.append(word)
            vectors[i] = np.fromstring(numbers, sep=" ", dtype=np.float32)
    return words, vectors


def mapped_rows(there: AffineMap, rows: Floats) -> Floats:
    """All rows at unit length, mapped: chunk by chunk, as vectors are streamed."""
    result = np.empty_like(rows)
    for start in range(0, len(rows), CHUNK):
        result[start : start + CHUNK] = there(unit_rows(rows[start : start + CHUNK]))
    return result


def run_ours(folder: Path, kind: str) -> None:
    """Our side, in a process of its own: read, map, write, and note the seconds."""
    start = time.perf_counter()
    words, x = read_vectors(folder / "x.txt")
    source_words, z = read_vectors(folder / "z.txt")
    rows, source_rows = ({word: i for i, word in enumerate(each)} for each in (words, source_words))
    lines = (folder / "train.txt").read_text(encoding="utf8").splitlines()
    pairs = np.array([(rows[word], source_rows[translation]) for word, translation in map(str.split, lines)])
    read = time.perf_counter()
    if kind == "source":
        sides = {"x": mapped_rows(VecMap().fit({"x": x, "z": z}, "z", {"x": pairs})["x"], x)}
    else:
        maps = common_space(x, z, pairs)
        sides = {"x": mapped_rows(maps[0], x), "z": mapped_rows(maps[1], z)}
    mapped = time.perf_counter()
    for name, vectors in sides.items():
        write_vectors(words if name == "x" else source_words, vectors, folder / f"{kind}.{name}.txt")
    seconds = {"read": read - start, "map": mapped - read, "write": time.perf_counter() - mapped}
    (folder / f"{kind}.json").write_text(json.dumps(seconds), encoding="utf8")


def timed(command: Sequence[str], clock: Path) -> dict[str, float]:
    start = time.perf_counter()
    subprocess.run(command, check=True)
    whole = time.perf_counter() - start
    return {**json.loads(clock.read_text(encoding="utf8")), "whole": whole}


def precision(queries: Floats, keys: Floats, background: Floats, gold: list[set[int]]) -> dict[str, float]:
    """P@1 of the queries by cosine and by CSLS; background: all rows of the queries' language."""
    by_csls = nearest(queries, keys, key_similarity=neighborhood_similarity(keys, background))[0][:, 0]
    by_cosine = nearest(queries, keys, metric="cosine")[0][:, 0]
    return {
        name: round(float(np.mean([found in right for found, right in zip(each.tolist(), gold)])), 4)
        for name, each in (("p1_cosine", by_cosine), ("p1_csls", by_csls))
    }


def measure(args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    if args.vectors == "synthetic":
        x, z, pairs = synthetic(args.rows, args.width)
        words, source_words = ([f"{name}{i}" for i in range(args.rows)] for name in "xy")
    else:
        pairs = dictionary(args.language)
        words, source_words = (list(dict.fromkeys(side))[: args.rows] for side in zip(*pairs))
        cache = Path("training") / f"vecmap-{args.language}-{args.rows}"
        x = embedded(words, args.width, cache / f"{args.language}.npy")
        z = embedded(source_words, args.width, cache / f"{SOURCE}.npy")
    rows, source_rows = ({word: i for i, word in enumerate(each)} for each in (words, source_words))
    pairs = [pair for pair in pairs if pair[0] in rows and pair[1] in source_rows]
    english = np.random.default_rng(0).permutation(list(dict.fromkeys(pair[1] for pair in pairs))).tolist()
    args.test = min(args.test, len(english) // 4)
    test, train = english[: args.test], set(english[args.test : args.test + args.train])
    args.train = len(train)
    gold = {word: set[int]() for word in test}
    for word, translation in pairs:
        if translation in gold:
            gold[translation].add(rows[word])
    write_vectors(words, x, folder / "x.txt")
    write_vectors(source_words, z, folder / "z.txt")
    train_pairs = [f"{word} {translation}\n" for word, translation in pairs if translation in train]
    (folder / "train.txt").write_text("".join(train_pairs), encoding="utf8")

    paths = [str(folder / name) for name in ("x.txt", "z.txt", "original.x.txt", "original.z.txt")]
    options = ["--supervised", str(folder / "train.txt")]
    commands = {
        "original": [sys.executable, "-c", ORIGINAL, args.checkout, str(folder / "original.json"), *paths, *options],
        "common": [sys.executable, __file__, args.checkout, "--ours", "common", "--folder", str(folder)],
        "source": [sys.executable, __file__, args.checkout, "--ours", "source", "--folder", str(folder)],
    }
    results: list[dict[str, Any]] = []
    for name, command in commands.items():
        seconds = timed(command, folder / f"{name}.json")
        keys = read_vectors(folder / f"{name}.x.txt")[1]
        background = read_vectors(folder / ("z.txt" if name == "source" else f"{name}.z.txt"))[1]
        queries = background[[source_rows[word] for word in test]]
        figures = precision(queries, keys, background, list(gold.values()))
        results.append({"program": name, **{key: round(value, 2) for key, value in seconds.items()}, **figures})
        print(results[-1], flush=True)
    for result in results:
        result["map_times_faster"] = round(results[0]["map"] / result["map"], 2)
        result["whole_times_faster"] = round(results[0]["whole"] / result["whole"], 2)
    return results


def table(document: dict[str, Any]) -> str:
    names = {
        "original": "artetxem/vecmap --supervised",
        "common": "ours, both sides into the common space",
        "source": "ours, one side into the space of the other",
    }
    what = (
        f"words of en-{document['language']}.dict embedded by the default encoder, by principal components to "
        f"{document['width']} dimensions"
        if document["vectors"] == "encoder"
        else f"synthetic, {document['width']} dimensions"
    )
    lines = [
        "# Supervised VecMap beside the original",
        "",
        f"{document['rows']:,} x {document['rows']:,} vectors: {what}. Fitted on the pairs of {document['train']:,} "
        f"English words, P@1 of {document['test']:,} others, looked up from English among all words of the other side.",
        "",
        "| program | read s | map s | write s | whole program s | map, times faster | whole, times faster "
        "| P@1 cosine | P@1 CSLS |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in document["results"]:
        lines.append(
            f"| {names[row['program']]} | {row['read']} | {row['map']} | {row['write']} | {row['whole']} "
            f"| {row['map_times_faster']} | {row['whole_times_faster']} | {row['p1_cosine']} | {row['p1_csls']} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", help="folder of a checkout of artetxem/vecmap")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=300)
    parser.add_argument("--train", type=int, default=5000, help="English words to fit on")
    parser.add_argument("--test", type=int, default=1500, help="English words to report on")
    parser.add_argument("--language", default="de")
    parser.add_argument("--vectors", choices=["encoder", "synthetic"], default="encoder")
    parser.add_argument("--ours", choices=["common", "source"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ours:
        run_ours(args.folder, args.ours)
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(args, Path(folder))
    settings = {name: getattr(args, name) for name in ("rows", "width", "train", "test", "language", "vectors")}
    document = {**settings, "results": results}
    markdown = table(document)
    write_results("vecmap", document, markdown)
    print(markdown)


if __name__ == "__main__":
    main()
