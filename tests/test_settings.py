"""The settings: each option has one, each is read as it is meant, and each stands in the docs."""

import re
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from rsp.config import ConfigError, make, read_config, run
from rsp.http1.message import Limits
from rsp.http1.quick import Quick
from rsp.options import Options, Timeouts
from rsp.settings import KINDS, LARGEST, MOST, NEEDED, SETTINGS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.*)\|$", re.MULTILINE)
LUA = re.compile(r"```lua\n(.*?)```", re.DOTALL)
PARTS = (Limits, Timeouts, Options)
GOOD = 'listenPort = 0 backendAddress = "a" backendPort = 80\n'


def read(line: str) -> Options:
    """Return the options that a file with this line has."""
    values, lines, why = run((GOOD + line).encode(), "rsp.lua")
    assert not why
    return make(values, lines, "rsp.lua").options


def complaint(line: str) -> str:
    """Return what is said of a line."""
    with pytest.raises(ConfigError) as caught:
        read(line)
    return str(caught.value)


def value_of(options: Options, name: str) -> Any:
    """Return what a setting has become."""
    setting = SETTINGS[name]
    places = {Options: options, Limits: options.limits, Timeouts: options.timeouts}
    assert setting.part
    return getattr(places[setting.part], setting.field)


def of(part: type) -> list[str]:
    """Return the settings of a part of the options."""
    return [name for name, setting in SETTINGS.items() if setting.part is part]


COUNTS = [name for name in [*of(Limits), *of(Options)] if isinstance(SETTINGS[name].default, int)]
COUNTS = [name for name in COUNTS if name != "forwarded"] + ["bodyLimit"]


class TestAll:
    @pytest.mark.parametrize("part", PARTS)
    def test_every_option_has_its_setting(self, part: type) -> None:
        """In the order of the code, and none twice."""
        named = [SETTINGS[name].field for name in of(part)]
        wanted = {field.name for field in fields(part)} - {"limits", "timeouts"}
        assert set(named) == wanted
        assert len(named) == len(wanted)

    @pytest.mark.parametrize("part", PARTS)
    def test_a_name_is_that_of_the_code(self, part: type) -> None:
        """request_line of the limits is requestLineLimit."""
        ending = {Limits: "Limit", Timeouts: "Timeout", Options: ""}[part]
        for name in of(part):
            first, *others = SETTINGS[name].field.split("_")
            assert name == first + "".join(map(str.title, others)) + ending

    def test_what_is_not_set_has_its_default(self) -> None:
        assert read("") == Options()

    @pytest.mark.parametrize("name", [name for name in SETTINGS if SETTINGS[name].part])
    def test_nil_is_not_set(self, name: str) -> None:
        assert read(f"{name} = nil") == Options()

    @pytest.mark.parametrize("name", [name for name in SETTINGS if SETTINGS[name].part])
    def test_each_refuses_a_function_and_a_table_of_tables(self, name: str) -> None:
        for odd in ("pairs", "{{}}", "{a = 1}"):
            assert complaint(f"\n{name} = {odd}").startswith(f"rsp.lua:3: {name}: ")

    @pytest.mark.parametrize("name", [name for name in SETTINGS if SETTINGS[name].part])
    def test_none_is_for_a_relay(self, name: str) -> None:
        """It would have no effect, and nobody would see that."""
        values = {"accessLog": '"off"', "host": '"a"', "forwarded": "true", "trusted": '"::1"'}
        line = f'\nlistenKind = "relay"\n{name} = {values.get(name, 1)}'
        why = "a relay reads no HTTP: leave this out, or listenKind"
        assert complaint(line) == f"rsp.lua:4: {name}: {why}"


class TestNumbers:
    @pytest.mark.parametrize("name", COUNTS)
    @pytest.mark.parametrize("written", ["4321", '"4321"', "4e3 + 321"])
    def test_a_whole_number(self, name: str, written: str) -> None:
        assert value_of(read(f"{name} = {written}"), name) == 4321

    @pytest.mark.parametrize("name", COUNTS)
    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("-1", "-1"),
            ("1.5", "1.5"),
            ("1/0", "inf"),
            ("0/0", "nan"),
            ("1e300", "1e+300"),
            ("true", "a boolean"),
            ('"ten"', '"ten"'),
            ('"-1"', '"-1"'),
            ('"1_000"', '"1_000"'),
            ('""', '""'),
            ('("9"):rep(5000)', '"999'),
        ],
    )
    def test_anything_else_is_told(self, name: str, written: str, shown: str) -> None:
        said = complaint(f"{name} = {written}")
        pattern = rf"rsp\.lua:2: {name}: must be a whole number from [01] to \d+, and it is "
        assert re.match(pattern + re.escape(shown.replace("nan", "")), said.replace("-nan", "nan"))

    def test_the_least_and_the_most(self) -> None:
        """Zero where nothing may come; a head there must be."""
        for name, least, most in [
            ("bodyLimit", 0, LARGEST),
            ("trailersLimit", 0, LARGEST),
            ("headLimit", 1, LARGEST),
            ("fieldsLimit", 1, MOST),
            ("upstreams", 0, MOST),
        ]:
            for number in (least, most):
                assert value_of(read(f"{name} = {number}"), name) == number
            for number in (least - 1, most + 2):
                assert f"from {least} to {most}, and it is" in complaint(f"{name} = {number}")

    def test_the_most_fields_can_be_read(self) -> None:
        """An expression has them as a number of repetitions."""
        assert Quick(Limits(fields=MOST)).take_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    @pytest.mark.parametrize("name", of(Timeouts))
    @pytest.mark.parametrize(
        ("written", "seconds"), [("0", 0), ("3", 3), ("0.25", 0.25), ('"2.5"', 2.5), ("1/8", 0.125)]
    )
    def test_seconds(self, name: str, written: str, seconds: float) -> None:
        assert value_of(read(f"{name} = {written}"), name) == seconds

    @pytest.mark.parametrize("name", of(Timeouts))
    @pytest.mark.parametrize("written", ["-0.1", "1/0", "0/0", '"1s"', "false", '"inf"', "{}"])
    def test_no_seconds_are_told(self, name: str, written: str) -> None:
        assert f"rsp.lua:2: {name}: must be seconds, 0 or more, and it is" in complaint(
            f"{name} = {written}"
        )


class TestWords:
    def test_a_word_of_several(self) -> None:
        assert read('accessLog = "json"').access_log == "json"
        said = complaint('accessLog = "xml"')
        wanted = 'must be one of "combined", "json", "off", and it is "xml"'
        assert said == f"rsp.lua:2: accessLog: {wanted}"
        assert 'must be one of "http", "relay", and it is a' in complaint("listenKind = {}")

    def test_true_or_false(self) -> None:
        """In Lua 0 counts as true, so a number is no answer."""
        assert read("forwarded = true").forwarded
        assert not read("forwarded = 1 == 2").forwarded
        for written, shown in {"1": "1", '"true"': '"true"'}.items():
            said = complaint(f"forwarded = {written}")
            assert said == f"rsp.lua:2: forwarded: must be true or false, and it is {shown}"

    @pytest.mark.parametrize(
        "host", ["", "example.org", "example.org:8080", "[::1]:80", "10.0.0.1"]
    )
    def test_a_host(self, host: str) -> None:
        assert read(f'host = "{host}"').host == host

    @pytest.mark.parametrize(
        "host", ["a b", "a/b", "http://a", "a\\r\\nX: y", "é.test", "[::1", " "]
    )
    def test_what_is_no_host_reaches_no_backend(self, host: str) -> None:
        assert complaint(f'host = "{host}"').startswith("rsp.lua:2: host: must be a ")


class TestNetworks:
    @pytest.mark.parametrize(
        ("written", "networks"),
        [
            ('"10.0.0.0/8"', ["10.0.0.0/8"]),
            ('"127.0.0.1"', ["127.0.0.1/32"]),
            ('{"127.0.0.1", "::1", "fd00::/8"}', ["127.0.0.1/32", "::1/128", "fd00::/8"]),
            ('{"0.0.0.0/0"}', ["0.0.0.0/0"]),
            ('{"::ffff:10.0.0.0/104", "::ffff:127.0.0.1"}', ["10.0.0.0/8", "127.0.0.1/32"]),
            ("{}", []),
        ],
    )
    def test_addresses_and_networks_in_a_list_or_one(
        self, written: str, networks: list[str]
    ) -> None:
        assert read(f"trusted = {written}").trusted == tuple(map(ip_network, networks))

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("true", 'must be a list such as {"10.0.0.0/8", "::1"}, and it is a boolean'),
            ('{a = "::1"}', 'must be a list such as {"10.0.0.0/8", "::1"}, and it is a table'),
            ('{"::1", nil, "::2"}', "must be a list such as"),
            ('{"::1", "localhost"}', '"localhost" is none'),
            ('"10.0.0.0/33"', '"10.0.0.0/33" is none'),
            ('"10.0.0.1, 10.0.0.2"', '"10.0.0.1, 10.0.0.2" is none'),
            ('"fe80::1%eth0"', '"fe80::1%eth0" is none'),
            ("{1}", "1 is none"),
            ("{{}}", "a table is none"),
            ('"10.1.2.3/8"', '"10.1.2.3/8" is no network; did you mean "10.0.0.0/8"?'),
        ],
    )
    def test_what_is_none_is_told(self, written: str, said: str) -> None:
        """An address that nobody meant to trust must not slip in."""
        assert said in complaint(f"trusted = {written}")


def default_of(name: str) -> str:
    """Return a default as the page has it."""
    value = KINDS[0] if name == "listenKind" else SETTINGS[name].default
    if name in NEEDED:
        return "must be set"
    special = {False: "`false`", (): "`{}`"}
    if isinstance(value, bool | tuple):
        return special[value]
    if isinstance(value, str):
        return f'`"{value}"`'
    return "none" if value is None else f"{value:,.10g}"


ROWS = {name: rest for name, *rest in ROW.findall(PAGE)}


class TestPage:
    def test_every_setting_stands_there_in_order(self) -> None:
        assert list(ROWS) == list(SETTINGS)

    @pytest.mark.parametrize("name", SETTINGS)
    def test_each_has_what_it_is_its_default_and_a_reason(self, name: str) -> None:
        what, default, why = ROWS[name]
        assert what.startswith(SETTINGS[name].what)
        assert default == default_of(name)
        assert why or name == "backendPort"

    def test_a_word_that_may_be_said_is_told(self) -> None:
        for name in ("listenKind", "accessLog"):
            said = complaint(f"{name} = 1")
            assert re.findall(r'"\w+"', said) == re.findall(r'"\w+"', ROWS[name][0])

    @pytest.mark.parametrize("text", LUA.findall(PAGE))
    def test_an_example_is_one(
        self, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SITE", raising=False)
        path = tmp_path / "rsp.lua"
        path.write_text(text)
        assert read_config(str(path)).listen_port == "8000"

    def test_its_complaint_is_one(self) -> None:
        said = complaint("\n\nbodylimit = 1")
        assert f"rsp: {said}\n" in PAGE
