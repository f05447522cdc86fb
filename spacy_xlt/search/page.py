"""A page for the browser to chat with an FAQ: one file of HTML, and a small server for this machine only."""

import json
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from spacy_xlt.errors import XltError
from spacy_xlt.search.faq import FAQ, Reply
from spacy_xlt.text import replace_surrogates

PAGE_FILE = Path(__file__).parent / "page.html"
HOST = "127.0.0.1"
MAX_BYTES = 100_000


def make_server(faq: FAQ, port: int) -> ThreadingHTTPServer:
    """Make a server for the page, which answers only requests from this machine.

    Args:
        faq: The FAQ.
        port: The port; 0: any free one.

    Raises:
        XltError: The port is not free.
    """
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._send(200, "text/html; charset=utf-8", PAGE_FILE.read_bytes())
            else:
                self._send(404, "text/plain", b"not found")

        def do_POST(self) -> None:
            # Pages of other sites cannot send JSON without the permission of this server, which is never given.
            size = self.headers.get("Content-Length", "")
            is_json = self.headers.get("Content-Type", "").partition(";")[0] == "application/json"
            if self.path != "/ask" or not is_json or not size.isdigit() or int(size) > MAX_BYTES:
                self._send(400, "text/plain", b"bad request")
                return
            try:
                with lock:
                    reply = answer(faq, json.loads(self.rfile.read(int(size))))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._send(400, "text/plain", str(error).encode("utf8", "replace"))
                return
            self._send(200, "application/json", json.dumps(reply, ensure_ascii=False).encode("utf8"))

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Write no log: questions are private."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except (OSError, OverflowError) as error:
        raise XltError(f"The page cannot be served on port {port} ({error}). Choose another port.") from error


def answer(faq: FAQ, asked: Any) -> dict[str, Any]:
    """Return the reply to a request of the page.

    Args:
        faq: The FAQ.
        asked: {"question": text, "last": the reply before it, as this function returned it, or None}.
    """
    last = asked.get("last")
    history = [] if last is None else [Reply(**{name: last[name] for name in Reply.__dataclass_fields__})]
    reply = faq.ask(replace_surrogates(str(asked["question"])), history)
    return {**vars(reply), "shown": reply.shown()}


def serve(faq: FAQ, port: int, *, started: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Args:
        faq: The FAQ.
        port: The port; 0: any free one.
        started: Is called with the address.

    Raises:
        XltError: The port is not free.
    """
    with make_server(faq, port) as server:
        started(f"http://{HOST}:{server.server_address[1]}")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
