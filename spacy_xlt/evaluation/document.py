"""The metrics document: the figures of one model, checked by pydantic. `evaluate` makes it, and all reports read it."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import Self

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.details import Details

REMEDY = "Evaluate the model again to create it."

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Difference = Annotated[float, Field(ge=-1.0, le=1.0)]
# JSON has no tuples, so a list of two numbers is accepted.
Interval = Annotated[tuple[Share, Share], Field(strict=False)]
DifferenceInterval = Annotated[tuple[Difference, Difference], Field(strict=False)]


class _Strict(BaseModel):
    """Types are not converted, figures are finite, and fields that a later version adds are kept."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False)


class LabelFigures(_Strict):
    """The figures of one label in one language.

    Attributes:
        n: The number of texts that have the label.
        predicted: The number of texts for which the label was predicted.
        precision: The share of these predictions that are correct. 0 if there are none.
        recall: The share of the texts with the label for which it was predicted. 0 if there are none.
        f1: The harmonic mean of precision and recall.
        f1_ci95: The 95% confidence interval of the F1 score.
    """

    n: Count
    predicted: Count
    precision: Share
    recall: Share
    f1: Share
    f1_ci95: Interval


class ReliabilityBin(_Strict):
    """Predictions with similar probabilities.

    Attributes:
        lower: The lower bound of the probabilities.
        upper: The upper bound.
        n: The number of predictions; at least 1.
        confidence: The mean of their probabilities.
        accuracy: The share of them that are correct.
    """

    lower: Share
    upper: Share
    n: Count
    confidence: Share
    accuracy: Share


class Calibration(_Strict):
    """How well probabilities agree with the shares of correct predictions.

    Attributes:
        ece: The expected calibration error: the mean difference of confidence and accuracy over the predictions.
        bins: The bins that are not empty, from low to high probabilities.
    """

    ece: Share
    bins: list[ReliabilityBin]


class LanguageFigures(_Strict):
    """The figures of one language. Shares are numbers from 0 to 1. Older documents lack the fields from `gap_ci95` on.

    Attributes:
        n: The number of texts.
        accuracy: The share of texts with the correct label (multilabel: with all labels correct).
        macro_f1: The unweighted mean of the F1 scores of the labels.
        ci95: The 95% confidence interval of the accuracy.
        macro_f1_ci95: The 95% confidence interval of macro-F1.
        langid_accuracy: The share of texts whose language was detected correctly. None without a detector.
        gap: The accuracy of the source language minus this accuracy. None without texts in the source language.
        gap_ci95: The 95% confidence interval of the gap. None for the source language itself.
        labels: The figures of each label that occurs in the texts or in the predictions.
        confusion: {gold label: {predicted label: number of texts}} without zeros. None if a text can have
            several labels.
        calibration: How well the probabilities agree with the accuracy. If a text can have several labels, each label
            of each text is a prediction.
    """

    n: Count
    accuracy: Share
    macro_f1: Share
    ci95: Interval
    macro_f1_ci95: Interval
    langid_accuracy: Optional[Share]
    gap: Optional[Difference]
    gap_ci95: Optional[DifferenceInterval] = None
    labels: Optional[dict[str, LabelFigures]] = None
    confusion: Optional[dict[str, dict[str, Count]]] = None
    calibration: Optional[Calibration] = None


class MeanFigures(_Strict):
    """The unweighted mean of the target languages (all languages except the source).

    Attributes:
        languages: The number of target languages. If it is 0, all figures are None.
        accuracy: See `LanguageFigures`, as for the other figures.
    """

    languages: Count
    accuracy: Optional[Share]
    macro_f1: Optional[Share]
    gap: Optional[Difference]
    langid_accuracy: Optional[Share]


Languages = Annotated[dict[str, LanguageFigures], Field(min_length=1)]


class Figures(_Strict):
    """The figures of each language, by language code, and their mean over the target languages."""

    languages: Languages
    mean: MeanFigures


class GroupFigures(MeanFigures):
    """The unweighted mean of the target languages of a group, such as one language family.

    Attributes:
        codes: The codes of the languages.
    """

    codes: list[str]


class Prediction(_Strict):
    """What the model predicted for one text.

    Attributes:
        digest: A hash of the text. Reports hold no texts unless they are asked for, because these may be confidential.
        language: The language of the text; the detected language if the data names none.
        gold: The labels of the text.
        predicted: The labels that the model predicted.
        confidence: The probability of the predicted label. None if a text can have several labels.
        detected: The detected language. None without a detector.
    """

    digest: str
    language: str
    gold: list[str]
    predicted: list[str]
    confidence: Optional[Share]
    detected: Optional[str]

    @property
    def correct(self) -> bool:
        """Whether the text got exactly its labels."""
        return set(self.gold) == set(self.predicted)


class Overlap(_Strict):
    """A test text that is also in the training data.

    Attributes:
        test: Where the test text is, such as `test.csv:17`.
        train: Where the training text is.
        text: The start of the test text.
    """

    test: str
    train: str
    text: str


class Contamination(_Strict):
    """The test texts that are also in the training data, up to case, punctuation and small changes.

    Attributes:
        train: The number of training texts.
        n: The number of test texts that are in the training data.
        languages: The number of these test texts in each language that has some.
        examples: The first of them.
    """

    train: Count
    n: Count
    languages: dict[str, Count]
    examples: list[Overlap]


class Metrics(_Strict):
    """The metrics document of one model. Older documents lack the fields from `groups` on.

    Attributes:
        model: The model folder, or the name of the pipeline.
        data: The files that the test texts came from. Empty for texts in memory.
        source: The source language: the language of the training texts.
        labels: The labels of the model, then those that only the test texts have.
        n: The number of test texts.
        multilabel: Whether a text can have several labels or none.
        languages: The figures of each language, by language code.
        mean: The mean of the target languages.
        before_projection: The figures of the same model without its projection. None without a projector.
        groups: {kind: {group: figures}}: the means over the target languages of each group. The kinds are `script`,
            `family` and `resources`, the resource class of Joshi et al. (2020).
        contamination: The test texts that are also in the training data. None if the training data was not given.
        docs_per_second: The speed of the whole pipeline, in texts per second.
        predictions: The prediction for each text, in the order of the data.
        details: What a report shows besides the figures: the map of the embeddings, wrong predictions, and more.
    """

    model: str
    data: list[str]
    source: str
    labels: list[str]
    n: Count
    multilabel: bool
    languages: Languages
    mean: MeanFigures
    before_projection: Optional[Figures] = None
    groups: Optional[dict[str, dict[str, GroupFigures]]] = None
    contamination: Optional[Contamination] = None
    docs_per_second: Optional[Annotated[float, Field(ge=0.0)]] = None
    predictions: Optional[list[Prediction]] = None
    details: Optional[Details] = None

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> Self:
        """Read a metrics document from a JSON file.

        Args:
            path: A file that `evaluate` or `Report.to_json` has written.

        Raises:
            XltError: The file is missing, is not JSON, or has a missing or invalid field.
        """
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise XltError(f"{path} does not exist. {REMEDY}") from None
        except OSError as error:
            raise XltError(f"{path} cannot be read ({error.strerror}). Choose a metrics file.") from error
        except json.JSONDecodeError as error:
            raise XltError(f"{path}, line {error.lineno}: invalid JSON ({error.msg}). {REMEDY}") from error
        except (UnicodeDecodeError, RecursionError) as error:
            raise XltError(f"{path} is not a JSON file in UTF-8. {REMEDY}") from error
        return cls.parse(content, str(path))

    @classmethod
    def parse(cls, content: Any, location: str) -> Self:
        """Check parsed JSON and return it as a metrics document.

        Args:
            content: The parsed JSON.
            location: Where the content came from, for error messages.

        Raises:
            XltError: A field is missing or invalid. The message names the location and the field.
        """
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            what = f"the field '{field}': {first['msg']}" if field else first["msg"]
            raise XltError(f"{location} is not a metrics document: {what}. {REMEDY}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the document as JSON types, as `evaluate` writes it."""
        return self.model_dump(mode="json", exclude_unset=True)
