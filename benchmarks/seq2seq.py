"""Encoder-decoders and translation: numbers in words, kept values, and translate-test beside translate-train.

    python benchmarks/seq2seq.py                 all parts, about 10 minutes on one core
    python benchmarks/seq2seq.py numbers kept    some parts; the figures of the others are kept

- numbers: a small random mT5 learns to write numbers in words of five languages as digits; see numbers_data.py. The
  best epoch is chosen on other numbers than those that are reported.
- kept: the English tickets are translated to Spanish by Apertium, with and without placeholders for values that are
  lost. A value is kept if its characters are in the translation.
- sib200: a frozen encoder, trained on English, classifies Spanish texts (zero-shot), their English translations
  (translate-test), both (add_translator), and after training on Spanish translations of the English texts
  (translate-train). Apertium translates.
- speed: words per second of the translations of Apertium, and of the small mT5 on PyTorch and CTranslate2.

The parts `kept`, `sib200` and `speed` need Apertium with the pair eng-spa.
"""

import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from common import PROJECT, RESULTS, data_folder, write_results
from numbers_data import LANGUAGES, make_model, make_rows, split_numbers

import spacy_xlt as xlt
from spacy_xlt.generation.protection import Protection
from spacy_xlt.training.seq2seq import Seq2SeqSettings
from spacy_xlt.translators.apertium import Apertium
from spacy_xlt.translators.base import Translator
from spacy_xlt.translators.protected import ProtectedTranslator

NAME = "seq2seq"
# Products and brands that the tickets name.
PRODUCTS = [
    "PixPad", "Kido", "Trekka", "AeroBrew", "Nordwind", "Lumo", "Sola", "Zelka", "Brask", "Velmo", "Pirro", "Tavik",
    "Hollin", "Brisko", "ComfoTel", "Corvello", "Wandrix", "Alma", "Pelmo", "Quillo",
]  # fmt: skip
# Names that take the place of the products, to see what becomes of names that are ordinary words.
ORDINARY = ["Blue Card", "Apple Watch", "Smart Home", "River Club", "Star Plus", "Happy Family", "Green Box"]
ADDED = "See https://shop.example.com/orders?id={}&lang=en or write to order.help@shop.example.com about it."
TICKETS = ("train.jsonl", "dev.jsonl", "test/en.jsonl")


def numbers() -> dict[str, Any]:
    """Exact match on numbers that are not in the training data, on PyTorch and CTranslate2."""
    parts = {name: make_rows(of_part) for name, of_part in split_numbers().items()}
    train, dev, test = parts["train"], parts["dev"], parts["test"]
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder) / "mt5", [side for row in train for side in (row["text"], row["target"])])
        started, seconds = perf_counter(), process_time()
        nlp = xlt.train(
            train,
            task="seq2seq",
            encoder=model,
            dev=random.Random(0).sample(dev, 250),
            seq2seq=Seq2SeqSettings("generate", label_smoothing=0.0, stop_on="exact", patience=5),
            epochs=5,
            batch_size=32,
            learning_rate=3e-3,
        )
        facts = {"seconds": perf_counter() - started, "cpu_seconds": process_time() - seconds}
        speeds, exact = {}, {}
        for preset in ("torch", "quality", "balanced"):
            run = nlp if preset == "torch" else xlt.export(nlp, preset=preset)  # type: ignore[arg-type]
            report: Any = xlt.evaluate(run, test, progress=False)
            exact[preset] = {code: report.pairs[f"{code}-{code}"].exact for code in LANGUAGES}
            speeds[preset] = len(test) / (sum(len(row["target"].split()) for row in test) / report.words_per_second)
    counts = {name: len(rows) for name, rows in parts.items()}
    return {"texts": counts, "exact": exact, "texts_per_second": speeds, "dev": nlp.meta["performance"], **facts}


def english_tickets() -> list[str]:
    files = [PROJECT / "corpus" / "tickets" / name for name in TICKETS]
    return [json.loads(line)["text"] for file in files for line in file.read_text(encoding="utf8").splitlines()]


def kept() -> dict[str, Any]:
    """The values of the English tickets that Spanish translations keep."""
    names = [*PRODUCTS, *ORDINARY]
    protection = Protection(names)
    texts = [text for text in english_tickets() if protection.values(text)]
    # Each text with a product also with another name, and with an address.
    for number, text in enumerate(texts[:]):
        other = re.sub("|".join(PRODUCTS), ORDINARY[number % len(ORDINARY)], text)
        if other != text:
            texts.append(f"{other} {ADDED.format(10_000 + number)}")
    result: dict[str, Any] = {"texts": len(texts)}
    for name, translator in (("without", Apertium()), ("with", ProtectedTranslator(Apertium(), names))):
        found = translator.translate(texts, ["en"] * len(texts), "es")
        rows = [
            (value, value in str(translation))
            for text, translation in zip(texts, found)
            for value in protection.values(text)
        ]
        result[name] = {
            "texts": sum(
                all(value in str(translation) for value in protection.values(text))
                for text, translation in zip(texts, found)
            ),
            **{kind: _count(rows, lambda value, kind=kind: _kind(value) == kind) for kind in KINDS},  # type: ignore[misc]
        }
    return result


KINDS = ("numbers", "ids, dates and amounts", "URLs and addresses", "invented names", "names of ordinary words")


def _kind(value: str) -> str:
    if "example.com" in value:
        return KINDS[2]
    if any(map(str.isdigit, value)):
        return KINDS[0] if value.isdigit() else KINDS[1]
    return KINDS[4] if value.title() in ORDINARY else KINDS[3]


def _count(rows: Sequence[tuple[str, bool]], belongs: Callable[[str], bool]) -> list[int]:
    """The number of values that are kept, and of all."""
    chosen = [is_kept for value, is_kept in rows if belongs(value)]
    return [sum(chosen), len(chosen)]


def sib200() -> dict[str, Any]:
    """Accuracies on the Spanish test texts."""
    folder = data_folder() / "sib200"
    english, spanish = folder / "eng_Latn", folder / "spa_Latn"
    test = xlt.load_dataset(spanish / "test.tsv")
    accuracy: dict[str, float] = {}
    nlp = xlt.train(english / "train.tsv", dev=english / "dev.tsv", languages=["en", "es"], progress=False)
    accuracy["English test texts"] = _accuracy(nlp, xlt.load_dataset(english / "test.tsv"))
    accuracy["zero-shot"] = _accuracy(nlp, test)
    in_english = _translated(test, "en")
    accuracy["translate-test"] = _accuracy(nlp, in_english)
    in_spanish = [_translated(english / name, "es") for name in ("train.tsv", "dev.tsv")]
    both = [*xlt.load_dataset(english / "train.tsv"), *in_spanish[0]]
    only = xlt.train(in_spanish[0], dev=in_spanish[1], source="es", languages=["en", "es"], progress=False)
    accuracy["translate-train, Spanish only"] = _accuracy(only, test)
    mixed = xlt.train(both, dev=in_spanish[1], languages=["en", "es"], progress=False)
    accuracy["translate-train, English and Spanish"] = _accuracy(mixed, test)
    gold = xlt.train(
        spanish / "train.tsv", dev=spanish / "dev.tsv", source="es", languages=["en", "es"], progress=False
    )
    accuracy["trained on the Spanish originals"] = _accuracy(gold, test)
    xlt.add_translator(nlp, "apertium", languages=["es"])
    accuracy["text and translation (add_translator)"] = _accuracy(nlp, test)
    return {"test": len(test), "train": len(in_spanish[0]), "accuracy": accuracy}


def _translated(data: Any, to: str) -> list[Any]:
    return list(xlt.translate(data, to=to, translator="apertium", progress=False))


def _accuracy(nlp: Any, data: Any) -> float:
    report: Any = xlt.evaluate(nlp, data, progress=False)
    (figures,) = report.languages.values()
    return float(figures.accuracy)


def speed() -> dict[str, float]:
    """Words of the texts per second of Apertium, with and without placeholders. The best of three runs."""
    texts = english_tickets()
    words = sum(len(text.split()) for text in texts)

    def run(translator: Translator) -> float:
        seconds = []
        for _ in range(3):
            start = perf_counter()
            translator.translate(texts, ["en"] * len(texts), "es")
            seconds.append(perf_counter() - start)
        return words / min(seconds)

    return {"Apertium": run(Apertium()), "Apertium, values kept": run(ProtectedTranslator(Apertium(), PRODUCTS))}


PARTS: dict[str, Callable[[], dict[str, Any]]] = {"numbers": numbers, "kept": kept, "sib200": sib200, "speed": speed}


def to_markdown(document: dict[str, Any]) -> str:
    """Write the figures as tables."""
    lines: list[str] = []
    if "numbers" in document:
        part = document["numbers"]
        lines += [
            f"A random mT5 of 2 layers learned numbers in words of five languages in {part['cpu_seconds']:.0f} s of "
            f"CPU time on one thread ({part['seconds']:.0f} s beside other work): {part['texts']['train']} texts, 5 "
            f"epochs. Exact match on {part['texts']['test']} texts with other numbers:",
            "",
            f"| runs on | {' | '.join(LANGUAGES)} | texts per second |",
            f"|---|{'---|' * (len(LANGUAGES) + 1)}",
        ]
        titles = {"torch": "PyTorch", "quality": "CTranslate2, float32", "balanced": "CTranslate2, int8"}
        for preset, exact in part["exact"].items():
            cells = [f"{exact[code]:.3f}" for code in LANGUAGES]
            lines.append(f"| {titles[preset]} | {' | '.join(cells)} | {part['texts_per_second'][preset]:.0f} |")
    if "kept" in document:
        part = document["kept"]
        lines += [
            "",
            f"Values of {part['texts']} English tickets that are in their Spanish translations by Apertium. Some "
            "tickets were added with addresses and with other product names, which are ordinary words:",
            "",
            "| | without placeholders | with placeholders |",
            "|---|---|---|",
            f"| tickets with all their values | {part['without']['texts']} | {part['with']['texts']} |",
        ]
        for kind in KINDS:
            cells = [f"{part[side][kind][0]} of {part[side][kind][1]}" for side in ("without", "with")]
            lines.append(f"| {kind} | {' | '.join(cells)} |")
    if "sib200" in document:
        part = document["sib200"]
        lines += [
            "",
            f"Accuracy on {part['test']} Spanish test texts of SIB-200 with a frozen encoder; Apertium translates:",
            "",
            "| method | accuracy |",
            "|---|---|",
            *(f"| {method} | {value:.3f} |" for method, value in part["accuracy"].items()),
        ]
    if "speed" in document:
        lines += ["", "| translator, English to Spanish | words per second |", "|---|---|"]
        lines += [f"| {name} | {value:.0f} |" for name, value in document["speed"].items()]
    return "\n".join(lines)


def main() -> None:
    """Run the parts that are named, or all."""
    names = sys.argv[1:] or list(PARTS)
    file = RESULTS / f"{NAME}.json"
    document = json.loads(file.read_text(encoding="utf8")) if file.is_file() else {}
    document.pop("machine", None)
    for name in names:
        document[name] = PARTS[name]()
        print(name, document[name], flush=True)
        write_results(NAME, document, to_markdown(document))


if __name__ == "__main__":
    main()
