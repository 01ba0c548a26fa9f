"""The run: every proxy in turn under every load, in several rounds, each round in another order."""

import random
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path

from tools import bench_idle
from tools.bench_backend import backend
from tools.bench_loads import Load, Played, play
from tools.bench_peers import Peer
from tools.bench_processes import BenchError, Proxy, proxying
from tools.bench_record import Idle, Sample

FIRST = 2  # seconds of the first piece of a sample, as long as nobody knows what a proxy uses
SPARE = 1.1  # a piece is planned a little longer than it should need
ROOM = 128  # descriptors that a process needs for itself
SOCKETS = 2  # descriptors that a client takes of a proxy at least
PER_CLIENT = 3  # descriptors: two sockets, and HAProxy's pipes, two for every fourth client
HIGHEST = 6000  # clients that a proxy is set up for, unless more are asked for


@dataclass(frozen=True)
class Plan:
    """What is to be measured, and how long."""

    peers: list[Peer]
    loads: list[Load]
    rounds: int
    cpu: float  # seconds of the proxy's CPU that a sample must have used
    cap: int  # seconds after which a sample ends even so
    idle: int  # clients that keep still; 0: leave their memory out


def raise_limit() -> int:
    """Take all the descriptors we may have, for the children, too; return how many there are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def room(each: int) -> int:
    """Return for how many clients there are descriptors, when each takes so many."""
    return (raise_limit() - ROOM) // each


def orders(peers: list[Peer], rounds: int) -> Iterator[list[Peer]]:
    """Yield an order for each round: shuffled, then the same backwards, so that places even out.

    The seed is fixed: who repeats a run repeats its order.
    """
    dice = random.Random(1)
    order = list(peers)
    for number in range(rounds):
        if number % 2 == 0:
            dice.shuffle(order)
        else:
            order.reverse()
        yield list(order)


class Bench:
    """A run at work: it knows how much CPU each proxy uses a second, to plan its samples."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clients = min(HIGHEST, room(PER_CLIENT))
        self.shares: dict[tuple[str, str], float] = {}  # (peer, load): CPU seconds a second

    def __repr__(self) -> str:
        return f"<Bench: {len(self.plan.peers)} peers, {len(self.plan.loads)} loads>"

    def run(self) -> Iterator[Sample | Idle]:
        """Yield each sample as it comes. Raises BenchError."""
        with tempfile.TemporaryDirectory(prefix="rsp-bench-") as name:
            with backend(self.plan.loads, self.clients) as server:
                self.rehearse(server.port, Path(name))
                for number, order in enumerate(orders(self.plan.peers, self.plan.rounds), start=1):
                    for load in self.plan.loads:
                        for peer in order:
                            folder = Path(name, f"{number}-{load.name}-{peer.name}")
                            yield self.sample(number, load, peer, server.port, folder)
                for peer in self.plan.peers if self.plan.idle else []:
                    if not peer.twin:
                        folder = Path(name, f"idle-{peer.name}")
                        yield bench_idle.measure(peer, server.port, folder, self.plan.idle)

    def rehearse(self, port: int, folder: Path) -> None:
        """See that every peer starts and answers, before minutes are spent. Raises BenchError."""
        for peer in self.plan.peers:
            with proxying(peer, port, folder / f"rehearsal-{peer.name}", self.clients) as proxy:
                for load in self.plan.loads:
                    proxy.wait_for(load.path, load.body)

    def sample(self, number: int, load: Load, peer: Peer, port: int, folder: Path) -> Sample:
        """Measure one proxy under one load, until it has used enough CPU. Raises BenchError."""
        with proxying(peer, port, folder, self.clients) as proxy:
            proxy.wait_for(load.path, load.body)
            before = proxy.cpu()
            pieces, used = self.pieces(load, proxy, before, folder)
        played = together(pieces)
        self.shares[peer.name, load.name] = used / played.seconds if played.seconds else 0
        capped = used < self.plan.cpu and not any(played.errors.values())
        return Sample(number, load.name, peer.name, cpu=used, capped=capped, **asdict(played))

    def pieces(
        self, load: Load, proxy: Proxy, before: float, folder: Path
    ) -> tuple[list[Played], float]:
        """Play until the CPU is enough, the time is over, or something failed."""
        pieces: list[Played] = []
        share = self.shares.get((proxy.name, load.name), 0)
        seconds = self.planned(self.plan.cpu, share) if share else min(FIRST, self.plan.cap)
        while True:
            pieces.append(play(load, proxy.port, seconds, folder))
            used, lasted = proxy.cpu() - before, sum(piece.seconds for piece in pieces)
            left = int(self.plan.cap - lasted)
            failed = any(pieces[-1].errors.values()) or not pieces[-1].requests
            if proxy.process.poll() is not None:
                raise BenchError(f"{proxy.name} ended under its load{proxy.said()}")
            if used >= self.plan.cpu or left < 1 or failed or not lasted:
                return pieces, used
            seconds = min(left, self.planned(self.plan.cpu - used, used / lasted))

    def planned(self, cpu: float, share: float) -> int:
        """Return how many seconds it takes to use `cpu` seconds, by what was seen before."""
        return max(1, min(self.plan.cap, ceil(SPARE * cpu / share))) if share else self.plan.cap


def together(pieces: list[Played]) -> Played:
    """Return the pieces of a sample as one; its latencies are those of the longest piece."""
    longest = max(pieces, key=lambda piece: piece.seconds)
    errors: dict[str, int] = {}
    for piece in pieces:
        for sort, count in piece.errors.items():
            errors[sort] = errors.get(sort, 0) + count
    return Played(
        sum(piece.requests for piece in pieces),
        sum(piece.size for piece in pieces),
        sum(piece.seconds for piece in pieces),
        longest.p50,
        longest.p99,
        errors,
    )
