"""The player on this computer: an address for the browser, for as long as the program runs."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import mimetypes
import os
import secrets
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from segtcn.video_io.playback import plays_in_browsers, write_playable
from segtcn.visualization.player.corrections import check_sources, parse_correction, save_correction, saved_version
from segtcn.visualization.player.export import static_files
from segtcn.visualization.player.payload import clip_payload, index_payload, script, video_id, video_payload
from segtcn.visualization.player.serve import Player

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PORT = 8000
"""Tried first, so that bookmarks work; if it is taken, any other."""

MAX_BODY = 8 * 2**20
"""Bytes that a correction may have: those of a 3-hour video with 5,000 segments have a fiftieth of it."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # other pages may not load the labels as a script
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
"""Of every answer: the page may load its own files and nothing else, and no other page may hold it."""

_LOCAL = ("127.0.0.1", "localhost", "::1")


class PlayerServer:
    """A server of one player; a context manager that serves in the background, or :meth:`run` until Ctrl-C.

    Only files that the player names can be asked for, by the numbers of their videos: no address is ever joined to a
    path. Requests under another name than that of this computer are refused (DNS rebinding), and so are requests by
    other pages.

    Args:
        player: what is shown.
        host: address to listen at; others than this computer can connect if it is not ``127.0.0.1``.
        port: 0 takes any; None takes 8000, or any if that is taken.
        save: folder that corrections are written to; None leaves them to the browser.

    Raises:
        ValueError: if there is no such port.
        OSError: if the port is taken, or there is no such address.
        PermissionError: if corrections would replace the files that are shown.

    Example:
        >>> from segtcn.labels.legacy import LabelTrack
        >>> from segtcn.visualization.tracks import Classes, Track
        >>> from segtcn.visualization.player.serve import PlayerVideo
        >>> tracks = [Track("truth", LabelTrack(["take", "pour"]), "memory", is_truth=True)]
        >>> player = Player("demo", [PlayerVideo("tea", tracks)], Classes(["take", "pour"], None))
        >>> with PlayerServer(player, port=0) as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        player: Player,
        host: str = "127.0.0.1",
        port: int | None = None,
        save: str | os.PathLike[str] | None = None,
    ) -> None:
        self.player = player
        self.host = host
        self.save = None if save is None else Path(save)
        if self.save is not None:
            _check_save(player, self.save)
        self._socket = _listen(host, port)
        self.port = int(self._socket.getsockname()[1])
        self._files = _Files(player, self.save, lambda: self._server.should_exit)
        self._server = _uvicorn(_Guard(_application(self._files), host))
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Address of the page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def run(self) -> None:
        """Serve until Ctrl-C."""
        try:
            # uvicorn ends cleanly at Ctrl-C and raises it again
            with contextlib.suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._socket])
        finally:
            self.close()

    def close(self) -> None:
        """Give back the port and remove clips that were encoded for the browser."""
        self._socket.close()
        self._files.close()

    def __enter__(self) -> PlayerServer:
        """Serve in the background."""
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self.close()


def serve_player(
    player: Player,
    host: str = "127.0.0.1",
    port: int | None = None,
    save: str | os.PathLike[str] | None = None,
    browser: bool = True,
    announce: Callable[[str], object] = print,
) -> None:
    """Show a player in the browser until Ctrl-C; the arguments are those of :class:`PlayerServer`.

    Args:
        player: what is shown.
        host: address to listen at.
        port: 0 takes any; None takes 8000, or any if that is taken.
        save: folder that corrections are written to.
        browser: whether to open the browser.
        announce: told the address.

    Raises:
        ValueError: if there is no such port.
        OSError: if the port is taken, or there is no such address.
        PermissionError: if corrections would replace the files that are shown.
    """
    server = PlayerServer(player, host, port, save)
    announce(server.url)
    if browser:
        # the socket listens already: the browser waits until the server answers
        threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
    server.run()


class _Files:
    """The files that can be asked for, and what is made of them: payloads and encoded clips, each made once."""

    def __init__(self, player: Player, save: Path | None, is_ending: Callable[[], bool]) -> None:
        self.player = player
        self.save = save
        self.is_ending = is_ending
        self.token = None if save is None else secrets.token_urlsafe(24)
        self.pages = {path.name: path for path in static_files()}
        self.videos = {video_id(number): video for number, video in enumerate(player.videos)}
        self.clips = {own: video.clip for own, video in self.videos.items() if video.clip is not None}
        self.names = {f"{own}{_served_suffix(clip)}": own for own, clip in self.clips.items()}
        self.index = functools.cache(self._index)
        self.saving = threading.Lock()
        self._videos = functools.lru_cache(maxsize=16)(self._video)
        self._locks = {own: threading.Lock() for own in self.clips}
        self._folder = tempfile.TemporaryDirectory(prefix="segtcn-player-", ignore_cleanup_errors=True)
        self._encoded: dict[str, Path] = {}

    def _index(self) -> bytes:
        addresses = {own: f"clips/{name}" for name, own in self.names.items()}
        return script("receiveIndex", index_payload(self.player, addresses, self.token))

    def video(self, own: str) -> bytes:
        """The payload of a video; made again when another correction of it was saved, by whatever program."""
        return self._videos(own, None if self.save is None else saved_version(self.save, self.videos[own].name))

    def _video(self, own: str, _version: str | None) -> bytes:
        video, notes = self.videos[own], []
        with contextlib.suppress(ValueError, OSError):  # the payload says what is wrong with the clip
            if video.clip is not None and not plays_in_browsers(video.clip):
                notes.append(f"browsers do not play {video.clip.name}: it is encoded again first, which takes a while")
        return script("receiveVideo", video_payload(own, video, self.player.classes, notes, self.save))

    def clip(self, own: str, is_wanted: Callable[[], bool]) -> Path:
        """The clip itself, or a copy that browsers play; encoding takes long, and ends when nobody wants the copy.

        Raises:
            InterruptedError: if it is not wanted any longer.
        """
        clip = self.clips[own]
        if plays_in_browsers(clip):
            return clip

        def check() -> None:
            if self.is_ending() or not is_wanted():
                raise InterruptedError(f"{clip} is not wanted any longer")

        with self._locks[own]:
            if own not in self._encoded:
                check()
                path = Path(self._folder.name) / f"{own}.mp4"
                write_playable(clip, path, check)
                self._encoded[own] = path
        return self._encoded[own]

    def close(self) -> None:
        self._folder.cleanup()


def _served_suffix(clip: Path) -> str:
    suffix = clip.suffix.lower()
    return suffix if suffix in (".mp4", ".m4v", ".webm") else ".mp4"


def _application(files: _Files) -> Starlette:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect
    from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    async def page(request: Request) -> Response:
        path = files.pages.get(request.path_params.get("name", "index.html"))
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type=_media_type(path))

    async def data(request: Request) -> Response:
        name = request.path_params["name"]
        own = name.removeprefix("video-").removesuffix(".js")
        try:
            if name == "index.js":
                body = await run_in_threadpool(files.index)
            elif name == f"video-{own}.js" and own in files.videos:
                body = await run_in_threadpool(files.video, own)
            else:
                raise HTTPException(404)
        except (ValueError, OSError) as error:  # a label file that was changed or removed
            return PlainTextResponse(f"{error}\n", 500)
        return Response(body, media_type="text/javascript; charset=utf-8")

    async def clip(request: Request) -> Response:
        own = files.names.get(request.path_params["name"])
        if own is None:
            raise HTTPException(404)
        try:
            path = await _prepared(request, files, own)
            stat = path.stat()
        except (ValueError, OSError) as error:
            return PlainTextResponse(f"{error}\n", 404)
        return FileResponse(path, media_type=_media_type(path), stat_result=stat)

    async def correct(request: Request) -> Response:
        own = request.path_params["own"]
        if refusal := _refusal(request, files, own):
            status, reason = refusal
            return JSONResponse({"error": reason}, status)
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return JSONResponse({"error": f"expected at most {MAX_BODY} bytes"}, 413, {"connection": "close"})
        except ClientDisconnect:  # half a correction is none, and nobody reads the answer
            return Response(status_code=400)
        try:
            written = await run_in_threadpool(_save, files, own, bytes(body))
        except (ValueError, OSError) as error:
            return JSONResponse({"error": str(error)}, 403 if isinstance(error, PermissionError) else 400)
        return JSONResponse(written)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/data/{name}", data),
            Route("/clips/{name}", clip),
            Route("/corrections/{own}", correct, methods=["POST"]),
            Route("/{name}", page),
        ]
    )


def _uvicorn(app: ASGIApp) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # a browser holds the request of the clip that it plays, and would hold up the end
            for connection in [*self.server_state.connections]:
                if connection.transport is not None:
                    connection.transport.abort()
            await super().shutdown(sockets)

    return Server(
        uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )


async def _prepared(request: Request, files: _Files, own: str) -> Path:
    """The clip to send, as long as the browser waits for it."""
    from starlette.concurrency import run_in_threadpool

    gone = threading.Event()

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(0.2)
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        return await run_in_threadpool(files.clip, own, lambda: not gone.is_set())
    finally:
        watching.cancel()


def _refusal(request: Request, files: _Files, own: str) -> tuple[int, str] | None:
    """Why a correction is not even read: status and reason."""
    origin, kind = request.headers.get("origin", ""), request.headers.get("content-type", "")
    if files.save is None or own not in files.videos:
        return 404, "corrections are not saved here: start the player with --save DIR"
    if origin.partition("://")[2] != request.headers.get("host"):
        return 403, "corrections are taken from the player's own page only"
    if kind.partition(";")[0].strip().lower() != "application/json":
        return 415, "expected Content-Type: application/json"
    return None


def _save(files: _Files, own: str, body: bytes) -> dict[str, list[str] | str]:
    if files.save is None or files.token is None:
        raise PermissionError("corrections are not saved here")
    video, classes = files.videos[own], files.player.classes
    correction = parse_correction(body, files.token, len(classes.names))
    tracks = video.read()
    fps = next((track.labels.fps for track in tracks if track.title == correction.track), None)
    if fps is None and video.clip is not None:
        with contextlib.suppress(ValueError, OSError):
            clip = clip_payload(video.clip)
            fps = clip["fps"] if clip["times_ms"] is None else None
    with files.saving:
        written = save_correction(files.save, video.name, correction, tracks, classes, fps)
        return {"files": written, "version": saved_version(files.save, video.name)}


class _Guard:
    """Refuses requests that a page elsewhere can cause, and gives every answer the headers that keep ours closed."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        self.host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app: Callable[[Scope, Receive, Send], Awaitable[None]] = self.app
        headers = Headers(scope=scope)
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
        if not self._is_own_name(headers.get("host", "")):
            app = PlainTextResponse("this server answers under its own name only\n", 421)
        elif site not in ("none", "same-origin") and mode != "navigate":
            app = PlainTextResponse("this server answers its own page only\n", 403)
        await app(scope, receive, send_with_headers)

    def _is_own_name(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        name = name.removeprefix("[").removesuffix("]").lower()
        if name in (*_LOCAL, self.host):
            return True
        if self.host in _LOCAL:
            return False
        # a name of another domain can be made to point here, an address cannot
        with contextlib.suppress(ValueError):
            return bool(ipaddress.ip_address(name))
        return name in (socket.gethostname().lower(), socket.getfqdn().lower())


def _media_type(path: Path) -> str:
    known = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".m4v": "video/mp4"}
    return known.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _check_save(player: Player, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PermissionError(f"cannot write corrections to {folder} ({reason}): choose another folder") from error
    for video in player.videos:
        if not callable(video.tracks):
            check_sources(folder, video.name, [track.source for track in video.tracks])


def _listen(host: str, port: int | None) -> socket.socket:
    if port is not None and not 0 <= port < 2**16:
        raise ValueError(f"a port is a number from 0 (any) to 65535, got {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if port is None:
        with contextlib.suppress(OSError):
            return socket.create_server((host, PORT), family=family)
    try:
        return socket.create_server((host, port or 0), family=family)
    except OSError as error:
        # an unknown name has a negative number and a text of its own
        reason = (os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)).lower()
        raise OSError(f"cannot listen at {host}, port {port or 'any'} ({reason}): choose another (--port 0)") from error
