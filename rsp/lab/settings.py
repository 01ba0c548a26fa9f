"""How long the lab waits, and what it is named after."""

import os

TIMEOUT = float(os.environ.get("RSP_LAB_TIMEOUT", "2"))  # seconds, for every socket of the lab
HOST = "127.0.0.1"
READ_SIZE = 65_536  # bytes one recv may give


class Stuck(AssertionError):
    """Something did not end in time; the message names it and where it is."""
