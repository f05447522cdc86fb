"""Project a trained pipeline to new languages."""

from collections.abc import Mapping
from typing import Optional

from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset
from spacy_xlt.errors import XltError
from spacy_xlt.languages import as_base_code, by_base_code
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import Translations, fit_projection, set_aligner
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.result import Result, fingerprint_texts
from spacy_xlt.transfer.acceptance import add_to_meta
from spacy_xlt.transfer.in_place import in_place


@in_place
def project(
    nlp: Language,
    data: Data = (),
    *,
    translations: Optional[Mapping[str, Translations]] = None,
    aligner: Optional[str] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Result:
    """Fit the projector for new languages, in place.

    Languages that were fitted before do not change. The texts should resemble those that the model was trained on. If
    they come from another domain, give texts of that domain in the source language as well.

    Args:
        nlp: A pipeline, or a model folder, which is written again.
        data: Unlabeled texts with their languages: whatever `load_dataset` takes.
        translations: {language: [(source text or word, its translation)]}, for aligners that need pairs.
        aligner: Another aligner of the registry `xlt_aligners`, such as `RidgeToIdentity`; None: that of the pipeline.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `language`, the language of all texts.

    Returns:
        The result. Projecting uses no labels, so nothing is compared and the result is always accepted.

    Raises:
        XltError: There are no texts, texts have no language, a language is unknown, or the aligner needs translations.

    Example:
        >>> project(nlp, {"sw": ["Oda yangu bado haijafika."]}).settings["languages"]  # doctest: +SKIP
        ['sw']
    """
    texts = load_dataset(data, labeled=False, **reading).by_language()
    pairs = by_base_code(translations or {}, as_base_code)
    if not texts and not pairs:
        raise XltError("There is nothing to fit on. Give unlabeled texts or translations.")
    if aligner is not None:
        set_aligner(nlp, aligner)
    fit_projection(nlp, texts, translations=pairs, progress=progress)
    projector = find_pipe(nlp, Projector)
    fitted = sorted({*texts, *pairs})
    counts = {code: projector.counts[code] for code in fitted}
    result = Result(
        "project",
        True,
        f"Fitted on {', '.join(f'{count} texts of {code}' for code, count in counts.items())}.",
        {"aligner": type(projector.aligner).__name__, "languages": fitted, "counts": counts},
        {
            "texts": fingerprint_texts(texts),
            "translations": fingerprint_texts(
                {code: [text for pair in of_language for text in pair] for code, of_language in pairs.items()}
            ),
        },
    )
    add_to_meta(nlp, result)
    return result
