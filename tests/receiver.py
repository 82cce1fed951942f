"""A real HTTP server in a thread of its own that keeps what is sent to it, or hangs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    body: bytes


class Receiver:
    """Use it as ``with``. *hangs*: requests are taken and never answered until the end."""

    def __init__(self, *, status: int = 200, hangs: bool = False) -> None:
        self.requests: list[Received] = []
        self._came = threading.Condition()
        self._over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._came:
                    receiver.requests.append(Received(self.path, body))
                    receiver._came.notify_all()
                if hangs:
                    receiver._over.wait()
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.port = self._server.server_port

    def wait(self, count: int, seconds: float = 20.0) -> None:
        """Until so many requests have come. Raises TimeoutError."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.requests) >= count, seconds):
                raise TimeoutError(f"{len(self.requests)} of {count} requests came")

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_port)
