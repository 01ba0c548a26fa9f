"""Measures rsp beside its peers in one run: `make bench`, or `make bench ARGS="--help"`.

docs/performance.md says how to read what it prints. Linux only: it reads /proc.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: Python looks in tools/, not in the checkout
    sys.path[0] = str(ROOT)

from rich.console import Console  # noqa: E402

from tools import bench_facts, bench_page  # noqa: E402
from tools.bench_children import INTERRUPTS  # noqa: E402
from tools.bench_figures import cost  # noqa: E402
from tools.bench_loads import LOADS, Load  # noqa: E402
from tools.bench_peers import PEERS, Peer  # noqa: E402
from tools.bench_processes import BenchError  # noqa: E402
from tools.bench_programs import find, missing  # noqa: E402
from tools.bench_record import (  # noqa: E402
    Idle,
    LoadFacts,
    PeerFacts,
    Record,
    RecordError,
    Sample,
    read,
    to_json,
)
from tools.bench_rounds import SOCKETS, Bench, Plan, room  # noqa: E402
from tools.bench_tables import micro, show  # noqa: E402

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130  # exit statuses
OUTPUT = Path("build") / "bench.json"
ROUNDS, CPU, CAP, IDLE = 5, 1.0, 12, 1000
QUICK = {"rounds": 1, "cpu": 0.05, "cap": 1, "idle": 20}
QUICK_PEERS = ["rsp", "haproxy-tcp", "haproxy-tcp-again", "rsp-http", "nginx-http-tuned"]
QUICK_LOADS = ["keep-alive", "1m"]
WIDTH = 110  # columns of a table in a file
IDLE_LOAD = "idle"  # the name by which --only asks for the memory
NAMED = [("--only", "load", [*LOADS, IDLE_LOAD]), ("--peer", "proxy", list(PEERS))]


def main(words: Sequence[str]) -> int:
    """Do what `words` ask for; return the exit status."""
    options = parse(words)
    try:
        if options.do == "run":
            return run(options, " ".join(["make bench", *ask(words)]))
        record = read(Path(options.file))
        if options.do == "publish":
            publish(record)
        show(record, console())
    except (BenchError, RecordError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("bench: interrupted; nothing of it runs on", file=sys.stderr)
        return INTERRUPTED
    return 0


def console() -> Console:
    """Return where tables go: wide enough for them where nobody watches."""
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def ask(words: Sequence[str]) -> list[str]:
    """Return words as make takes them."""
    return [f'ARGS="{shlex.join(words)}"'] if words else []


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return what is asked for; exit with a message where that is unclear."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    does = "measure (default), print a file, or make the docs from it"
    parser.add_argument(
        "do", nargs="?", default="run", choices=["run", "show", "publish"], help=does
    )
    parser.add_argument("file", nargs="?", help="what show and publish read")
    for option, what, known in NAMED:
        told = f"one {what}, can be repeated: {', '.join(known)}"
        parser.add_argument(option, metavar="NAME", action="append", default=[], help=told)
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument("--idle", type=positive, metavar="N", help=f"idle clients, default: {IDLE}")
    parser.add_argument("--all", action="store_true", help="every load and every proxy")
    parser.add_argument("--quick", action="store_true", help="see that it works; no figures")
    told = f"where the samples go (default: {OUTPUT})"
    parser.add_argument("--json", metavar="FILE", default=str(ROOT / OUTPUT), help=told)
    options = parser.parse_args(words)
    for option, what, known in NAMED:
        for name in getattr(options, option.strip("-")):
            if name not in known:
                parser.error(f"there is no {what} {name!r}; there are {', '.join(known)}")
    if (options.do == "run") != (options.file is None):
        parser.error("show and publish read one file, run reads none")
    return options


def positive(word: str) -> int:
    """Return a number of at least 1."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no number from 1 up")
    return int(word)


def chosen(options: argparse.Namespace) -> tuple[Plan, dict[str, str]]:
    """Return what to measure, and which peers are left out, and why. Raises BenchError."""
    loads = [load for load in LOADS.values() if wanted(load, options, options.only, QUICK_LOADS)]
    peers = [peer for peer in PEERS.values() if wanted(peer, options, options.peer, QUICK_PEERS)]
    skipped = {peer.name: missing(peer) for peer in peers if missing(peer)}
    peers = [peer for peer in peers if peer.name not in skipped]
    numbers = QUICK if options.quick else {"rounds": ROUNDS, "cpu": CPU, "cap": CAP, "idle": IDLE}
    with_idle = not options.only or IDLE_LOAD in options.only
    idle = (options.idle or int(numbers["idle"])) if with_idle else 0
    if idle > (most := room(SOCKETS)):
        raise BenchError(f"{idle} idle clients are too many: here {most} is the most (ulimit -n)")
    for program in ("nginx", "wrk"):
        if not find(program):
            raise BenchError(f"there is no {program} here, and it takes part: install {program}")
    if not Path("/proc/self/schedstat").exists():
        raise BenchError("the kernel does not tell what a thread has used (/proc/self/schedstat)")
    rounds = options.rounds or int(numbers["rounds"])
    return Plan(peers, loads, rounds, numbers["cpu"], int(numbers["cap"]), idle), skipped


def wanted(
    one: Load | Peer, options: argparse.Namespace, named: list[str], quick: list[str]
) -> bool:
    """Tell whether a load or a peer belongs to this run: by its name, or by the size of the run."""
    if named:
        return one.name in named or (isinstance(one, Peer) and one.twin in named)
    if options.quick:
        return one.name in quick
    return one.everyday or bool(options.all)


def run(options: argparse.Namespace, command: str) -> int:
    """Measure, write the file, print the tables; return the exit status. Raises BenchError."""
    plan, skipped = chosen(options)
    record, path = blank(plan, skipped, command), Path(options.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):  # better said now than after five minutes
        raise BenchError(f"{path} cannot be written: its folder is not ours to write in")
    try:
        for one in Bench(plan).run():
            tell(record, one)
            if isinstance(one, Sample):
                record.samples.append(one)
            else:
                record.idle.append(one)
    finally:  # what was measured until a failure has taken minutes
        if record.samples or record.idle:
            keep(record, path)
    show(record, console())
    if options.quick:
        print("This was --quick, which only sees that it works: its figures say nothing.")
    return 0


def keep(record: Record, path: Path) -> None:
    """Write the file of a record."""
    record.machine["load average after"] = bench_facts.busy()
    if (ours := bench_facts.ours()) != record.rsp:  # each sample starts it anew
        record.machine["at the end, rsp was"] = ours
    path.write_text(to_json(record), encoding="utf-8")
    print(f"written: {path}")


def blank(plan: Plan, skipped: dict[str, str], command: str) -> Record:
    """Return the record of a run that begins now."""
    return Record(
        bench_facts.now(),
        command,
        bench_facts.ours(),
        bench_facts.machine(),
        bench_facts.versions(plan.peers, plan.loads),
        {"rounds": plan.rounds, "cpu": plan.cpu, "cap": plan.cap, "idle": plan.idle},
        {peer.name: PeerFacts(peer.words, peer.kind.value, peer.twin) for peer in plan.peers},
        {
            load.name: LoadFacts(load.words, load.tool, load.connections, load.body, load.per)
            for load in plan.loads
        },
        skipped,
    )


def tell(record: Record, one: Sample | Idle) -> None:
    """Print one line for what was just measured: a run takes minutes, and is watched."""
    if isinstance(one, Idle):
        grown = (one.rss[1] - one.rss[0]) / one.clients / 1024
        print(f"idle  {one.peer:24} {grown:8.2f} KiB for each client", flush=True)
        return
    bad = {sort: count for sort, count in one.errors.items() if count}
    said = f"{micro(cost(record, one)):>9} µs per {record.loads[one.load].per}" if one.good else ""
    said += f"  errors: {bad}, so no result" if bad else ""
    said += f"  only {one.cpu:.2f} s of CPU in {one.seconds:.0f} s" if one.capped else ""
    print(f"{one.round}  {one.load:10} {one.peer:24} {said}", flush=True)


def publish(record: Record) -> None:
    """Make page and pictures of the docs from a record, and keep it beside them."""
    (ROOT / bench_page.RECORD).write_text(to_json(record), encoding="utf-8")
    for path in bench_page.write(ROOT, record):
        print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    INTERRUPTS.take()
    sys.exit(main(sys.argv[1:]))
