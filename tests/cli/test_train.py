"""`xlt train`."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training import train as transfer_train
from tests.cli.running import fail, run, succeed
from tests.records import LABELS, make_records, write_csv


def cats(model: Path) -> list[float]:
    texts = ["My invoice is wrong", "Where is my parcel?", ""]
    return [doc.cats["billing"] for doc in spacy.load(model).pipe(texts)]


def test_from_a_csv_to_a_model_that_spacy_loads(model: Path) -> None:
    nlp = spacy.load(model)
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat"]
    assert sorted(nlp("My order 1: refund charged invoice card.").cats) == LABELS
    assert os.listdir(model.parent) == [model.name]


def test_scores_are_shown_and_how_to_load_the_model(data: Path, tiny_bert: Path, tmp_path: Path) -> None:
    output = succeed("train", data, tmp_path / "m", "--encoder", tiny_bert, "--dev", data)
    score = json.loads((tmp_path / "m" / "meta.json").read_text())["performance"]["cats_macro_f"]
    assert f"{score:.3f}" in output
    assert output.splitlines()[-1] == f'✔ {tmp_path}/m: nlp = spacy.load("{tmp_path}/m"); nlp("...").cats'


def test_fine_tuning_with_all_options(tiny_bert: Path, tmp_path: Path) -> None:
    rows = [{"body": r.text, "queue": list(r.labels), "code": r.language} for r in make_records(language="de")]
    rows.append({"body": "Charged twice and late", "queue": LABELS, "code": "de"})
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "dev.jsonl").write_text("\n".join(map(json.dumps, rows[:4])))
    options = ["--text", "body", "--label", "queue", "--lang", "code", "--source", "de", "--languages", "de, sw,"]
    files = [tmp_path / "train.jsonl", tmp_path / "m", "--dev", tmp_path / "dev.jsonl", "--encoder", tiny_bert]
    succeed("train", *files, *options, "--method", "finetune")
    nlp = spacy.load(tmp_path / "m")
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat_multilabel"]
    assert set(find_pipe(nlp, LanguageDetector).languages) == {"de", "sw"}
    assert find_pipe(nlp, Projector).counts == {"de": 25}
    assert nlp.meta["performance"]["cats_by_language"]["de"]["n"] == 4


# Bad records


def test_bad_records_of_both_files_are_counted_and_strict_stops_before_training(
    tiny_bert: Path, tmp_path: Path
) -> None:
    train, dev = (write_csv(make_records(n), tmp_path / f"{n}.csv") for n in (24, 4))
    for path in (train, dev):
        with path.open("a") as file:
            file.write("only one cell\n")
    arguments = ["train", train, tmp_path / "m", "--dev", dev, "--encoder", tiny_bert]
    strict = run(*arguments, "--strict")
    assert strict.exit_code == 1 and strict.stdout == "" and not (tmp_path / "m").exists()
    result = run(*arguments)
    assert result.exit_code == 0 and "⚠ 2 bad records left out" in result.stderr
    lines = (tmp_path / "m.quarantine.jsonl").read_text().splitlines()
    assert [json.loads(line)["location"] for line in lines] == [f"{train}:26", f"{dev}:6"]
    assert cats(tmp_path / "m")


# What cannot be trained


def test_a_training_set_of_one_label_and_an_empty_one(tmp_path: Path) -> None:
    one = write_csv([r for r in make_records() if r.labels == ("billing",)], tmp_path / "one.csv")
    assert "at least two labels; there are 12 texts of billing" in fail("train", one, tmp_path / "m")
    empty = write_csv([], tmp_path / "empty.csv")
    assert fail("train", empty, tmp_path / "m") == f"There is no usable record in {empty}."
    assert sorted(os.listdir(tmp_path)) == ["empty.csv", "one.csv"]


def test_a_missing_file_and_a_wrong_column(data: Path, tmp_path: Path) -> None:
    assert fail("train", tmp_path / "no.csv", tmp_path / "m") == f"{tmp_path}/no.csv does not exist."
    assert "does not exist" in fail("train", data, tmp_path / "m", "--dev", tmp_path / "no.csv")
    line = fail("train", data, tmp_path / "m", "--label", "queue")
    assert str(data) in line and "'queue'" in line and "text, label, lang" in line and "--label" in line


def test_a_label_in_dev_that_training_lacks(data: Path, tmp_path: Path) -> None:
    dev = tmp_path / "dev.csv"
    dev.write_text("text,label\nt,billing\nt,returns\n")
    line = fail("train", data, tmp_path / "m", "--dev", dev)
    assert line == f"{dev}:3: the label 'returns' is in no training text (billing, delivery are)."


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_a_missing_encoder_folder(method: str, data: Path, tmp_path: Path) -> None:
    line = fail("train", data, tmp_path / "m", "--encoder", tmp_path / "nowhere", "--method", method)
    assert f"{tmp_path}/nowhere" in line and "missing: config.json" in line
    assert f"Make one with: python -m spacy xlt init-encoder {tmp_path}/nowhere" in line


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_a_missing_default_encoder(method: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path))
    line = fail("train", data, tmp_path / "m", "--method", method)
    assert line.endswith("Build it once with: python -m spacy xlt init-encoder")


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_a_damaged_encoder(method: str, data: Path, tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_bert, folder)
    (folder / "model.safetensors").write_bytes((tiny_bert / "model.safetensors").read_bytes()[:2000])
    line = fail("train", data, tmp_path / "m", "--encoder", folder, "--method", method)
    assert str(folder) in line and "cannot be loaded" in line and "damaged" in line


def test_an_unknown_method(data: Path, tmp_path: Path) -> None:
    line = fail("train", data, tmp_path / "m", "--method", "prompting")
    assert line == "--method is frozen or finetune, not 'prompting'."


def test_an_output_that_holds_something_else_is_refused_before_the_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_train, "train", lambda *args, **kwargs: pytest.fail("it trained"))
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    line = fail("train", data, tmp_path / "thesis")
    assert "thesis exists and holds something else (no config.cfg): choose another folder, or remove it." in line
    assert os.listdir(tmp_path / "thesis") == ["chapter.txt"]


# Ctrl-C and errors while saving


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full"), RuntimeError])
def test_an_error_while_saving_leaves_the_old_model(
    error: Any, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model, tmp_path / "m")
    to_disk = Language.to_disk

    def stop_half_way(self: Language, path: Path, **options: Any) -> None:
        to_disk(self, path, **options)
        (Path(path) / "config.cfg").unlink()
        raise error

    monkeypatch.setattr(transfer_train, "train", lambda *args, **kwargs: spacy.load(model))
    monkeypatch.setattr(Language, "to_disk", stop_half_way)
    result = run("train", data, tmp_path / "m")
    assert result.exit_code != 0
    if isinstance(error, OSError):
        assert result.stderr == f"✘ {tmp_path}/m could not be written: disk full.\n"
    assert os.listdir(tmp_path) == ["m"]
    np.testing.assert_array_equal(cats(tmp_path / "m"), cats(model))


def test_a_model_takes_the_place_of_an_older_one(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model, tmp_path / "m")
    (tmp_path / "m" / "of_the_old_one").touch()
    monkeypatch.setattr(transfer_train, "train", lambda *args, **kwargs: spacy.load(model))
    succeed("train", data, tmp_path / "m")
    assert os.listdir(tmp_path) == ["m"] and not (tmp_path / "m" / "of_the_old_one").exists()
    assert cats(tmp_path / "m") == cats(model)


# Other tasks


def test_bad_pairs_are_counted(tiny_bert: Path, tmp_path: Path) -> None:
    seconds = ["the parcel", "a password"]
    rows = [{"a": f"order {number}", "b": seconds[number % 2], "label": str(number % 2)} for number in range(8)]
    rows.append({"a": "without a second text", "label": "1"})
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--task", "pairs", "--text", "a,b", "--method", "frozen", "--encoder", tiny_bert]
    result = run("train", tmp_path / "pairs.jsonl", tmp_path / "m", *options)
    assert result.exit_code == 0, result.output
    assert "1 bad records" in result.stderr
    assert (tmp_path / "m.quarantine.jsonl").is_file() and (tmp_path / "m" / "meta.json").is_file()


def test_an_option_that_a_task_does_not_have_is_refused(data: Path, tiny_bert: Path, tmp_path: Path) -> None:
    entities = [{"text": "My order.", "entities": [[3, 8, "PER"]]}]
    (tmp_path / "entities.jsonl").write_text(json.dumps(entities[0]) + "\n")
    options = ["--task", "ner", "--encoder", tiny_bert, "--adapt", data]
    assert "adapt" in fail("train", tmp_path / "entities.jsonl", tmp_path / "m", *options)
    assert not (tmp_path / "m").exists()
