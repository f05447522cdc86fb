"""`Dataset`: everything that it reads, and what it says about it."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xlt.data.dataset import Dataset, load_dataset
from spacy_xlt.data.records import ColumnNames, Record
from spacy_xlt.errors import XltError
from spacy_xlt.languages import as_base_code, by_base_code
from tests.data.test_records import CHARACTERS, write

ROWS = [
    {"text": "Hallo", "label": "x", "lang": "de"},
    {"text": "Hello", "label": "y", "lang": "English"},
    {"text": "Habari", "label": None, "lang": "sw"},
]
FOUND = [("Hallo", ("x",), "de"), ("Hello", ("y",), "en")]


def contents(dataset: Dataset) -> list[tuple[str, tuple[str, ...], str]]:
    return [(record.text, record.labels, record.language) for record in dataset]


class Polars:
    """Has the methods of a polars DataFrame."""

    columns = ["text", "label", "lang"]

    def to_dict(self) -> Any:
        raise AssertionError("polars returns columns")

    def to_dicts(self) -> list[dict[str, Any]]:
        return ROWS


class Pandas:
    """Has the methods of a pandas DataFrame, which has NaN for a missing value."""

    columns = ["text", "label", "lang"]

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return [{**row, "label": row["label"] or float("nan")} for row in ROWS]


class ClassLabel:
    names = ["x", "y"]


class HuggingFace:
    """Has the attributes of a Hugging Face Dataset, in which labels are numbers of classes."""

    column_names = ["text", "label", "lang"]
    features = {"text": None, "label": ClassLabel(), "lang": None}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([{**row, "label": number} for row, number in zip(ROWS, [0, 1, -1])])


SOURCES: dict[str, Any] = {
    "dicts": ROWS,
    "generator": (row for row in ROWS),
    "polars": Polars(),
    "pandas": Pandas(),
    "hugging face": HuggingFace(),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_data_in_memory(kind: str) -> None:
    dataset = Dataset.load(SOURCES[kind])
    assert contents(dataset) == FOUND
    assert [record.location for record in dataset] == ["item:1", "item:2"]
    assert [(bad.location, bad.reason) for bad in dataset.bad] == [("item:3", "no label in 'label'")]


def test_a_pandas_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([*ROWS, {"text": pandas.NA, "label": 3, "lang": None}, {"text": "t", "label": 3}])
    dataset = Dataset.load(frame)
    assert contents(dataset) == [*FOUND, ("t", ("3",), "xx")]
    assert [(bad.location, bad.reason) for bad in dataset.bad] == [
        ("item:3", "no label in 'label'"),
        ("item:4", "'text' is null"),
    ]


def test_a_polars_frame() -> None:
    polars = pytest.importorskip("polars")
    assert contents(Dataset.load(polars.DataFrame(ROWS))) == FOUND


def test_a_hugging_face_dataset() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["x", "y"]),
            "lang": datasets.Value("string"),
        }
    )
    rows = [{**row, "label": number} for row, number in zip(ROWS, [0, 1, -1])]
    found = Dataset.load(datasets.Dataset.from_list(rows, features=features))
    assert contents(found) == FOUND and [bad.location for bad in found.bad] == ["item:3"]


def test_pairs_with_labels_of_numpy() -> None:
    import numpy as np

    dataset = Dataset.load(zip(["one", "two", "three"], np.array([1, 0, 1])), language="English")
    assert contents(dataset) == [("one", ("1",), "en"), ("two", ("0",), "en"), ("three", ("1",), "en")]
    assert contents(Dataset.load([("one", ["a", "b"])])) == [("one", ("a", "b"), "xx")]


def test_records_stay_as_they_are_and_texts_need_no_label() -> None:
    records = [Record("Hallo", ("True",), "de", "here"), Record("Hello", (), "en", "there")]
    assert Dataset.load(records).records == records
    assert Dataset.load(iter(records), language="fr").languages == ["fr"]
    assert Dataset.load(["one", "two"], labeled=False).texts == ["one", "two"]
    assert Dataset.load(records, labeled=False).records == records


def test_a_mapping_gives_the_language(tmp_path: Path) -> None:
    path = write(tmp_path / "german.txt", "Hallo\nTschüs\n")
    dataset = Dataset.load({"German": path, "en": ["Hello"], "sw": [{"text": "Habari"}, {}]}, labeled=False)
    assert dataset.by_language() == {"de": ["Hallo", "Tschüs"], "en": ["Hello"], "sw": ["Habari"]}
    assert [record.location for record in dataset][1:3] == [f"{path}:2", "en:item:1"]
    assert [bad.location for bad in dataset.bad] == ["sw:item:2"]
    with pytest.raises(XltError, match="'train'"):
        Dataset.load({"train": ROWS})


def test_a_dataset_stays_what_it_is() -> None:
    dataset = Dataset.load(ROWS)
    assert Dataset.load(dataset) is dataset and load_dataset(dataset) is dataset
    assert Dataset.load(dataset, language="fr").languages == ["fr"]


def test_columns_by_other_names() -> None:
    rows = [{"body": "one", "queue": "a;b", "code": "de"}]
    assert contents(load_dataset(rows, text="body", label="queue", lang="code", label_separator=";")) == [
        ("one", ("a", "b"), "de")
    ]
    assert contents(load_dataset([{"text": "one", "a": 1, "label_b": 0}], labels=["a", "b"])) == [("one", ("a",), "xx")]
    with pytest.raises(XltError, match="label_separator"):
        ColumnNames(separator=";", labels=("a",))


def test_bad_records_are_warned_of_once_and_are_written(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"^2 .*item:3: no label") as warned:
        dataset = load_dataset([*ROWS, 5])
    assert len(warned) == 1 and len(dataset) == 2
    dataset.to_quarantine(tmp_path / "q.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text("utf8").splitlines()]
    assert [line["location"] for line in lines] == ["item:3", "item:4"] and "Habari" in lines[0]["content"]


@pytest.mark.parametrize("data", [5, None, b"text", object()])
def test_data_that_cannot_be_read(data: Any) -> None:
    with pytest.raises(XltError, match=type(data).__name__):
        Dataset.load(data)


def test_no_usable_record() -> None:
    assert len(Dataset.load([])) == len(Dataset.load({})) == 0
    with pytest.raises(XltError, match="'sw'"):
        Dataset.load({"de": ["Hallo"], "sw": []}, labeled=False)
    with pytest.raises(XltError, match=r"item:1: no field 'label'"):
        Dataset.load([{"text": "t", "category": "x"}])
    with pytest.raises(XltError, match=r"a\.csv"):
        Dataset.load([ROWS[0], Path("a.csv")])


def test_labels_languages_and_subsets() -> None:
    dataset = Dataset.load([*ROWS[:2], {"text": "both", "label": ["x", "y"]}])
    assert (dataset.labels, dataset.languages, dataset.is_multilabel) == (["x", "y"], ["de", "en", "xx"], True)
    assert dataset.subset(languages=["German"]).texts == ["Hallo"]
    assert dataset.subset(labels=["y"]).texts == ["Hello", "both"]
    assert not dataset.subset(languages=["de", "en"]).is_multilabel
    assert dataset.with_language("sw", unknown_only=True).languages == ["de", "en", "sw"]
    assert Dataset.join([dataset, dataset.subset(labels=["y"])]).texts == ["Hallo", "Hello", "both", "Hello", "both"]


def test_a_split_keeps_the_share_of_each_label() -> None:
    dataset = Dataset.load([(f"{label} {number}", label) for label in "ab" for number in range(20)])
    train, dev = dataset.split(every=4)
    assert [sum(record.labels == (label,) for record in dev) for label in "ab"] == [5, 5]
    assert sorted(train.texts + dev.texts) == sorted(dataset.texts)


def test_how_it_is_shown() -> None:
    dataset = Dataset.load([*ROWS, {"text": "t", "label": "<b>"}])
    assert repr(dataset) == "Dataset(3 texts, 3 labels: <b> x y, 3 languages: de en xx, 1 bad record)"
    html = dataset._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html
    assert "<tr><td>de</td><td>0</td><td>1</td><td>0</td><td>1</td></tr>" in html
    assert "<tr><td>all</td><td>1</td><td>1</td><td>1</td><td>3</td></tr>" in html


# Files


def test_paths_of_every_form(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label,lang\nHallo,x,de\nHello,y,English\n")
    sources: list[Any] = [path, str(path), [path], [str(path)], path.parent, f"{path.parent}/*.csv", [path, path]]
    sources += [iter([path])]
    for source in sources:
        assert contents(Dataset.load(source)) == FOUND
    assert Dataset.load({"de": path, "sw": [path]}).by_language() == {
        "de": ["Hallo", "Hello"],
        "sw": ["Hallo", "Hello"],
    }


def test_languages_of_a_mapping() -> None:
    assert by_base_code({"deu": 1, "Swahili": 2, "und": 3}, as_base_code) == {"de": 1, "sw": 2, "xx": 3}
    for languages, near in (({"germna": ["t"]}, r"'germna'.*German"), ({"de": ["t"], "German": ["t"]}, "'German'")):
        with pytest.raises(XltError, match=near):
            Dataset.load(languages, labeled=False)


# Round trips

NAMES = st.sampled_from(["x", "y", "science/technology", "3", "true", "größe", 'a "b", c'])
MULTILABEL = st.lists(
    st.tuples(st.text(CHARACTERS, min_size=1), st.lists(NAMES, unique=True, max_size=3), st.sampled_from(["de", "xx"])),
    min_size=1,
    max_size=6,
)
FAST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(MULTILABEL)
@FAST
def test_records_survive_dicts_jsonl_and_json(tmp_path: Path, texts: list[tuple[str, list[str], str]]) -> None:
    expected = [(text, tuple(labels), language) for text, labels, language in texts]
    rows = [{"text": text, "label": labels, "lang": language} for text, labels, language in texts]
    assert contents(Dataset.load(rows)) == expected
    lines = write(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert contents(Dataset.load(lines)) == expected
    assert contents(Dataset.load(write(tmp_path / "a.json", json.dumps(rows)))) == expected
    pairs = [(text, labels) for text, labels, _ in texts]
    assert contents(Dataset.load(pairs, language="sw")) == [(text, labels, "sw") for text, labels, _ in expected]


@given(
    st.lists(st.tuples(st.text(CHARACTERS, min_size=1), NAMES, st.sampled_from(["de", "xx"])), min_size=1, max_size=6)
)
@FAST
def test_records_survive_csv(tmp_path: Path, texts: list[tuple[str, str, str]]) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("text", "label", "lang"), *texts])
    expected = [(text, (label,), language) for text, label, language in texts]
    assert contents(Dataset.load(tmp_path / "a.csv")) == expected


@given(MULTILABEL)
@settings(FAST, max_examples=15)
def test_records_survive_parquet(tmp_path: Path, texts: list[tuple[str, list[str], str]]) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"text": text, "label": labels, "lang": language} for text, labels, language in texts]
    schema = arrow.schema([("text", arrow.string()), ("label", arrow.list_(arrow.string())), ("lang", arrow.string())])
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), tmp_path / "a.parquet")
    expected = [(text, tuple(labels), language) for text, labels, language in texts]
    assert contents(Dataset.load(tmp_path / "a.parquet")) == expected
    pandas = pytest.importorskip("pandas")
    assert contents(Dataset.load(pandas.DataFrame(rows))) == expected
