"""What rsp raises on purpose: who failed, and the status that a client would be told.

What the kernel raises goes up as it came (OSError with its errno); these are the errors that
say more than one errno can.
"""


class RspError(Exception):
    """Anything that rsp raises on purpose; `status` is what an HTTP client would be told."""

    status = 500


class StartError(RspError):
    """The operator asked for what cannot be: the message says what, where and why."""


class BackendError(RspError):
    """A backend failed us; `reached` says whether it may have seen the request."""

    status = 502  # Bad Gateway (RFC 9110 §15.6.3)

    def __init__(self, message: str, *, reached: bool) -> None:
        super().__init__(message)
        self.reached = reached


class NoRoom(BackendError):
    """There is no descriptor left for a connection, or no more of them may be: try again later."""

    status = 503  # Service Unavailable (RFC 9110 §15.6.4)
