"""`xlt process`: as fast as a bare loop, no more memory for more documents, nothing lost, however often it is killed.

    python benchmarks/batch.py --fast training/speed/fast --default training/tickets/transfer

--fast: a model of the preset `fast`. --default: one with the default encoder. Every figure is of a process of its own
(benchmarks/batch_runs.py). Writes benchmarks/results/batch.{json,md}; `--quick` takes few documents and writes nothing.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Optional

import psutil

sys.path.append(str(Path(__file__).parent))
from common import machine, write_results
from tickets import write_tickets

RUNS = Path(__file__).parent / "batch_runs.py"
# Large enough for a kill between the first part and the last.
KILL_DOCUMENTS, RAY_DOCUMENTS = 60_000, 40_000
# Files that have to be the same after any end and a second run.
KEPT = ("part-*", "quarantine.jsonl", "summary.json", "manifest.json")


def run(*arguments: Any) -> dict[str, Any]:
    """One run of batch_runs.py: {docs, seconds, peak_mb}."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    finished = subprocess.run(
        [sys.executable, str(RUNS), *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    if finished.returncode:
        raise SystemExit(finished.stderr)
    measured: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return measured


def measure_speed(model: Path, source: Path, scratch: Path, repeats: int) -> dict[str, Any]:
    """Documents a second of the bare loop and of `process`, by turns; the ratio is of the medians."""
    ways = ("bare", "process", "workers-2")
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats):
        for way in ways:
            measured = run(way, model, source, scratch / f"{way}-{source.stem}-{repeat}")
            rates[way].append(measured["docs"] / measured["seconds"])
    median = {way: statistics.median(values) for way, values in rates.items()}
    ratios = {way: round(median[way] / median["bare"], 3) for way in ways[1:]}
    figures = {"docs_per_s": {way: round(value, 1) for way, value in median.items()}, "ratio_to_bare": ratios}
    print(figures, flush=True)
    return figures


def command(model: Path, source: Path, out: Path, engine: str) -> list[str]:
    extra = ["--engine", engine, "--workers", "2"] if engine == "ray" else []
    return [sys.executable, "-m", "spacy", "xlt", "process", str(model), str(source), "-o", str(out), *extra]


def kept(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for pattern in KEPT for path in out.glob(pattern)}


def count_ids(out: Path) -> Counter[str]:
    lines = (line for part in sorted(out.glob("part-*.jsonl")) for line in part.open(encoding="utf8"))
    return Counter(json.loads(line)["id"] for line in lines)


def find_actor(of: int) -> Optional[int]:
    """The process of an actor of the run `of`."""
    for each in psutil.Process(of).children(recursive=True):
        try:
            if "MapWorker" in " ".join(each.cmdline()):
                return each.pid
        except psutil.Error:
            continue
    return None


def measure_kills(model: Path, source: Path, scratch: Path, kills: int, engine: str) -> dict[str, int]:
    """Kill the command (of Ray: one of its actors) at random moments; what is there after the next run is compared."""
    chance = random.Random(0)
    whole = scratch / f"whole-{engine}"
    start = time.perf_counter()
    subprocess.run(command(model, source, whole, "local"), check=True, capture_output=True)
    seconds = time.perf_counter() - start
    expected, ids = kept(whole), set(count_ids(whole))
    done = lost = duplicated = different = interrupted = 0
    while done < kills:
        out = scratch / f"killed-{engine}-{done}"
        process = subprocess.Popen(
            command(model, source, out, engine), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if engine == "ray":
            while process.poll() is None and not list(out.glob("part-*")):
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 1))
            actor = find_actor(process.pid) if process.poll() is None else None
            if actor is not None:
                os.kill(actor, signal.SIGKILL)
                interrupted += 1
            if process.wait() != 0:
                raise SystemExit("Ray did not replace the actor that was killed.")
        else:
            time.sleep(chance.uniform(0, seconds))
            interrupted += process.poll() is None
            process.kill()
            process.wait()
            subprocess.run(command(model, source, out, engine), check=True, capture_output=True)
        found = count_ids(out)
        lost += len(ids - set(found))
        duplicated += sum(found.values()) - len(found)
        different += kept(out) != expected
        done += 1
        print(
            f"{engine}: kill {done} of {kills}: lost {lost}, duplicated {duplicated}, different {different}", flush=True
        )
    return {
        "kills": done,
        "in_mid_run": interrupted,
        "lost": lost,
        "duplicated": duplicated,
        "different": different,
    }


def measure_bad(model: Path, scratch: Path, good: int, bad: int) -> dict[str, int]:
    """Good and bad records mixed: each good one classified, each bad one in quarantine with its line."""
    source, out = scratch / "bad.jsonl", scratch / "bad"
    measured = run("bad", model, source, out, good, bad)
    return {key: measured[key] for key in ("good", "bad", "classified", "in_quarantine_with_its_line")}


def make_markdown(document: dict[str, Any]) -> str:
    lines = [
        "# Batches",
        "",
        "| model | documents | bare loop | process | process, 2 workers |",
        "|---|---|---|---|---|",
    ]
    for name, figures in document["speed"].items():
        rates, ratios = figures["docs_per_s"], figures["ratio_to_bare"]
        cells = [f"{rates[way]} docs/s ({ratios[way]})" for way in ("process", "workers-2")]
        lines.append(f"| {name} | {figures['documents']} | {rates['bare']} docs/s | {' | '.join(cells)} |")
    memory = ", ".join(f"{count} documents: {peak} MB" for count, peak in document["peak_mb"].items())
    lines += [
        "",
        f"Peak memory: {memory} (ratio {document['peak_ratio']}).",
        f"Killed with -9 at random: {document['kills']} times, and an actor of Ray {document['ray_kills']} times; "
        f"documents lost {document['lost']}, duplicated {document['duplicated']}, outputs that differ from the "
        f"undisturbed one {document['different']}.",
        f"Bad records: {document['bad_records']}. Random strings: {document['unicode']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--fast", type=Path, required=True, help="A model of the preset `fast`.")
    parser.add_argument("--default", type=Path, help="A model with the default encoder.")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--default-documents", type=int, default=5_000)
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--ray-kills", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="A folder for what is written, about 1 GB.")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.documents, options.default_documents, options.strings = 10_000, 300, 2_000
        options.kills, options.ray_kills, options.repeats = 1, 1, 1
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = Path(folder)
        small, large = options.documents // 10, options.documents
        sources = {count: write_tickets(count, scratch / f"{count}.jsonl") for count in (small, large)}
        speed = {"fast": measure_speed(options.fast, sources[large], scratch, options.repeats)}
        speed["fast"]["documents"] = large
        if options.default:
            source = write_tickets(options.default_documents, scratch / "default.jsonl")
            speed["default"] = measure_speed(options.default, source, scratch, 1)
            speed["default"]["documents"] = options.default_documents
        peaks = {
            count: run("process", options.fast, source, scratch / f"peak-{count}")["peak_mb"]
            for count, source in sources.items()
        }
        source = write_tickets(KILL_DOCUMENTS // (4 if options.quick else 1), scratch / "kill.jsonl")
        killed = measure_kills(options.fast, source, scratch, options.kills, "local")
        source = write_tickets(RAY_DOCUMENTS // (2 if options.quick else 1), scratch / "ray.jsonl")
        on_ray = measure_kills(options.fast, source, scratch, options.ray_kills, "ray")
        bad = measure_bad(options.fast, scratch, *((1000, 200) if options.quick else (10_000, 2_000)))
        strings = run("strings", options.default or options.fast, options.strings, scratch / "strings")
    document = {
        "speed": speed,
        # What the command does with a fast model on two CPUs; and in one process.
        "docs_per_s_ratio": speed["fast"]["ratio_to_bare"]["workers-2"],
        "docs_per_s_ratio_one_process": speed["fast"]["ratio_to_bare"]["process"],
        "peak_mb": peaks,
        "peak_ratio": round(peaks[large] / peaks[small], 3),
        "kills": killed["kills"],
        "kills_in_mid_run": killed["in_mid_run"],
        "ray_kills": on_ray["kills"],
        "ray_kills_in_mid_run": on_ray["in_mid_run"],
        **{key: killed[key] + on_ray[key] for key in ("lost", "duplicated", "different")},
        "bad_records": bad,
        "unicode": strings,
        "machine": machine(),
    }
    markdown = make_markdown(document)
    print(f"\n{markdown}")
    if not options.quick:
        write_results("batch", document, markdown)


if __name__ == "__main__":
    main()
