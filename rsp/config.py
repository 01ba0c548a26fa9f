"""The configuration: a Lua file, read once into values that do not change.

`listenPort`, `backendAddress` and `backendPort` are global variables in it, as in post 3 of the
series, and so is every other setting. The file is code and is trusted; what it may use is a short
list all the same, so that a slip shows as an error with its line and not as an effect.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsp.errors import StartError
from rsp.http1.message import Limits
from rsp.net import Address
from rsp.options import Options, Timeouts
from rsp.settings import KINDS, NEEDED, SETTINGS, Odd

try:
    from lupa import luajit21 as lua
except ImportError:  # lupa was built without LuaJIT: its Lua 5.1 is the same language
    from lupa import lua51 as lua

STEPS = 10_000_000  # instructions of the file before it counts as a loop without end: about 0.5 s
NAME = "<config file>"  # what Lua calls it meanwhile: it cuts a name of more than 60 bytes
NO_HTTP = "a relay reads no HTTP: leave this out, or listenKind"
# Runs a file in an environment of its own: its globals are kept with the line that set them.
RUN = """
local loadstring, setfenv, setmetatable, pcall, getinfo, sethook, error, off =
  loadstring, setfenv, setmetatable, pcall, debug.getinfo, debug.sethook, error, jit and jit.off
local given = {
  assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall,
  select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
  math = math, string = string, table = table, os = {getenv = os.getenv},
}
return function(text, name, steps)
  local chunk, why = loadstring(text, "=" .. name)
  if not chunk then return nil, nil, why end
  local values, lines = {}, {}
  local function set(_, key, value)
    values[key], lines[key] = value, getinfo(2, "l").currentline
  end
  local function get(_, key)
    local value = values[key]
    if value == nil then value = given[key] end
    return value
  end
  setfenv(chunk, setmetatable({}, {__index = get, __newindex = set}))
  if off then off() end  -- compiled code calls no hook
  sethook(function() error("runs without end", 2) end, "", steps)
  local good, problem = pcall(chunk)
  sethook()
  if not good then return nil, nil, tostring(problem) end
  return values, lines
end
"""


class ConfigError(StartError):
    """A configuration that cannot be used: file, line where there is one, what, and what to do."""


@dataclass(frozen=True)
class Config:
    """What the command is to do: where to listen (a port or service), and before which backend."""

    listen_port: str
    backend: Address
    kind: str = KINDS[0]
    options: Options = field(default_factory=Options, repr=False)  # for HTTP; a row of thirty


def read_config(path: str) -> Config:
    """Return the configuration in the Lua file at `path`. Raises ConfigError."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        why = f"cannot open {path}: {error.strerror}"
        raise ConfigError(f"Error parsing config file: {why}") from error
    values, lines, why = run(text, path)
    if why:
        raise ConfigError(f"Error parsing config file: {why}")
    return make(values, lines, path)


def run(text: bytes, path: str) -> tuple[Mapping[str, Any], Mapping[str, int], str]:
    """Run the file; return its globals, the line that set each, and what went wrong."""
    result = closed_lua().execute(RUN)(text.decode("latin-1"), NAME, STEPS)
    if len(result) == 3:
        return {}, {}, str(result[2]).replace(f"{NAME}:", f"{path}:")
    values, lines = result
    return {name: plain(value) for name, value in values.items()}, dict(lines), ""


def plain(value: Any) -> Any:
    """Return a value of Lua's as Python's: a table as a list, or as a dict where it is none."""
    if lua.lua_type(value) != "table":
        return simple(value)
    items = {key: simple(one) for key, one in value.items()}
    is_list = items.keys() == set(range(1, len(items) + 1))
    return [items[key] for key in sorted(items)] if is_list else items


def simple(value: Any) -> Any:
    """Return a number, true, false or a text as Python's; what is none of these by its kind."""
    if not isinstance(value, str):
        return Odd(kind) if (kind := lua.lua_type(value)) else value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:  # the file is in some other encoding: as good a guess as any
        return value


def closed_lua() -> Any:
    """Return a Lua that has nothing of Python's."""
    return lua.LuaRuntime(
        encoding="latin-1",  # every byte has a character: odd ones come back as they are
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        attribute_handlers=(refuse, refuse),
    )


def refuse(*_: object) -> None:
    """Let the file reach into no Python object; it gets none anyway."""
    raise AttributeError("no Python here")


def make(values: Mapping[str, Any], lines: Mapping[str, int], path: str) -> Config:
    """Return what the globals say. Raises ConfigError."""
    read = {}
    for name, value in values.items():
        where = f"{path}:{lines[name]}"
        if name not in SETTINGS:
            near = difflib.get_close_matches(str(name), SETTINGS, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{where}: there is no setting {name}; did you mean {near}?")
        try:
            read[name] = SETTINGS[name].read(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {name}: {error}") from error
    for name in NEEDED:
        if name not in read:
            raise ConfigError(f"{path}: {name} is missing: {SETTINGS[name].what}")
    refuse_for_relay(read, lines, path)
    return config_of(read)


def refuse_for_relay(read: Mapping[str, Any], lines: Mapping[str, int], path: str) -> None:
    """Refuse what would have no effect, for nobody would see that. Raises ConfigError."""
    for name in read:
        if read.get("listenKind") == "relay" and SETTINGS[name].part:
            raise ConfigError(f"{path}:{lines[name]}: {name}: {NO_HTTP}")


def config_of(read: Mapping[str, Any]) -> Config:
    """Return the configuration that these settings make."""
    limits, timeouts, options = (
        {SETTINGS[name].field: value for name, value in read.items() if SETTINGS[name].part is part}
        for part in (Limits, Timeouts, Options)
    )
    return Config(
        read["listenPort"],
        Address(read["backendAddress"], read["backendPort"]),
        read.get("listenKind", KINDS[0]),
        Options(Limits(**limits), Timeouts(**timeouts), **options),
    )
