"""HTTP/1.1 as values: bytes in, parts of a message out. No socket, no clock (RFC 9110, RFC 9112).

A head is read plainly in `requests` and `responses`, and the usual one at once in `quick`; how a
body is framed is decided in `framing` and nowhere else; `body` finds its end, a piece at a time.
"""
