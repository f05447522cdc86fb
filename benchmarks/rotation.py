"""The honest test without a dictionary: find a secret rotation between the words of two languages.

    python benchmarks/rotation.py [--languages de,es,ru,tr] [--seeds 5] [--methods SelfLearning,Adversarial]

20,000 English words and 20,000 of another language (the heads of ../shared/data/bli) are embedded by the default
encoder, one by one. Words that stand on the English side too, whatever their case, are left out of the other language:
they would have the same vector. The other side is then turned by a random rotation (or mirrored), and the rows of both
sides are shuffled, so that neither the axes nor the order tell anything. The seed draws rotation, order and the
method's own random numbers.

P@1: English words that have a translation among the rows; is the nearest row by CSLS, over all rows, one of them?
Supervised Procrustes is fitted on the dictionary of 5,000 of these English words and all methods are scored on the
others. `inverse` is the secret rotation undone: what the encoder itself knows. As a control the other side's principal
coordinates are shuffled, each by itself: no trace of translations is left, and the method has to say that it failed.

Embeddings are kept in training/cache. Rows that the results hold already are not run again (--fresh runs all).
"""

import argparse
import json
import warnings
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from common import PROJECT, RESULTS, data_folder, write_results
from numpy.typing import NDArray

from spacy_xlt.alignment.adversarial import Adversarial
from spacy_xlt.alignment.affine import AffineMap, Floats, affine
from spacy_xlt.alignment.procrustes import Procrustes
from spacy_xlt.alignment.report import AlignmentReport, AlignmentWarning
from spacy_xlt.alignment.retrieval import nearest, neighborhood_similarity
from spacy_xlt.alignment.self_learning import SelfLearning

CACHE = PROJECT / "training" / "cache"
WORDS = 20_000
TRAINED = 5_000
METHODS = {"SelfLearning": SelfLearning, "Adversarial": Adversarial}
CHUNK = 2_000


class Task(NamedTuple):
    """English rows x [n, d], turned and shuffled rows y [m, d], pairs [p, 2] (y, x), the secret rotation [d, d]."""

    x: Floats
    y: Floats
    pairs: NDArray[np.int64]
    secret: Floats


def dictionary(language: str) -> list[tuple[str, str]]:
    """(word, English word) of the MUSE dictionary, the frequent ones first."""
    lines = (data_folder() / "bli" / f"en-{language}.dict").read_text(encoding="utf8").rstrip("\n").split("\n")
    return [(line.split(" @ ")[0], line.split(" @ ")[1]) for line in lines]


def heads(language: str) -> tuple[list[str], list[str]]:
    """The first English words of a dictionary, and the first of the language that are no English word among these."""
    entries = dictionary(language)
    english = list(dict.fromkeys(entry[1] for entry in entries))[:WORDS]
    taken = {word.casefold() for word in english}
    others = [word for word in dict.fromkeys(entry[0] for entry in entries) if word.casefold() not in taken]
    return english, others[:WORDS]


def embedded(language: str, words: list[str]) -> Floats:
    """The vectors [n, d] of words, embedded once and kept."""
    path = CACHE / f"words_{language}.npz"
    known: dict[str, Floats] = {}
    if path.is_file():
        with np.load(path) as archive:
            known = dict(zip(archive["words"].tolist(), archive["vectors"]))
    missing = [word for word in words if word not in known]
    if missing:
        from spacy_xlt.encoders.folder import default_folder
        from spacy_xlt.encoders.torch_encoder import TorchEncoder

        encoder = TorchEncoder()
        encoder.load(default_folder())
        for start in range(0, len(missing), CHUNK):
            print(f"embedding {language}: {start} of {len(missing)}", flush=True)
            chunk = missing[start : start + CHUNK]
            known.update(zip(chunk, encoder.encode(chunk).astype(np.float32)))
        CACHE.mkdir(parents=True, exist_ok=True)
        np.savez(path, words=np.array(list(known)), vectors=np.array(list(known.values())))
    return np.array([known[word] for word in words])


def make_task(language: str, seed: int) -> Task:
    """See above. Raises AssertionError if a vector stands on both sides."""
    rng = np.random.default_rng(seed)
    english, others = heads(language)
    english = [english[i] for i in rng.permutation(len(english))]
    others = [others[i] for i in rng.permutation(len(others))]
    x, plain = embedded("en", english), embedded(language, others)
    assert nearest(plain, x, metric="cosine")[1].max() < 0.99999, "a word stands on both sides"
    place, other_place = ({word: i for i, word in enumerate(side)} for side in (english, others))
    pairs = [(other_place[a], place[b]) for a, b in dictionary(language) if a in other_place and b in place]
    secret, upper = np.linalg.qr(rng.standard_normal((x.shape[1], x.shape[1])))
    secret = (secret * np.sign(np.diag(upper))).astype(np.float32)
    return Task(x, plain @ secret, np.array(pairs), secret)


def scrambled(y: Floats, seed: int) -> Floats:
    """Rows with the mean, the covariance and the distribution on each principal axis of y, and nothing else of it."""
    rng = np.random.default_rng(seed)
    mean = y.mean(axis=0)
    axes = np.linalg.eigh((y - mean).T @ (y - mean))[1]
    columns = ((y - mean) @ axes).T
    return np.stack([rng.permutation(column) for column in columns], axis=1) @ axes.T + mean


def precision(task: Task, words: NDArray[np.int64], language_map: AffineMap) -> float:
    """P@1 of the English rows `words`, both sides centered by the map's own means."""
    x, y = task.x - language_map.target, language_map(task.y) - language_map.target
    answers = nearest(x[words], y, key_similarity=neighborhood_similarity(y, x))[0][:, 0]
    right = set(map(tuple, task.pairs.tolist()))
    return float(np.mean([(answer, word) in right for answer, word in zip(answers.tolist(), words.tolist())]))


def run(method: str, y: Floats, x: Floats, seed: int) -> tuple[AffineMap, AlignmentReport, float]:
    aligner = METHODS[method](seed=seed)
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        found = aligner.fit({"en": x, "other": y}, "en")["other"]
    return found, aligner.report["other"], perf_counter() - start


def rows_of(language: str, seed: int, methods: list[str]) -> list[dict[str, Any]]:
    """The rows of the results for a language and a seed."""
    task = make_task(language, seed)
    known = np.random.default_rng(seed).permutation(np.unique(task.pairs[:, 1]))
    trained, tested = known[:TRAINED], known[TRAINED:]
    dictionary_pairs = task.pairs[np.isin(task.pairs[:, 1], trained)]
    supervised = Procrustes().fit({"en": task.x, "other": task.y}, "en", {"other": dictionary_pairs})["other"]
    inverse = affine(task.y.mean(axis=0), task.x.mean(axis=0), task.secret)
    shared = {
        "language": language,
        "seed": seed,
        "supervised_p_at_1": round(precision(task, tested, supervised), 4),
        "inverse_p_at_1": round(precision(task, tested, inverse), 4),
    }
    rows = []
    for method in methods:
        found, report, seconds = run(method, task.y, task.x, seed)
        rows.append({**shared, "method": method, "p_at_1": round(precision(task, tested, found), 4)})
        rows[-1].update(_figures(report, seconds))
        print(json.dumps(rows[-1]), flush=True)
        if seed == 0:
            _, report, seconds = run(method, scrambled(task.y, seed), task.x, seed)
            rows.append({**shared, "method": f"{method} (control)", "p_at_1": None, **_figures(report, seconds)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def _figures(report: AlignmentReport, seconds: float) -> dict[str, Any]:
    return {
        "score": round(report.score, 4),
        "mutual_share": round(report.mutual_share, 4),
        "agreement": round(report.agreement, 4),
        "failed": report.failed,
        "seconds": round(seconds, 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "# A secret rotation, found without a dictionary",
        "",
        f"{WORDS:,} English words and {WORDS:,} of another language, one side turned and both shuffled; P@1 by CSLS of "
        f"English words that no method was fitted on. Supervised: Procrustes on the dictionary of {TRAINED:,} other "
        "English words. Inverse: the rotation undone. Control: a scrambled other side, which has to be called failed.",
        "",
        "| language | seed | method | P@1 | supervised | difference | inverse | score | agreement | failed | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found, difference = "", ""
        if row["p_at_1"] is not None:
            found, difference = f"{row['p_at_1']:.3f}", f"{row['p_at_1'] - row['supervised_p_at_1']:+.3f}"
        lines.append(
            f"| {row['language']} | {row['seed']} | {row['method']} | {found} "
            f"| {row['supervised_p_at_1']:.3f} | {difference} | {row['inverse_p_at_1']:.3f} | {row['score']:.3f} "
            f"| {row['agreement']:.3f} | {'yes' if row['failed'] else 'no'} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", default="de,es,ru,tr")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--fresh", action="store_true", help="run again what the results hold already")
    options = parser.parse_args()
    path = RESULTS / "rotation.json"
    rows = [] if options.fresh or not path.is_file() else json.loads(path.read_text(encoding="utf8"))["rows"]
    for seed in range(options.seeds):
        for language in options.languages.split(","):
            done = {row["method"] for row in rows if (row["language"], row["seed"]) == (language, seed)}
            methods = [method for method in options.methods.split(",") if method not in done]
            if methods:
                rows += rows_of(language, seed, methods)
                rows.sort(key=lambda row: (row["language"], row["seed"], row["method"]))
                write_results("rotation", {"rows": rows}, table(rows))


if __name__ == "__main__":
    main()
