"""The lab: what notebooks and tests stand on, and nothing of the proxy itself.

Backends of every temper, clients that misbehave on purpose, `running` for a proxy at work, a
recorder at the lab's own ends with its drawing, predictions, checks, the contract, progress.
"""

from rsp.lab import exercises as _exercises  # noqa: F401  (it fills CHECKS)
from rsp.lab.apart import apart, run_rsp
from rsp.lab.backends import Backend
from rsp.lab.chain import Chain
from rsp.lab.checks import Wrong, check
from rsp.lab.clients import Answer, Client, Named, fetch, request
from rsp.lab.contract import RIGHT
from rsp.lab.drawing import sketch
from rsp.lab.hosts import hosts
from rsp.lab.in_c import run_c
from rsp.lab.judge import judge
from rsp.lab.leaks import left_open, snapshot
from rsp.lab.names import with_names
from rsp.lab.predictions import reveal
from rsp.lab.progress import progress
from rsp.lab.rounds import Board, with_the_same_numbers
from rsp.lab.running import COMMAND, RELAY, running, stop
from rsp.lab.settings import HOST, TIMEOUT, Stuck
from rsp.lab.silence import black_hole
from rsp.lab.syscalls import trace, trace_proxy
from rsp.lab.tables import print_table
from rsp.lab.tempers import (
    answering,
    closing_early,
    counting,
    dripping,
    echoing,
    hanging_up,
    holding,
    in_two_parts,
    large,
    pattern,
    replying,
    resetting,
    response,
    silent,
    site,
    slow,
)
from rsp.lab.transcript import Recording, Transcript

__all__ = [
    "COMMAND",
    "HOST",
    "RELAY",
    "RIGHT",
    "TIMEOUT",
    "Answer",
    "Backend",
    "Board",
    "Chain",
    "Client",
    "Named",
    "Recording",
    "Stuck",
    "Transcript",
    "Wrong",
    "answering",
    "apart",
    "black_hole",
    "check",
    "closing_early",
    "counting",
    "dripping",
    "echoing",
    "fetch",
    "hanging_up",
    "holding",
    "hosts",
    "in_two_parts",
    "judge",
    "large",
    "left_open",
    "pattern",
    "print_table",
    "progress",
    "replying",
    "request",
    "resetting",
    "response",
    "reveal",
    "run_c",
    "run_rsp",
    "running",
    "silent",
    "site",
    "sketch",
    "slow",
    "snapshot",
    "stop",
    "trace",
    "trace_proxy",
    "with_names",
    "with_the_same_numbers",
]
