"""The contrast of the colors of a report: WCAG 2.2, 1.4.3 for texts and 1.4.11 for graphics, in every theme."""

import re
from importlib.resources import files

import pytest

STYLE = files("spacy_xlt.evaluation").joinpath("report.css").read_text(encoding="utf8")
THEMES = dict(zip(("light", "dark", "print"), re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL), strict=True))
COLORS = {name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", theme)) for name, theme in THEMES.items()}
CATEGORIES = [f"c{number}" for number in range(8)]


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_texts_have_a_contrast_of_4_5(theme: str) -> None:
    colors = COLORS[theme]
    pairs = [(text, back) for text in ("ink", "muted", "after", "before") for back in ("page", "surface", "raised")]
    assert {pair: ratio for pair in pairs if (ratio := contrast(*(colors[name] for name in pair))) < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_graphics_have_a_contrast_of_3(theme: str) -> None:
    colors = COLORS[theme]
    pairs = [(name, "surface") for name in ("fill", "edge", "after", "before", *CATEGORIES)] + [("ink", "fill")]
    assert {pair: ratio for pair in pairs if (ratio := contrast(*(colors[name] for name in pair))) < 3.0} == {}
