"""The command `xlt export`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text


def export_cli(
    model: Model,
    output: Annotated[Path, typer.Argument(help="The model folder to write.")],
    preset: Annotated[
        str, typer.Option(help="quality (float32), balanced (8-bit integers) or fast (a static student).")
    ] = "balanced",
    texts: Annotated[
        Optional[list[str]],
        typer.Option(help="Unlabeled texts of all languages, from which the preset fast learns."),
    ] = None,
    languages: Annotated[
        str, typer.Option(help="Keep only the word pieces in --texts of these languages, as en,de,sw.")
    ] = "",
    dev: Annotated[
        Optional[list[str]], typer.Option(help="Labeled development data, to print the accuracy before and after.")
    ] = None,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Write a model whose encoder is fast on a CPU.

    The other components do not change. The new model loads with spacy.load and spacy_xlt.Classifier.load. It needs
    neither torch nor transformers: pip install 'spacy-xlt[serve]'.
    """
    from spacy_xlt.cli.common import check_choice, make_columns, read_languages
    from spacy_xlt.cli.transfer_common import read_data, report_bad
    from spacy_xlt.encoders.cpu import has_cpu_flag
    from spacy_xlt.evaluation.evaluate import evaluate_classifier
    from spacy_xlt.exporters.export import META_KEY, PRESETS, describe, export, mean_accuracy
    from spacy_xlt.files import folder_megabytes
    from spacy_xlt.models import check_output, load_model, save, use_gpu

    check_choice("--preset", preset, PRESETS)
    check_output(output)
    wanted = read_languages(languages)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    unlabeled = read_data(texts or [], columns=columns, encoding=encoding, labeled=False)
    labeled = read_data(dev or [], columns=columns, encoding=encoding)
    report_bad([unlabeled, labeled], output, strict)
    nlp = load_model(model)
    exported = export(
        nlp,
        preset=preset,  # type: ignore[arg-type]
        texts=unlabeled,
        languages=wanted,
        holdout=labeled,
        progress=progress,
    )
    for sentence in describe(exported.meta[META_KEY]):
        print(sentence)
    if preset == "balanced" and not has_cpu_flag("avx512_vnni", "avx_vnni"):
        print("This CPU has no VNNI, which makes 8-bit products fast.")
    if labeled:
        before, after = (evaluate_classifier(each, labeled, progress=progress) for each in (nlp, exported))
        print(
            f"Accuracy on {len(labeled)} development texts, mean of {len(before.languages)} languages: "
            f"{mean_accuracy(before.to_dict()):.3f} before, {mean_accuracy(after.to_dict()):.3f} after."
        )
    save(exported, output)
    print(f"✔ {output}: {folder_megabytes(output):.0f} MB, preset {preset}")
