"""The server over real sockets: ranges, only the named files, only its own page, corrections below one folder."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segtcn.labels import read_labels
from segtcn.video_io.writing import plays_in_browsers
from segtcn.visualization.player import PlayerServer, PlayerVideo, application, serve_player, server
from segtcn.visualization.player.export import STATIC
from tests.clips import write_clip
from tests.visualization.player.players import content, player, run, truth

SECRET = "the labels of somebody else"
VERSION = hashlib.sha256(b"take\n" * 10 + b"pour\n" * 40).hexdigest()[:16]
LABELS = {"starts": [0, 10], "classes": [1, 2], "num_frames": 50}


class Client:
    """Requests to a server, each over a connection of its own."""

    def __init__(self, server: PlayerServer) -> None:
        self.port = server.port

    def __call__(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.putrequest(method, path, skip_host="Host" in given)
            if body is not None:
                given.setdefault("Content-Length", str(len(body)))
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def correct(
        self, token: str, own: str = "0001", labels: object = LABELS, **headers: str
    ) -> tuple[int, dict[str, str]]:
        body = json.dumps({"token": token, "track": "truth", "labels": labels}).encode()
        given = {"Origin": f"http://127.0.0.1:{self.port}", "Content_Type": "application/json", **headers}
        response, answer = self(f"/corrections/{own}", "POST", body, **given)
        return response.status, json.loads(answer)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clips" / "tea.mp4", 50) if (tmp_path / "clips").mkdir() is None else tmp_path


@pytest.fixture
def serving(tmp_path, clip) -> Iterator[PlayerServer]:
    (tmp_path / "clips" / "secret.txt").write_text(SECRET)
    shown = player(
        PlayerVideo("tea", {"truth": truth(), "ED-TCN": run()}, clip), PlayerVideo("P01/soup", {"truth": truth()})
    )
    with PlayerServer(shown, port=0, save=tmp_path / "saved") as running:
        yield running


@pytest.fixture
def get(serving) -> Client:
    return Client(serving)


def test_the_page_its_files_and_its_data_are_served_with_headers_that_close_it(get):
    response, body = get("/")
    assert (response.status, body) == (200, (STATIC / "index.html").read_bytes())
    assert response.headers["content-type"].startswith("text/html")
    for path in STATIC.iterdir():
        response, body = get(f"/{path.name}")
        assert (response.status, body) == (200, path.read_bytes())
        for name, value in server.HEADERS.items():
            assert response.headers[name] == value
    index = content(get("/data/index.js")[1])
    assert [video["clip"] for video in index["videos"]] == ["clips/0001.mp4", None]
    response, body = get("/data/video-0001.js")
    assert content(body)["clip"]["num_frames"] == 50
    assert response.headers["content-type"].startswith("text/javascript")
    assert "content-security-policy" in get("/nothing")[0].headers


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-", 206, slice(0, None)),
        ("bytes=100-199", 206, slice(100, 200)),
        ("bytes=-50", 206, slice(-50, None)),
        ("bytes=200-99999999", 206, slice(200, None)),
        (None, 200, slice(None)),
        ("bytes=99999999-", 416, None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_clips_are_served_in_ranges(get, clip, asked, status, part, method):
    whole = clip.read_bytes()
    response, body = get("/clips/0001.mp4", method, **({} if asked is None else {"Range": asked}))
    assert response.status == status
    if part is None:
        assert response.headers["content-range"] == f"bytes */{len(whole)}"
        return
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-type"] == "video/mp4"
    assert int(response.headers["content-length"]) == len(whole[part])
    assert body == (whole[part] if method == "GET" else b"")
    if status == 206:
        start, stop, _ = part.indices(len(whole))
        assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


@pytest.mark.parametrize(
    "path",
    [
        *("/clips/secret.txt", "/clips/../clips/secret.txt", "/../secret.txt", "/clips/%2e%2e/secret.txt"),
        *("/clips/..%2fsecret.txt", "/clips/%2e%2e%2fsecret.txt", "/..%5csecret.txt", "/%2fetc%2fpasswd"),
        *("//etc/passwd", "/etc/passwd", "/clips/0002.mp4", "/clips/0001.avi", "/clips/tea.mp4", "/clips/"),
        *("/data/video-0003.js", "/data/video-.js", "/data/index", "/data/..%2findex.html", "/server.py", "/static"),
        *("/clips/0001.mp4%00.txt", "/clips/0001.mp4/", "/corrections/0001", "/%c0%ae%c0%ae/secret.txt"),
    ],
)
def test_nothing_else_is_served(get, path):
    response, body = get(path)
    assert response.status in (307, 400, 404, 405)
    assert SECRET.encode() not in body
    assert b"root:" not in body


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "", "[::2]:80"]
)
def test_another_name_is_refused(get, host):
    response, body = get("/data/index.js", Host=host)
    assert response.status == 421
    assert b"receiveIndex" not in body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9999", "LOCALHOST", "[::1]:80"])
def test_its_own_names_are_known_through_any_tunnel(get, host):
    assert get("/data/index.js", Host=host)[0].status == 200


def test_a_server_for_others_is_known_by_addresses_but_by_no_foreign_name():
    with PlayerServer(player(), "0.0.0.0", port=0) as serving:
        assert serving.url == f"http://127.0.0.1:{serving.port}/"
        get = Client(serving)
        assert get("/", Host=f"192.168.0.7:{serving.port}")[0].status == 200
        assert get("/", Host=socket.gethostname())[0].status == 200
        assert get("/", Host="evil.example")[0].status == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_cannot_load_the_labels_but_link_to_the_player(get, site):
    response, body = get("/data/index.js", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")
    assert response.status == 403
    assert b"receiveIndex" not in body
    assert get("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0].status == 200
    assert get("/data/index.js", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="no-cors")[0].status == 200


def token(get: Client) -> str:
    return content(get("/data/index.js")[1])["save"]["token"]


def test_a_correction_is_saved_and_read_back(get, tmp_path):
    assert get.correct(token(get)) == (200, {"files": ["tea.txt", "tea.csv"], "version": VERSION})
    saved = read_labels(tmp_path / "saved" / "tea.csv")
    assert (saved.names(), saved.fps) == (["take"] * 10 + ["pour"] * 40, 25.0)
    assert get.correct(token(get), "0002")[1]["files"] == ["P01/soup.txt", "P01/soup.csv"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"token": "wrong"}, 403, "the page belongs to another server"),
        ({"Origin": "http://evil.example"}, 403, "corrections are taken from the player's own page only"),
        ({"Origin": "null"}, 403, "corrections are taken"),
        ({"Origin": ""}, 403, "corrections are taken"),
        ({"Content_Type": "text/plain"}, 415, "expected Content-Type: application/json"),
        ({"own": "0009"}, 404, "corrections are not saved here"),
        ({"num_frames": 49}, 400, "expected labels of 50 frames, got 49: load the page again"),
        ({"starts": [0] * 500}, 413, "expected at most 1000 bytes"),
    ],
)
def test_other_corrections_are_refused(get, tmp_path, monkeypatch, changes, status, error):
    monkeypatch.setattr(application, "MAX_BODY", 1000)
    labels = {name: changes.pop(name) for name in [*LABELS] if name in changes}
    answer = get.correct(**{"token": token(get), "labels": LABELS | labels} | changes)
    assert answer[0] == status
    assert answer[1]["error"].startswith(error)
    assert [*(tmp_path / "saved").iterdir()] == []


def test_without_a_folder_nothing_is_saved():
    with PlayerServer(player(), port=0) as serving:
        get = Client(serving)
        assert content(get("/data/index.js")[1])["save"] is None
        status, answer = get.correct("")
        assert (status, answer) == (
            404,
            {"error": "corrections are not saved here: start the player with a folder for them, `save`"},
        )


def test_sources_and_folders_that_cannot_be_written_are_refused_at_the_start(tmp_path):
    (tmp_path / "tea.txt").write_text("take\n")
    with pytest.raises(PermissionError, match="corrections would replace"):
        PlayerServer(
            player(PlayerVideo("tea", {"truth": truth(source=str(tmp_path / "tea.txt"))})), port=0, save=tmp_path
        )
    with pytest.raises(PermissionError, match=r"cannot write corrections to .*tea\.txt \(file exists\)"):
        PlayerServer(player(), port=0, save=tmp_path / "tea.txt")


def test_a_port_that_is_taken_is_named_and_by_default_another_is_found(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen at 127\.0\.0\.1, port {port} \(address already in use\)"):
            PlayerServer(player(), port=port)
        monkeypatch.setattr(server, "PORT", port)
        with PlayerServer(player()) as serving:
            assert serving.port != port
            assert Client(serving)("/")[0].status == 200


def test_clips_that_browsers_do_not_play_are_encoded_once_and_removed_at_the_end(tmp_path):
    clip = write_clip(tmp_path / "tea.avi", 40, codec="mpeg4")
    with PlayerServer(player(PlayerVideo("tea", {"truth": truth(["take"] * 40)}, clip)), port=0) as serving:
        get = Client(serving)
        assert content(get("/data/index.js")[1])["videos"][0]["clip"] == "clips/0001.mp4"
        assert content(get("/data/video-0001.js")[1])["notes"] == [
            "browsers do not play tea.avi: it is encoded again first, which takes a while"
        ]
        whole = get("/clips/0001.mp4")[1]
        assert get("/clips/0001.mp4", Range="bytes=10-19")[1] == whole[10:20]
        (tmp_path / "copy.mp4").write_bytes(whole)
        assert plays_in_browsers(tmp_path / "copy.mp4")
        copies = [path.parent for path in serving._files._encoded.values()]
    assert len(copies) == 1
    assert not copies[0].exists()


def test_encoding_ends_when_nobody_waits_for_it_or_the_server_ends(tmp_path, monkeypatch):
    frames = {"long": 0, "other": 0}

    def encode(source: Path, target: Path, on_frame: Callable[[], object]) -> None:
        for _ in range(10 if source.stem == "short" else 10_000):
            frames[source.stem] = frames.get(source.stem, 0) + 1
            time.sleep(0.01)
            on_frame()
        target.write_bytes(b"clip")

    monkeypatch.setattr(application, "write_playable", encode)
    names = ("long", "short", "other")
    videos = [
        PlayerVideo(name, {"truth": truth()}, write_clip(tmp_path / f"{name}.avi", 2, codec="mpeg4")) for name in names
    ]
    answers: list[int] = []
    with PlayerServer(player(*videos), port=0) as serving:
        get = Client(serving)
        with socket.create_connection(("127.0.0.1", get.port)) as left:
            left.sendall(b"GET /clips/0001.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: frames["long"] > 3)
            assert get("/clips/0002.mp4")[1] == b"clip"  # no clip waits for another
        wait_until(lambda: not serving._files._locks["0001"].locked())
        waiting = threading.Thread(target=lambda: answers.append(get("/clips/0003.mp4")[0].status))
        waiting.start()
        wait_until(lambda: frames["other"] > 3)
        begun = time.monotonic()
    assert time.monotonic() - begun < 20
    waiting.join()
    assert answers == [404]
    assert max(frames.values()) < 5_000


def test_a_clip_that_is_being_sent_does_not_keep_the_server_from_ending_in_silence(tmp_path, capfd):
    clip = write_clip(tmp_path / "tea.mp4", 50)
    with clip.open("ab") as file:  # more than the system takes from a sender in advance
        file.write((64_000_000).to_bytes(4, "big") + b"free" + bytes(64_000_000 - 8))
    with (
        PlayerServer(player(PlayerVideo("tea", {"truth": truth()}, clip)), port=0) as serving,
        socket.create_connection(("127.0.0.1", serving.port)) as connection,
    ):
        connection.sendall(b"GET /clips/0001.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        serving.__exit__(None, None, None)
    assert capfd.readouterr().err == ""


def test_labels_that_vanish_are_told_and_the_server_goes_on(tmp_path):
    def gone() -> list[object]:
        raise FileNotFoundError("no label file tea.txt: check the path")

    videos = [PlayerVideo("tea", gone, num_frames=5), PlayerVideo("soup", {"truth": truth()}, tmp_path / "gone.mp4")]
    with PlayerServer(player(*videos), port=0) as serving:
        get = Client(serving)
        response, body = get("/data/video-0001.js")
        assert (response.status, body) == (500, b"no label file tea.txt: check the path\n")
        assert "the clip cannot be shown: no video file" in content(get("/data/video-0002.js")[1])["notes"][0]
        assert get("/clips/0002.mp4")[0].status == 404
        assert get("/")[0].status == 200


def test_many_clients_and_requests_that_are_broken_off_do_no_harm(capfd, get, clip):
    whole = clip.read_bytes()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", get.port)) as connection:
            connection.sendall(b"GET /clips/0001.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.recv(10)
    with socket.create_connection(("127.0.0.1", get.port)) as half:
        half.sendall(b"POST /corrections/0001 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n")
        half.sendall(b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        bodies: list[bytes] = []
        threads = [threading.Thread(target=lambda: bodies.append(get("/clips/0001.mp4")[1])) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bodies == [whole] * 20
    assert get("/")[0].status == 200
    # `capfd` stands before `get`: the server's log goes where it did when the server was made
    assert "Traceback" not in capfd.readouterr().err


def test_the_browser_is_opened_and_the_server_ends_when_it_is_told(monkeypatch):
    opened: list[str] = []
    announced: list[str] = []
    running: list[PlayerServer] = []
    real = PlayerServer.run

    def run_and_stop(self: PlayerServer) -> None:
        running.append(self)
        real(self)

    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(PlayerServer, "run", run_and_stop)
    thread = threading.Thread(target=serve_player, args=(player(),), kwargs={"port": 0, "announce": announced.append})
    thread.start()
    deadline = time.monotonic() + 20
    while not (running and running[0]._server.started and opened) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert opened == announced == [running[0].url]
    running[0]._server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()
