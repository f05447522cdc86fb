"""`xlt transfer self-train`: from unlabelled texts of target languages to a better model."""

from typing import Annotated

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text
from spacy_xlt.cli.transfer_common import Dev, Languages, Output, Seed, Source, Tune, Unlabelled


def self_train_cli(
    model: Model,
    output: Output,
    texts: Unlabelled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    source_texts: Source = [],  # noqa: B006
    dev: Dev = [],  # noqa: B006
    method: Tune = "frozen",
    rounds: Annotated[int, typer.Option(help="At most so many.")] = 3,
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
    """Learn from unlabeled texts that the model labels itself.

    In each round it learns from those that it is most sure of.

    A killed run goes on at its last round when the same command is given again. The model stays as it was where --dev
    texts say that it got worse.
    """
    from spacy_xlt.cli.common import check_choice, make_columns
    from spacy_xlt.cli.transfer_common import METHODS, finish, read_data, report_bad, source_of
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.transfer.self_train import self_train

    check_choice("--method", method, METHODS)
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    nlp = load_model(model)
    source, held = (
        read_data(paths, columns=columns, encoding=encoding, source=source_of(nlp)) for paths in (source_texts, dev)
    )
    report_bad([unlabeled, source, held], output, strict)
    result = self_train(
        nlp,
        unlabeled,
        source=source,
        dev=held,
        method=method,  # type: ignore[arg-type]
        rounds=rounds,
        checkpoint=output.with_name(output.name + ".rounds"),
        seed=seed,
        progress=progress,
    )
    finish(nlp, output, result)
