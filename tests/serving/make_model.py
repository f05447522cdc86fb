"""Write a tiny trained model with an int8 encoder: `python -m tests.serving.make_model FOLDER`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy_xlt.encoders import huggingface
from tests.cli.running import succeed
from tests.encoders.tiny import make_tiny_bert
from tests.records import make_records, write_csv


def main(folder: Path) -> None:
    with TemporaryDirectory() as scratch:
        raw, encoder, model = (Path(scratch) / name for name in ("raw", "encoder", "model"))
        huggingface.build(str(make_tiny_bert(raw)), encoder)
        data = write_csv(make_records(40), Path(scratch) / "data.csv")
        succeed("train", data, model, "--dev", data, "--encoder", encoder)
        succeed("export", model, folder, "--dev", data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
