"""The default back end: its file, its scores, its codes, and its prior."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.detectors import ngrams
from spacy_xlt.detectors.base import decide
from spacy_xlt.detectors.calibration import CLASSES, read_calibration
from spacy_xlt.detectors.lookup import hash_ngrams
from spacy_xlt.detectors.ngrams import LONGEST, SPACE, UNIT, NGrams, answer_code, read_model, read_symbols, score
from spacy_xlt.detectors.scripts import LATIN, NAMES
from spacy_xlt.errors import XltError
from spacy_xlt.languages import is_known

MOST_MEGABYTES = 12
GERMAN = "Wo bleibt das Paket, das ich vor zwei Wochen bestellt habe?"
EGYPTIAN = "إحنا عايزين نعرف الطرد بتاعنا فين دلوقتي عشان مستنيينه من زمان أوي"


def test_the_model_knows_two_hundred_languages() -> None:
    names = {name for group in read_model().values() for name in group.classes}
    assert len(names) > 205
    assert all(is_known(name) for name in names)
    assert len({answer.partition("_")[0] for answer in NGrams().languages}) > 180


def test_the_file_is_small_in_a_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.write(ngrams.FILE)
    assert (tmp_path / "wheel.zip").stat().st_size < MOST_MEGABYTES * 1e6


def test_every_class_and_script_is_calibrated() -> None:
    fitted = read_calibration()["unknown"]
    for number, group in read_model().items():
        assert set(group.classes) <= set(fitted["typical"])
        if NAMES[number] != "Kana":
            thresholds = np.array(fitted["thresholds"][NAMES[number]])
            assert thresholds.shape == (len(CLASSES), len(fitted["rates"]))
            # The more texts may be called unknown by mistake, the lower the threshold.
            assert (np.diff(thresholds, axis=1) <= 0).all()


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("aB é'’.3 \u0301я"), max_size=12), max_size=4))
def test_symbols_are_words_between_single_spaces(texts: list[str]) -> None:
    symbols, owners = read_symbols(texts)
    assert set(owners.tolist()) <= set(range(len(texts)))
    for number in range(len(texts)):
        own = "".join(map(chr, symbols[owners == number]))
        assert "  " not in own and own.startswith(" ") and own.endswith(" ")
        assert not any(word.startswith("'") or word.endswith("'") for word in own.split())
        assert set(own) <= set("abé' \u0301я")


def test_a_score_is_the_sum_of_the_weights_of_the_ngrams() -> None:
    texts = [GERMAN, "the parcel", "x"]
    columns = [3, 17, 40]
    found = score(LATIN, texts, columns)
    group = read_model()[LATIN]
    for row, text in enumerate(texts):
        hashes = hash_ngrams(read_symbols([text])[0], LONGEST, SPACE)
        keys = hashes[hashes > 0]
        places = group.index.find(keys.astype(np.uint64))
        own = group.weights[places[places >= 0]][:, columns].astype(int)
        assert found.values[row].tolist() == (own.sum(axis=0) * UNIT).tolist()
        assert (found.ngrams[row], found.known[row]) == (len(keys), len(own))
        assert found.used[row] == np.count_nonzero(own[:, found.values[row].argmax()])


@pytest.mark.parametrize(
    ("name", "code", "variety"),
    [
        ("deu_Latn", "de", "de"),
        ("arb_Arab", "ar", "ar"),
        ("arz_Arab", "ar", "arz_Arab"),
        ("arb_Latn", "arb_Latn", "arb_Latn"),
        ("zho_Hant", "zho_Hant", "zho_Hant"),
        ("srp_Cyrl", "srp_Cyrl", "srp_Cyrl"),
        ("yue_Hant", "yue", "yue"),
        ("nob_Latn", "no", "no"),
        ("ace_Arab", "ace_Arab", "ace_Arab"),
    ],
)
def test_the_codes_of_classes(name: str, code: str, variety: str) -> None:
    assert answer_code(name, varieties=False) == code
    assert answer_code(name, varieties=True) == variety


def test_varieties_are_distinguished_only_on_request() -> None:
    (together,), (apart,) = (NGrams(varieties=asked).detect([EGYPTIAN]) for asked in (False, True))
    assert together[0][0] == "ar" and together[0][1] > 0.9
    assert apart[0][0] == "arz_Arab"
    assert decide(apart).language == "ar"


def test_a_prior_allows_all_scripts_of_a_language_or_one() -> None:
    texts = ["我無法更改帳戶的密碼", "我无法更改账户的密码"]
    assert [found[0][0] for found in NGrams().detect(texts, ["zh", "ja"])] == ["zho_Hant", "zho_Hans"]
    assert [found[0][0] for found in NGrams().detect(texts, ["zho_Hant", "ja"])] == ["zho_Hant", "zho_Hant"]


def test_noise_is_unknown_unless_languages_are_given() -> None:
    noise = "xkq wvzp qqrj tttz bnmx plkj zzxw wqrtp sdfgh"
    assert decide(NGrams().detect([noise])[0]).language == "xx"
    assert decide(NGrams(unknown_rate=0.0).detect([noise])[0]).language != "xx"
    assert decide(NGrams().detect([noise], ["en", "de"])[0]).language in ("en", "de")


def test_if_xx_wins_the_languages_share_the_rest() -> None:
    (found,) = NGrams().detect(["xkq wvzp qqrj tttz bnmx plkj zzxw wqrtp sdfgh"])
    assert found[0][0] == "xx" and found[0][1] >= 0.5
    assert sum(probability for _, probability in found) <= 1.0001


@pytest.mark.parametrize("rate", [-0.1, 0.2])
def test_a_rate_out_of_range_is_an_error(rate: float) -> None:
    with pytest.raises(XltError, match=str(rate)):
        NGrams(unknown_rate=rate)


def test_unknown_languages_are_an_error() -> None:
    with pytest.raises(XltError, match="tlh"):
        NGrams().detect([GERMAN], ["tlh"])
