"""Our own registries. They hang on spaCy's, or `@xlt_detectors` in a config would fail (E892)."""

from typing import Any

import catalogue
from spacy.util import registry

from spacy_xlt.alignment.base import Aligner
from spacy_xlt.errors import XltError

for _name in ("xlt_detectors", "xlt_encoders", "xlt_aligners", "xlt_translators", "xlt_zeroshot_scorers"):
    if not hasattr(registry, _name):
        setattr(registry, _name, catalogue.create("spacy", _name, entry_points=True))


def aligner_name(name: str) -> str:
    """The registered name of an aligner (`spacy-xlt.Ridge.v1`) by that name or by the short one of ours (`Ridge`).

    Raises XltError that lists the names for one that is not registered.
    """
    names = sorted(getattr(registry, "xlt_aligners").get_all())  # noqa: B009  (made above; mypy knows it not)
    short = {known.split(".")[1].casefold(): known for known in names if known.startswith("spacy-xlt.")}
    full = name if name in names else short.get(name.casefold())
    if full is None:
        raise XltError(f"There is no aligner '{name}'; there are {', '.join(names)}.")
    return full


def make_aligner(name: str) -> Aligner:
    """An aligner with its defaults, by a name as `aligner_name` takes it. Raises XltError for an unknown one."""
    registered: Any = getattr(registry, "xlt_aligners")  # noqa: B009
    aligner: Aligner = registered.get(aligner_name(name))()
    return aligner
