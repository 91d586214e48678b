"""A camera on loopback that speaks RTSP: H.264 in RTP packets within the connection."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
)
ANSWERS = {
    "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n",
    "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(DESCRIPTION)}\r\n\r\n{DESCRIPTION}",
    "SETUP": "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
    "PLAY": "Session: 1\r\n\r\n",
}
NAL_OF_A_PICTURE = range(1, 6)


@contextmanager
def camera(path: Path, fps: float, connections: int = 1) -> Iterator[str]:
    """Play an H.264 file (``.h264``) to so many connections, one after the other; each breaks off at the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, path.read_bytes(), fps, connections), daemon=True).start()
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/live"


def _serve(server: socket.socket, content: bytes, fps: float, connections: int) -> None:
    with contextlib.suppress(OSError):  # the client leaves, or the test ends
        for _ in range(connections):
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as requests:
                while _answered(requests.readline().decode(), requests, connection) != "PLAY":
                    pass
                _play(connection, content, fps)
        server.close()


def _answered(request: str, requests, connection: socket.socket) -> str:
    headers = "".join(iter(lambda: requests.readline().decode().replace("\r\n", "\n"), "\n"))
    method = request.split(" ", maxsplit=1)[0]
    number = re.search(r"CSeq: (\d+)", headers)[1]
    connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{ANSWERS[method]}".encode())
    return method


def _play(connection: socket.socket, content: bytes, fps: float) -> None:
    picture, begin = 0, time.monotonic()
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, 1, time.time_ns() % 2**63, 0, 0, 0)  # as cameras send it: first
    connection.sendall(struct.pack(">cBH", b"$", 1, len(report)) + report)
    for number, unit in enumerate(re.split(rb"\x00?\x00\x00\x01", content)[1:]):
        is_picture = unit[0] & 31 in NAL_OF_A_PICTURE
        head = struct.pack(">BBHII", 0x80, 96 | is_picture << 7, number, round(picture / fps * 90_000), 1)
        connection.sendall(struct.pack(">cBH", b"$", 0, len(head) + len(unit)) + head + unit)
        if is_picture:
            picture += 1
            time.sleep(max(0.0, begin + picture / fps - time.monotonic()))
