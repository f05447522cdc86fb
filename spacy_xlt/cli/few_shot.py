"""`xlt transfer few-shot`: from some labelled texts of target languages to a better model."""

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text
from spacy_xlt.cli.transfer_common import Dev, Labelled, Languages, Output, Seed, Source, Tune


def few_shot_cli(
    model: Model,
    output: Output,
    texts: Labelled = [],  # noqa: B006  (typer's way; never written)
    language: Languages = [],  # noqa: B006
    source_texts: Source = [],  # noqa: B006
    dev: Dev = [],  # noqa: B006
    method: Tune = "frozen",
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
    """Learn from a few labeled texts of target languages.

    There has to be at least one of every label.

    How far the head moves away from what it knows, and with --source-texts whether it is learned anew from them and
    the new ones together, is chosen on --dev texts of these languages, or else by cross-validation. The model stays as
    it was where --dev texts say that it got worse.
    """
    from spacy_xlt.cli.common import check_choice, make_columns
    from spacy_xlt.cli.transfer_common import METHODS, finish, read_data, report_bad, source_of
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.transfer.few_shot import few_shot

    check_choice("--method", method, METHODS)
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    target = read_data(texts, language, columns=columns, encoding=encoding)
    nlp = load_model(model)
    source, held = (
        read_data(paths, columns=columns, encoding=encoding, source=source_of(nlp)) for paths in (source_texts, dev)
    )
    report_bad([target, source, held], output, strict)
    result = few_shot(
        nlp,
        target,
        source=source,
        dev=held,
        method=method,  # type: ignore[arg-type]
        seed=seed,
        progress=progress,
    )
    finish(nlp, output, result)
