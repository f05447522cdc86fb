"""Put the benchmark data that project.yml lists under `assets` into the folder assets/.

    python benchmarks/assets.py

Each file is copied from the folder that SPACY_XLT_DATA names, or ../shared/data, where development machines have it.
Everyone else downloads the same files: python -m spacy project assets. Every file is checked by its MD5.
"""

import shutil
import sys
from hashlib import md5
from pathlib import Path, PurePosixPath
from typing import Any

import srsly
from common import PROJECT, data_folder


def source_of(dest: PurePosixPath, data: Path) -> Path:
    """Where the data folder has a file: `assets/<set>/<file>`, but SIB-200's splits have folders of their own here."""
    parts = dest.parts[1:]
    if parts[0] in ("sib200", "sib200-low"):
        return data / parts[0] / parts[2] / parts[3]
    return data.joinpath(*parts)


def has_md5(path: Path, checksum: str) -> bool:
    return path.is_file() and md5(path.read_bytes()).hexdigest() == checksum


def main() -> None:
    data = data_folder()
    assets: list[dict[str, Any]] = srsly.read_yaml(PROJECT / "project.yml")["assets"]
    for asset in assets:
        target = PROJECT / asset["dest"]
        if has_md5(target, asset["checksum"]):
            continue
        source = source_of(PurePosixPath(asset["dest"]), data)
        if not has_md5(source, asset["checksum"]):
            sys.exit(f"✘ {asset['dest']} is missing or altered. Download it: python -m spacy project assets")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    print(f"✔ {len(assets)} files of benchmark data in assets/")


if __name__ == "__main__":
    main()
