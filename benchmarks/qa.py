"""Question answering: a reader that was trained on 826 English questions, in nine languages.

    python benchmarks/qa.py [FOLDER]       # the folder of the trained model; default: training/qa-benchmark

The reader is trained on articles 1-32 of the English XQuAD with the default settings of `train_qa`, and calibrated on
articles 33-36. No other settings were tried: see docs/measured-settings.md. If the folder has a model, it is not
trained again. It is measured on XQuAD's articles 37-48 and on MLQA's development data, beside two baselines without
training, whose answer is a whole sentence: that with most words of the question, weighted by their rarity, and that
whose embedding is nearest to that of the question.

The reader and the encoder of the baseline compute in bfloat16 if the CPU supports it, as in training.

Writes benchmarks/results/qa.{json,md}. Data: ../shared/data/xquad and ../shared/data/mlqa.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

import spacy
from common import PROJECT, write_results
from qa_data import MLQA, XQUAD, mlqa, xquad
from spacy.language import Language

from spacy_xlt import Index, save
from spacy_xlt.data.questions import Question
from spacy_xlt.evaluation.qa import answer_figures, evaluate_qa
from spacy_xlt.evaluation.task_report import TaskFigures
from spacy_xlt.exporters.tasks import export_tasks
from spacy_xlt.files import write_json
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.qa import QuestionAnswerer
from spacy_xlt.search.reading import answer_all_from
from spacy_xlt.tasks.answer_scores import answer_f1, answer_tokens
from spacy_xlt.training.qa import train_qa, with_foreign_texts
from spacy_xlt.translators.sentences import split_sentences

# Mean of the seven languages of MLQA's test data, as published. Trained on the 87,599 questions of SQuAD 1.1.
PUBLISHED = {
    "mBERT (Lewis et al. 2020)": 57.7,
    "XLM-R base (Chi et al. 2021)": 64.9,
    "mMiniLM (Wang et al. 2020)": 63.2,
}
# Languages of the smaller measurements.
FEW = ("en", "zh")
TOP = 3
SCORES = ("f1", "exact_match")

Answers = Callable[[Sequence[Question]], list[str]]


def trained(folder: Path) -> tuple[Language, dict[str, Any]]:
    """The reader, and facts about its training. It is trained if the folder does not have it."""
    facts = folder.with_name(f"{folder.name}.json")
    if not facts.is_file():
        start = perf_counter()
        state = folder.with_name(f"{folder.name}-state")
        nlp = train_qa(xquad("train"), dev=xquad("dev"), checkpoint=state)
        seconds = perf_counter() - start
        save(nlp, folder)
        facts.write_text(json.dumps({"minutes": round(seconds / 60, 1), "questions": len(xquad("train"))}))
    return spacy.load(folder), json.loads(facts.read_text())


def lexical(questions: Sequence[Question]) -> list[str]:
    """The sentence of each text that has most words of the question, weighted by their rarity in the sentences."""
    answers = []
    for question in questions:
        sentences = split_sentences(question.context)
        words = [set(answer_tokens(sentence, question.language)) for sentence in sentences]
        counts = Counter(word for of_sentence in words for word in of_sentence)
        asked = set(answer_tokens(question.question, question.language))
        weights = [sum(math.log(1 + len(words) / counts[word]) for word in asked & each) for each in words]
        answers.append(sentences[max(range(len(sentences)), key=lambda row: weights[row])])
    return answers


def embedded(encoder: Encoder) -> Answers:
    """Return the baseline that answers with the sentence whose embedding is nearest to that of the question."""

    def answers(questions: Sequence[Question]) -> list[str]:
        sentences = {question.context: split_sentences(question.context) for question in questions}
        flat = list(dict.fromkeys(each for of_text in sentences.values() for each in of_text))
        vectors = dict(zip(flat, encoder.encode(flat)))
        asked = encoder.encode([question.question for question in questions])
        return [
            max(sentences[question.context], key=lambda each: float(vectors[each] @ vector))
            for question, vector in zip(questions, asked)
        ]

    return answers


def row_of(system: str, figures: dict[str, TaskFigures]) -> dict[str, Any]:
    """The figures of a system, in percent."""
    languages = {
        code: {
            "n": each.n,
            **{name: round(100 * score, 1) for name, score in each.scores.items()},
            "ci95": [round(100 * end, 1) for end in each.ci95["f1"]],
        }
        for code, each in figures.items()
    }
    mean = {name: round(100 * fmean(each.scores[name] for each in figures.values()), 1) for name in SCORES}
    return {"system": system, "languages": languages, "mean": mean}


def measure(nlp: Language, encoder: Encoder, data: dict[str, list[Question]]) -> list[dict[str, Any]]:
    """The figures of the reader and of the baselines."""
    questions = [question for of_language in data.values() for question in of_language]
    rows = [row_of("reader", evaluate_qa(nlp, questions).languages)]
    for name, baseline in {"words in common": lexical, "nearest embedding": embedded(encoder)}.items():
        rows.append(row_of(name, answer_figures(questions, baseline(questions))))
    return rows


def without_answer(nlp: Language) -> list[dict[str, Any]]:
    """Half of the questions are asked of a text of another article: how often an answer is given, and its F1."""
    rows = []
    for language in FEW:
        details = evaluate_qa(nlp, with_foreign_texts(xquad("test", language), 1, seed=1)).languages[language].details
        rows.append({"language": language, **details})
    return rows


def many_texts(nlp: Language) -> list[dict[str, Any]]:
    """Questions in several languages, answered from the English texts: the one it is about, or an index of all."""
    english = xquad("test")
    index = Index()
    index.add([{"text": text} for text in dict.fromkeys(each.context for each in english)], language="en")
    reader = find_pipe(nlp, QuestionAnswerer)
    rows = []
    for language in FEW:
        asked = [each.question for each in xquad("test", language)]
        right = reader.answer_batch([(each.context, text) for each, text in zip(english, asked)], min_score=0)
        found = answer_all_from(index, nlp, asked, k=TOP, min_score=0)
        hits = index.search_all(asked, TOP)
        rows.append(
            {
                "language": language,
                "right text": _f1(english, [answer.text for answer in right]),
                "index": _f1(english, [row[0].answer.text if row else "" for row in found]),
                "right text found": round(
                    100 * fmean(each.context in [hit.text for hit in row] for each, row in zip(english, hits)), 1
                ),
            }
        )
    return rows


def _f1(questions: Sequence[Question], answers: Sequence[str]) -> float:
    return round(100 * fmean(answer_f1(a, q.answers, q.language) for q, a in zip(questions, answers)), 1)


def exported(nlp: Language) -> dict[str, Any]:
    """The 8-bit model beside the trained one: equal answers, F1 and questions per second."""
    questions = [question for language in FEW for question in xquad("test", language)]
    pairs = [(question.context, question.question) for question in questions]
    eight, _ = export_tasks(nlp, "int8", [question.context for question in xquad("dev")])
    result: dict[str, Any] = {}
    found: dict[str, list[str]] = {}
    for name, pipeline in {"trained": nlp, "int8": eight}.items():
        reader = find_pipe(pipeline, QuestionAnswerer)
        reader.answer_batch(pairs[:1])
        start = perf_counter()
        found[name] = [answer.text for answer in reader.answer_batch(pairs, min_score=0)]
        result[name] = {
            "f1": _f1(questions, found[name]),
            "questions per second": round(len(pairs) / (perf_counter() - start), 1),
        }
    result["equal answers"] = round(100 * fmean(a == b for a, b in zip(*found.values())), 1)
    return result


def shown(scores: dict[str, Any]) -> str:
    return f"{scores['f1']:.1f} / {scores['exact_match']:.1f}"


def line(*cells: Any) -> str:
    """A line of a table. Numbers have one decimal."""
    return f"| {' | '.join(f'{cell:.1f}' if isinstance(cell, float) else str(cell) for cell in cells)} |"


def lines_of(*rows: Sequence[Any]) -> list[str]:
    """The lines of a table, the header first."""
    return [line(*rows[0]), line(*["---"] * len(rows[0])), *(line(*row) for row in rows[1:]), ""]


def table(rows: Sequence[dict[str, Any]], languages: Sequence[str], *more: Sequence[Any]) -> list[str]:
    """The lines of a table of F1 and exact match in each language."""
    reader = next(row["languages"] for row in rows if row["system"] == "reader")
    ends = [reader[code]["ci95"] for code in languages]
    return lines_of(
        ["system", *languages, "mean"],
        *([row["system"], *(shown(row["languages"][code]) for code in languages), shown(row["mean"])] for row in rows),
        ["reader, 95% interval of F1", *(f"{low:.1f}–{high:.1f}" for low, high in ends), ""],
        *more,
    )


def markdown(document: dict[str, Any]) -> str:
    facts, export = document["training"], document["export"]
    published = [[f"{name}, 87,599 questions, test data", *[""] * len(MLQA), f1] for name, f1 in PUBLISHED.items()]
    unanswered = [
        (row["language"], 100 * own["given"], 100 * own["f1"], 100 * other["given"])
        for row in document["without_answer"]
        for own, other in [(row["with an answer"], row["without an answer"])]
    ]
    keys = ("language", "right text", "index", "right text found")
    return "\n".join(
        [
            f"Trained on {facts['questions']} English questions in {facts['minutes']} minutes. F1 / exact match in %.",
            "\n## MLQA, development data\n",
            *table(document["mlqa"], MLQA, *published),
            "## XQuAD, articles 37-48\n",
            *table(document["xquad"], XQUAD),
            "## Questions that the text does not answer\n",
            "XQuAD, articles 37-48. Each question is asked of its own text and of a text of another article.\n",
            *lines_of(["language", "answered, own text", "F1, own text", "answered, other text"], *unanswered),
            "## Answers in English texts\n",
            f"XQuAD, articles 37-48: F1 from the right text, and from the {TOP} best of 60 texts.\n",
            *lines_of(
                ["language of the question", "right text", "from an index", "right text among the best"],
                *([row[key] for key in keys] for row in document["many_texts"]),
            ),
            "## The exported model\n",
            f"XQuAD, articles 37-48 in {', '.join(FEW)}: {export['equal answers']:.1f}% of the answers are equal.\n",
            *lines_of(
                ["model", "F1", "questions per second"],
                *([name, export[name]["f1"], export[name]["questions per second"]] for name in ("trained", "int8")),
            ),
        ]
    )


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "training" / "qa-benchmark"
    nlp, facts = trained(folder)
    pretrained = spacy.blank("xx")
    pretrained.add_pipe("xlt_encoder")
    encoder = find_pipe(pretrained, Encoder)
    encoder.initialize()
    # Reading is twice as fast in bfloat16, as in training, if the CPU supports it.
    for back_end in (encoder.encoder, find_pipe(nlp, QuestionAnswerer).model.encoder):
        back_end.bfloat16 = True  # type: ignore[attr-defined]
    document: dict[str, Any] = {"training": {**facts, **nlp.meta["xlt_training"]["settings"]}, "published": PUBLISHED}
    parts: dict[str, Callable[[], Any]] = {
        "mlqa": lambda: measure(nlp, encoder, {code: mlqa(code) for code in MLQA}),
        "xquad": lambda: measure(nlp, encoder, {code: xquad("test", code) for code in XQUAD}),
        "without_answer": lambda: without_answer(nlp),
        "many_texts": lambda: many_texts(nlp),
        "export": lambda: exported(nlp),
    }
    for name, part in parts.items():
        # A killed run goes on after the last part that was measured.
        file = folder.with_name(f"{folder.name}-{name}.json")
        if not file.is_file():
            write_json({"figures": part()}, file)
        document[name] = json.loads(file.read_text(encoding="utf8"))["figures"]
        print(f"✔ {name}", flush=True)
    write_results("qa", document, markdown(document))


if __name__ == "__main__":
    main()
