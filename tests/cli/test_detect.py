"""`xlt detect`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from spacy.util import registry

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.detectors.detect import make_detector
from spacy_xlt.errors import XltError
from tests.cli.running import fail, run, succeed
from tests.detectors.snippets import SENTENCES
from tests.detectors.with_scripts import DETECTOR


def rows(output: str) -> list[list[str]]:
    return [line.split("\t") for line in output.splitlines()]


def test_a_line_for_each_document(tmp_path: Path) -> None:
    texts = [SENTENCES["de"], "", SENTENCES["ru"], "123", SENTENCES["ja"]]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf8")
    found = rows(succeed("detect", tmp_path / "texts.txt"))
    assert [row[0] for row in found] == ["de", "xx", "ru", "xx", "ja"]
    assert [row[2] for row in found] == ["deu_Latn", "xx", "rus_Cyrl", "xx", "jpn_Jpan"]
    assert [row[3] for row in found] == texts
    assert all(0 <= float(row[1]) <= 1 for row in found)


def test_stdin_and_several_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeff".encode() + SENTENCES["fr"].encode() + b"\r\n")
    (tmp_path / "b.txt").write_text(SENTENCES["hi"], encoding="utf8")
    stdin = "\n".join([SENTENCES["en"], SENTENCES["tr"]])
    found = rows(succeed("detect", tmp_path / "a.txt", "-", tmp_path / "b.txt", stdin=stdin))
    assert [row[0] for row in found] == ["fr", "en", "tr", "hi"]
    assert found[0][3] == SENTENCES["fr"]
    assert rows(succeed("detect", stdin=stdin)) == found[1:3]
    assert succeed("detect", stdin="") == ""


def test_records_of_tables(tmp_path: Path) -> None:
    records = [{"body": SENTENCES["es"]}, {"other": 1}, {"body": SENTENCES["vi"]}]
    (tmp_path / "r.jsonl").write_text("\n".join(json.dumps(record) for record in records))
    (tmp_path / "r.csv").write_text(f'id,body\n1,"{SENTENCES["pt"]}"\n', encoding="utf8")
    result = run("detect", tmp_path / "r.jsonl", tmp_path / "r.csv", "--text", "body")
    assert [row[0] for row in rows(result.stdout)] == ["es", "xx", "vi", "pt"]
    assert "r.jsonl:2: no field 'body'" in result.stderr


def test_json_has_all_there_is() -> None:
    text = "Tab\there: " + SENTENCES["it"]
    (row,) = map(json.loads, succeed("detect", "--format", "json", "--segments", stdin=text).splitlines())
    assert row["text"] == text and row["language"] == "it"
    assert row["candidates"]["it"] == row["score"] and row["language_script"] == "ita_Latn"
    assert (row["segments"][-1]["language"], row["segments"][-1]["language_script"]) == ("it", "ita_Latn")
    assert row["segments"][-1]["end"] == len(text) - 1


def test_languages_are_the_prior() -> None:
    assert rows(succeed("detect", "--languages", "es,en", stdin="casa"))[0][0] == "es"
    assert rows(succeed("detect", "--languages", "it=50, es=1", stdin="casa"))[0][0] == "it"
    assert rows(succeed("detect", "--languages", "es=50,it", stdin="casa"))[0][0] == "es"


def test_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_xlt.detectors.detect.make_detector", lambda name: DETECTOR)
    stdin = "simplified\nserbian\nnoise"
    assert rows(succeed("detect", stdin=stdin)) == [
        ["zh", "0.900", "zho_Hans", "simplified"],
        ["sr", "0.750", "srp_Latn", "serbian"],
        ["xx", "0.000", "xx", "noise"],
    ]
    assert rows(succeed("detect", "--languages", "zh_Hant,srp_Latn", stdin=stdin)) == [
        ["zh", "1.000", "zho_Hant", "simplified"],
        ["sr", "1.000", "srp_Latn", "serbian"],
        ["xx", "0.000", "xx", "noise"],
    ]
    assert rows(succeed("detect", "--segments", stdin="noise\nserbian")) == [
        ["xx", "0.000", "xx", "0-5:xx", "noise"],
        ["sr", "0.750", "srp_Latn", "0-7:sr", "serbian"],
    ]


def test_the_newest_version_of_a_detector_unless_another_is_named() -> None:
    detectors: Any = registry.xlt_detectors  # type: ignore[attr-defined]
    for version in (1, 2, 10):
        detectors.register(f"spacy-xlt.TestsVersions.v{version}", func=lambda version=version: version)
    assert make_detector("TestsVersions") == 10
    assert make_detector("TestsVersions.v2") == make_detector("spacy-xlt.TestsVersions.v2") == 2
    with pytest.raises(XltError, match=r"no detector TestsVersions\.v3"):
        make_detector("TestsVersions.v3")


def test_threshold() -> None:
    (language, score, script, _) = rows(succeed("detect", "--threshold", "0.99", stdin="casa"))[0]
    assert (language, score, script) == ("xx", "0.000", "xx")


def test_segments() -> None:
    text = SENTENCES["en"] + " " + SENTENCES["ru"]
    ((_, _, _, segments, _),) = rows(succeed("detect", "--segments", "--languages", "en,ru,de", stdin=text))
    places = [part.split(":") for part in segments.split()]
    assert [language for _, language in places] == ["en", "ru"]
    start, end = map(int, places[1][0].split("-"))
    assert text[start:end] == SENTENCES["ru"].rstrip("?")


def test_control_characters_do_not_break_lines() -> None:
    assert succeed("detect", stdin="Wo\tbleibt\x1b[31m\x85das Paket\n").endswith("\tWo bleibt [31m das Paket\n")


def test_mistakes(tmp_path: Path) -> None:
    assert fail("detect", tmp_path / "no.txt") == f"{tmp_path}/no.txt does not exist."
    assert "'xml'" in fail("detect", "--format", "xml")
    assert "2.0" in fail("detect", "--threshold", 2)
    line = fail("detect", "--detector", "Best")
    assert "Best" in line and "Callable, Ensemble" in line
    assert "detector Callable" in fail("detect", "--detector", "Callable")
    assert "'much' in 'de=much'" in fail("detect", "--languages", "de=much")


def test_a_stream_is_answered_while_it_is_open(tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    command = [sys.executable, "-m", "spacy", "xlt", "detect", "--languages", "en,de"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin and process.stdout
        for language in ("de", "en"):
            process.stdin.write(SENTENCES[language].encode() + b"\n")
            process.stdin.flush()
            assert process.stdout.readline().decode().startswith(f"{language}\t")
        process.stdin.close()
        assert process.wait(60) == 0
