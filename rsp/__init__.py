"""rsp, a really simple proxy: a reverse proxy and load balancer in plain Python.

Start with `rsp.net` (addresses and sockets), then `rsp.stages`: a complete proxy each,
in the order in which the course builds them.
"""

import logging

__version__ = "0.1.0"

# A library says nothing unless its user asks for it (docs.python.org, Logging HOWTO).
logging.getLogger(__name__).addHandler(logging.NullHandler())
