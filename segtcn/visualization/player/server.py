"""The player on this computer: an address for the browser, for as long as the program runs."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from pathlib import Path

import h11
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from segtcn.atomic import reason
from segtcn.visualization.player.application import PlayerFiles, application
from segtcn.visualization.player.corrections import check_sources
from segtcn.visualization.player.player_videos import Player

PORT = 8000
"""Tried first, so that bookmarks work; if it is taken, any other."""

HEADER_S = 10.0
"""How long the header of a request may take to arrive."""

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
        >>> from segtcn.labels import Labels
        >>> from segtcn.visualization.player.player_videos import PlayerVideo
        >>> truth = Labels.from_names(["take", "pour"])
        >>> player = Player("demo", [PlayerVideo("tea", {"truth": truth})], truth.classes)
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
        self._files = PlayerFiles(player, self.save, lambda: self._server.should_exit)
        self._server = _Uvicorn(_Guard(application(self._files), host))
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

    def __exit__(self, *_: object) -> None:
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


class _ImpatientProtocol(H11Protocol):
    """Closes a connection whose request does not arrive in time; uvicorn would wait for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        is_waiting = self.conn.their_state is h11.IDLE
        if is_waiting and self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_S, self.transport.abort)
        elif not is_waiting and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Uvicorn(uvicorn.Server):
    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                http=_ImpatientProtocol,
                timeout_graceful_shutdown=1,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # a browser holds the request of the clip that it plays, and would delay the end
        for connection in [*self.server_state.connections]:
            if connection.transport is not None:
                connection.transport.abort()
        await super().shutdown(sockets)


class _Guard:
    """Refuses requests that a page elsewhere can cause, and gives every answer the headers that keep ours closed."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        self.host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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


def _check_save(player: Player, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PermissionError(
            f"cannot write corrections to {folder} ({reason(error)}): choose another folder"
        ) from error
    for video in player.videos:
        if not callable(video.tracks):
            check_sources(folder, video.name, [labels.source for labels in video.tracks.values()])


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
        raise OSError(
            f"cannot listen at {host}, port {port or 'any'} ({reason(error)}): choose another `port`, 0 for any"
        ) from error
