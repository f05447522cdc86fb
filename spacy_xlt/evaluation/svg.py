"""Plots of a report as inline SVG. The colors are CSS variables of the page, so one plot fits both themes."""

from collections.abc import Sequence
from html import escape

from spacy_xlt.evaluation.details import EmbeddingMap
from spacy_xlt.evaluation.document import ReliabilityBin

# Categories differ in color and in shape, so that they can be told apart without colors.
COLORS = 8
SHAPES = (
    "m-4,0a4,4 0 1,0 8,0a4,4 0 1,0-8,0z",  # circle
    "m0,-5l4.6,8h-9.2z",  # triangle
    "m-3.6,-3.6h7.2v7.2h-7.2z",  # square
    "m0,-5.2l5.2,5.2l-5.2,5.2l-5.2,-5.2z",  # diamond
    "m0,5l4.6,-8h-9.2z",  # triangle on its tip
    "m-1.5,-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",  # cross
    "m0,-4.6l4.4,3.2l-1.7,5.1h-5.4l-1.7,-5.1z",  # pentagon
)
MAP_WIDTH, MARGIN = 480, 8


def map_points(
    coordinates: tuple[Sequence[int], Sequence[int]], groups: Sequence[int], names: Sequence[str], kind: str
) -> str:
    """Return one `<g>` for each group of the points of a map.

    Args:
        coordinates: The x and the y coordinates, from 0 to 1000.
        groups: The index of the group of each point.
        names: The names of the groups.
        kind: What the groups are, `label` or `language`.
    """
    marks: list[list[str]] = [[] for _ in names]
    for x, y, group in zip(*coordinates, groups):
        marks[group].append(f"M{_scale(x)},{_scale(1000 - y)}{SHAPES[group % len(SHAPES)]}")
    return "".join(
        f'<g data-group="{kind}-{group}" style="fill:var(--c{group % COLORS})">'
        f'<title>{escape(names[group])}</title><path d="{"".join(path)}"/></g>'
        for group, path in enumerate(marks)
        if path
    )


def map_box(embedding_map: EmbeddingMap) -> str:
    """Return the `viewBox` that shows both maps in full."""
    maps = [each for each in (embedding_map.before, embedding_map.after) if each]
    heights = [_scale(1000 - y) for _, ys in maps for y in ys]
    top, bottom = min(heights) - MARGIN, max(heights) + MARGIN
    return f"{-MARGIN} {top:g} {MAP_WIDTH + 2 * MARGIN} {bottom - top:g}"


def key_mark(group: int) -> str:
    """Return the mark of a group, for a legend."""
    return (
        f'<svg viewBox="-6 -6 12 12" aria-hidden="true"><path style="fill:var(--c{group % COLORS})" '
        f'd="M0,0{SHAPES[group % len(SHAPES)]}"/></svg>'
    )


def reliability_plot(bins: Sequence[ReliabilityBin]) -> str:
    """Draw the accuracy of the predictions in each interval of confidence, and their number below.

    References:
        Guo et al. (2017), "On calibration of modern neural networks", figure 1.
    """
    left, top, size, bars = 44, 8, 270, 44
    base = top + size
    parts = []
    for step in range(0, 101, 25):
        x, y = left + size * step / 100, base - size * step / 100
        parts.append(f'<path class="grid" d="M{left},{y:g}h{size}M{x:g},{top}v{size}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:g}" text-anchor="end">{step}</text>')
        parts.append(f'<text x="{x:g}" y="{base + bars + 34}" text-anchor="middle">{step}</text>')
    most = max((each.n for each in bins), default=0) or 1
    for each in bins:
        x, width = left + size * each.lower + 1, size * (each.upper - each.lower) - 2
        height, ideal = size * each.accuracy, size * each.confidence
        title = (
            f"<title>{each.n} predictions, confidence {100 * each.confidence:.1f}%, "
            f"accuracy {100 * each.accuracy:.1f}%</title>"
        )
        low, high = sorted((height, ideal))
        parts.append(
            f'<g>{title}<rect class="box" x="{x:g}" y="{base - height:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            f'<rect class="miss" x="{x:g}" y="{base - high:.1f}" width="{width:.1f}" height="{high - low:.1f}"/>'
            f'<rect class="count" x="{x:g}" y="{base + 16 + bars * (1 - each.n / most):.1f}" width="{width:.1f}" '
            f'height="{bars * each.n / most:.1f}"/></g>'
        )
    parts.append(f'<path class="ideal" fill="none" d="M{left},{base}l{size},{-size}"/>')
    middle = left + size / 2
    parts.append(f'<text x="{middle:g}" y="{base + bars + 54}" text-anchor="middle">Confidence, %</text>')
    parts.append(
        f'<text transform="translate(12,{top + size / 2:g}) rotate(-90)" text-anchor="middle">Accuracy, %</text>'
    )
    parts.append(f'<text transform="translate(12,{base + 16 + bars / 2}) rotate(-90)" text-anchor="middle">n</text>')
    return f'<svg viewBox="0 0 {left + size + 14} {base + bars + 62}" aria-hidden="true">{"".join(parts)}</svg>'


def _scale(coordinate: int) -> float:
    return round(coordinate * MAP_WIDTH / 1000, 1)
