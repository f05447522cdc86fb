"""Search across languages: bitext, paragraphs by question, and speed.

    python benchmarks/search.py [--only quality|speed|large] [--n 1000000] [--cache FILE]

Needs the benchmark data beside the repository (Tatoeba, NTREX, XQuAD, MLQA). The projection is fitted on the first 150
lines of NTREX. The choice for or against CSLS was made on the questions of XQuAD's first 36 articles; the others, and
MLQA, are reported. The vectors for the speed have the mean and the covariance of the embeddings of NTREX. The part
`large` takes some minutes of CPU time, and is kept if another part is measured again.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Optional

import numpy as np
import spacy
from common import RESULTS, data_folder, peak_mb, read_ntrex, write_results
from spacy.language import Language

import spacy_xlt as xlt
from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.retrieval import neighborhood_similarity
from spacy_xlt.evaluation.evaluate_alignment import evaluate_alignment
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.search.embedding import DEFAULT_COMPONENTS, embed
from spacy_xlt.search.entries import Entry
from spacy_xlt.search.exact import search_exact
from spacy_xlt.search.store import Store
from spacy_xlt.vectors import unit_rows

LANGUAGES = ("en", "ar", "de", "es", "hi", "ru", "sw", "tr", "vi", "zh")
FIT_LINES = 150
BITEXT_LANGUAGES = {"de": ("deu", "deu"), "sw": ("swh", "swa"), "zh": ("cmn", "zho-CN")}
BITEXT_PAIRS = 200
DEV_ARTICLES = 36
DEV_QUESTIONS, QUESTIONS, MLQA_QUESTIONS = 110, 150, 40
K = 10
SPEED_QUERIES = 200


class CachedEncoder:
    """Embeddings of texts by a pipeline's encoder, kept in a file between runs."""

    def __init__(self, nlp: Language, file: Optional[Path]) -> None:
        self.encoder, self.file = find_pipe(nlp, Encoder), file
        self.known: dict[str, Floats] = {}
        if file is not None and file.is_file():
            with np.load(file, allow_pickle=False) as stored:
                self.known = dict(zip(stored["keys"].tolist(), stored["vectors"]))

    def __call__(self, texts: Sequence[str]) -> Floats:
        missing = [text for text in dict.fromkeys(texts) if key_of(text) not in self.known]
        for start in range(0, len(missing), 256):
            part = missing[start : start + 256]
            self.known.update(zip(map(key_of, part), self.encoder.encode(part)))
            print(f"{start + len(part)} of {len(missing)} texts embedded", flush=True)
        if missing and self.file is not None:
            np.savez(self.file, keys=np.array(list(self.known)), vectors=np.array(list(self.known.values())))
        return np.array([self.known[key_of(text)] for text in texts])


def key_of(text: str) -> str:
    """The name of a text in the file of embeddings."""
    return sha256(text.encode("utf8")).hexdigest()


def make_pipeline(encode: Optional[CachedEncoder] = None) -> Language:
    """The default encoder, with a projection that is fitted on NTREX if the encoder is given."""
    nlp = spacy.blank("xx")
    for name in DEFAULT_COMPONENTS:
        nlp.add_pipe(name)
    if encode is not None:
        nlp.get_pipe("xlt_projector").fit(  # type: ignore[attr-defined]
            {language: encode(lines[:FIT_LINES]) for language, lines in read_ntrex().items() if language in LANGUAGES}
        )
    return nlp


# Bitext: the figures of `xlt evaluate-alignment`, and those of an index


def bitext(nlp: Language) -> list[dict[str, Any]]:
    rows = []
    for name in ("tatoeba", "ntrex"):
        for language, codes in BITEXT_LANGUAGES.items():
            pairs = read_pairs(name, *codes)[-BITEXT_PAIRS:]
            figures = evaluate_alignment(nlp, pairs={language: pairs}, progress=False)["languages"][language]
            expected = figures["sentences"]["after"]["cosine"]
            forth = by_index(nlp, pairs, "en", language)
            back = by_index(nlp, [(theirs, ours) for ours, theirs in pairs], language, "en")
            rows.append(
                {
                    "data": name,
                    "language": language,
                    "pairs": len(pairs),
                    "evaluate_alignment": [expected["from_source"], expected["to_source"]],
                    "index": [forth, back],
                }
            )
            print(rows[-1], flush=True)
    return rows


def read_pairs(name: str, tatoeba: str, ntrex: str) -> list[tuple[str, str]]:
    folder = data_folder() / name
    if name == "tatoeba":
        files = [folder / f"{tatoeba}-eng.{side}" for side in ("eng", tatoeba)]
    else:
        files = [next(path for path in folder.iterdir() if f"{code}." in path.name) for code in ("eng", ntrex)]
    ours, theirs = (path.read_text(encoding="utf8").splitlines() for path in files)
    return list(zip(ours, theirs))


def by_index(nlp: Language, pairs: Sequence[tuple[str, str]], source: str, target: str) -> float:
    """The share of the distinct source sentences whose nearest entry is one of their translations."""
    index = xlt.Index(nlp)
    index.add(list(dict.fromkeys(theirs for _, theirs in pairs)), language=target, progress=False)
    queries = list(dict.fromkeys(ours for ours, _ in pairs))
    right = set(pairs)
    hits = index.search_all(queries, 1, language=source)
    return sum((query, found[0].text) in right for query, found in zip(queries, hits)) / len(queries)


# Paragraphs by question


def squad(path: Path) -> list[tuple[int, int, str, list[tuple[str, str]]]]:
    """(article, paragraph, its text, its questions with their ids) of a file in the format of SQuAD."""
    articles = json.loads(path.read_text(encoding="utf8"))["data"]
    return [
        (a, p, paragraph["context"], [(each["id"], each["question"]) for each in paragraph["qas"]])
        for a, article in enumerate(articles)
        for p, paragraph in enumerate(article["paragraphs"])
    ]


class Task:
    """Questions in several languages, and paragraphs of which one is right for each question.

    questions: {language: texts}; gold: {language: the right paragraph of each}; paragraphs and their languages.
    """

    def __init__(
        self,
        questions: dict[str, list[str]],
        gold: dict[str, list[int]],
        paragraphs: list[str],
        languages: list[str],
    ) -> None:
        self.questions, self.gold, self.paragraphs, self.languages = questions, gold, paragraphs, languages


def xquad_tasks() -> dict[str, Task]:
    folder = data_folder() / "xquad"
    data = {path.name.split(".")[1]: squad(path) for path in sorted(folder.glob("xquad.*.json"))}
    codes = sorted(data)
    english = data["en"]
    places = [(row, q) for row, (_, _, _, questions) in enumerate(english) for q in range(len(questions))]
    rng = np.random.default_rng(0)
    parts = {}
    for part, size in (("dev", DEV_QUESTIONS), ("test", QUESTIONS)):
        of_part = [place for place in places if (english[place[0]][0] < DEV_ARTICLES) == (part == "dev")]
        parts[part] = [of_part[n] for n in sorted(rng.choice(len(of_part), size, replace=False))]
    mixed = [codes[row % len(codes)] for row in range(len(english))]
    pools = {
        "English paragraphs": ([paragraph for _, _, paragraph, _ in english], ["en"] * len(english)),
        "paragraphs in 9 languages": ([data[code][row][2] for row, code in enumerate(mixed)], mixed),
    }
    return {
        f"XQuAD {part}, {pool}": Task(
            {code: [data[code][row][3][q][1] for row, q in chosen] for code in codes},
            {code: [row for row, _ in chosen] for code in codes},
            paragraphs,
            languages,
        )
        for part, chosen in parts.items()
        for pool, (paragraphs, languages) in pools.items()
    }


def mlqa_tasks() -> dict[str, Task]:
    """Questions in six languages, paragraphs in English; and questions in English, paragraphs in six languages."""
    data = {path.stem.split("-")[1]: squad(path) for path in sorted((data_folder() / "mlqa").glob("dev-*.json"))}
    texts = {
        code: {id: (question, paragraph) for _, _, paragraph, asked in of_code for id, question in asked}
        for code, of_code in data.items()
    }
    rng = np.random.default_rng(0)
    chosen = {}
    for code in sorted(set(texts) - {"en"}):
        shared = [id for id in texts[code] if id in texts["en"]]
        chosen[code] = [shared[n] for n in sorted(rng.choice(len(shared), MLQA_QUESTIONS, replace=False))]
    english = list(dict.fromkeys(texts["en"][id][1] for ids in chosen.values() for id in ids))
    others = {texts[code][id][1]: code for code, ids in chosen.items() for id in ids}
    asked = [(code, id) for code, ids in chosen.items() for id in ids]
    return {
        "MLQA, English paragraphs": Task(
            {code: [texts[code][id][0] for id in ids] for code, ids in chosen.items()},
            {code: [english.index(texts["en"][id][1]) for id in ids] for code, ids in chosen.items()},
            english,
            ["en"] * len(english),
        ),
        "MLQA, English questions, paragraphs in 6 languages": Task(
            {"en": [texts["en"][id][0] for _, id in asked]},
            {"en": [list(others).index(texts[code][id][1]) for code, id in asked]},
            list(others),
            list(others.values()),
        ),
    }


def paragraphs_by_question(encode: CachedEncoder, nlp: Language) -> list[dict[str, Any]]:
    """MRR@10 and recall@10, means over languages, of questions whose paragraph is in another language."""
    project: Any = nlp.get_pipe("xlt_projector")
    rows = []
    for name, task in {**xquad_tasks(), **mlqa_tasks()}.items():
        for projected in (False, True):

            def vectors(texts: Sequence[str], languages: Sequence[str], projected: bool = projected) -> Floats:
                found = encode(texts)
                return project.project(found, [{language: 1.0} for language in languages]) if projected else found

            keys = vectors(task.paragraphs, task.languages)
            hubness = neighborhood_similarity(keys, keys, K + 1)
            for metric, penalty in (("cosine", None), ("CSLS", hubness)):
                figures = []
                for language, questions in task.questions.items():
                    gold = np.array(task.gold[language])
                    other = np.array([task.languages[row] != language for row in gold])
                    if other.any():
                        queries = vectors(questions, [language] * len(questions))[other]
                        found, _ = search_exact(keys, queries, K, penalty=penalty)
                        figures.append(ranked(found, gold[other]))
                mrr, recall = np.mean(figures, axis=0)
                rows.append({"task": name, "projected": projected, "metric": metric, "mrr": mrr, "recall": recall})
                print(rows[-1], flush=True)
    return rows


def ranked(found: Any, gold: Any) -> tuple[float, float]:
    """MRR@10 and recall@10."""
    hit = found == gold[:, None]
    return float((hit / np.arange(1, found.shape[1] + 1)).sum(axis=1).mean()), float(hit.any(axis=1).mean())


# Speed


def synthetic(real: Floats, n: int, seed: int) -> Floats:
    """Unit vectors with the mean and the covariance of real embeddings."""
    rng = np.random.default_rng(seed)
    factor = np.linalg.cholesky(np.cov(real.T) + 1e-9 * np.eye(real.shape[1])).astype(np.float32)
    mean = real.mean(axis=0)
    parts = []
    for start in range(0, n, 50_000):
        noise = rng.standard_normal((min(50_000, n - start), real.shape[1]), dtype=np.float32)
        parts.append(unit_rows(noise @ factor.T + mean))
    return np.concatenate(parts)


def speed(real: Floats, n: int) -> dict[str, Any]:
    """Build, save, load and search an index of n synthetic vectors."""
    vectors, queries = synthetic(real, n, 0), synthetic(real, SPEED_QUERIES, 1)
    store = Store(vectors.shape[1])
    entries = [Entry(str(number), f"text {number}", "en", {"topic": number % 7}) for number in range(n)]
    wall, cpu = time.perf_counter(), time.process_time()
    store.add(entries, vectors)
    built = {"build_s": time.perf_counter() - wall, "build_cpu_s": time.process_time() - cpu}
    truth, _ = search_exact(vectors, queries, K)
    del vectors, entries
    with tempfile.TemporaryDirectory() as folder:
        store.save(Path(folder) / "index", {}, {})
        megabytes = {path.name: path.stat().st_size / 1e6 for path in (Path(folder) / "index").iterdir()}
        wall = time.perf_counter()
        loaded, _ = Store.load(Path(folder) / "index")
        loaded.search(queries[:1], K)
        load_s = time.perf_counter() - wall
        rows, times, cpus = [], [], []
        for query in queries:
            wall, cpu = time.perf_counter(), time.process_time()
            found, _ = loaded.search(query[None], K)
            times.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
            rows.append(found[0])
    recall = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(np.array(rows).tolist(), truth.tolist())]))
    return {
        "n": n,
        **built,
        "load_s": load_s,
        "ms": float(np.median(times)) * 1000,
        "cpu_ms": float(np.mean(cpus)) * 1000,
        "recall": recall,
        "megabytes": megabytes,
        "peak_mb": peak_mb(),
    }


def one_question(nlp: Language) -> dict[str, float]:
    """The time of a whole question: language, embedding, projection."""
    questions = [f"Where is my parcel number {number}, and when does it arrive?" for number in range(30)]
    embed(nlp, questions[:2], ["", ""])
    times, cpus = [], []
    for question in questions[2:]:
        wall, cpu = time.perf_counter(), time.process_time()
        embed(nlp, [question], [""])
        times.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"ms": float(np.median(times)) * 1000, "cpu_ms": float(np.mean(cpus)) * 1000}


# The document


def markdown(document: dict[str, Any]) -> str:
    lines = ["# Search", ""]
    if "paragraphs" in document:
        lines += [
            "Paragraphs by question. The paragraph is never in the language of the question.",
            "",
            "| task | projection | metric | MRR@10 | recall@10 |",
            "|---|---|---|---|---|",
            *(
                f"| {row['task']} | {'yes' if row['projected'] else 'no'} | {row['metric']} | {row['mrr']:.3f} | "
                f"{row['recall']:.3f} |"
                for row in document["paragraphs"]
            ),
            "",
        ]
    if "bitext" in document:
        lines += [
            "How often the nearest sentence is the translation, from and to English.",
            "",
            "| data | language | pairs | evaluate-alignment | index |",
            "|---|---|---|---|---|",
            *(
                f"| {row['data']} | {row['language']} | {row['pairs']} | "
                + " | ".join(", ".join(f"{value:.3f}" for value in row[key]) for key in ("evaluate_alignment", "index"))
                + " |"
                for row in document["bitext"]
            ),
            "",
        ]
    if "speed" in document:
        lines += [
            "Speed, one query at a time, without the time to embed it. The CPU time is given because the machine had "
            "other work.",
            "",
            "| vectors | build, s | CPU s | load, s | ms a query (median) | CPU ms | recall@10 | on disk, MB | "
            "of it graph | peak MB |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in document["speed"]:
            size, graph = sum(row["megabytes"].values()), row["megabytes"].get("graph.usearch", 0.0)
            lines.append(
                f"| {row['n']:,} | {row['build_s']:.1f} | {row['build_cpu_s']:.1f} | {row['load_s']:.1f} | "
                f"{row['ms']:.1f} | {row['cpu_ms']:.1f} | {row['recall']:.3f} | {size:,.0f} | {graph:,.0f} | "
                f"{row['peak_mb']:,.0f} |"
            )
        whole = document["question"]
        lines += [
            "",
            f"To detect the language of a question, embed and project it takes {whole['ms']:.0f} ms more (CPU "
            f"{whole['cpu_ms']:.0f} ms) with the PyTorch encoder.",
        ]
    return "\n".join(lines)


def main(only: Optional[str], n: int, cache: Optional[Path]) -> None:
    file = RESULTS / "search.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf8")) if file.is_file() else {}
    document.pop("machine", None)
    encode = CachedEncoder(make_pipeline(), cache)
    nlp = make_pipeline(encode)
    real = encode([line for code, lines in read_ntrex().items() if code in LANGUAGES for line in lines[:FIT_LINES]])
    if only in (None, "quality"):
        document["paragraphs"] = paragraphs_by_question(encode, nlp)
        document["bitext"] = bitext(nlp)
    if only in (None, "speed"):
        kept = [row for row in document.get("speed", []) if row["n"] > 200_000]
        document["speed"] = [speed(real, 10_000), speed(real, 100_000), *kept]
        document["question"] = one_question(nlp)
    if only in (None, "large"):
        kept = [row for row in document.get("speed", []) if row["n"] != n]
        document["speed"] = sorted([*kept, speed(real, n)], key=lambda row: row["n"])
    write_results("search", document, markdown(document))
    print(markdown(document))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["quality", "speed", "large"], help="measure one part")
    parser.add_argument("--cache", type=Path, help="an .npz file that keeps embeddings between runs")
    parser.add_argument("--n", type=int, default=1_000_000, help="vectors of the part `large`")
    args = parser.parse_args()
    main(args.only, args.n, args.cache)
