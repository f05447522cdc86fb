"""Our own registries. They hang on spaCy's, or `@xlt_detectors` in a config would fail (E892)."""

import catalogue
from spacy.util import registry

for _name in ("xlt_detectors", "xlt_encoders", "xlt_aligners"):
    if not hasattr(registry, _name):
        setattr(registry, _name, catalogue.create("spacy", _name, entry_points=True))
