"""The metrics document: what is accepted, what is refused, and that nothing is lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Metrics

from .documents import document, figures, source_only, without_projection

VALID = [document(), document(before_projection=None), without_projection(), document(later=1), source_only()]


@pytest.mark.parametrize("content", VALID)
def test_documents_keep_all_their_fields(content: dict[str, Any]) -> None:
    assert Metrics.parse(content, "m.json").to_dict() == content


def test_fields_have_the_order_of_the_file() -> None:
    content = document()
    assert json.dumps(Metrics.parse(content, "m.json").to_dict()) == json.dumps(content)


def test_figures_are_attributes() -> None:
    metrics = Metrics.parse(document(), "m.json")
    swahili = metrics.languages["sw"]
    assert (swahili.n, swahili.accuracy, swahili.ci95, swahili.gap) == (104, 0.82, (0.76, 0.87), 0.1)
    assert metrics.mean.languages == 2 and metrics.mean.accuracy == 0.85
    assert metrics.before_projection is not None and metrics.before_projection.languages["sw"].accuracy == 0.755
    assert Metrics.parse(without_projection(), "m.json").before_projection is None


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([], "dictionary"),
        ({"cats_score": 0.9}, "'model'"),
        (document(labels=[1]), "'labels.0'"),
        (document(n=-1), "'n'"),
        (document(n=True), "'n'"),
        (document(n="312"), "'n'"),
        (document(multilabel=0), "'multilabel'"),
        (document(languages={}), "'languages'"),
        (document(languages={"de": {"n": 3}}), "'languages.de.accuracy'"),
        (document(languages={"de": figures(float("nan"), None)}), "'languages.de.accuracy'"),
        (document(languages={"de": figures(0.5, 1.5)}), "'languages.de.gap'"),
        (document(languages={"de": {**figures(0.5, 0.0), "ci95": [0.4]}}), "'languages.de.ci95"),
        (document(languages={"de": {**figures(0.5, 0.0), "ci95": [0.4, 1.4]}}), "'languages.de.ci95.1'"),
        (document(mean=None), "'mean'"),
        (document(before_projection={"languages": 3}), "'before_projection.languages'"),
    ],
)
def test_invalid_documents_are_refused_with_their_place_and_field(content: Any, field: str) -> None:
    with pytest.raises(XltError, match=rf"^m\.json .*{re.escape(field)}"):
        Metrics.parse(content, "m.json")


def test_a_file_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(document()), encoding="utf-8")
    assert Metrics.load(tmp_path / "m.json") == Metrics.load(str(tmp_path / "m.json"))
    assert Metrics.load(tmp_path / "m.json").to_dict() == document()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, ""),
        (b'{"model":\n oops}', "line 2"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"[" * 100_000, ""),
        (b'{"cats_score": 1}', "'model'"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "m.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(XltError, match=rf"^{re.escape(str(path))}.*{found}"):
        Metrics.load(path)


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=re.escape(str(tmp_path))):
        Metrics.load(tmp_path)
