"""`xlt train --task seq2seq`: from texts with targets to a model folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

Template = Annotated[
    Optional[str], typer.Option(help="seq2seq: the prompt, with {text}, and perhaps {source} and {target}.")
]
Seq2SeqTask = Annotated[
    str, typer.Option("--seq2seq-task", help="seq2seq: translate (by sentences), summarize, reply or generate.")
]
TargetLanguage = Annotated[
    Optional[str], typer.Option(help="seq2seq: the language of the targets. Default: the records'.")
]
LabelSmoothing = Annotated[float, typer.Option(help="seq2seq: the probability that is spread over all word pieces.")]
StopOn = Annotated[str, typer.Option(help="seq2seq: the score on the development data: chrf or exact.")]


def train_seq2seq_cli(
    data: str,
    output: Path,
    dev: Optional[str],
    encoder: Optional[Path],
    settings: tuple[str, Optional[str], Optional[str], float, str],
    gpu_id: int,
    options: Mapping[str, Any],
) -> None:
    """Train an encoder-decoder and save it.

    Args:
        data: Texts with targets.
        output: The model folder to write.
        dev: Development data.
        encoder: The folder of the encoder-decoder.
        settings: The first fields of `Seq2SeqSettings`.
        gpu_id: See `use_gpu`.
        options: The other options of `train_seq2seq`.
    """
    from spacy_xlt.models import save, use_gpu
    from spacy_xlt.training.seq2seq import Seq2SeqSettings, train_seq2seq

    seq2seq = Seq2SeqSettings(*settings)  # type: ignore[arg-type]
    use_gpu(gpu_id)
    nlp = train_seq2seq(data, model=encoder, dev=dev, seq2seq=seq2seq, **options)
    save(nlp, output)
    for name, value in nlp.meta.get("performance", {}).items():
        print(f"{name} on the development data: {value:.3f}")
    print(f'✔ {output}: nlp = spacy.load("{output}"); nlp("...")._.xlt_output')
