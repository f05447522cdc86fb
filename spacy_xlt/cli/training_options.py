"""The options of commands that fine-tune an encoder."""

from typing import Annotated, Optional

import typer

Epochs = Annotated[float, typer.Option(help="How often fine-tuning reads each text.")]
BatchSize = Annotated[int, typer.Option(help="Texts per step of fine-tuning.")]
LearningRate = Annotated[float, typer.Option(help="The highest learning rate of the encoder in fine-tuning.")]
MaxLength = Annotated[int, typer.Option(help="The number of word pieces of a text that fine-tuning reads.")]
FreezeLayers = Annotated[int, typer.Option(help="The number of lower layers that fine-tuning does not change.")]
OptionalEpochs = Annotated[Optional[float], Epochs.__metadata__[0]]
OptionalLearningRate = Annotated[Optional[float], LearningRate.__metadata__[0]]
