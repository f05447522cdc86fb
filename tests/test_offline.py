"""Nothing connects to a network: training, projecting, evaluating, exporting and classifying with a local encoder."""

from pathlib import Path

import pytest

from tests.processes import run_python
from tests.records import make_records, write_csv

for package in ("transformers", "sklearn", "scipy", "onnx", "onnxruntime", "wordfreq"):
    pytest.importorskip(package)

# sys.argv: the encoder, labeled texts, unlabeled German texts, a folder for the results.
COMMANDS = """
import json, socket, sys
from pathlib import Path

tried = []

def refuse(*args, **kwargs):
    tried.append(repr(args))
    raise OSError("a socket was used")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.create_connection = socket.getaddrinfo = refuse

try:
    socket.create_connection(("127.0.0.1", 9))
except OSError:
    noticed = len(tried) == 1
tried.clear()

from spacy_xlt import Classifier
from spacy_xlt.cli import app
from typer.testing import CliRunner

def succeed(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output

encoder, data, german, out = map(Path, sys.argv[1:])
succeed("train", data, out / "model", "--dev", data, "--encoder", encoder)
succeed("transfer", "project", out / "model", out / "german", "--language", "de", "--texts", german)
succeed("evaluate", out / "german", data, "--output", out / "metrics.json")
succeed("export", out / "german", out / "int8", "--dev", data)
succeed("classify", out / "german", "Wo ist mein Paket?")
answers = list(Classifier.load(out / "int8").pipe(["Wo ist mein Paket?"]))
print(json.dumps({"noticed": noticed, "tried": tried, "answers": len(answers)}))
"""


def test_no_socket_is_used(tiny_bert: Path, tmp_path: Path) -> None:
    data = write_csv(make_records(40), tmp_path / "data.csv")
    german = tmp_path / "de.txt"
    german.write_text("\n".join(record.text for record in make_records(16, "de")), encoding="utf8")
    found = run_python(COMMANDS, tiny_bert, data, german, tmp_path)
    assert found == {"noticed": True, "tried": [], "answers": 1}
