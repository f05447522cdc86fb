"""A dot plot of the accuracy of each language, as inline SVG for a page or as a PNG file.

The colors of the SVG are CSS variables (`--ink`, `--muted`, `--line`, `--surface`, `--after`, `--before`), so that one
plot fits the light and the dark page. Its text stays text, in the font of the page. The same rows give the same bytes.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import StringIO
from math import floor
from pathlib import Path
from typing import Any, Optional

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spacy_xlt.evaluation.table import Row, percent
from spacy_xlt.files import whole_file


@dataclass(frozen=True)
class Colors:
    """The colors of a plot. The names are those of the CSS variables of the page."""

    ink: str
    muted: str
    line: str
    surface: str
    after: str
    before: str


# matplotlib does not know CSS variables. It draws in these placeholder colors, which are then replaced.
PLACEHOLDERS = Colors("#010101", "#020202", "#030303", "#040404", "#050505", "#060606")
# The light colors of the page.
LIGHT = Colors("#19202c", "#566072", "#dfe4ec", "#ffffff", "#1f5fc4", "#b3540b")

ROW_INCHES = 0.34
FRAME_INCHES = 0.75
LEGEND_INCHES = 0.35
PNG_DPI = 120


def dot_plot(rows: Sequence[Row], width: float, prefix: str) -> str:
    """Draw the rows as an `<svg>` element.

    Args:
        rows: The rows, the first one at the top. Every row needs an accuracy and its interval.
        width: The width in inches. The plot scales with the page, and its text with it.
        prefix: A prefix for every id, because ids must be unique in a page.
    """
    with _settings(PLACEHOLDERS):
        buffer = StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        _draw(rows, width, PLACEHOLDERS).savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return _for_a_page(buffer.getvalue(), prefix)


def save_png(rows: Sequence[Row], width: float, path: Path) -> None:
    """Draw the rows as a PNG file with a legend, in the light colors of the page.

    Args:
        rows: The rows, the first one at the top. Every row needs an accuracy and its interval.
        width: The width in inches.
        path: The file to write.

    Raises:
        XltError: The file cannot be written.
    """
    with _settings(LIGHT), whole_file(path) as scratch:
        figure = _draw(rows, width, LIGHT, LEGEND_INCHES)
        shown = [("after projection", LIGHT.after), ("before projection", LIGHT.surface)]
        if not _has_before(rows):
            shown = [("accuracy", LIGHT.after)]
        edges = (LIGHT.after, LIGHT.before)
        handles = [
            Line2D(
                [], [], marker="o", color=edge, markerfacecolor=face, markersize=6.5, markeredgewidth=1.5, label=text
            )
            for (text, face), edge in zip(shown, edges)
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, fontsize=9)
        figure.savefig(scratch, format="png", dpi=PNG_DPI, facecolor=LIGHT.surface, metadata={"Software": None})


@contextmanager
def _settings(colors: Colors) -> Iterator[None]:
    """Ignore the user's matplotlib settings, and restore them at the end."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: dict[Any, Any] = {
            "svg.fonttype": "none",
            "svg.hashsalt": "spacy-xlt",
            "text.parse_math": False,  # A language code is untrusted, and "$\foo$" would be an error.
            "font.size": 10,
            "text.color": colors.ink,
            "axes.labelcolor": colors.muted,
            "xtick.color": colors.muted,
            "ytick.color": colors.ink,
        }
        matplotlib.rcParams.update(settings)
        yield


def _draw(rows: Sequence[Row], width: float, colors: Colors, more_inches: float = 0.0) -> Figure:
    height = FRAME_INCHES + more_inches + ROW_INCHES * len(rows)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    for y, row in enumerate(rows):
        axes.axhline(y, color=colors.line, linewidth=0.8, zorder=0)
        offset = 0.17 if _has_before(rows) else 0.0
        _dot(axes, y - offset, row.accuracy, row.accuracy_interval, colors.after, colors.after)
        _dot(axes, y + offset, row.before, row.before_interval, colors.before, colors.surface)
        value: dict[str, Any] = {"va": "center", "fontsize": 9, "transform": axes.get_yaxis_transform()}
        axes.text(1.02, y, percent(row.accuracy), **value)
        if row.is_source and row.accuracy is not None:
            axes.axvline(100 * row.accuracy, color=colors.muted, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    axes.set_yticks(range(len(rows)), labels=[row.name for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(_floor(rows), 101)
    axes.set_xlabel("Accuracy, %")
    axes.tick_params(length=0)
    axes.grid(axis="x", color=colors.line, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return figure


def _dot(
    axes: Axes, y: float, share: Optional[float], bounds: Optional[tuple[float, float]], edge: str, face: str
) -> None:
    if share is None or bounds is None:
        return
    axes.plot([100 * bound for bound in bounds], [y, y], color=edge, linewidth=1.8, solid_capstyle="round", zorder=2)
    axes.plot([100 * share], [y], "o", markersize=6.5, color=edge, markerfacecolor=face, markeredgewidth=1.5, zorder=3)


def _has_before(rows: Sequence[Row]) -> bool:
    return any(row.before is not None for row in rows)


def _floor(rows: Sequence[Row]) -> int:
    """Return the left end of the axis: the nearest multiple of ten below every interval."""
    bounds = [row.accuracy_interval for row in rows] + [row.before_interval for row in rows]
    lowest = min((bound[0] for bound in bounds if bound), default=0.0)
    return max(0, min(90, 10 * floor(10 * lowest - 0.2)))


def _for_a_page(svg: str, prefix: str) -> str:
    """Turn matplotlib's SVG file into an element without XML header, addresses, fixed size, or global styles."""
    box = re.search(r'viewBox="[^"]*"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    for before, after in (('id="', f'id="{prefix}-'), ('href="#', f'href="#{prefix}-'), ("url(#", f"url(#{prefix}-")):
        body = body.replace(before, after)
    for variable, color in asdict(PLACEHOLDERS).items():
        body = body.replace(color, f"var(--{variable})")
    return f'<svg aria-hidden="true" {box.group() if box else ""}>{body}'.replace("xlink:href", "href").rstrip()
