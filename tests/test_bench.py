"""The benchmark: that it works, and says what it measured. No test asserts a speed.

The figures are tried on records that are made up, the machinery with real programs and tiny
samples.
"""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rsp.lab import Backend, fetch, large
from rsp.net import Address
from tools import bench, bench_charts, bench_figures, bench_page, bench_tables
from tools.bench_children import Interrupts, started
from tools.bench_figures import Bar, Spread, Verdict
from tools.bench_loads import LOADS, Played
from tools.bench_peers import FLOOR, PEERS, RSP, TCP
from tools.bench_processes import BenchError, free_port
from tools.bench_programs import PATH
from tools.bench_record import (
    Idle,
    LoadFacts,
    PeerFacts,
    Record,
    RecordError,
    Sample,
    from_json,
    read,
    to_json,
)
from tools.bench_rounds import Bench, orders, together

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds for the smallest run
NEEDED = ["nginx", "haproxy", "wrk"]
MISSING = [name for name in NEEDED if not shutil.which(name, path=PATH)]
MISSING += [] if Path("/proc/self/schedstat").exists() else ["/proc/self/schedstat"]
with_programs = pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")
BENCH = [sys.executable, str(ROOT / "tools" / "bench.py")]


def sample(number: int, peer: str, cpu: float, *, load: str = "keep-alive") -> Sample:
    """Return a sample of a thousand requests, a MiB each, in which `cpu` ms were used."""
    return Sample(
        round=number,
        load=load,
        peer=peer,
        requests=1000,
        size=1000 << 20,
        seconds=2.0,
        cpu=cpu / 1000,
        p50=0.001,
        p99=0.004,
        errors={"read": 0},
        capped=False,
    )


def record(**costs: list[float]) -> Record:
    """Return a record of two loads in which each peer, by its name with _, used these ms."""
    named = {peer.replace("_", "-"): values for peer, values in costs.items()}
    return Record(
        date="2026-01-01 00:00 UTC",
        command="make bench",
        rsp="0.1.0",
        machine={"processor": "one"},
        versions={"nginx": "1.0"},
        settings={"rounds": 3},
        peers={
            name: PeerFacts(PEERS[name].words, PEERS[name].kind.value, PEERS[name].twin)
            for name in named
        },
        loads={
            name: LoadFacts(load.words, "wrk", load.connections, load.body, load.per)
            for name, load in LOADS.items()
            if name in {"keep-alive", "1m"}
        },
        samples=[
            sample(number, name, value, load=load)
            for load in ("keep-alive", "1m")
            for name, values in named.items()
            for number, value in enumerate(values, start=1)
        ],
        idle=[Idle("rsp", 10, (1 << 20, (1 << 20) + 20480), (1 << 20, (1 << 20) + 10240))],
    )


def three() -> Record:
    """Return a record in which rsp costs half as much as HAProxy, whose twin is 5 % off."""
    return record(rsp=[10, 20, 30], haproxy_tcp=[20, 40, 60], haproxy_tcp_again=[21, 42, 57])


class TestRecord:
    def test_comes_back_from_its_file_as_it_was(self) -> None:
        assert from_json(to_json(three())) == three()

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
    def test_a_file_that_is_none_is_named(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "file.json"
        path.write_text(text)
        with pytest.raises(RecordError, match=re.escape(str(path))):
            read(path)

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match=r"none\.json cannot be read: No such file"):
            read(tmp_path / "none.json")


class TestFigures:
    def test_a_ratio_is_taken_within_a_round(self) -> None:
        """The machine was slower from round to round, and the ratio stays."""
        assert bench_figures.ratios(three(), "1m", "rsp", "haproxy-tcp") == [0.5] * 3

    def test_a_round_that_one_of_them_failed_does_not_count(self) -> None:
        run = three()
        failed = replace(run.samples[0], errors={"read": 1})
        assert (failed.peer, failed.load, failed.good) == ("rsp", "keep-alive", False)
        run.samples[0] = failed
        assert len(bench_figures.ratios(run, "keep-alive", "rsp", "haproxy-tcp")) == 2
        assert bench_figures.row(run, "keep-alive", "rsp").failed == 1

    def test_the_middle_of_the_rounds_is_quoted_with_its_ends(self) -> None:
        assert bench_figures.spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
        assert bench_figures.spread([]) is None

    def test_noise_is_how_far_twins_are_apart_whichever_is_ahead(self) -> None:
        """1.05, 1.05 and, the other way, 60 ÷ 57."""
        assert bench_figures.noise(three(), "1m", "relay") == pytest.approx(1.05)
        assert bench_figures.noise(three(), "1m", "HTTP") is None

    def test_a_body_is_counted_by_its_size_and_an_answer_by_itself(self) -> None:
        run = three()
        first = run.of("1m", "rsp")[0]
        half = replace(first, size=first.size // 2)  # the rest had not arrived at the end
        assert bench_figures.cost(run, half) == pytest.approx(20e-6)
        assert bench_figures.cost(run, replace(half, load="keep-alive")) == pytest.approx(10e-6)

    def test_the_cheapest_comes_first_and_who_failed_last(self) -> None:
        run = record(haproxy_tcp=[20], nginx_stream=[15], rsp=[10])
        run.samples[1] = replace(run.samples[1], errors={"status": 7})
        found = bench_figures.rows(run, "keep-alive")
        assert [row.peer for row in found] == ["rsp", "haproxy-tcp", "nginx-stream"]
        assert (found[2].cost, found[2].ratio) == (None, None)


class TestBars:
    @pytest.mark.parametrize(
        ("ratio", "noise", "verdict"),
        [
            (0.90, 1.05, Verdict.REACHED),
            (0.97, 1.05, Verdict.WITHIN),
            (1.00, 1.00, Verdict.REACHED),
            (1.03, 1.05, Verdict.WITHIN),
            (1.10, 1.05, Verdict.MISSED),
            (0.10, None, Verdict.WITHIN),
        ],
    )
    def test_a_claim_counts_only_beyond_the_noise(
        self, ratio: float, noise: float | None, verdict: Verdict
    ) -> None:
        assert bench_figures.verdict(ratio, 1.0, noise) is verdict

    def test_each_names_a_load_and_peers_that_there_are(self) -> None:
        for bar in bench_figures.BARS:
            assert bar.load in LOADS
            assert {bar.subject, bar.peer} <= set(PEERS)
            assert bar.aim < bar.limit

    def test_only_those_of_the_run_are_judged(self) -> None:
        (one, *_) = found = list(bench_figures.judged(three()))
        assert [(each.bar.load, each.bar.peer) for each in found] == [("keep-alive", "haproxy-tcp")]
        assert (one.ratio, one.verdict) == (Spread(0.5, 0.5, 0.5), Verdict.REACHED)

    def test_rounds_that_disagree_are_noise_too(self) -> None:
        """Twins may be alike while the proxy itself is not: then nothing is claimed."""
        run = record(rsp=[10, 14, 20], haproxy_tcp=[15] * 3, haproxy_tcp_again=[15] * 3)
        (found, *_) = bench_figures.judged(run)
        assert bench_figures.noise(run, "keep-alive", "relay") == pytest.approx(1)
        assert found.noise == pytest.approx(1.4)
        assert found.verdict is Verdict.WITHIN

    def test_what_failed_is_not_judged(self) -> None:
        run = three()
        run.samples[:3] = [replace(one, errors={"read": 1}) for one in run.samples[:3]]
        bar = Bar("rsp", "keep-alive", "haproxy-tcp", 1.0)
        assert bench_figures.judge(run, bar).verdict is Verdict.UNKNOWN


class TestTables:
    def test_say_cost_ratio_and_noise(self) -> None:
        table = bench_tables.costs(three(), "keep-alive")
        assert table.rows[0] == ["rsp relay", "20.0", "–", "500", "1.00", "4.00"]
        assert table.rows[1] == ["HAProxy TCP", "40.0", "0.50", "500", "1.00", "4.00"]
        assert table.rows[2][2] == "0.48 (0.48–0.53)"
        assert table.below == "Noise of the kind relay: 1.050."

    def test_say_that_errors_are_no_result(self) -> None:
        run = three()
        run.samples[:3] = [replace(one, errors={"read": 1}) for one in run.samples[:3]]
        table = bench_tables.costs(run, "keep-alive")
        assert table.rows[-1][:2] == ["rsp relay", "errors: no result"]
        assert "rsp relay: 3 of the samples had errors, and do not count." in table.below

    def test_say_that_a_sample_was_cut_short(self) -> None:
        run = three()
        run.samples[0] = replace(run.samples[0], capped=True)
        below = bench_tables.costs(run, "keep-alive").below
        assert "rsp relay: 1 of the samples ended with too little CPU used." in below

    def test_say_what_an_idle_client_costs(self) -> None:
        (row,) = bench_tables.memory(three()).rows
        assert row == ["rsp relay", "1.0 MiB", "1.0 MiB", "2.00 KiB", "1.00 KiB"]


class TestRounds:
    def test_each_has_all_peers_and_the_second_is_the_first_backwards(self) -> None:
        """Whoever came first in one comes last in the next."""
        peers = list(PEERS.values())
        found = list(orders(peers, 4))
        assert all(sorted(map(str, order)) == sorted(map(str, peers)) for order in found)
        assert found[1] == found[0][::-1]
        assert found[2] != found[0]

    def test_pieces_of_a_sample_are_added_up(self) -> None:
        """The latencies are those of the longest piece: medians cannot be added."""
        short = Played(10, 100, 1.0, 0.1, 0.2, {"read": 0})
        long = Played(50, 500, 5.0, 0.3, 0.4, {"read": 2})
        assert together([short, long]) == Played(60, 600, 6.0, 0.3, 0.4, {"read": 2})

    def test_a_twin_differs_by_its_name_alone(self) -> None:
        twins = [peer for peer in PEERS.values() if peer.twin]
        assert {peer.kind.value for peer in twins} == {"relay", "HTTP"}
        for peer in twins:
            first = PEERS[peer.twin]
            assert (peer.command, peer.files) == (first.command, first.files)


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="the floor waits with epoll")
class TestFloor:
    def test_relays(self) -> None:
        """An answer of more than one read comes whole, twice, and its end after it."""
        port = free_port()
        words = [word.replace("$PORT", str(port)) for word in FLOOR.command]
        with Backend(large(300_000)) as backend:
            words = [word.replace("$BACKEND", str(backend.address.port)) for word in words]
            with subprocess.Popen(words) as floor:
                try:
                    answers = [fetch(wait_for(port)) for _ in range(2)]
                finally:
                    floor.kill()
        assert [len(answer.body) for answer in answers] == [300_000] * 2


def wait_for(port: int) -> Address:
    """Return the address of a port once somebody listens there."""
    address = Address("127.0.0.1", str(port))
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
        else:
            return address


class TestInterrupts:
    def test_a_signal_waits_until_nothing_would_be_left_behind(self) -> None:
        """As while a program is being started: who started it must know of it first."""
        interrupts, done = Interrupts(), []

        def start() -> None:
            with interrupts.kept_away():
                with interrupts.kept_away():
                    interrupts.on_signal(signal.SIGINT, None)
                done.append("the outer one is not disturbed, either")

        with pytest.raises(KeyboardInterrupt):
            start()
        assert done
        with interrupts.kept_away():
            done.append("it came once")

    def test_a_signal_is_heard_at_once_elsewhere(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            Interrupts().on_signal(signal.SIGTERM, None)

    def test_what_a_program_has_started_ends_with_it(self, tmp_path: Path) -> None:
        """Even when that does not care for SIGTERM."""
        log = tmp_path / "log"
        script = "(trap '' TERM; echo $BASHPID; while :; do sleep 1; done) & wait"
        with started(["bash", "-c", script], log) as process:
            while not (child := log.read_text().strip()):
                assert process.poll() is None
        until = time.monotonic() + PATIENCE
        while is_running(int(child)):  # the kernel takes its time
            assert time.monotonic() < until


def is_running(pid: int) -> bool:
    """Tell whether a process is there, and no mere remains of one (man 5 proc: Z, X)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


class TestPage:
    text = (ROOT / bench_page.PAGE).read_text(encoding="utf-8")
    kept = read(ROOT / bench_page.RECORD)

    def test_says_what_its_record_says(self) -> None:
        """Otherwise: `make bench ARGS="publish docs/performance.json"`."""
        assert bench_page.filled(self.text, self.kept) == self.text

    def test_has_every_part_that_is_made(self) -> None:
        assert sorted(bench_page.MADE) == sorted(re.findall(r"<!-- made: (\w+) -->", self.text))

    def test_a_figure_that_was_typed_is_found(self) -> None:
        """A check that cannot fail says nothing."""
        (cost,) = [row.cost for row in bench_figures.rows(self.kept, "1m") if row.peer == "rsp"]
        typed = self.text.replace(bench_tables.micro(cost), "1")
        assert typed != self.text
        assert bench_page.filled(typed, self.kept) != typed

    @pytest.mark.parametrize("name", bench_page.CHARTS)
    def test_a_picture_of_other_samples_is_another(self, name: str) -> None:
        """tests/test_docs.py compares those that are kept."""
        twice = [replace(one, cpu=2 * one.cpu, p99=2 * one.p99) for one in self.kept.samples]
        changed = replace(self.kept, samples=twice)
        assert bench_page.CHARTS[name](changed) != bench_page.chart(ROOT, name)

    def test_is_written_with_its_pictures(self, tmp_path: Path) -> None:
        """Into the docs of any checkout; what is not between marks stays."""
        page = tmp_path / bench_page.PAGE
        page.parent.mkdir()
        page.write_text(
            "# Title\n\n<!-- made: bars -->\nold\n<!-- made until here -->\n\nThe end.\n"
        )
        assert all(path.is_file() for path in bench_page.write(tmp_path, three()))
        text = page.read_text(encoding="utf-8")
        assert "| keep-alive | HAProxy TCP | 1.00 | 0.50 | 1.050 | reached |" in text
        assert (text.startswith("# Title\n"), "old" in text) == (True, False)
        assert text.endswith("The end.\n")

    def test_names_every_peer_and_load(self) -> None:
        for name in [peer for peer in PEERS if not PEERS[peer].twin] + list(LOADS):
            assert f"`{name}`" in self.text

    def test_its_commands_are_understood(self) -> None:
        asked = re.findall(r'`make bench ARGS="([^"]*)"`', self.text)
        assert len(asked) > 5
        for words in asked:
            bench.parse(words.split())

    def test_a_picture_leaves_twins_out(self) -> None:
        assert "again" not in bench_charts.cpu(three(), "request")


class TestWords:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--only", "nothing"], "there is no load 'nothing'; there are keep-alive, connect"),
            (["--peer", "apache"], "there is no proxy 'apache'; there are rsp, floor, haproxy-tcp"),
            (["--rounds", "0"], "'0' is no number from 1 up"),
            (["--rounds", "x"], "'x' is no number from 1 up"),
            (["show"], "show and publish read one file"),
            (["run", "file"], "run reads none"),
            (["draw"], "invalid choice: 'draw'"),
        ],
    )
    def test_what_cannot_be_done_is_told(
        self, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as error:
            bench.parse(words)
        assert error.value.code == bench.WRONG_USAGE
        assert said in capsys.readouterr().err

    def test_a_record_is_shown(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "one.json"
        path.write_text(to_json(three()))
        assert bench.main(["show", str(path)]) == 0
        said = capsys.readouterr().out
        assert "HAProxy TCP" in said
        assert "reached" in said

    def test_a_file_that_is_no_record_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert bench.main(["show", str(ROOT / "README.md")]) == bench.FAILED
        assert "README.md: it is no record of the benchmark" in capsys.readouterr().err


def of_session(marker: str) -> list[str]:
    """Return the command lines of processes whose environment holds `marker`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended, or is not ours
            continue
    return found


@with_programs
class TestRun:
    @pytest.mark.slow
    def test_measures_what_it_is_asked_for(self, tmp_path: Path) -> None:
        """Real programs and tiny samples: every peer answers, and nothing is left running."""
        path, marker = tmp_path / "bench.json", f"RSP_TEST_MARK={tmp_path}"
        said = subprocess.run(
            [*BENCH, "--quick", "--json", str(path)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "RSP_TEST_MARK": str(tmp_path)},
        )
        assert said.returncode == 0, said.stderr
        assert "its figures say nothing" in said.stdout
        run = read(path)
        assert {(one.load, one.peer) for one in run.samples} == {
            (load, peer) for load in bench.QUICK_LOADS for peer in bench.QUICK_PEERS
        }
        assert all(one.good for one in run.samples), run.samples
        assert {one.peer for one in run.idle} == {
            x for x in bench.QUICK_PEERS if x in run.peers and not run.peers[x].twin
        }
        assert {"nginx", "haproxy", "wrk"} <= set(run.versions)
        assert of_session(marker) == []

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_an_interrupt_leaves_no_process_running(
        self, how: signal.Signals, tmp_path: Path
    ) -> None:
        """In the middle of a sample, with clients, proxy and backend at work."""
        marker = f"RSP_TEST_MARK={tmp_path}"
        with subprocess.Popen(
            [
                *BENCH,
                "--only",
                "keep-alive",
                "--peer",
                "rsp",
                "--json",
                str(tmp_path / "none.json"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RSP_TEST_MARK": str(tmp_path)},
        ) as process:
            until = time.monotonic() + PATIENCE
            while not any("wrk" in line for line in of_session(marker)):
                assert time.monotonic() < until
                assert process.poll() is None, process.stderr and process.stderr.read()
            process.send_signal(how)
            _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == bench.INTERRUPTED
        assert said == "bench: interrupted; nothing of it runs on\n"
        assert of_session(marker) == []
        assert not (tmp_path / "none.json").exists()

    def test_who_is_asked_for_brings_the_twin_along(self) -> None:
        """Without it nobody would know the noise."""
        plan, _ = bench.chosen(bench.parse(["--peer", "rsp", "--peer", "haproxy-tcp"]))
        assert [peer.name for peer in plan.peers] == ["rsp", "haproxy-tcp", "haproxy-tcp-again"]

    def test_what_was_measured_before_a_failure_is_kept(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def failing(_: Bench) -> Iterator[Sample]:
            yield sample(1, "rsp", 20)
            raise BenchError("the proxy fell over")

        monkeypatch.setattr(Bench, "run", failing)
        path = tmp_path / "bench.json"
        assert bench.main(["--quick", "--json", str(path)]) == bench.FAILED
        assert read(path).samples == [sample(1, "rsp", 20)]

    def test_what_has_no_program_is_left_out_with_a_word(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = replace(TCP, program="no-such-program")
        monkeypatch.setattr(bench, "PEERS", {"rsp": RSP, "haproxy-tcp": gone})
        plan, skipped = bench.chosen(bench.parse(["--quick"]))
        assert plan.peers == [RSP]
        assert skipped == {"haproxy-tcp": "no no-such-program here"}

    def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        assert bench.main(["--quick", "--json", str(tmp_path / "file" / "x")]) == bench.FAILED
        assert "File exists" in capsys.readouterr().err

    def test_too_many_idle_clients_are_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert bench.main(["--only", "idle", "--idle", "1000000"]) == bench.FAILED
        assert "1000000 idle clients are too many" in capsys.readouterr().err
