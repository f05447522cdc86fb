"""The store of an index: exact and approximate search, changes, and the files on disk."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_xlt.alignment.retrieval import nearest
from spacy_xlt.errors import XltError
from spacy_xlt.files import file_digest
from spacy_xlt.search import exact, graph, store
from spacy_xlt.search.entries import Entry
from spacy_xlt.search.exact import search_exact
from spacy_xlt.search.store import Store
from spacy_xlt.vectors import unit_rows

WIDTH = 16


def make_vectors(n: int, seed: int = 0) -> Any:
    return unit_rows(np.random.default_rng(seed).standard_normal((n, WIDTH)).astype(np.float32))


def make_entries(n: int, start: int = 0) -> list[Entry]:
    return [
        Entry(f"e{number}", f"text {number}", ("en", "de")[number % 2], {"topic": number % 3, "tags": ["all", "a\nb"]})
        for number in range(start, start + n)
    ]


def make_store(n: int = 30) -> Store:
    made = Store(WIDTH)
    made.add(make_entries(n), make_vectors(n))
    return made


def ids(found: Store, rows: Any) -> list[list[str]]:
    return [[found.lines[row]["id"] for row in each] for each in rows]


@pytest.fixture()
def approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 20 vectors are searched approximately."""
    pytest.importorskip("usearch")
    monkeypatch.setattr(store, "EXACT_LIMIT", 20)


def test_exact_search_finds_the_highest_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "BLOCK_VECTORS", 7)
    monkeypatch.setattr(exact, "BLOCK_QUERIES", 2)
    vectors, queries = make_vectors(30), make_vectors(5, seed=1)
    rows, scores = search_exact(vectors, queries, 4)
    products = queries @ vectors.T
    assert rows.tolist() == np.argsort(-products, axis=1)[:, :4].tolist()
    np.testing.assert_allclose(scores, -np.sort(-products, axis=1)[:, :4], rtol=1e-5)


def test_the_csls_ranking_is_that_of_the_alignment() -> None:
    vectors, queries = make_vectors(40), make_vectors(6, seed=1)
    made = Store(WIDTH)
    made.add(make_entries(40), vectors)
    rows, cosines = made.search(queries, 5, csls=True)
    expected, _ = nearest(queries, vectors, 5, metric="csls", key_similarity=made.hubness())
    assert rows.tolist() == expected.tolist()
    np.testing.assert_allclose(cosines, np.einsum("qd,qkd->qk", queries, vectors[rows]), rtol=1e-4, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), n=st.integers(1, 12), k=st.integers(1, 15))
def test_only_the_chosen_rows_are_searched(data: st.DataObject, n: int, k: int) -> None:
    numbers = st.sampled_from([0.0, 0.5, 1.0])
    vectors = data.draw(arrays(np.float32, (n, 3), elements=numbers))
    query = data.draw(arrays(np.float32, (1, 3), elements=numbers))
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    found, scores = search_exact(vectors, query, k, rows=rows)
    products = (query @ vectors.T)[0]
    assert scores[0].tolist() == sorted(products[rows].tolist(), reverse=True)[:k]
    assert scores[0].tolist() == products[found[0]].tolist()
    assert len(set(found[0].tolist()) & set(rows.tolist())) == min(k, len(rows))


def test_filters_compare_numbers_and_strings_and_lists() -> None:
    made = make_store()
    query = make_vectors(1, seed=3)
    (rows,), _ = made.search(query, 30, where={"lang": "de", "topic": ["0", 2]})
    expected = [n for n in range(30) if n % 2 == 1 and n % 3 != 1]
    assert sorted(rows.tolist()) == expected
    assert len(made.search(query, 30, where={"tags": "all"})[0][0]) == 30
    assert made.search(query, 30, where={"lang": "sw"})[0].shape == (1, 0)
    with pytest.raises(XltError, match="'color'"):
        made.search(query, 3, where={"color": "red"})


def test_an_entry_with_a_known_id_replaces_the_old_one() -> None:
    made = make_store(6)
    made.add([Entry("e2", "new", "sw", {})], make_vectors(1, seed=5))
    assert len(made) == 6
    (rows,), _ = made.search(make_vectors(1, seed=5), 1)
    assert made.lines[rows[0]]["text"] == "new"


def test_removed_entries_are_not_found() -> None:
    made = make_store(6)
    made.remove(["e0", "e4"])
    assert sorted(ids(made, made.search(make_vectors(1), 9)[0])[0]) == ["e1", "e2", "e3", "e5"]
    with pytest.raises(XltError, match="'e4'"):
        made.remove(["e1", "e4"])
    assert len(made) == 4


def test_entries_without_an_id_are_numbered_and_numbers_are_not_used_again() -> None:
    made = Store(WIDTH)
    assert made.add([Entry("", "a", "en", {}), Entry("", "b", "en", {})], make_vectors(2)) == ["1", "2"]
    made.remove(["2"])
    assert made.add([Entry("", "c", "en", {})], make_vectors(1)) == ["3"]


def test_two_entries_with_one_id_are_refused() -> None:
    with pytest.raises(XltError, match="'x'"):
        Store(WIDTH).add([Entry("x", "a", "en", {}), Entry("x", "b", "en", {})], make_vectors(2))


def test_saved_and_loaded_it_finds_the_same(tmp_path: Path) -> None:
    made = make_store()
    made.save(tmp_path / "index", {"note": 1}, {})
    loaded, facts = Store.load(tmp_path / "index")
    assert facts["note"] == 1 and isinstance(loaded.vectors, np.memmap)
    queries = make_vectors(4, seed=2)
    for left, right in zip(made.search(queries, 7), loaded.search(queries, 7)):
        np.testing.assert_array_equal(left, right)
    loaded.remove(["e3"])
    loaded.add(make_entries(2, start=50), make_vectors(2, seed=9))
    loaded.save(tmp_path / "index", {}, {})
    again, _ = Store.load(tmp_path / "index")
    assert [again.lines[row]["id"] for row in range(len(again))][-3:] == ["e29", "e50", "e51"] and len(again) == 31


def test_the_approximate_search_finds_what_the_exact_one_finds(approximate: None, tmp_path: Path) -> None:
    made = make_store(60)
    queries = make_vectors(8, seed=2)
    expected, cosines = search_exact(made.vectors, queries, 5)
    made.save(tmp_path / "index", {}, {})
    for each in (made, Store.load(tmp_path / "index")[0]):
        rows, scores = each.search(queries, 5)
        assert rows.tolist() == expected.tolist()
        np.testing.assert_allclose(scores, cosines, rtol=1e-5)


def test_the_graph_follows_changes(approximate: None, tmp_path: Path) -> None:
    made = make_store(60)
    made.save(tmp_path / "index", {}, {})
    loaded, _ = Store.load(tmp_path / "index")
    query = loaded.vectors[7:8].copy()
    assert ids(loaded, loaded.search(query, 1)[0]) == [["e7"]]
    loaded.remove(["e7", "e8"])
    assert "e7" not in ids(loaded, loaded.search(query, 5)[0])[0]
    loaded.add(make_entries(1, start=99), query)
    assert ids(loaded, loaded.search(query, 1)[0]) == [["e99"]]
    loaded.save(tmp_path / "index", {}, {})
    assert ids(loaded, Store.load(tmp_path / "index")[0].search(query, 1)[0]) == [["e99"]]


def test_an_index_from_bytes_saves_a_whole_graph(approximate: None, tmp_path: Path) -> None:
    made = make_store(60)
    Store.from_bytes(made.to_bytes()).save(tmp_path / "index", {}, {})
    queries = make_vectors(8, seed=2)
    assert Store.load(tmp_path / "index")[0].search(queries, 5)[0].tolist() == made.search(queries, 5)[0].tolist()


def test_a_graph_of_an_older_version_is_built_again(approximate: None, tmp_path: Path) -> None:
    made = make_store(60)
    made.save(tmp_path / "index", {}, {})
    (tmp_path / "index" / "axes.npy").unlink()
    facts = json.loads((tmp_path / "index" / "index.json").read_text())
    del facts["sha256"]["axes.npy"]
    (tmp_path / "index" / "index.json").write_text(json.dumps(facts))
    loaded, _ = Store.load(tmp_path / "index")
    query = made.vectors[7:8].copy()
    assert ids(loaded, loaded.search(query, 1)[0]) == [["e7"]]


@pytest.mark.parametrize("axes", [np.zeros((3, WIDTH), "f"), np.zeros((1 + WIDTH, 5), "f"), np.zeros(4, "f")])
def test_axes_that_do_not_belong_to_the_graph(approximate: None, axes: Any, tmp_path: Path) -> None:
    make_store(60).save(tmp_path / "index", {}, {})
    np.save(tmp_path / "index" / "axes.npy", axes)
    rehash(tmp_path / "index")
    for use in (lambda loaded: loaded.search(make_vectors(1), 1), lambda loaded: loaded.remove(["e1"])):
        loaded, _ = Store.load(tmp_path / "index")
        with pytest.raises(XltError, match="damaged"):
            use(loaded)


def test_the_graph_of_equal_vectors(approximate: None) -> None:
    made = Store(WIDTH)
    made.add(make_entries(30), np.repeat(make_vectors(1), 30, axis=0))
    assert len(set(made.search(make_vectors(1), 5)[0][0].tolist())) == 5


def test_the_graph_needs_fewer_dimensions_than_the_vectors(
    approximate: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(graph, "DIMENSIONS", 4)
    made = make_store(60)
    made.save(tmp_path / "index", {}, {})
    assert np.load(tmp_path / "index" / "axes.npy").shape == (5, WIDTH)
    loaded, _ = Store.load(tmp_path / "index")
    assert ids(loaded, loaded.search(made.vectors[:9].copy(), 1)[0]) == [[f"e{row}"] for row in range(9)]


def test_csls_ranks_the_candidates_of_the_graph(approximate: None) -> None:
    made = make_store(60)
    queries = make_vectors(4, seed=2)
    rows, _ = made.search(queries, 3, csls=True)
    expected, _ = search_exact(made.vectors, queries, 3, penalty=made.hubness())
    assert rows.tolist() == expected.tolist()


def test_an_index_without_usearch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "EXACT_LIMIT", 20)
    monkeypatch.setattr("spacy_xlt.extras.find_spec", lambda name: None)
    with pytest.raises(XltError, match=r"spacy-xlt\[search\]"):
        make_store(21)


def write_pickle(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def rehash(folder: Path) -> None:
    """Write the hashes anew, as someone would who wants a changed file to be loaded."""
    facts = json.loads((folder / "index.json").read_text())
    facts["sha256"] = {name: file_digest(folder / name) for name in facts["sha256"]}
    (folder / "index.json").write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "index.json").unlink(), "index.json"),
        (lambda folder: (folder / "index.json").write_text("{"), "index.json"),
        (lambda folder: (folder / "index.json").write_text('{"version": 1}'), "index.json"),
        (lambda folder: (folder / "entries.jsonl").unlink(), "entries.jsonl"),
        (lambda folder: (folder / "vectors.npy").write_bytes(b"\x93NUMPY"), "vectors.npy"),
        (lambda folder: (folder / "code.py").write_text("print()"), "code.py"),
        (lambda folder: (write_pickle(folder / "vectors.npy"), rehash(folder)), "vectors.npy"),
        (lambda folder: ((folder / "entries.jsonl").write_text("{}\n"), rehash(folder)), "entries"),
    ],
)
def test_a_damaged_index_is_refused(damage: Any, named: str, tmp_path: Path) -> None:
    make_store().save(tmp_path / "index", {}, {})
    damage(tmp_path / "index")
    with pytest.raises(XltError, match=named):
        Store.load(tmp_path / "index")


def test_an_index_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    make_store().save(tmp_path / "index", {}, {})
    facts = json.loads((tmp_path / "index" / "index.json").read_text())
    (tmp_path / "index" / "index.json").write_text(json.dumps({**facts, "version": 99}))
    with pytest.raises(XltError, match="99"):
        Store.load(tmp_path / "index")


def test_a_folder_with_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(XltError, match="index.json"):
        make_store().save(tmp_path, {}, {})
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_as_bytes_it_finds_the_same() -> None:
    made = make_store()
    made.remove(["e2"])
    again = Store.from_bytes(made.to_bytes())
    queries = make_vectors(4, seed=2)
    assert ids(again, again.search(queries, 7)[0]) == ids(made, made.search(queries, 7)[0])
    assert again.add([Entry("", "new", "en", {})], make_vectors(1)) == made.add(
        [Entry("", "new", "en", {})], make_vectors(1)
    )
    for data in (b"", b"PK", made.to_bytes()[:200]):
        with pytest.raises(XltError, match="damaged"):
            Store.from_bytes(data)
