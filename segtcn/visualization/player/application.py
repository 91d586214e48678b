"""What the player's server answers: the page, its data, clips and corrections."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import mimetypes
import secrets
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from segtcn.video_io.writing import plays_in_browsers, write_playable
from segtcn.visualization.player.corrections import parse_correction, save_correction, saved_version
from segtcn.visualization.player.export import static_files
from segtcn.visualization.player.payload import clip_payload, index_payload, script, video_id, video_payload
from segtcn.visualization.player.player_videos import Player

MAX_BODY = 8 * 2**20
"""Bytes that a correction may have; a 3-hour video with 5,000 segments takes a fiftieth of them."""


class PlayerFiles:
    """Everything that the server sends: the page, and payloads and encoded clips, each made once."""

    def __init__(self, player: Player, save: Path | None, is_ending: Callable[[], bool]) -> None:
        self.player = player
        self.save = save
        self.is_ending = is_ending
        self.token = None if save is None else secrets.token_urlsafe(24)
        self.pages = {path.name: path for path in static_files()}
        self.videos = {video_id(number): video for number, video in enumerate(player.videos)}
        self.clips = {key: video.clip for key, video in self.videos.items() if video.clip is not None}
        self.names = {f"{key}{_served_suffix(clip)}": key for key, clip in self.clips.items()}
        self.index = functools.cache(self._index)
        self.saving = threading.Lock()
        self._videos = functools.lru_cache(maxsize=16)(self._video)
        self._locks = {key: threading.Lock() for key in self.clips}
        self._folder = tempfile.TemporaryDirectory(prefix="segtcn-player-", ignore_cleanup_errors=True)
        self._encoded: dict[str, Path] = {}

    def _index(self) -> bytes:
        addresses = {key: f"clips/{name}" for name, key in self.names.items()}
        return script("receiveIndex", index_payload(self.player, addresses, self.token))

    def video(self, key: str) -> bytes:
        """The payload of a video; made again when another correction of it was saved, by whatever program."""
        return self._videos(key, None if self.save is None else saved_version(self.save, self.videos[key].name))

    def _video(self, key: str, _version: str | None) -> bytes:
        video, notes = self.videos[key], []
        with contextlib.suppress(ValueError, OSError):  # the payload says what is wrong with the clip
            if video.clip is not None and not plays_in_browsers(video.clip):
                notes.append(f"browsers do not play {video.clip.name}: it is encoded again first, which takes a while")
        return script("receiveVideo", video_payload(key, video, self.player.classes, notes, self.save))

    def clip(self, key: str, is_awaited: Callable[[], bool]) -> Path:
        """The clip itself, or a copy that browsers play; encoding takes long, and ends when nobody wants the copy.

        Raises:
            InterruptedError: if nobody waits for it any longer.
        """
        clip = self.clips[key]
        if plays_in_browsers(clip):
            return clip

        def check() -> None:
            if self.is_ending() or not is_awaited():
                raise InterruptedError(f"nobody waits for {clip} any longer")

        with self._locks[key]:
            if key not in self._encoded:
                check()
                path = Path(self._folder.name) / f"{key}.mp4"
                write_playable(clip, path, check)
                self._encoded[key] = path
        return self._encoded[key]

    def save_body(self, key: str, body: bytes) -> dict[str, list[str] | str]:
        """Save a correction that a page sent; names the files, and their version.

        Raises:
            PermissionError: if the token is that of another server, or a file cannot be written.
            ValueError: if it is not a correction, or fits no track.
            OSError: if it cannot be saved.
        """
        if self.save is None or self.token is None:
            raise PermissionError("corrections are not saved here")
        video, classes = self.videos[key], self.player.classes
        correction = parse_correction(body, self.token)
        tracks = video.read(classes)
        fps = tracks[correction.track].fps if correction.track in tracks else None
        if fps is None and video.clip is not None:
            with contextlib.suppress(ValueError, OSError):
                clip = clip_payload(video.clip)
                fps = clip["fps"] if clip["times_ms"] is None else None
        with self.saving:
            written = save_correction(self.save, video.name, correction, tracks, fps)
            return {"files": written, "version": saved_version(self.save, video.name)}

    def close(self) -> None:
        """Remove clips that were encoded for the browser."""
        self._folder.cleanup()


def _served_suffix(clip: Path) -> str:
    suffix = clip.suffix.lower()
    return suffix if suffix in (".mp4", ".m4v", ".webm") else ".mp4"


def application(files: PlayerFiles) -> Starlette:
    """The routes of a player.

    Args:
        files: what can be asked for.
    """
    answers = _Answers(files)
    return Starlette(
        routes=[
            Route("/", answers.page),
            Route("/data/{name}", answers.data),
            Route("/clips/{name}", answers.clip),
            Route("/corrections/{key}", answers.correct, methods=["POST"]),
            Route("/{name}", answers.page),
        ]
    )


class _Answers:
    """What is answered to each kind of request."""

    def __init__(self, files: PlayerFiles) -> None:
        self.files = files

    async def page(self, request: Request) -> Response:
        path = self.files.pages.get(request.path_params.get("name", "index.html"))
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type=_media_type(path))

    async def data(self, request: Request) -> Response:
        name = request.path_params["name"]
        key = name.removeprefix("video-").removesuffix(".js")
        try:
            if name == "index.js":
                body = await run_in_threadpool(self.files.index)
            elif name == f"video-{key}.js" and key in self.files.videos:
                body = await run_in_threadpool(self.files.video, key)
            else:
                raise HTTPException(404)
        except (ValueError, OSError) as error:  # a label file that was changed or removed
            return PlainTextResponse(f"{error}\n", 500)
        return Response(body, media_type="text/javascript; charset=utf-8")

    async def clip(self, request: Request) -> Response:
        key = self.files.names.get(request.path_params["name"])
        if key is None:
            raise HTTPException(404)
        try:
            path = await _prepared(request, self.files, key)
            stat = path.stat()
        except (ValueError, OSError) as error:
            return PlainTextResponse(f"{error}\n", 404)
        return FileResponse(path, media_type=_media_type(path), stat_result=stat)

    async def correct(self, request: Request) -> Response:
        key = request.path_params["key"]
        if refusal := _refusal(request, self.files, key):
            status, reason = refusal
            return JSONResponse({"error": reason}, status)
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return JSONResponse({"error": f"expected at most {MAX_BODY} bytes"}, 413, {"connection": "close"})
        except ClientDisconnect:  # half a correction is not one, and nobody reads the answer
            return Response(status_code=400)
        try:
            written = await run_in_threadpool(self.files.save_body, key, bytes(body))
        except (ValueError, OSError) as error:
            return JSONResponse({"error": str(error)}, 403 if isinstance(error, PermissionError) else 400)
        return JSONResponse(written)


async def _prepared(request: Request, files: PlayerFiles, key: str) -> Path:
    """The clip to send, as long as the browser waits for it."""
    gone = threading.Event()

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(0.2)
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        return await run_in_threadpool(files.clip, key, lambda: not gone.is_set())
    finally:
        watching.cancel()


def _refusal(request: Request, files: PlayerFiles, key: str) -> tuple[int, str] | None:
    """Why a correction is not even read: status and reason."""
    origin, kind = request.headers.get("origin", ""), request.headers.get("content-type", "")
    if files.save is None or key not in files.videos:
        return 404, "corrections are not saved here: start the player with a folder for them, `save`"
    if origin.partition("://")[2] != request.headers.get("host"):
        return 403, "corrections are taken from the player's own page only"
    if kind.partition(";")[0].strip().lower() != "application/json":
        return 415, "expected Content-Type: application/json"
    return None


def _media_type(path: Path) -> str:
    known = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".m4v": "video/mp4"}
    return known.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
