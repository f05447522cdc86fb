"""What it costs and saves to read only some windows of a long text.

    python benchmarks/long_texts.py [ARTICLES]

The texts are the MasakhaNEWS articles. A logistic regression is trained on English embeddings of the default encoder
(frozen, exported to int8), tested on English dev articles, from which the default is chosen, and on the test articles
of four other languages. Each language is centered on the mean of its test articles, which needs no labels. The seconds
are CPU seconds (all threads together), so that other programs on the machine do not count: of the int8 encoder and of
the float32 torch encoder, on the first English dev articles.

ARTICLES is the largest number of articles per file, evenly spread over the file; default: 472. Half as many, at most 60
per language, are read of the other languages.
Writes benchmarks/results/long_texts.{json,md}.
"""

import csv
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple, Optional

import numpy as np
from common import data_folder, write_results
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from spacy_xlt.encoders.base import Floats2d, average_windows
from spacy_xlt.encoders.folder import EncoderSettings, default_folder
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.encoders.tokenizer import WindowTokenizer
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.export.onnx_graph import write_encoder
from spacy_xlt.vectors import unit_rows

LANGUAGES = ("fra", "hau", "swa", "amh")
# (window, max_windows); None reads everything.
SETTINGS: tuple[tuple[int, Optional[int]], ...] = (
    (512, None),
    (512, 1),
    (512, 2),
    (512, 3),
    (256, 1),
    (256, 2),
    (128, 1),
    (128, 2),
    (128, 3),
    (128, 4),
)
# As benchmarks/logistic.py: not chosen on these data.
C = 10.0
TIMED_INT8, TIMED_TORCH = 40, 12


class Articles(NamedTuple):
    labels: list[str]
    texts: list[str]


def read_articles(name: str, most: int) -> Articles:
    with (data_folder() / "masakhanews" / f"{name}.tsv").open(encoding="utf8", newline="") as file:
        rows = [(row["category"], row["text"]) for row in csv.DictReader(file, delimiter="\t")]
    chosen = sorted(set(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)))
    return Articles([rows[index][0] for index in chosen], [rows[index][1] for index in chosen])


class Embedder:
    """Embed texts under several settings; a window that two settings share is encoded once."""

    def __init__(self, encoder: OnnxEncoder, folder: Path) -> None:
        self._encoder = encoder
        self._json = (folder / "tokenizer.json").read_text(encoding="utf8")
        self._tokenizers = {each: WindowTokenizer(self._json, settings_of(folder, *each)) for each in SETTINGS}

    def embed(self, texts: Sequence[str], title: str) -> dict[tuple[int, Optional[int]], Floats2d]:
        chosen = {each: tokenizer.windows(texts) for each, tokenizer in self._tokenizers.items()}
        different = sorted({tuple(window) for windows, _, _ in chosen.values() for window in windows}, key=len)
        vectors: dict[tuple[int, ...], Any] = {}
        for start in tqdm(range(0, len(different), 64), desc=title, file=sys.stderr, mininterval=10):
            part = different[start : start + 64]
            vectors.update(zip(part, self._encoder.encode_windows([list(window) for window in part])))
        return {
            each: average_windows(
                np.array([vectors[tuple(window)] for window in windows]),
                np.asarray(owners),
                np.asarray(lengths, dtype=np.float32),
                len(texts),
            )
            for each, (windows, owners, lengths) in chosen.items()
        }

    def pieces(self, texts: Sequence[str]) -> dict[tuple[int, Optional[int]], float]:
        """The mean number of word pieces that are read of a text."""
        return {
            each: sum(map(len, tokenizer.windows(texts)[0])) / len(texts)
            for each, tokenizer in self._tokenizers.items()
        }


def settings_of(folder: Path, window: int, max_windows: Optional[int]) -> EncoderSettings:
    return replace(EncoderSettings.load(folder), window=window, max_windows=max_windows)


def cpu_seconds(folder: Path, onnx: Path, texts: Sequence[str]) -> dict[tuple[int, Optional[int]], dict[str, float]]:
    """CPU seconds per article of both back ends, word pieces included."""
    seconds: dict[tuple[int, Optional[int]], dict[str, float]] = {}
    for each in tqdm(SETTINGS, desc="Seconds", file=sys.stderr):
        settings = settings_of(folder, *each)
        settings.save(onnx)
        int8 = OnnxEncoder(threads=1)
        int8.load(onnx)
        torch_encoder = TorchEncoder(window=each[0], max_windows=each[1] or 0)
        torch_encoder.load(folder)
        seconds[each] = {}
        for name, encoder, n in (("int8", int8, TIMED_INT8), ("torch", torch_encoder, TIMED_TORCH)):
            encoder.encode(texts[:1])
            start = process_time()
            encoder.encode(texts[:n])
            seconds[each][name] = (process_time() - start) / min(n, len(texts))
    return seconds


def main(most: int) -> None:
    folder = default_folder()
    train, dev = read_articles("eng.train", most), read_articles("eng.dev", most)
    others = {language: read_articles(f"{language}.test", min(most // 2, 60)) for language in LANGUAGES}
    with tempfile.TemporaryDirectory() as scratch:
        onnx = Path(scratch) / "onnx"
        write_encoder(folder, onnx, "int8")
        encoder = OnnxEncoder(threads=2)
        encoder.load(onnx)
        embedder = Embedder(encoder, folder)
        pieces = embedder.pieces(dev.texts)
        of_train, of_dev = embedder.embed(train.texts, "eng.train"), embedder.embed(dev.texts, "eng.dev")
        of_others = {language: embedder.embed(each.texts, language) for language, each in others.items()}
        seconds = cpu_seconds(folder, onnx, dev.texts)
    rows = []
    for each in SETTINGS:
        head = LogisticRegression(C=C, max_iter=1000).fit(of_train[each], train.labels)
        mean = of_train[each].mean(axis=0)
        scores = {
            language: head.score(
                unit_rows(of_others[language][each] - of_others[language][each].mean(axis=0) + mean), articles.labels
            )
            for language, articles in others.items()
            if set(articles.labels) & set(train.labels)
        }
        rows.append(
            {
                "window": each[0],
                "max_windows": each[1],
                "pieces": round(pieces[each], 1),
                "seconds_int8": round(seconds[each]["int8"], 4),
                "seconds_torch": round(seconds[each]["torch"], 4),
                "eng_dev": round(head.score(of_dev[each], dev.labels), 4),
                **{language: round(score, 4) for language, score in scores.items()},
                "mean_of_others": round(float(np.mean(list(scores.values()))), 4),
            }
        )
    everything = rows[0]
    head_line = (
        "| window | max_windows | word pieces | int8 s | torch s | times as fast (int8, torch) | eng dev | "
        + " | ".join(LANGUAGES)
        + " | mean of 4 |\n"
        + "|---" * (8 + len(LANGUAGES))
        + "|\n"
    )
    lines = [
        f"| {row['window']} | {row['max_windows'] or 'all'} | {row['pieces']:.0f} | {row['seconds_int8']:.3f} | "
        f"{row['seconds_torch']:.3f} | {everything['seconds_int8'] / row['seconds_int8']:.1f}, "
        f"{everything['seconds_torch'] / row['seconds_torch']:.1f} | {row['eng_dev']:.3f} | "
        + " | ".join(f"{row[language]:.3f}" for language in LANGUAGES)
        + f" | {row['mean_of_others']:.3f} |"
        for row in rows
    ]
    of_language = {language: len(articles.texts) for language, articles in others.items()}
    sizes = {"train": len(train.texts), "dev": len(dev.texts), **of_language}
    note = (
        f"\n\n{sizes['train']} English training articles, {sizes['dev']} dev articles, "
        f"{min(of_language.values())} test articles of each other language. CPU seconds per article: mean of "
        f"{TIMED_INT8} (int8, one thread) and {TIMED_TORCH} (torch, float32) articles. The accuracies are those of "
        "int8 vectors, which are centered for the other languages."
    )
    write_results("long_texts", {"rows": rows, "articles": sizes}, head_line + "\n".join(lines) + note)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 472)
