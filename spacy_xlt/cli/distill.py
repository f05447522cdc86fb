"""`xlt transfer distill`: from a teacher's soft labels to a smaller or a better model."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text
from spacy_xlt.cli.transfer_common import Dev, Languages, Output, Seed, Tune, Unlabelled


def distill_cli(
    model: Model,
    output: Output,
    texts: Unlabelled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    teacher: Annotated[
        Optional[Path], typer.Option(help="Any pipeline folder with the same labels; else MODEL itself.")
    ] = None,
    pairs: Annotated[
        list[str], typer.Option(help="LANG=SRC_FILE,LANG_FILE: sentences, line by line translations. Repeatable.")
    ] = [],  # noqa: B006
    layers: Annotated[Optional[int], typer.Option(help="Keep so many layers of MODEL's encoder.")] = None,
    temperature: Annotated[float, typer.Option(help="Softens the teacher's probabilities.")] = 2.0,
    dev: Dev = [],  # noqa: B006
    method: Tune = "finetune",
    seed: Seed = 0,
    gpu_id: Gpu = -1,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    strict: Strict = False,
    progress: Progress = True,
) -> None:
    """Teach MODEL the predictions of another model.

    The texts are of the source and of target languages.

    With --layers, MODEL learns to do with fewer layers of its encoder. With --pairs, the teacher reads the source's
    side and MODEL learns it for the translation. A static student: python -m spacy xlt export --preset fast.
    """
    from spacy_xlt.cli.common import check_choice, make_columns, parse_by_language, read_sides
    from spacy_xlt.cli.transfer_common import METHODS, finish, read_data, report_bad, source_of
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.transfer.distill import distill

    check_choice("--method", method, METHODS)
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    translations = {
        code: read_sides(code, both, encoding) for code, both in parse_by_language("--pairs", pairs).items()
    }
    nlp = load_model(model)
    held = read_data(dev, columns=columns, encoding=encoding, source=source_of(nlp))
    report_bad([unlabeled, held], output, strict)
    result = distill(
        nlp,
        unlabeled,
        teacher=None if teacher is None else load_model(teacher),
        translations=translations,
        layers=layers,
        method=method,  # type: ignore[arg-type]
        temperature=temperature,
        dev=held,
        seed=seed,
        progress=progress,
    )
    finish(nlp, output, result)
