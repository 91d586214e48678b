"""``segtcn check-config``: what code a config would run."""

from __future__ import annotations

from typing import Annotated

from segtcn.cli.config_words import TRUSTED, check_modules
from segtcn.cli.parser import File


def check_config(
    files: Annotated[list[File], "FILE"], *, allow_modules: Annotated[str, "MODULES"] = ",".join(TRUSTED)
) -> None:
    """Say whether configs name only classes and functions of known modules; nothing is imported.

    A config names classes that `segtcn fit` imports and calls, and so it is code. Run this before you use one that you
    did not write.

    Args:
        files: configs, such as the config.yaml of a run.
        allow_modules: the modules that they may name, with commas between them.

    Examples:
      segtcn check-config theirs/config.yaml
      segtcn check-config theirs/config.yaml --allow-modules segtcn,torch,pytorch_lightning,mymodule
    """
    check_modules(files, allow_modules.split(","))
    print(f"no code outside {allow_modules} is named")
