"""The page of the chat and its server."""

import json
import re
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

import spacy_xlt as xlt
from spacy_xlt.errors import XltError
from spacy_xlt.search.page import HOST, PAGE_FILE, make_server
from tests.search.test_faq import ALWAYS, BASE
from tests.search.test_index import make_nlp


@pytest.fixture(scope="module")
def port(tiny_bert: Path) -> Iterator[int]:
    faq = xlt.FAQ.build(BASE, make_nlp(tiny_bert), progress=False)
    faq.confidence = ALWAYS
    server = make_server(faq, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def request(port: int, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, bytes]:
    connection = HTTPConnection(HOST, port, timeout=20)
    connection.request(method, path, body, {"Content-Type": kind})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def test_the_page_is_one_file_that_loads_nothing(port: int) -> None:
    status, content = request(port, "GET", "/")
    assert status == 200 and content == PAGE_FILE.read_bytes()
    page = content.decode("utf8")
    assert not re.findall(r"https?:|src=|innerHTML|@import", page)
    assert request(port, "GET", "/etc/passwd")[0] == 404


def test_a_conversation(port: int) -> None:
    status, content = request(port, "POST", "/ask", json.dumps({"question": "How much is delivery?", "last": None}))
    first = json.loads(content)
    assert status == 200 and first["shown"] == "It costs 4.90." and first["answer_id"] == "cost"
    status, content = request(port, "POST", "/ask", json.dumps({"question": "And to Norway?", "last": first}))
    assert status == 200 and json.loads(content)["answer_id"] != "cost"


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"question": "a", "last": {}}', '{"question": "a", "last": 1}'])
def test_bad_requests_are_refused(body: str, port: int) -> None:
    assert request(port, "POST", "/ask", body)[0] == 400


def test_only_json_is_read(port: int) -> None:
    """A form of another site can send text, but not JSON."""
    body = json.dumps({"question": "a", "last": None})
    assert request(port, "POST", "/ask", body, kind="text/plain")[0] == 400
    assert request(port, "POST", "/other", body)[0] == 400


def test_a_port_in_use_is_an_error(port: int) -> None:
    with pytest.raises(XltError, match=str(port)):
        make_server(None, port)  # type: ignore[arg-type]
