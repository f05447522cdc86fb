"""The FAQ of corpus/faq: accuracy by language, questions out of scope, and follow-ups with and without context.

    python benchmarks/faq.py
    python benchmarks/faq.py --model training/search/model --index training/faq --metrics metrics/faq.json

It takes the default encoder and fits the projection on corpus/tickets/unlabelled, or evaluates an index of a model.
Settings and the calibration are chosen on corpus/faq/dev (6 languages). corpus/faq/test (13 languages, other answers)
is reported once. `--write-default` writes the calibration to spacy_xlt/search/confidence.json.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from common import PROJECT, write_results
from spacy.language import Language

import spacy_xlt as xlt
from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.retrieval import neighborhood_similarity
from spacy_xlt.files import write_json
from spacy_xlt.models import load_model
from spacy_xlt.search import answers as answers_module
from spacy_xlt.search import faq as faq_module
from spacy_xlt.search.answers import FOLLOW_UP, OUT_OF_SCOPE, QUESTION
from spacy_xlt.search.confidence import DEFAULT_FILE
from spacy_xlt.search.embedding import DEFAULT_COMPONENTS, embed
from spacy_xlt.search.evaluation import Turn, evaluate_faq, run_conversations

CORPUS = PROJECT / "corpus" / "faq"
BASE, DEV, TEST = CORPUS / "base.jsonl", CORPUS / "dev", CORPUS / "test"
UNLABELED = PROJECT / "corpus" / "tickets" / "unlabelled"
ANSWER_WEIGHTS = (0.0, 0.25, 0.5, 1.0)
CONTEXT_WEIGHTS = (0.0, 0.5, 0.7, 0.9, 1.0)


def make_pipeline() -> Language:
    """The default encoder, with a projection that is fitted on the unlabeled tickets."""
    nlp = spacy.blank("xx")
    for name in DEFAULT_COMPONENTS:
        nlp.add_pipe(name)
    xlt.project(nlp, UNLABELED, progress=False)
    return nlp


def share(turns: list[Turn], kind: str) -> float:
    return float(np.mean([turn.best == turn.gold for turn in turns if turn.kind == kind]))


def choose(nlp: Language) -> list[dict[str, Any]]:
    """Accuracies on the development data, with one setting changed at a time."""
    rows = []
    without = spacy.blank("xx")
    for name in DEFAULT_COMPONENTS[:2]:
        without.add_pipe(name)
    for name, pipeline in (("without projection", without), ("with projection", nlp)):
        faq = xlt.FAQ.build(BASE, pipeline, progress=False)
        calibrate(faq)
        rows.append(measured(name, run_conversations(faq, DEV)))
    rows.append(measured("with projection, CSLS", run_conversations(with_csls(nlp), DEV)))
    for weight in ANSWER_WEIGHTS:
        answers_module.ANSWER_WEIGHT, kept = weight, answers_module.ANSWER_WEIGHT
        rows.append(measured(f"weight of the answer's text {weight}", run_conversations(faq, DEV)))
        answers_module.ANSWER_WEIGHT = kept
    for weight in CONTEXT_WEIGHTS:
        faq_module.CONTEXT_WEIGHT, kept = weight, faq_module.CONTEXT_WEIGHT
        rows.append(measured(f"weight of the context {weight}", run_conversations(faq, DEV)))
        faq_module.CONTEXT_WEIGHT = kept
    rows.append(measured("no context, the last answer not excluded", run_conversations(faq, DEV, context=False)))
    return rows


def with_csls(nlp: Language) -> xlt.FAQ:
    """An FAQ that ranks by CSLS: r of an entry is its mean cosine to its 10 nearest entries."""
    faq = xlt.FAQ.build(BASE, nlp, progress=False)
    texts = [(entry.text, entry.language) for entry in faq.index]
    vectors = embed(nlp, [text for text, _ in texts], [language for _, language in texts]).vectors
    hubness, cosines = neighborhood_similarity(vectors, vectors, 11), faq.index.cosines

    def penalized(queries: Floats) -> Floats:
        return np.asarray(cosines(queries) - hubness / 2, dtype=np.float32)

    faq.index.cosines = penalized  # type: ignore[method-assign, assignment]
    return faq


def measured(name: str, turns: list[Turn]) -> dict[str, Any]:
    later = [turn for turn in turns if int(turn.entry.fields["turn"]) > 1]
    figures = {"questions": share(turns, QUESTION), "follow_ups": share(turns, FOLLOW_UP)}
    return {"setting": name, **figures, "new_topics": share(later, QUESTION)}


def at_false_alarms(turns: list[Turn], rate: float = 0.05) -> float:
    """The share of the questions out of scope that is detected if `rate` of those in scope are refused."""
    inside = [turn.reply.confidence for turn in turns if turn.kind == QUESTION]
    outside = [turn.reply.confidence for turn in turns if turn.kind == OUT_OF_SCOPE]
    return float((np.array(outside) < np.quantile(inside, rate)).mean())


def calibration_error(turns: list[Turn], bins: int = 5) -> float:
    """The expected calibration error of the confidence for questions in and out of scope, in bins of equal size."""
    chosen = [turn for turn in turns if turn.kind in (QUESTION, OUT_OF_SCOPE)]
    confidence = np.array([turn.reply.confidence for turn in chosen])
    right = np.array([turn.gold is not None for turn in chosen], dtype=float)
    parts = np.array_split(np.argsort(confidence), bins)
    return float(sum(len(part) * abs(confidence[part].mean() - right[part].mean()) for part in parts) / len(chosen))


def calibrate(faq: xlt.FAQ) -> None:
    """Calibrate on the questions of the development data, in scope and out of scope, with their context."""
    turns = [turn for turn in run_conversations(faq, DEV) if turn.kind in (QUESTION, OUT_OF_SCOPE)]
    faq.fit_confidence(np.stack([turn.scores for turn in turns]), np.array([turn.gold is not None for turn in turns]))


def markdown(document: dict[str, Any]) -> str:
    lines = [
        "# FAQ",
        "",
        f"{document['answers']} answers in English (10 also in German and French), with two English wordings of "
        "each question. Test questions ask for other answers than the development questions. Languages with * have "
        "development questions.",
        "",
        "| language | questions | accuracy@1 | answered | answered rightly | follow-ups | with context | without | out "
        "of scope | refused | AUROC |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = {**document["test"]["languages"], "**all**": document["test"]["all"]}
    for code, row in rows.items():
        name = f"{code}*" if code in document["dev_languages"] else code
        cells: list[Any] = [name, row["questions"], *(row[key] for key in ("accuracy", "answered", "correct"))]
        cells += [row["follow_ups"], row["accuracy_follow_ups"], row["accuracy_follow_ups_without_context"]]
        cells += [row["out_of_scope"], row["refused"], row["auroc"]]
        lines.append(f"| {' | '.join(f'{cell:.3f}' if isinstance(cell, float) else str(cell) for cell in cells)} |")
    test = document["test"]["all"]
    lines += [
        "",
        f"The threshold refuses 5% of the development questions in scope; it refuses {1 - test['answered']:.1%} of the "
        f"test questions in scope. If exactly 5% of these were refused, {document['detected_at_5']:.1%} of the "
        f"questions out of scope would be detected. The expected calibration error on test is "
        f"{document['calibration_error']:.3f}. {test['accuracy_small_talk']:.0%} of {test['small_talk']} greetings and "
        "thanks are recognized as small talk.",
        "",
        "Settings, on the development questions:",
        "",
        "| setting | accuracy@1, questions | of them after a follow-up | accuracy@1, follow-ups |",
        "|---|---|---|---|",
        *(
            f"| {row['setting']} | {row['questions']:.3f} | {row['new_topics']:.3f} | {row['follow_ups']:.3f} |"
            for row in document["settings"]
        ),
    ]
    return "\n".join(lines)


def figures_of(faq: xlt.FAQ) -> dict[str, Any]:
    """The figures on the test questions."""
    turns = run_conversations(faq, TEST)
    return {
        "answers": sum(not is_talk for is_talk in faq.answers.small_talk),
        "dev_languages": sorted(path.stem for path in DEV.iterdir()),
        "confidence": faq.confidence.to_dict(),
        "test": evaluate_faq(faq, TEST),
        "detected_at_5": at_false_alarms(turns),
        "calibration_error": calibration_error(turns),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder")
    parser.add_argument("--index", type=Path, help="an index that was made with the model")
    parser.add_argument("--metrics", type=Path, help="write the figures of the index here")
    parser.add_argument("--write-default", action="store_true", help="write the default calibration")
    args = parser.parse_args()
    if args.index is not None:
        write_json(figures_of(xlt.FAQ.load(args.index, load_model(args.model))), args.metrics)
        return
    nlp = make_pipeline()
    settings = choose(nlp)
    faq = xlt.FAQ.build(BASE, nlp, progress=False)
    calibrate(faq)
    if args.write_default:
        write_json(faq.confidence.to_dict(), DEFAULT_FILE)
    document = {**figures_of(faq), "settings": settings}
    write_results("faq", document, markdown(document))
    print(markdown(document))


if __name__ == "__main__":
    main()
