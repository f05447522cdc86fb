"""What a metrics document can have besides its figures: a map of embeddings, wrong predictions, expected accuracies.

The texts of wrong predictions are in a document only if they were asked for: see `examples` of `evaluate`.
"""

from typing import Annotated, Optional

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Cosine = Annotated[float, Field(ge=-1.0, le=1.0)]
# JSON has no tuples, so a list of two numbers is accepted.
Pair = Annotated[tuple[Share, Share], Field(strict=False)]


class _Strict(BaseModel):
    """As in a metrics document: types are not converted, figures are finite, and unknown fields are kept."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False)


class Expected(_Strict):
    """The accuracy of one language, estimated without its labels: see `estimate`.

    Attributes:
        accuracy: The expected accuracy.
        interval: The interval that contains the accuracy with a probability of 90%.
    """

    accuracy: Share
    interval: Pair


class EmbeddingMap(_Strict):
    """The embeddings of test texts on their first two principal components, [n] points.

    Both maps have the same axes. Coordinates are integers from 0 to 1000.

    Attributes:
        variance: The shares of the variance that the two axes explain.
        languages: The languages of the points.
        labels: The labels of the points.
        language: The index of the language of each point.
        label: The index of the label of each point.
        before: The x and the y coordinates of the embeddings.
        after: Those of the projected embeddings; None without a projector.
    """

    variance: Pair
    languages: list[str]
    labels: list[str]
    language: list[Count]
    label: list[Count]
    before: Annotated[tuple[list[Count], list[Count]], Field(strict=False)]
    after: Annotated[Optional[tuple[list[Count], list[Count]]], Field(strict=False)]


class Neighbor(_Strict):
    """A training text with an embedding near that of a test text.

    Attributes:
        text: The text, shortened if it is long.
        labels: Its labels.
        language: Its language; `xx` if that is unknown.
        similarity: The cosine of the projected embeddings.
    """

    text: str
    labels: list[str]
    language: str
    similarity: Cosine


class WordEffect(_Strict):
    """What one word of a text contributes to a prediction.

    Attributes:
        start: The index of its first character.
        end: The index after its last character.
        effect: The probability of the explained label minus its probability without the word.
    """

    start: Count
    end: Count
    effect: Annotated[float, Field(ge=-1.0, le=1.0)]


class Example(_Strict):
    """A test text with a wrong label or a wrong language.

    Attributes:
        text: The text, shortened if it is long.
        language: The language of the test data.
        detected: The detected language. None without a detector.
        gold: The correct labels.
        predicted: The predicted labels.
        probabilities: The probabilities of the correct and the predicted labels.
        explained: The label that `words` explain: the predicted one, or of several the one that is wrong by most.
        words: The words that change its probability, in the order of the text.
        neighbors: The nearest training texts, the nearest first. Empty if no training texts were given.
    """

    text: str
    language: str
    detected: Optional[str]
    gold: list[str]
    predicted: list[str]
    probabilities: dict[str, Share]
    explained: str
    words: list[WordEffect]
    neighbors: list[Neighbor]


class Details(_Strict):
    """What a report shows besides the figures.

    Attributes:
        expected: The expected accuracies by language code. Empty if the model has no figures of its source language.
        detected: {language: {detected language: texts}} for the texts whose language was detected wrongly.
        embedding_map: The map of the embeddings. None if the pipeline has no embeddings.
        wrong: The number of texts with a wrong label or a wrong language.
        examples: Some of them, if they were asked for.
    """

    expected: dict[str, Expected]
    detected: dict[str, dict[str, Count]]
    embedding_map: Optional[EmbeddingMap]
    wrong: Count
    examples: list[Example]
