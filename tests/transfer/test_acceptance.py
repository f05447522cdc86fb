"""Development data decide whether a changed model is kept."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.result import Result, fingerprint
from spacy_xlt.training.model_state import get_layer, set_layer
from spacy_xlt.transfer.acceptance import META_KEY, accept_if_not_worse, decide
from tests.toy import TEXTS, make_pipeline

DEV = [Record(text, (label,), code, f"dev:{i}") for code in ("en", "de") for i, (text, label) in enumerate(TEXTS[code])]


@pytest.fixture
def nlp(tiny_bert: Any) -> Language:
    return make_pipeline(tiny_bert)


def spoil(nlp: Language) -> dict[str, Any]:
    """Negate the weights of the head."""
    layer = get_layer(nlp)
    set_layer(nlp, Layer(-layer.weight, -layer.bias))
    return {}


def test_a_worse_model_is_rejected(nlp: Language) -> None:
    before = [nlp(record.text).cats for record in DEV]
    result = accept_if_not_worse(nlp, "test", lambda: spoil(nlp), dev=DEV, data={"dev": DEV})
    assert isinstance(result, Result) and not result.accepted and result.metrics["en"]["n"] == 6
    # The reason names what was compared.
    assert "'en'" in result.reason and "6 development texts" in result.reason
    assert [nlp(record.text).cats for record in DEV] == before
    (noted,) = nlp.meta[META_KEY]
    assert noted == result.to_dict()
    assert noted["method"] == "test" and noted["accepted"] is False and noted["data"]["dev"]["texts"] == len(DEV)
    assert noted["metrics"]["en"]["before"] > noted["metrics"]["en"]["after"]


def test_entries_of_older_models_stay(nlp: Language) -> None:
    old = {"method": "few-shot", "kept": True, "chosen": {}, "dev": {}}
    nlp.meta[META_KEY] = [old]
    result = accept_if_not_worse(nlp, "test", dict, dev=DEV, data={})
    assert nlp.meta[META_KEY] == [old, result.to_dict()]


@pytest.mark.parametrize(("times", "halvings"), [(1.0, 0), (-0.5, 1), (-2.0, 2)])
def test_a_rejected_change_is_halved(nlp: Language, times: float, halvings: int) -> None:
    before, old = [nlp(record.text).cats for record in DEV], get_layer(nlp)

    def step() -> dict[str, Any]:
        set_layer(nlp, Layer(times * old.weight, times * old.bias))
        return {}

    result = accept_if_not_worse(nlp, "test", step, dev=DEV, data={}, halve=True)
    assert result.accepted and result.settings == {"halvings": halvings}
    stays = 1 - (1 - times) / 2**halvings
    np.testing.assert_allclose(get_layer(nlp).weight, stays * old.weight, atol=1e-6)
    set_layer(nlp, old)
    assert [nlp(record.text).cats for record in DEV] == before


def test_a_change_that_stays_worse_when_halved_is_rejected(nlp: Language) -> None:
    old = get_layer(nlp)

    def step() -> dict[str, Any]:
        set_layer(nlp, Layer(-9 * old.weight, -9 * old.bias))
        return {}

    result = accept_if_not_worse(nlp, "test", step, dev=DEV, data={}, halve=True)
    assert not result.accepted and result.settings == {"halvings": 2}
    np.testing.assert_array_equal(get_layer(nlp).weight, old.weight)


def test_without_development_data_nothing_is_compared(nlp: Language) -> None:
    before = get_layer(nlp)
    result = accept_if_not_worse(nlp, "test", lambda: spoil(nlp), dev=[], data={})
    assert result.accepted and result.metrics == {}
    np.testing.assert_array_equal(get_layer(nlp).weight, -before.weight)


def test_an_interruption_leaves_the_model(nlp: Language) -> None:
    before = get_layer(nlp)

    def change() -> dict[str, Any]:
        spoil(nlp)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        accept_if_not_worse(nlp, "test", change, dev=DEV, data={})
    np.testing.assert_array_equal(get_layer(nlp).weight, before.weight)
    assert META_KEY not in nlp.meta


def test_a_label_that_the_model_does_not_have(nlp: Language) -> None:
    wrong = [Record("Text", ("weather",), "en", "dev.csv:2")]
    with pytest.raises(XltError, match="dev.csv:2.*'weather'.*order, account"):
        accept_if_not_worse(nlp, "test", dict, dev=wrong, data={})


def rows(hits: int, n: int = 100) -> Any:
    return np.arange(n) < hits


@pytest.mark.parametrize(
    ("before", "after", "accepted"),
    [
        ({"en": 80}, {"en": 80}, True),
        ({"en": 80}, {"en": 79}, True),  # one text of a hundred is noise
        ({"en": 80}, {"en": 70}, False),
        ({"en": 80, "sw": 50}, {"en": 80, "sw": 51}, True),
        ({"en": 80, "sw": 50}, {"en": 90, "sw": 49}, False),  # the mean of the target languages decides
        ({"en": 80, "sw": 50, "de": 70}, {"en": 80, "sw": 60, "de": 69}, True),
        ({"en": 80, "sw": 50, "de": 70}, {"en": 80, "sw": 70, "de": 65}, False),
    ],
)
def test_the_decision(before: dict[str, int], after: dict[str, int], accepted: bool) -> None:
    languages = [code for code in before for _ in range(100)]
    found = decide(
        np.concatenate([rows(hits) for hits in before.values()]),
        np.concatenate([rows(hits) for hits in after.values()]),
        languages,
        "en",
    )
    assert found[0] is accepted


def test_one_text_of_few_is_no_drop() -> None:
    before = rows(90, n=99)
    assert decide(before, rows(89, n=99), ["en"] * 99, "en")[0]
    assert not decide(before, rows(87, n=99), ["en"] * 99, "en")[0]


def test_a_smaller_model_may_drop_by_a_fraction() -> None:
    before = rows(80)
    assert decide(before, rows(78), ["en"] * 100, "en", max_drop=0.03)[0]
    assert not decide(before, rows(77), ["en"] * 100, "en", max_drop=0.03)[0]


def test_a_fingerprint_depends_on_texts_labels_and_languages() -> None:
    changed = [
        DEV,
        DEV[1:],
        [replace(DEV[0], text="?"), *DEV[1:]],
        [Record(DEV[0].text, ("x",), "en", ""), *DEV[1:]],
        [Record(DEV[0].text, DEV[0].labels, "de", ""), *DEV[1:]],
    ]
    assert len({fingerprint(records)["sha256"] for records in changed}) == len(changed)
    elsewhere = [Record(record.text, record.labels, record.language, "elsewhere") for record in DEV]
    assert fingerprint(elsewhere) == fingerprint(DEV)
