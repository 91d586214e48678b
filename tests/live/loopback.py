"""A server on loopback that plays, stalls, breaks off and comes back, as the test says."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

Answer = Callable[[BinaryIO], None]
"""Writes the last header lines and the body of one answer; the connection ends when it returns."""


@contextmanager
def serving(*answers: Answer, kind: str = "video/mp2t") -> Iterator[str]:
    """Serve the answers, one a connection; whoever connects more often is refused. Gives the address."""
    waiting = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not waiting:
                self.send_error(503)
                return
            answer = waiting.pop(0)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.flush_headers()
            with contextlib.suppress(OSError):  # whoever reads may leave
                answer(self.wfile)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live"
    finally:
        server.shutdown()
        server.server_close()


def play(content: bytes, promised: int | None = None, after_s: float = 0) -> Answer:
    """All of it at once, after a while; if more is promised, the source breaks off."""

    def answer(out: BinaryIO) -> None:
        time.sleep(after_s)
        out.write(b"Content-Length: %d\r\n\r\n" % (promised or len(content)) + content)

    return answer


def stall_after(content: bytes, seconds: float, rest: bytes = b"") -> Answer:
    """All of it, then nothing for a while, with the connection open, and then the rest."""

    def answer(out: BinaryIO) -> None:
        out.write(b"\r\n" + content)
        out.flush()
        time.sleep(seconds)
        out.write(rest)

    return answer


def play_slowly(content: bytes, seconds: float, parts: int = 60) -> Answer:
    """All of it in so many seconds, with the connection open."""

    def answer(out: BinaryIO) -> None:
        out.write(b"\r\n")
        size = -(-len(content) // parts)
        for start in range(0, len(content), size):
            out.write(content[start : start + size])
            out.flush()
            time.sleep(seconds / parts)

    return answer


def play_pictures(pictures: list[bytes], fps: float) -> Answer:
    """JPEG pictures one after the other, as cameras on a network do."""

    def answer(out: BinaryIO) -> None:
        out.write(b"\r\n")
        for picture in pictures:
            out.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture))
            out.write(picture + b"\r\n")
            out.flush()
            time.sleep(1 / fps)

    return answer
