"""Line-aligned sentence files: line i of one is the translation of line i of the other."""

from pathlib import Path

from spacy_xlt.errors import XltError


def read_parallel(source: Path, target: Path) -> list[tuple[str, str]]:
    """The pairs of sentences of two files; lines that are blank on a side are left out.

    Raises XltError for a missing file, one that is not UTF-8 (naming the line), and different numbers of lines.
    """
    lines = [_read_lines(path) for path in (source, target)]
    if len(lines[0]) != len(lines[1]):
        raise XltError(
            f"{source} has {len(lines[0])} lines and {target} has {len(lines[1])}: each line needs its translation."
        )
    return [(ours, theirs) for ours, theirs in zip(*lines) if ours and theirs]


def _read_lines(path: Path) -> list[str]:
    if not path.is_file():
        raise XltError(f"{path} does not exist.")
    lines = []
    for number, line in enumerate(path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1):
        try:
            lines.append(line.decode("utf-8-sig").strip())
        except UnicodeDecodeError:
            raise XltError(f"{path}:{number}: not UTF-8. Convert the file.") from None
    return lines
