"""Every aligner on the same data: SIB-200 accuracy, sentence retrieval (Tatoeba) and word translation (dictionaries).

    python -m spacy project run sib200 && python -m spacy project run align

For two trained models, the encoder frozen and fine-tuned, with their own heads:
  SIB-200   maps fitted on 500 lines of NTREX-128 (as texts or as pairs with English), accuracy of the head on projected
            dev (to choose by) and test sentences (to report), mean of 13 languages and some of them
  Tatoeba   the same maps; 500 pairs a language, CSLS, both ways, mean of 13 languages
  BLI       maps fitted on 1,500 words a language (texts or pairs); P@1 of CSLS on held-out English words, mean of 7
The aligners of `texts` see no translation: their rows are shuffled. Embeddings are kept in training/align/.
Writes benchmarks/results/align.{json,md}; `default` is the best aligner of unlabeled texts on SIB-200's dev sentences.
"""

import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any, Optional

import numpy as np
import spacy
from common import PROJECT, data_folder, read_ntrex, write_results
from numpy.typing import NDArray
from spacy.pipeline.textcat import TextCategorizer
from spacy.util import registry
from tqdm import tqdm

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.data.dataset import Dataset
from spacy_xlt.data.dictionaries import read_dictionary, split_by_source
from spacy_xlt.data.parallel import read_parallel
from spacy_xlt.evaluation.alignment import sentence_figures
from spacy_xlt.evaluation.lexicon import induce_lexicon
from spacy_xlt.languages import base_code
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.vectors import unit_rows

SOURCE = "en"
MODELS = {"frozen": "sib200", "finetuned": "sib200-finetuned"}
NTREX_LINES = 500
TATOEBA_PAIRS = 500
FIT_WORDS, HELD_OUT_WORDS = 1500, 500
DICTIONARIES = ("de", "es", "ru", "zh", "ar", "hi", "tr")
SHOWN = ("sw", "pt", "en")

Texts = dict[str, list[str]]
Vectors = Mapping[str, Floats]


@dataclass(frozen=True)
class Space:
    """The embeddings of a model, by the name of their texts (`dev.sw`), and its head."""

    vectors: Vectors
    labels: Mapping[str, NDArray[np.str_]]
    head: Callable[[Floats], NDArray[np.str_]]


def sentences() -> tuple[Texts, dict[str, list[str]]]:
    """All sentences by name, and the labels of SIB-200's: `dev.sw`, `test.sw`, `ntrex.sw`, `tatoeba.sw`, `...sw.en`."""
    texts: Texts = {}
    labels: dict[str, list[str]] = {}
    for split in ("dev", "test"):
        for record in Dataset.load(sorted((data_folder() / "sib200").glob(f"*/{split}.tsv"))).records:
            texts.setdefault(f"{split}.{record.language}", []).append(record.text)
            labels.setdefault(f"{split}.{record.language}", []).append(record.labels[0])
    for code, lines in read_ntrex().items():
        texts[f"ntrex.{code}"] = lines[:NTREX_LINES]
    for path in sorted((data_folder() / "tatoeba").glob("*-eng.eng")):
        code = path.stem.partition("-")[0]
        pairs = read_parallel(path, path.with_suffix(f".{code}"))[:TATOEBA_PAIRS]
        texts[f"tatoeba.{base_code(code)}.en"], texts[f"tatoeba.{base_code(code)}"] = map(list, zip(*pairs))
    return texts, labels


def words() -> tuple[Texts, dict[str, list[tuple[str, str]]]]:
    """The words of the dictionaries by name (`words.de`), and the pairs (`fit.de`, `held_out.de`)."""
    texts: Texts = {}
    dictionaries = {}
    chance = np.random.default_rng(0)
    for language in DICTIONARIES:
        pairs = read_dictionary(data_folder() / "bli" / f"en-{language}.dict").pairs
        single = [pair for pair in pairs if " " not in pair[0] + pair[1] and pair[0].isalpha()]
        fit, held_out = split_by_source([single[i] for i in chance.permutation(len(single))])
        for name, part, n in (("fit", fit, FIT_WORDS), ("held_out", held_out, HELD_OUT_WORDS)):
            dictionaries[f"{name}.{language}"] = part[:n]
        both = dictionaries[f"fit.{language}"] + dictionaries[f"held_out.{language}"]
        texts[f"words.{language}.en"] = list(dict.fromkeys(source for source, _ in both))
        texts[f"words.{language}"] = list(dict.fromkeys(target for _, target in both))
    return texts, dictionaries


def embed(model: Path, texts: Texts) -> Vectors:
    """The embeddings of all texts, from training/align/ where they are there already."""
    file = PROJECT / "training" / "align" / f"{model.parent.name}.npz"
    if file.is_file() and file.stat().st_mtime > (model / "config.cfg").stat().st_mtime:
        with np.load(file) as archive:
            if set(archive.files) == set(texts):
                return {name: archive[name] for name in archive.files}
    encoder = find_pipe(spacy.load(model), Encoder)
    vectors = {name: encoder.encode(rows) for name, rows in tqdm(texts.items(), desc=f"Embedding by {model}")}
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **vectors)  # type: ignore[arg-type]
    return vectors


def head_of(model: Path) -> Callable[[Floats], NDArray[np.str_]]:
    """The head of a pipeline as a function on embeddings: softmax(W scale x + b)."""
    pipe: Any = find_pipe(spacy.load(model), TextCategorizer)
    output = pipe.model.get_ref("output_layer")
    scale = next(layer.attrs["factor"] for layer in pipe.model.walk() if layer.name == "scale")
    weights, bias, names = output.get_param("W"), output.get_param("b"), np.array(pipe.labels)
    return lambda rows: names[(scale * rows @ weights.T + bias).argmax(axis=1)]


def project(rows: Floats, language_map: Optional[AffineMap]) -> Floats:
    return rows if language_map is None else unit_rows(language_map(rows))


def fit(aligner: Any, rows: Vectors, pairs: Optional[Mapping[str, Any]]) -> dict[str, AffineMap]:
    """The maps of an aligner; without pairs the rows of every language are shuffled, so that none can be guessed."""
    if pairs is None:
        chance = np.random.default_rng(0)
        rows = {language: vectors[chance.permutation(len(vectors))] for language, vectors in rows.items()}
    maps: dict[str, AffineMap] = aligner.fit(rows, SOURCE, pairs)
    return maps


def measure(
    aligner: Any, data: str, space: Space, dictionaries: Mapping[str, Sequence[tuple[str, str]]], texts: Texts
) -> dict[str, Any]:
    vectors = space.vectors
    languages = sorted(name.partition(".")[2] for name in vectors if name.startswith("ntrex."))
    targets = [language for language in languages if language != SOURCE]
    ntrex = {language: vectors[f"ntrex.{language}"] for language in languages}
    same_row = np.stack([np.arange(NTREX_LINES)] * 2, axis=1)
    start = perf_counter()
    maps: dict[str, AffineMap] = {}
    if aligner is not None:
        maps = fit(aligner, ntrex, dict.fromkeys(targets, same_row) if data == "pairs" else None)
    seconds = perf_counter() - start

    def accuracy(split: str, language: str) -> float:
        name = f"{split}.{language}"
        rows = project(vectors[name], maps.get(language) if language != SOURCE else None)
        return float((space.head(rows) == space.labels[name]).mean())

    def tatoeba(language: str) -> float:
        rows = [(i, i) for i in range(len(vectors[f"tatoeba.{language}"]))]
        theirs = project(vectors[f"tatoeba.{language}"], maps.get(language))
        figures = sentence_figures(vectors[f"tatoeba.{language}.en"], theirs, rows)["csls"]
        return fmean(figures.values())

    return {
        "sib200_dev_mean": fmean(accuracy("dev", language) for language in targets),
        "sib200_mean": fmean(accuracy("test", language) for language in targets),
        **{f"sib200_{language}": accuracy("test", language) for language in SHOWN},
        "tatoeba": fmean(map(tatoeba, targets)),
        "bli": fmean(bli(aligner, data, language, vectors, dictionaries, texts) for language in DICTIONARIES),
        "seconds": seconds,
    }


def bli(
    aligner: Any, data: str, language: str, vectors: Vectors, dictionaries: Mapping[str, Any], texts: Texts
) -> float:
    """P@1 of held-out source words by CSLS, among all target words of the dictionary."""
    source, target = vectors[f"words.{language}.en"], vectors[f"words.{language}"]
    rows = {
        side: {word: row for row, word in enumerate(texts[name])}
        for side, name in ((0, f"words.{language}.en"), (1, f"words.{language}"))
    }
    pairs = {
        name: np.array([(rows[0][ours], rows[1][theirs]) for ours, theirs in dictionaries[f"{name}.{language}"]])
        for name in ("fit", "held_out")
    }
    if aligner is not None:
        if data == "pairs":
            maps = fit(aligner, {SOURCE: source, language: target}, {language: pairs["fit"][:, ::-1]})
        else:
            # Not the held-out words: nothing of them may reach a fit.
            seen = {SOURCE: source[np.unique(pairs["fit"][:, 0])], language: target[np.unique(pairs["fit"][:, 1])]}
            maps = fit(aligner, seen, None)
        target = project(target, maps[language])
    return float(induce_lexicon(source, target, [tuple(pair) for pair in pairs["held_out"]])["csls"]["p@1"])


def aligners() -> list[tuple[str, str, Any]]:
    """(name, what it learns from, aligner): every registered one, with its default settings."""
    rows: list[tuple[str, str, Any]] = [("none", "nothing", None)]
    for name, make in sorted(registry.xlt_aligners.get_all().items()):  # type: ignore[attr-defined]
        short = name.removeprefix("spacy-xlt.").removesuffix(".v1")
        rows.append((short, "pairs" if make().needs_pairs else "texts", make()))
    return sorted(rows, key=lambda row: ("nothing", "texts", "pairs").index(row[1]))


def main() -> None:
    texts, labels = sentences()
    word_texts, dictionaries = words()
    texts |= word_texts
    rows = []
    for encoder, folder in MODELS.items():
        model = PROJECT / "training" / folder / "model-best"
        if not model.is_dir():
            sys.exit(f"✘ {model.relative_to(PROJECT)} is missing. Train it: python -m spacy project run sib200")
        gold = {name: np.array(of_name) for name, of_name in labels.items()}
        space = Space(embed(model, texts), gold, head_of(model))
        for name, data, aligner in tqdm(aligners(), desc=f"Aligners, {encoder}"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                figures = measure(aligner, data, space, dictionaries, texts)
            failed = sorted(
                {type(w.message).__name__ for w in caught if type(w.message).__module__.startswith("spacy_xlt")}
            )
            rows.append({"aligner": name, "encoder": encoder, "data": data, **figures, "warnings": failed})
            print(json.dumps(rows[-1]), flush=True)
    of_texts = [row for row in rows if row["data"] == "texts" and row["encoder"] == "frozen"]
    default = max(of_texts, key=lambda row: row["sib200_dev_mean"])["aligner"]
    write_results("align", {"rows": rows, "default": default}, markdown(rows, default))


def markdown(rows: Sequence[Mapping[str, Any]], default: str) -> str:
    columns = ["sib200_dev_mean", "sib200_mean", *(f"sib200_{language}" for language in SHOWN), "tatoeba", "bli"]
    lines = [
        "| encoder | aligner | learns from | SIB-200 dev | SIB-200 test | sw | pt | en | Tatoeba | BLI P@1 | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{row[column]:.3f}" for column in columns]
        mark = "*" if row["warnings"] else ""
        cells = [row["encoder"], row["aligner"] + mark, row["data"], *cells, f"{row['seconds']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + (
        f"\n\n`*`: said itself that it failed. Best of unlabeled texts on SIB-200 dev, and the default: {default}. "
        "sw, pt, en: SIB-200 test."
    )


if __name__ == "__main__":
    main()
