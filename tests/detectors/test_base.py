"""The contract of a detector: priors, and what its candidates decide."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.detectors.base import NO_LANGUAGE, Detection, base_prior, decide, prior_weight, read_prior
from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code, full_code

CODES = ["de", "deu_Latn", "zh", "zho_Hans", "zho_Hant", "zh-TW", "sr", "srp_Latn", "arz_Arab", "ar", "ace_Arab", "tlh"]

# The prior


@pytest.mark.parametrize("languages", [None, [], {}, ()])
def test_no_prior(languages: object) -> None:
    assert read_prior(languages) == base_prior(languages) == {}  # type: ignore[arg-type]


def test_a_prior_has_canonical_codes_and_adds_up_to_1() -> None:
    assert read_prior(["zho_Hans", "swh", "deu_Latn"]) == pytest.approx({"de": 1 / 3, "sw": 1 / 3, "zho_Hans": 1 / 3})
    assert read_prior({"zh-TW": 1, "zh_Hant": 1, "swh": 1, "deu": 1.0}) == {"de": 0.25, "sw": 0.25, "zho_Hant": 0.5}
    assert read_prior(["zh", "cmn"]) == {"zh": 1.0}


def test_a_prior_for_a_back_end_without_scripts_has_base_codes() -> None:
    assert base_prior({"zho_Hant": 1, "zh-Hans": 1, "de": 2}) == {"de": 0.5, "zh": 0.5}


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf"), "much", True])
def test_a_weight_must_be_a_positive_number(weight: object) -> None:
    with pytest.raises(XltError, match="weight of 'en'"):
        read_prior({"de": 1.0, "en": weight})  # type: ignore[dict-item]


@pytest.mark.parametrize("code", ["xx", "", "und", "und-Latn"])
def test_an_unknown_language_in_a_prior_is_an_error(code: str) -> None:
    with pytest.raises(XltError, match="names no language"):
        read_prior(["de", code])


def test_a_base_code_allows_all_scripts_and_a_code_with_a_script_only_that_one() -> None:
    everything, traditional = read_prior(["zh", "de"]), read_prior(["zho_Hant", "de"])
    assert [prior_weight(everything, code) for code in ("zho_Hans", "zho_Hant", "zh", "yue_Hant")] == [0.5, 0.5, 0.5, 0]
    assert [prior_weight(traditional, code) for code in ("zho_Hans", "zho_Hant", "zh", "zh-TW")] == [0, 0.5, 0.5, 0.5]
    assert prior_weight(read_prior({"ar": 1, "arz_Arab": 3}), "arz_Arab") == 0.75
    assert prior_weight(read_prior({"ar": 1, "arz_Arab": 3}), "acm_Arab") == 0.25
    assert prior_weight(read_prior(["arb_Arab"]), "arz_Arab") == 0


@given(st.dictionaries(st.sampled_from(CODES), st.floats(0.1, 10), min_size=1))
def test_priors(languages: dict[str, float]) -> None:
    prior, base = read_prior(languages), base_prior(languages)
    assert sum(prior.values()) == pytest.approx(1) and sum(base.values()) == pytest.approx(1)
    assert read_prior(prior) == pytest.approx(prior) and list(read_prior(prior)) == list(prior)
    assert set(base) == {base_code(code) for code in languages}
    for code in languages:
        assert prior_weight(prior, code) > 0
        assert prior_weight(prior, base_code(code)) == pytest.approx(base[base_code(code)])


# The decision


@pytest.mark.parametrize(
    ("candidates", "threshold", "expected"),
    [
        ([], 0.0, NO_LANGUAGE),
        ([("de", 0.9)], 0.0, Detection("de", 0.9, "deu_Latn")),
        ([("yue", 0.45), ("zho_Hans", 0.3), ("zho_Hant", 0.25)], 0.0, Detection("zh", 0.55, "zho_Hans")),
        ([("zho_Hans", 0.5), ("zho_Hant", 0.4)], 0.89, Detection("zh", 0.9, "zho_Hans")),
        ([("zho_Hans", 0.5), ("zho_Hant", 0.4)], 0.91, NO_LANGUAGE),
        ([("xx", 0.6), ("de", 0.4)], 0.0, NO_LANGUAGE),
        ([("xx", 0.4), ("srp_Cyrl", 0.3), ("srp_Latn", 0.3)], 0.0, Detection("sr", 0.6, "srp_Cyrl")),
        ([("zh", 1.0)], 0.0, Detection("zh", 1.0, "zh")),
        ([("arz_Arab", 0.6), ("arb_Arab", 0.4)], 0.0, Detection("ar", 1.0, "arz_Arab")),
        ([("tlh", 0.7)], 0.0, Detection("tlh", 0.7, "tlh")),
        ([("ace_Arab", 0.500001), ("ace_Latn", 0.5)], 1.0, Detection("ace", 1.0, "ace_Arab")),
    ],
)
def test_the_language_with_the_largest_sum_wins(
    candidates: list[tuple[str, float]], threshold: float, expected: Detection
) -> None:
    assert decide(candidates, threshold) == expected


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*CODES, "xx"]), st.integers(1, 1000)), st.floats(0, 1))
def test_decisions(weights: dict[str, int], threshold: float) -> None:
    total = sum(weights.values())
    candidates = sorted(((code, weight / total) for code, weight in weights.items()), key=lambda pair: -pair[1])
    decision = decide(candidates, threshold)
    sums = {base_code(code): 0 for code in weights}
    for code, weight in weights.items():
        sums[base_code(code)] += weight
    if decision == NO_LANGUAGE:
        best = max(sums.values(), default=0)
        assert not sums or sums.get("xx") == best or best / total < threshold + 1e-6
    else:
        assert sums[decision.language] == max(sums.values())
        assert decision.score == pytest.approx(sums[decision.language] / total, abs=1e-6)
        assert base_code(decision.language_script) == decision.language
        assert decide(candidates) == decision
        assert decision.language_script in {full_code(code) for code in weights}
