"""What a pipeline needs to be installed, in its meta.json: `spacy package` puts that into the wheel."""

from importlib.metadata import version
from typing import Any

from spacy.language import Language
from spacy.util import get_minor_version_range


def require_extra(nlp: Language, back_end: Any) -> None:
    """Note the extra of this package that a back end needs (its `extra`, if it has one) in `nlp.meta`.

    spaCy itself notes the package, but not the extra.
    """
    extra = getattr(back_end, "extra", None)
    if extra is None:
        return
    requirement = f"spacy-xlt[{extra}]{get_minor_version_range(version('spacy-xlt'))}"
    noted = nlp.meta.get("requirements", [])
    if requirement not in noted:
        nlp.meta["requirements"] = [*noted, requirement]
