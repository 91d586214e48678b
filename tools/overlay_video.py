"""Draw predictions, and the truth, on a clip: the same as ``segtcn overlay``, see ``--help``."""

import sys

from segtcn.cli import main

if __name__ == "__main__":
    sys.exit(main(["overlay", *sys.argv[1:]]))
