"""Draw the plot of a report as docs/report.png, for the README.

    python -m spacy project run sib200
    python benchmarks/report_picture.py metrics/sib200.json

The plot is the one of `xlt report`.
"""

import sys
from pathlib import Path

from common import PROJECT

from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.evaluation.plot import save_png
from spacy_xlt.evaluation.table import language_rows

WIDTH = 7.0


def main(metrics: Path) -> None:
    picture = PROJECT / "docs" / "report.png"
    save_png(language_rows(Metrics.load(metrics)), WIDTH, picture)
    print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
