"""A matrix of shares as a heat map: as SVG, and as an HTML table."""

from collections.abc import Mapping, Sequence
from html import escape

from spacy_xlt.languages import name

CELL, MARGIN, FONT = 38, 92, 12
# From low to high: light to dark blue. The text is white on the dark half.
LOW, HIGH = (240, 245, 252), (22, 66, 138)
DARK = 0.55

Matrix = Mapping[str, Mapping[str, float]]


def svg_heat_map(matrix: Matrix) -> str:
    """Return a heat map as a standalone SVG picture.

    Args:
        matrix: {row: {column: share}}; rows and columns are language codes.
    """
    columns = list(next(iter(matrix.values())))
    width, height = MARGIN + CELL * len(columns) + 8, MARGIN + CELL * len(matrix) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="{FONT}" role="img">',
        "<title>Accuracy in percent: languages of training texts in rows, of test texts in columns</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, column in enumerate(columns):
        x = MARGIN + CELL * place + CELL // 2
        parts.append(
            f'<text x="{x}" y="{MARGIN - 8}" transform="rotate(-45 {x} {MARGIN - 8})" fill="#19202c">'
            f"{escape(name(column))}</text>"
        )
    for line, (row, values) in enumerate(matrix.items()):
        y = MARGIN + CELL * line
        parts.append(
            f'<text x="{MARGIN - 8}" y="{y + CELL // 2 + 4}" text-anchor="end" fill="#19202c">'
            f"{escape(name(row))}</text>"
        )
        for place, column in enumerate(columns):
            fill, ink = _colors(values[column], matrix)
            x = MARGIN + CELL * place
            parts.append(f'<rect x="{x}" y="{y}" width="{CELL - 1}" height="{CELL - 1}" fill="{fill}"/>')
            parts.append(
                f'<text x="{x + CELL // 2}" y="{y + CELL // 2 + 4}" text-anchor="middle" fill="{ink}">'
                f"{100 * values[column]:.0f}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def html_heat_map(matrix: Matrix, sentences: Sequence[str]) -> str:
    """Return a heat map as an HTML table, for a notebook.

    Args:
        matrix: {row: {column: share}}; rows and columns are language codes.
        sentences: What is written below it.
    """
    columns = list(next(iter(matrix.values())))
    rows = []
    for row, values in matrix.items():
        cells = []
        for column in columns:
            fill, ink = _colors(values[column], matrix)
            cells.append(f'<td style="background:{fill};color:{ink}">{100 * values[column]:.1f}</td>')
        rows.append(f"<tr><th>{escape(name(row))}</th>{''.join(cells)}</tr>")
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    below = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{below}"


def _colors(value: float, matrix: Matrix) -> tuple[str, str]:
    """Return the color of a cell and of its text."""
    every = [each for row in matrix.values() for each in row.values()]
    low, high = min(every), max(every)
    place = (value - low) / (high - low) if high > low else 1.0
    fill = "#" + "".join(f"{round(a + (b - a) * place):02x}" for a, b in zip(LOW, HIGH))
    return fill, "#ffffff" if place > DARK else "#19202c"
