"""The configuration: a Lua file, read once into values that do not change.

`listenPort`, `backendAddress` and `backendPort` are global variables in it, as in post 3 of the
series. The file is code and is trusted; what it may use is a short list all the same, so that a
slip shows as an error with its line and not as an effect.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsp.errors import StartError
from rsp.net import Address, check_port

try:
    from lupa import luajit21 as lua
except ImportError:  # lupa was built without LuaJIT: its Lua 5.1 is the same language
    from lupa import lua51 as lua

STEPS = 10_000_000  # instructions of the file before it counts as a loop without end: about 0.5 s
NAME = "<config file>"  # what Lua calls it meanwhile: it cuts a name of more than 60 bytes
SETTINGS = {
    "listenPort": "the port to listen at",
    "backendAddress": "the name or address of the backend",
    "backendPort": "the port or service of the backend",
}
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
    return dict(values), dict(lines), ""


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
    for name in values:
        if name not in SETTINGS:
            near = difflib.get_close_matches(str(name), SETTINGS, n=1, cutoff=0.0)[0]
            where = f"{path}:{lines[name]}"
            raise ConfigError(f"{where}: there is no setting {name}; did you mean {near}?")
    texts = {}
    for name, what in SETTINGS.items():
        if name not in values:
            raise ConfigError(f"{path}: {name} is missing: {what}")
        texts[name] = text_of(name, values[name], f"{path}:{lines[name]}")
    for name in ("listenPort", "backendPort"):
        try:
            check_port(texts[name])
        except ValueError as error:
            raise ConfigError(f"{path}:{lines[name]}: {name}: {error}") from error
    return Config(texts["listenPort"], Address(texts["backendAddress"], texts["backendPort"]))


def text_of(name: str, value: Any, where: str) -> str:
    """Return a setting as text; numbers are taken too. Raises ConfigError."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        kind = lua.lua_type(value) or {bool: "boolean", float: "number"}[type(value)]
        raise ConfigError(f"{where}: {name} must be a string, and it is a {kind}")
    if not value.strip():
        raise ConfigError(f"{where}: {name} must be a string, and it is empty")
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:  # the file is in some other encoding: as good a guess as any
        return value
