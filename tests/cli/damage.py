"""Copies of a model folder with one damaged file, and what a command must say about each."""

import shutil
from pathlib import Path

# file, how much of it is left, part of the message
DAMAGES = [
    ("xlt_encoder/model.safetensors", 1000, "xlt_encoder cannot be loaded"),
    ("xlt_encoder/tokenizer.json", 1000, "The tokenizer in"),
    ("xlt_projector/maps.npz", 200, "its file maps.npz is damaged"),
    ("xlt_textcat/model", 200, "cannot be loaded"),
    ("xlt_textcat/cfg", 3, "cannot be loaded"),
    ("config.cfg", 300, "cannot be loaded"),
    ("meta.json", 10, "cannot be loaded"),
]


def copy_damaged(model: Path, out: Path, file: str, left: int) -> Path:
    """Copy a model folder to `out` and cut one of its files to its first bytes."""
    shutil.copytree(model, out)
    content = (out / file).read_bytes()
    assert len(content) > left
    (out / file).write_bytes(content[:left])
    return out
