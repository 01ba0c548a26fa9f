"""rsp.lab.hosts: names that mean the same on every machine."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rsp.lab.hosts import hosts
from rsp.names import is_literal
from rsp.net import Address, resolve


def test_names_mean_what_the_table_says() -> None:
    """In the table's order; and afterwards they are nobody's again."""
    with hosts({"shop.test": ["127.0.0.2", "127.0.0.1"]}):
        assert list(map(str, resolve(Address("shop.test", 80)))) == ["127.0.0.2:80", "127.0.0.1:80"]
        with pytest.raises(socket.gaierror):
            resolve(Address("other.test", 80))


def test_a_name_is_no_number() -> None:
    """Whoever asks for numbers alone (man 3 getaddrinfo, AI_NUMERICHOST) gets none for it."""
    with hosts({"shop.test": ["127.0.0.1"]}):
        assert not is_literal("shop.test")
        assert is_literal("127.0.0.1")
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("shop.test", None, 0, 0, 0, socket.AI_NUMERICHOST)


def test_a_look_up_can_be_made_to_wait() -> None:
    """Until the experiment says so; what is not in the table does not wait."""
    until = threading.Event()
    with hosts({"shop.test": ["127.0.0.1"]}, until=until), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(resolve, Address("shop.test", 80))
        assert resolve(Address("127.0.0.1", 80))
        assert not asked.done()
        until.set()
        assert asked.result()


def test_one_address_alone_is_told_apart_from_a_list() -> None:
    with pytest.raises(TypeError, match=r"needs a list of addresses: \['::1'\]"):
        with hosts({"shop.test": "::1"}):
            pass
