"""Write docs/benchmarks.md, and the tables of figures in README.md, from benchmarks/results.

    python benchmarks/docs.py

Run it after a benchmark. A table of figures in README.md stands between two comments:
`<!-- NAME: made by benchmarks/NAME.py -->` and `<!-- NAME: end -->`.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from common import PROJECT, RESULTS

PAGE = PROJECT / "docs" / "benchmarks.md"
README = PROJECT / "README.md"
BLOCK = re.compile(r"(<!-- (\w+): made by benchmarks/\w+\.py -->\n).*?(<!-- \2: end -->)", flags=re.DOTALL)

INTRODUCTION = """\
# Benchmarks

This page has all measured figures. `python benchmarks/docs.py` writes it from the files in `benchmarks/results`. Below
each table you find the machine and the versions. The scripts are in `benchmarks`; most of them need public data sets
beside the repository, which their first lines name.
"""


class Section(NamedTuple):
    """A section of the page. name: of the script and of the results; text: what was measured, and what it shows."""

    name: str
    title: str
    text: str


SECTIONS = (
    Section(
        "zero_shot",
        "From English to other languages",
        "Each model is trained on English texts only. The projection is fitted on unlabeled texts of each language. "
        "Fine-tuning is more accurate, and depends less on the projection.",
    ),
    Section(
        "descriptions",
        "Zero-shot classification",
        "The labels are described in a sentence or two each, and no labeled text is used. `descriptions` needs nothing "
        "else. `centered` subtracts the mean of each language, and `sharpened` is what `xlt zero-shot` does with "
        "unlabeled texts: 99 sentences of each language of SIB-200, 64 tickets of each language. The method was chosen "
        "on the development sentences of SIB-200 and on English tickets. The descriptions of the tickets were "
        "rewritten once, after the errors on English training tickets and after a first run on the test tickets. "
        "`entailment` is our model of pairs, which learned from 1,992 English pairs of XNLI. The figures of GPT-3.5 "
        "and GPT-4 are those of their stored answers, by the label that each names first.",
    ),
    Section(
        "ner",
        "Named entities",
        "Each system is trained on the English sentences and reads them four times in batches of 16. The settings of "
        "ours were chosen on the English development data. spaCy's `ner` and the plain loop get the gold tokens of the "
        "test data; ours reads the text. The F1 of spaCy's `ner` is that of a second run, because the first one gave "
        "it the gold entities; its seconds and its speed are those of the run with the other systems.",
    ),
    Section(
        "xnli",
        "Pairs of texts",
        "Does a text follow from another one, contradict it, or neither? Trained on 1,992 English pairs of XNLI, a "
        "part of its development set, and tested on 498 other pairs of the same set in eleven languages. The settings "
        "were chosen on English training pairs.",
    ),
    Section(
        "bootstrap",
        "From zero to trained",
        "Texts are chosen for a person to check, at random or by TypiClust, and a model with a frozen encoder is "
        "trained on the checked texts. With pre-labels, it is also trained on the other texts with the labels that "
        "the zero-shot classifier predicts.",
    ),
    Section(
        "finetune",
        "Fine-tuning: time and accuracy",
        "The trainer of this package and `spacy train configs/finetune.cfg` fine-tune the same encoder on the same "
        "English sentences of SIB-200.",
    ),
    Section(
        "few_labels",
        "Few labels in the source language",
        "Models are trained on 8, 16 or 64 English sentences of each label of SIB-200, and tested in English and in "
        "other languages. SetFit ran with the first seed only. With that seed, `xlt.train` has .824 in English and "
        ".753 in the others with 8 labels, .877 and .820 with 16, and .907 and .835 with 64.",
    ),
    Section(
        "long_texts",
        "Long texts",
        "News articles are embedded from a few evenly spread windows, or from all of their text. The table shows what "
        "this costs in accuracy, and what it saves in time.",
    ),
    Section(
        "transfer",
        "Transfer methods",
        "Each method starts from a model that was trained in English, and is tested on the target languages. "
        "`zero-shot` is the starting model. `encoder too` means fine-tuning; in rows with `no dev texts`, nothing is "
        "rejected. `distill` is a student with half the layers that learned from unlabeled texts; `translations` is "
        "a model that learned from itself on the translations of NTREX. The sentences of SIB-200 are translations "
        "of the English ones, so labels in target languages add little there. They help more for tweets (UMSAB), "
        "and where the training texts are of another domain (SST-2: film reviews, tested on German tweets). "
        "For SIB-200, some fine-tuned rows are older and start from a model that has .873, so compare them with that: "
        "`few-shot, encoder too` with 4 labels, those with `sw only`, `static student` and `translations`.",
    ),
    Section(
        "reference",
        "Figures and intervals",
        "The figures of `xlt.evaluate` beside those of scikit-learn, from the same predictions. Then test sets are "
        "drawn from known confusion matrices: the table shows how often the 95% intervals contain the true figure, in "
        "percent of 1,000 test sets. `Rarer by` is the frequency of a label relative to the one before. Last, pairs of "
        "models are compared: the table shows in how many percent of 400 pairs the second model is called worse or "
        "better, in a language or overall.",
    ),
    Section(
        "transfer_matrix",
        "Transfer matrix",
        "`xlt.transfer_matrix` on SIB-200: a classifier on frozen embeddings is trained on 701 sentences of each "
        "language, and tested on 204 sentences of each language.",
    ),
    Section(
        "estimate",
        "Estimates without labels",
        "`xlt.estimate` beside published estimates, on tasks that its regression has not seen. Sound models were "
        "trained as usual on all texts or on 32 texts of each label; the others were made worse on purpose. In "
        "`persons` the English texts are web reviews and the others are news. The figures of the predictions do not "
        "show that, so the estimates are far too high: estimates need development texts of the domain of the "
        "unlabeled texts. This task was taken out of the fit after its result was seen. The penalty of the regression "
        "was chosen by the errors in the table, so they are slightly too low. If the fine-tuned models of all tasks "
        "are added to those of SIB-200 and the tickets, the error is .062 (sound models .051).",
    ),
    Section(
        "align",
        "Aligners",
        "Every aligner is fitted on the same data, for a frozen and for a fine-tuned encoder. A multilingual encoder "
        "is already aligned, so a small correction such as `AnchoredCentering` helps, and a rotation of the whole "
        "space usually hurts.",
    ),
    Section(
        "search",
        "Search",
        "`xlt.Index` with the default encoder. The projection is fitted on 150 lines of NTREX in each language. It "
        "helps most where the paragraphs are in several languages: without it, those in the language of the question "
        "come first. CSLS helps there too, and mostly costs a little if all paragraphs are English. In the FAQ below, "
        "it gains nothing for questions and costs much for follow-ups. So it is off by default. The approximate search "
        "misses 1% of the ten nearest of 250,000 vectors, and 3% of those of 1,000,000.",
    ),
    Section(
        "seq2seq",
        "Generation",
        "What a small encoder-decoder learns, and what translations keep. [Generation](generation.md) explains it.",
    ),
    Section(
        "faq",
        "FAQ",
        "`xlt.FAQ` on `corpus/faq` with the default encoder, turn by turn. `accuracy@1` is the share of the questions "
        "whose best answer is right, whether it is given or not. `refused` is the share of the questions out of scope "
        "that get no answer. The figures of single languages rest on few questions. The test questions were measured "
        "several times while the scores were developed; all choices were made on the development questions.",
    ),
    Section(
        "qa",
        "Question answering",
        "A reader is trained on 826 English questions of XQuAD with the default settings. No other settings were "
        "tried; 99 other English questions calibrate its score. The baselines need no training: their answer is a "
        "whole sentence of the text. The published systems were trained on a hundred times as many questions, and "
        "tested on MLQA's test data, which have other texts.",
    ),
    Section(
        "speed",
        "Speed on a CPU",
        "The presets of `xlt export` beside other systems, on the same texts. Rows that end in `-docs` run the same "
        "model through `nlp.pipe`; the others use `Classifier`. `trained-docs` is the model before the export.",
    ),
    Section(
        "encode",
        "Encoding",
        "`xlt_encoder` beside a plain PyTorch loop and spacy-transformers, with the same weights and the same texts.",
    ),
    Section(
        "batch",
        "Batches",
        "`xlt process` beside a bare loop over `Classifier`. Figures in parentheses are relative to the loop. "
        "Runs were also killed at random and resumed, to count lost and duplicated documents.",
    ),
    Section(
        "heads",
        "Classification heads",
        "The exact solver of `xlt train` beside `spacy train` and scikit-learn, on the same embeddings.",
    ),
    Section(
        "langdetect",
        "Language detection: 14 languages",
        "Accuracy in percent for 14 languages, with these languages given to the detector and without.",
    ),
    Section(
        "langdetect_200",
        "Language detection: 205 languages",
        "Macro-F1 in percent without given languages, and the share of texts in 255 other languages that is called "
        "unknown. The default detector was trained on other sentences of the same sources. A detector of the same kind "
        "that has seen no text of FLORES, the source of SIB-200, reaches 83 on its sentences.",
    ),
    Section(
        "langdetect_holdout",
        "Language detection: held-out texts",
        "Detectors of the same kind as the default one, tested on texts that were held out from their training.",
    ),
    Section(
        "rotation",
        "Aligners without a dictionary",
        "Word vectors are rotated and shuffled. The table shows how much of the rotation is recovered without a "
        "dictionary, beside Procrustes with a dictionary.",
    ),
    Section(
        "static_table",
        "Projection of static word vectors",
        "Texts are embedded as sums of static word-piece vectors, which depend strongly on the language.",
    ),
    Section(
        "vecmap",
        "VecMap",
        "The aligner `VecMap` beside the original program, on the same vectors and the same dictionary.",
    ),
    Section(
        "gloss",
        "Dictionaries",
        "A model that was fine-tuned on English SIB-200 classifies languages that its encoder knows badly: by the "
        "text, by a gloss (each known word replaced by its dictionary entries), and by both. The projection is that of "
        "unknown languages; under [All languages](#all-languages) each language has its own.",
    ),
    Section(
        "teach",
        "Teaching languages",
        "Parallel news (NTREX-128) and sentences that are glossed with dictionaries (GATITOS) teach the encoder weak "
        "languages after it was fine-tuned on the English sentences of SIB-200. It classifies worse afterwards; "
        "[Teaching languages](teaching.md) has smaller trials.",
    ),
    Section(
        "languages",
        "All languages",
        "One model that was fine-tuned on English sentences of SIB-200: today, with a dictionary, with the words of "
        "parallel sentences, and with both. [What to expect in each language](language-list.md) has all languages.",
    ),
    Section(
        "masakhanews",
        "News in African languages",
        "A model that was trained on English news articles classifies articles in Swahili, Hausa, Amharic and French. "
        "Unlabeled articles are all that it gets in these languages.",
    ),
    Section(
        "report_speed",
        "The report in a browser",
        "The report of a model in 14 languages of SIB-200 with 200 wrongly classified texts is written and opened in "
        "headless Chromium. The page is complete when its script has run. Other programs used the machine, so Chromium "
        "had a real-time priority. With an ordinary priority, it waited for the processor, and the page was complete "
        "after 3.4 s.",
    ),
    Section("retrieval", "CSLS retrieval", "Nearest neighbors by CSLS in bounded memory."),
)


def benchmarks_page() -> str:
    """Return the page: a section for each file of results."""
    known = {section.name for section in SECTIONS}
    others = [Section(path.stem, path.stem, "") for path in sorted(RESULTS.glob("*.md")) if path.stem not in known]
    sections = [section for section in (*SECTIONS, *others) if (RESULTS / f"{section.name}.md").is_file()]
    contents = "\n".join(f"- [{section.title}](#{_anchor(section.title)})" for section in sections)
    return "\n".join([INTRODUCTION, contents, *map(_section, sections)])


def _section(section: Section) -> str:
    script = f"Script: `benchmarks/{section.name}.py`."
    text = f"{section.text} {script}" if section.text else script
    return f"\n## {section.title}\n\n{text}\n\n{_tables(section.name)}"


def _tables(name: str) -> str:
    """Return the results without their title, and with their headings one level lower."""
    results = (RESULTS / f"{name}.md").read_text(encoding="utf8").strip()
    results = re.sub(r"\A# .*\n+", "", results)
    return re.sub(r"^##", "###", results, flags=re.MULTILINE) + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def speed_table() -> str:
    """Return the few figures on speed that README shows."""
    document = json.loads((RESULTS / "speed.json").read_text(encoding="utf8"))
    rows = {row["system"]: row for row in document["rows"]}
    names = {
        "quality": "`--preset quality`",
        "balanced": "`--preset balanced`",
        "fast": "`--preset fast`",
        "hf-pipeline-16": "transformers pipeline, batches of 16",
        "spacy-transformers": "spacy-transformers",
    }
    lines = [
        "| system | texts per second | ms for one text | folder, MB | accuracy, mean of 14 languages |",
        "|---|---|---|---|---|",
    ]
    for system, name in names.items():
        row = rows[system]
        accuracy = row.get("sib200_mean")
        shown = "–" if accuracy is None else f"{accuracy:.3f}"
        lines.append(f"| {name} | {row['docs_per_s']:,.0f} | {row['p50_ms']:.1f} | {row['folder_mb']:.0f} | {shown} |")
    machine = document["machine"]
    measured = f"Measured {machine['date']} on {machine['cpu']} ({machine['cores']} cores)."
    return "\n".join([*lines, "", measured, ""])


README_TABLES: dict[str, Callable[[], str]] = {"zero_shot": lambda: _tables("zero_shot"), "speed": speed_table}


def with_figures(text: str) -> str:
    """Return README.md with its tables of figures written anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{README_TABLES[found[2]]()}{found[3]}", text)


def main() -> None:
    PAGE.write_text(benchmarks_page(), encoding="utf8")
    README.write_text(with_figures(README.read_text(encoding="utf8")), encoding="utf8")


if __name__ == "__main__":
    main()
