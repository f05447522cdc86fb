"""`xlt train`: from labeled texts to a model folder."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Progress, Separator, Strict, Text
from spacy_xlt.cli.train_seq2seq import LabelSmoothing, Seq2SeqTask, StopOn, TargetLanguage, Template, train_seq2seq_cli
from spacy_xlt.cli.transfer_common import Seed


def train_cli(
    data: Annotated[
        str, typer.Argument(help="Labeled texts: .csv, .tsv, .jsonl, .spacy ...; a file, folder or pattern.")
    ],
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    task: Annotated[
        str,
        typer.Option(
            help="textcat (classify texts), pairs (classify pairs), ner (find named entities), qa (answer questions) "
            "or seq2seq (texts with targets, for an encoder-decoder)."
        ),
    ] = "textcat",
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    template: Template = None,
    seq2seq_task: Seq2SeqTask = "translate",
    target_language: TargetLanguage = None,
    label_smoothing: LabelSmoothing = 0.1,
    stop_on: StopOn = "chrf",
    dev: Annotated[
        Optional[str], typer.Option(help="Labeled development data; without it, some texts are set aside.")
    ] = None,
    method: Annotated[
        Optional[str],
        typer.Option(help="frozen (seconds) or finetune (a minute, better). Default: frozen; other tasks: finetune."),
    ] = None,
    source: Annotated[str, typer.Option(help="The language of the texts.")] = "en",
    languages: Annotated[str, typer.Option(help="Languages that can occur, as en,de,sw: helps detection.")] = "",
    adapt: Annotated[
        list[str], typer.Option(help="Unlabeled texts of other languages to project to. Repeatable.")
    ] = [],  # noqa: B006  (typer's way; never written)
    checked: Annotated[
        bool, typer.Option("--checked", help="DATA is a file of xlt bootstrap: use its checked texts only.")
    ] = False,
    pre_labeled: Annotated[
        Optional[str], typer.Option(help="Texts with predicted labels, such as those of xlt bootstrap.")
    ] = None,
    encoder: Annotated[Optional[Path], typer.Option(help="An encoder folder, if not the default encoder.")] = None,
    epochs: Annotated[
        Optional[float], typer.Option(help="How often fine-tuning reads each text. Default: 4, more for few texts.")
    ] = None,
    batch_size: Annotated[
        Optional[int], typer.Option(help="Texts per step of fine-tuning. Default: 16, or that of the task.")
    ] = None,
    learning_rate: Annotated[
        Optional[float], typer.Option(help="Highest learning rate of the encoder. Default: 5e-5, or that of the task.")
    ] = None,
    max_length: Annotated[
        Optional[int], typer.Option(help="Word pieces of a text that fine-tuning reads. Default: that of the task.")
    ] = None,
    freeze_layers: Annotated[
        Optional[int], typer.Option(help="Lower layers that do not learn. Default: that of the task.")
    ] = None,
    seed: Seed = 0,
    checkpoint: Annotated[
        Optional[Path], typer.Option(help="A folder for the state after each epoch; a killed run resumes from it.")
    ] = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Train a text classifier or another model on texts of one language.

    The model loads with spacy.load(OUTPUT). If you give no development data, a fifth of the texts is set aside; of
    fewer than 500 texts none is, and cross-validation chooses what has to be chosen.
    """
    from spacy_xlt.cli.common import check_choice, make_columns, print_notes, read_languages, report_bad_records
    from spacy_xlt.cli.transfer_common import read_data
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.models import check_output, save, use_gpu
    from spacy_xlt.training.train import METHODS, OF_LABELS, TASKS, train
    from spacy_xlt.transfer.bootstrap import load_checked

    check_choice("--task", task, TASKS)
    if method is not None:
        check_choice("--method", method, METHODS)
    check_output(output)
    if task == "seq2seq":
        shared = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "max_length": max_length}
        more = {"seed": seed, "checkpoint": checkpoint, "progress": progress, "encoding": encoding}
        fields = {"text": text, "lang": lang, "label": "target" if label == "label" else label}
        settings = (seq2seq_task, template, target_language, label_smoothing, stop_on)
        given = {name: value for name, value in shared.items() if value is not None}
        return train_seq2seq_cli(data, output, dev, encoder, settings, gpu_id, {**given, **more, **fields})
    known_languages = read_languages(languages)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    texts: Any = data
    dev_texts: Any = dev
    if task in OF_LABELS:
        texts = load_checked(data) if checked else Dataset.load(data, columns=columns, encoding=encoding)
        dev_texts = Dataset.load(dev, columns=columns, encoding=encoding) if dev else None
        loaded = [texts, *([dev_texts] if dev_texts else [])]
        print_notes([note for each in loaded for note in each.notes])
        bad = [record for each in loaded for record in each.bad]
        report_bad_records(bad, output.with_name(output.name + ".quarantine.jsonl"), strict)
    nlp = train(
        texts,
        task=task,  # type: ignore[arg-type]
        dev=dev_texts,
        method=method,  # type: ignore[arg-type]
        source=source,
        languages=known_languages,
        adapt=read_data(adapt, columns=columns, encoding=encoding, labeled=False) if adapt else None,
        pre_labeled=read_data([pre_labeled], columns=columns, encoding=encoding) if pre_labeled else None,
        encoder=encoder,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=max_length,
        freeze_layers=freeze_layers,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )
    save(nlp, output)
    performance = nlp.meta.get("performance") or {}
    if task == "textcat":
        if performance:
            print(f"Macro-F1 on the development data: {performance['cats_macro_f']:.3f}")
        print(f'✔ {output}: nlp = spacy.load("{output}"); nlp("...").cats')
        return
    for name, value in performance.items():
        if isinstance(value, float):
            print(f"{name} on the development data: {value:.3f}")
    print(f'✔ {output}: nlp = spacy.load("{output}")')
