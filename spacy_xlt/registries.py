"""Our own registries. They hang on spaCy's, or `@xlt_detectors` in a config would fail (E892)."""

from typing import Any

import catalogue
from spacy.util import registry

from spacy_xlt.alignment.base import Aligner
from spacy_xlt.errors import XltError

for _name in ("xlt_detectors", "xlt_encoders", "xlt_aligners"):
    if not hasattr(registry, _name):
        setattr(registry, _name, catalogue.create("spacy", _name, entry_points=True))


def make_aligner(name: str) -> Aligner:
    """An aligner with its defaults, by its registered name (`spacy-xlt.Ridge.v1`) or by the name of ours (`Ridge`).

    Raises XltError that lists the names for one that is not registered.
    """
    registered: Any = getattr(registry, "xlt_aligners")  # noqa: B009  (made above; mypy knows it not)
    names = sorted(registered.get_all())
    short = {known.split(".")[1].casefold(): known for known in names if known.startswith("spacy-xlt.")}
    full = name if name in names else short.get(name.casefold())
    if full is None:
        raise XltError(f"There is no aligner '{name}'; there are {', '.join(names)}.")
    aligner: Aligner = registered.get(full)()
    return aligner
