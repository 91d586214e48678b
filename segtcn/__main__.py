"""``python -m segtcn`` is ``segtcn``."""

import sys

from segtcn.cli import main

if __name__ == "__main__":
    sys.exit(main())
