"""`python -m rsp` is the command `rsp`."""

import sys

from rsp.cli import main

if __name__ == "__main__":
    sys.exit(main())
