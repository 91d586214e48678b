"""The player in the browser: clips with synchronised label tracks, served on this computer or exported as a folder."""

from segtcn.visualization.player.export import export_player
from segtcn.visualization.player.player_videos import Player, PlayerVideo, blank_player
from segtcn.visualization.player.server import PlayerServer, serve_player

__all__ = ["Player", "PlayerServer", "PlayerVideo", "blank_player", "export_player", "serve_player"]
