"""Progress bars: shown on terminals and in notebooks, silent everywhere else."""

import sys
from collections.abc import Iterable
from typing import Any, Optional

from tqdm.auto import tqdm


def progress_bar(
    items: Optional[Iterable[Any]] = None,
    *,
    title: str,
    unit: str,
    total: Optional[int] = None,
    initial: int = 0,
    show: bool = True,
) -> Any:
    """Return a tqdm bar over items, or one that is moved on by `update`.

    Args:
        items: What to iterate over; None: the bar is moved on by its `update`.
        title: What is shown before the bar.
        unit: What is counted, in the singular.
        total: The number of items, if it cannot be told from them.
        initial: Items that were done before.
        show: False hides the bar, even on a terminal.
    """
    hidden = not (show and (sys.stderr.isatty() or in_notebook()))
    return tqdm(items, total=total, initial=initial, desc=title, unit=unit, disable=hidden)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")
