"""The page of the docs and its pictures, made from the record that is kept beside it."""

import re
from collections.abc import Callable
from pathlib import Path

from tools.bench_charts import cpu, latency
from tools.bench_record import Record, read
from tools.bench_tables import bars, costs, markdown, memory

RECORD = Path("docs") / "performance.json"
PAGE = Path("docs") / "performance.md"
PICTURES = Path("docs") / "pictures"
BLOCK = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- made until here -->)", re.DOTALL)
CHARTS: dict[str, Callable[[Record], str]] = {
    "performance-requests.svg": lambda record: cpu(record, "request"),
    "performance-bodies.svg": lambda record: cpu(record, "MiB"),
    "performance-latency.svg": latency,
}


def chart(root: Path, name: str) -> str:
    """Return a picture, drawn from the record of the checkout `root`."""
    return CHARTS[name](read(root / RECORD))


def machine(record: Record) -> str:
    """Return where and how it was measured, as a list."""
    facts = {"date": record.date, "rsp": record.rsp, **record.machine}
    facts |= {"versions": ", ".join(f"{name} {said}" for name, said in record.versions.items())}
    facts |= {"command": f"`{record.command}`"}
    facts |= {f"left out, {peer}": why for peer, why in record.skipped.items()}
    return "\n".join(f"- {name}: {said}" for name, said in facts.items())


def loads(record: Record) -> str:
    """Return the table of each load, its title above it."""
    there = [load for load in record.loads if any(one.load == load for one in record.samples)]
    found = [costs(record, load) for load in there]
    return "\n\n".join(f"**{table.title}**\n\n{markdown(table)}" for table in found)


def pictures(record: Record) -> str:
    """Return the pictures as the page shows them, told as their titles tell them."""
    lines = []
    for name, draw in CHARTS.items():
        told = re.findall(r"<title>(.*?)</title>", draw(record))[0]
        lines.append(f"![{told}](pictures/{name})")
    return "\n\n".join(lines)


MADE: dict[str, Callable[[Record], str]] = {
    "machine": machine,
    "bars": lambda record: markdown(bars(record)),
    "pictures": pictures,
    "loads": loads,
    "memory": lambda record: markdown(memory(record)),
}


def filled(page: str, record: Record) -> str:
    """Return the page with what is made between its marks, from a record."""

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n{MADE[found[2]](record)}\n\n{found[3]}"

    return BLOCK.sub(made, page)


def write(root: Path, record: Record) -> list[Path]:
    """Write page and pictures of the checkout `root`; return what was written."""
    page = root / PAGE
    page.write_text(filled(page.read_text(encoding="utf-8"), record), encoding="utf-8")
    (root / PICTURES).mkdir(exist_ok=True)
    for name, draw in CHARTS.items():
        (root / PICTURES / name).write_text(draw(record) + "\n", encoding="utf-8")
    return [page, *(root / PICTURES / name for name in CHARTS)]
