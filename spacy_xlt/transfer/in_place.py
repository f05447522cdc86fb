"""Let functions that change a pipeline take a model folder as well."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, Union

from spacy.language import Language

from spacy_xlt.models import load_model, save

P = ParamSpec("P")
ReturnT = TypeVar("ReturnT")
Pipeline = Union[Language, str, os.PathLike[str]]


def in_place(
    function: Callable[Concatenate[Language, P], ReturnT],
) -> Callable[Concatenate[Pipeline, P], ReturnT]:
    """Return the function with a first argument that may be the path of a model folder.

    The folder is loaded first and written again at the end. If the function raises an exception, it is not written.
    """

    @wraps(function)
    def run(nlp: Pipeline, *args: Any, **options: Any) -> ReturnT:
        if isinstance(nlp, Language):
            return function(nlp, *args, **options)
        folder = Path(nlp)
        pipeline = load_model(folder)
        returned = function(pipeline, *args, **options)
        save(pipeline, folder)
        return returned

    return run
