"""The chunked coding: a body in pieces, each behind its size; trailers last (RFC 9112 §7.1)."""

import re
from enum import Enum, auto

from rsp.errors import RspError
from rsp.http1.grammar import CONTROL, FIELD, NO_LETTER, TCHAR, TELLING
from rsp.http1.message import Limits

QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]++|\\[\t\x20-\x7e\x80-\xff])*"'
EXTENSION = (
    rb"[ \t]*+;[ \t]*+" + TCHAR + rb"++(?:[ \t]*+=[ \t]*+(?:" + TCHAR + rb"++|" + QUOTED + rb"))?"
)
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})((?:" + EXTENSION + rb")*)\r\n")
LONGEST = 64  # bytes of a size line without its extensions, and more than it can have
BEGUN_END = 3  # bytes of two CRLF, but the last: they do not count
LAST = b"0\r\n\r\n"  # the last chunk, and no trailers
# What may not stand in trailers: it would change how the message is framed, sent or understood
# after all that was decided (RFC 9110 §6.5.1).
NOT_IN_TRAILERS = frozenset(
    b"transfer-encoding content-length content-encoding content-type content-range trailer host"
    b" connection keep-alive proxy-connection te upgrade http2-settings expect via forwarded"
    b" max-forwards cache-control authorization"
    b" proxy-authorization proxy-authenticate www-authenticate set-cookie cookie age date expires"
    b" location retry-after vary warning range if-match if-none-match if-modified-since"
    b" if-unmodified-since if-range pragma".split()
)


class Malformed(RspError):
    """A body that breaks the grammar of its framing: nobody knows where it ends."""


class Due(Enum):
    """What comes next."""

    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILERS = auto()
    NOTHING = auto()


class ChunkedReader:
    """A body in chunks; `trailers` are the fields behind it, CRLF and all, once it is done."""

    __slots__ = ("due", "extensions", "kept", "left", "limits", "trailers")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.due = Due.SIZE
        self.left = 0  # bytes of this chunk that are still to come
        self.kept = b""  # the beginning of a line whose end has not come
        self.extensions = 0  # bytes of them so far
        self.trailers = b""

    def __repr__(self) -> str:
        return f"<ChunkedReader: {self.due.name}, {self.left} bytes of a chunk to come>"

    @property
    def done(self) -> bool:
        """Whether the body is complete."""
        return self.due is Due.NOTHING

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what is behind the body). Raises Malformed."""
        if self.kept:
            if len(self.kept) > LONGEST and b"\n" not in data:
                return self.lengthen(data)
            data, self.kept = self.kept + data, b""
        content: list[bytes] = []
        at = 0
        while at < len(data) and self.due is not Due.NOTHING:
            if self.due is Due.DATA:
                piece = data[at : at + self.left]
                content.append(piece)
                at += len(piece)
                self.left -= len(piece)
                if not self.left:
                    self.due = Due.DATA_END
                continue
            after = self.take_line(data, at)
            if after == at:  # its end has not come
                self.kept = data[at:]
                return b"".join(content), b""
            at = after
        return b"".join(content), data[at:]

    def lengthen(self, data: bytes) -> tuple[bytes, bytes]:
        """Take more of a long line that does not end in it, and look at what is new alone.

        Who sends a line a byte at a time would have us read all of it for each.
        """
        if CONTROL.search(data) or (data and self.kept.endswith(b"\r")):
            raise Malformed("a control character in a line of the chunked coding")
        self.kept += data
        self.check_longest(len(self.kept))
        return b"", b""

    def check_longest(self, size: int) -> None:
        """Refuse so many bytes of a line, or of trailers, whose end has not come."""
        if self.due is Due.TRAILERS:
            if size - BEGUN_END > self.limits.trailers:
                raise Malformed(f"more than {self.limits.trailers} bytes of trailers")
        elif size - LONGEST > self.limits.extensions - self.extensions:
            raise Malformed(f"more than {self.limits.extensions} bytes of chunk extensions")

    def take_line(self, data: bytes, at: int) -> int:
        """Take what stands at `at` and is no content; return where it ends, or `at`: not yet."""
        if self.due is Due.SIZE:
            return self.take_size(data, at)
        if self.due is Due.DATA_END:
            return self.take_data_end(data, at)
        return self.take_trailers(data, at)

    def take_size(self, data: bytes, at: int) -> int:
        """Take the line with a chunk's size."""
        match = SIZE_LINE.match(data, at)
        if not match:
            self.check_unfinished(data, at)
            return at
        self.extensions += len(match[2])
        if self.extensions > self.limits.extensions:
            raise Malformed(f"more than {self.limits.extensions} bytes of chunk extensions")
        self.left = int(match[1], 16)
        self.due = Due.DATA if self.left else Due.TRAILERS
        return match.end()

    def check_unfinished(self, data: bytes, at: int) -> None:
        """Refuse what can become no line with a size, whatever comes."""
        line = data[at:]
        digits = re.match(rb"[0-9A-Fa-f]*+", line)
        assert digits
        behind = line[digits.end() : digits.end() + 1]
        beginning = digits.end() <= 15 and (not behind or (digits.end() and behind in b"\r; \t"))
        if not beginning or b"\n" in line or CONTROL.search(line):
            raise Malformed("a malformed chunk size")
        self.check_longest(len(line))

    def take_data_end(self, data: bytes, at: int) -> int:
        """Take the CRLF behind a chunk's data."""
        if data.startswith(b"\r\n", at):
            self.due = Due.SIZE
            return at + 2
        if data[at:] == b"\r":
            return at
        raise Malformed("a chunk that is longer than its size")

    def take_trailers(self, data: bytes, at: int) -> int:
        """Take all trailers at once, with the empty line behind them."""
        if data.startswith(b"\r\n", at):
            self.due = Due.NOTHING
            return at + 2
        end = data.find(b"\r\n\r\n", at)
        text = data[at:] if end < 0 else data[at:end]
        self.check_longest(len(text) + (0 if end < 0 else BEGUN_END))
        if CONTROL.search(text):
            raise Malformed("a control character in the trailers")
        if end < 0:
            if text.count(b"\n") > self.limits.fields:
                raise Malformed(f"more than {self.limits.fields} trailers")
            return at
        self.trailers = read_trailers(text, self.limits)
        self.due = Due.NOTHING
        return end + 4

    def end(self) -> bool:
        """Tell whether the body is complete, now that no more will come."""
        return self.done


def read_trailers(text: bytes, limits: Limits) -> bytes:
    """Return the trailers that pass, as they came. Raises Malformed."""
    lines = text.split(b"\r\n")
    if len(lines) > limits.fields:
        raise Malformed(f"more than {limits.fields} trailers")
    passing: list[bytes] = []
    for line in lines:
        match = FIELD.fullmatch(line)
        if not match:
            raise Malformed(f"a malformed trailer: {line[:40]!r}")
        name = NO_LETTER.sub(b"-", match[1].lower())  # as CGI may read it
        ours = name in NOT_IN_TRAILERS or name.startswith(TELLING)
        if not ours and b"_" not in match[1]:
            passing.append(line + b"\r\n")
    return b"".join(passing)


def chunk(content: bytes) -> bytes:
    """Return `content` as one chunk; nothing for nothing, for a size of 0 would be the end."""
    return b"%x\r\n%b\r\n" % (len(content), content) if content else b""


def last_chunk(trailers: bytes = b"") -> bytes:
    """Return what ends a body in chunks."""
    return b"0\r\n%b\r\n" % trailers if trailers else LAST
