"""The guard of the transfer methods."""

from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.training.model_state import get_layer, set_layer
from spacy_xlt.transfer.acceptance import META_KEY, accept_if_not_worse, fingerprint, judge
from tests.toy import TEXTS, make_pipeline

DEV = [Record(text, (label,), code, f"dev:{i}") for code in ("en", "de") for i, (text, label) in enumerate(TEXTS[code])]


@pytest.fixture
def nlp(tiny_bert: Any) -> Language:
    return make_pipeline(tiny_bert)


def spoil(nlp: Language) -> dict[str, Any]:
    """Turn the head round."""
    layer = get_layer(nlp)
    set_layer(nlp, Layer(-layer.weight, -layer.bias))
    return {}


def test_a_worse_model_is_taken_back(nlp: Language) -> None:
    before = [nlp(record.text).cats for record in DEV]
    result = accept_if_not_worse(nlp, "test", lambda: spoil(nlp), dev=DEV, data={"dev": DEV})
    assert not result.kept and result.reason.startswith("Taken back: ")
    assert [nlp(record.text).cats for record in DEV] == before
    (noted,) = nlp.meta[META_KEY]
    assert noted["method"] == "test" and noted["kept"] is False and noted["data"]["dev"]["texts"] == len(DEV)
    assert noted["dev"]["en"]["before"] > noted["dev"]["en"]["after"]


@pytest.mark.parametrize(("times", "halved"), [(1.0, 0), (-0.5, 1), (-2.0, 2)])
def test_a_step_too_far_is_halved(nlp: Language, times: float, halved: int) -> None:
    before, old = [nlp(record.text).cats for record in DEV], get_layer(nlp)

    def step() -> dict[str, Any]:
        set_layer(nlp, Layer(times * old.weight, times * old.bias))
        return {}

    result = accept_if_not_worse(nlp, "test", step, dev=DEV, data={}, halve=True)
    assert result.kept and result.chosen == {"halved": halved}
    stays = 1 - (1 - times) / 2**halved
    np.testing.assert_allclose(get_layer(nlp).weight, stays * old.weight, atol=1e-6)
    set_layer(nlp, old)
    assert [nlp(record.text).cats for record in DEV] == before


def test_a_step_much_too_far_is_taken_back(nlp: Language) -> None:
    old = get_layer(nlp)

    def step() -> dict[str, Any]:
        set_layer(nlp, Layer(-9 * old.weight, -9 * old.bias))
        return {}

    result = accept_if_not_worse(nlp, "test", step, dev=DEV, data={}, halve=True)
    assert not result.kept and result.chosen == {"halved": 2}
    np.testing.assert_array_equal(get_layer(nlp).weight, old.weight)


def test_without_dev_texts_nothing_is_compared(nlp: Language) -> None:
    before = get_layer(nlp)
    result = accept_if_not_worse(nlp, "test", lambda: spoil(nlp), dev=[], data={})
    assert result.kept and result.reason == "Not compared: there are no dev texts." and result.dev == {}
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


def test_a_dev_label_that_the_model_lacks(nlp: Language) -> None:
    wrong = [Record("Text", ("weather",), "en", "dev.csv:2")]
    with pytest.raises(
        XltError, match="dev.csv:2: the model does not know the label 'weather'; it knows order, account"
    ):
        accept_if_not_worse(nlp, "test", dict, dev=wrong, data={})


def rows(hits: int, n: int = 100) -> Any:
    return np.arange(n) < hits


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ({"en": 80}, {"en": 80}, True),
        ({"en": 80}, {"en": 79}, True),  # one text of a hundred is noise
        ({"en": 80}, {"en": 70}, False),
        ({"en": 80, "sw": 50}, {"en": 80, "sw": 51}, True),
        ({"en": 80, "sw": 50}, {"en": 90, "sw": 49}, False),  # the targets are what it is about
        ({"en": 80, "sw": 50, "de": 70}, {"en": 80, "sw": 60, "de": 69}, True),
        ({"en": 80, "sw": 50, "de": 70}, {"en": 80, "sw": 70, "de": 65}, False),
    ],
)
def test_the_judgement(before: dict[str, int], after: dict[str, int], kept: bool) -> None:
    languages = [code for code in before for _ in range(100)]
    found = judge(
        np.concatenate([rows(hits) for hits in before.values()]),
        np.concatenate([rows(hits) for hits in after.values()]),
        languages,
        "en",
    )
    assert found[0] is kept


def test_one_text_of_few_is_no_loss() -> None:
    before = rows(90, n=99)
    assert judge(before, rows(89, n=99), ["en"] * 99, "en")[0]
    assert not judge(before, rows(87, n=99), ["en"] * 99, "en")[0]


def test_a_smaller_model_may_lose_a_share() -> None:
    before = rows(80)
    assert judge(before, rows(78), ["en"] * 100, "en", max_drop=0.03)[0]
    assert not judge(before, rows(77), ["en"] * 100, "en", max_drop=0.03)[0]


def test_a_fingerprint_knows_texts_labels_and_languages() -> None:
    changed = [
        DEV,
        DEV[1:],
        [Record("?", *list(vars(DEV[0]).values())[1:]), *DEV[1:]],
        [Record(DEV[0].text, ("x",), "en", ""), *DEV[1:]],
        [Record(DEV[0].text, DEV[0].labels, "de", ""), *DEV[1:]],
    ]
    assert len({fingerprint(records)["sha256"] for records in changed}) == len(changed)
    elsewhere = [Record(record.text, record.labels, record.language, "elsewhere") for record in DEV]
    assert fingerprint(elsewhere) == fingerprint(DEV)
