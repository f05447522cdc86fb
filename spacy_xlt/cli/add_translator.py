"""The command `xlt transfer add-translator`."""

from typing import Annotated

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Separator, Strict, Text
from spacy_xlt.cli.transfer_common import Languages, Output, Pairs, Unlabeled
from spacy_xlt.cli.translate import Translator, read_translator


def add_translator_cli(
    model: Model,
    output: Output,
    dictionary: Annotated[
        list[str], typer.Option(help="LANG=FILE: lines of a source word and a word in LANG. Repeatable.")
    ] = [],  # noqa: B006  (typer's way; never written)
    pairs: Pairs = [],  # noqa: B006
    translator: Translator = None,
    languages: Annotated[
        str, typer.Option(help="The languages to translate, as es,ca. Default: all that the translator knows.")
    ] = "",
    texts: Unlabeled = [],  # noqa: B006
    language: Languages = [],  # noqa: B006
    dev: Annotated[list[str], typer.Option(help="Labeled texts on which the weights are chosen. Repeatable.")] = [],  # noqa: B006
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    gpu_id: Gpu = -1,
    strict: Strict = False,
) -> None:
    """Add dictionaries, parallel sentences or a translator to a model.

    Texts are then classified by their translation, too. How much it counts is chosen on --dev.
    """
    from spacy_xlt.cli.common import make_columns, read_languages
    from spacy_xlt.cli.transfer_common import finish, read_data, read_parallel, report_bad
    from spacy_xlt.models import check_output, load_model, use_gpu
    from spacy_xlt.transfer.add_translator import add_translator

    only_pairs = bool(pairs) and not dictionary and translator is None
    given = None if only_pairs else read_translator(translator, dictionary, encoding)
    check_output(output)
    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    unlabeled = read_data(texts, language, columns=columns, encoding=encoding, labeled=False)
    labeled = read_data(dev, columns=columns, encoding=encoding)
    report_bad([unlabeled, labeled], output, strict)
    nlp = load_model(model)
    result = add_translator(
        nlp,
        given,
        pairs=read_parallel(pairs, encoding),
        languages=read_languages(languages),
        texts=unlabeled,
        dev=labeled,
    )
    for code, weight in result.settings["weights"].items():
        print(f"  {code}: the translation has the weight {weight:g}")
    finish(nlp, output, result)
