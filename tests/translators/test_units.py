"""Splitting texts into the units of a dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.translators.units import normalize, split_units, without_accents


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Where is my parcel?", ["where", "is", "my", "parcel"]),
        ("«Ŋutsu», (2.5)!", ["ŋutsu", "2", "5"]),
        ("ha'eva’ekue tax-free", ["ha'eva'ekue", "tax-free"]),
        ("'quoted' -x-", ["quoted", "x"]),
        ("मेरा ऑर्डर", ["मेरा", "ऑर्डर"]),
        ("བོད་ཡིག།", ["བོད", "ཡིག"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("我的订单", ["我", "的", "订", "单"]),
        ("DNA测试", ["d", "n", "a", "测", "试"]),
        ("ߒߞߏ ߦߋ߫", ["ߒߞߏ", "ߦߋ߫"]),
        ("كِتَاب", ["كتاب"]),
        ("ＡＢＣ", ["abc"]),
        ("", []),
        (" \n?!", []),
    ],
)
def test_units(text: str, keys: list[str]) -> None:
    assert [unit.key for unit in split_units(normalize(text))] == keys


@given(st.text(max_size=60))
def test_units_are_in_order_and_do_not_overlap(text: str) -> None:
    text = normalize(text)
    units = split_units(text)
    ends = [0, *(unit.end for unit in units)]
    assert all(end <= unit.start < unit.end for end, unit in zip(ends, units))
    assert all(unit.key == text[unit.start : unit.end].casefold() for unit in units)
    letters = "".join(text[unit.start : unit.end] for unit in units)
    assert [char for char in text if char.isalnum()] == [char for char in letters if char.isalnum()]


@pytest.mark.parametrize(("key", "plain"), [("ẹ̀kọ́", "eko"), ("ŋgɔ̃", "ŋgɔ"), ("हिंदी", "हिंदी"), ("abc", "abc")])
def test_without_accents(key: str, plain: str) -> None:
    assert without_accents(key) == plain
