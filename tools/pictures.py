"""Draws the pictures of the README and the docs from what is so: `make pictures`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: Python looks in tools/, not in the checkout
    sys.path[0] = str(ROOT)

from rsp.lab import COMMAND, Backend, answering, fetch, running  # noqa: E402
from rsp.lab.drawing import as_svg  # noqa: E402
from tools import bench_page, rooms  # noqa: E402
from tools.book import say  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"


def exchange() -> str:
    """Return one request through the command, as the client and the backend saw it."""
    with Backend(answering("the backend's page\n")) as backend:
        with running(COMMAND, backend, name="rsp") as proxy:
            fetch(proxy)
    return as_svg(proxy.transcript().arrows())


DRAWN: dict[str, Callable[[], str]] = {
    "exchange.svg": exchange,
    "rooms.svg": lambda: rooms.drawn(ROOT),
    **{name: partial(bench_page.chart, ROOT, name) for name in bench_page.CHARTS},
}


def main() -> None:
    """Draw them all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        (PICTURES / name).write_text(draw() + "\n", encoding="utf-8")
        say(f"drawn  docs/pictures/{name}")


if __name__ == "__main__":
    main()
