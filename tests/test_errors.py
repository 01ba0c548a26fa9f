"""rsp.errors: what rsp raises on purpose."""

import pytest

from rsp.errors import BackendError, RspError, StartError


@pytest.mark.parametrize("error", [BackendError("why", reached=True), StartError("why")])
def test_one_except_catches_all_that_rsp_raises_on_purpose(error: RspError) -> None:
    """Each is an RspError, says its message, and knows the status of a 5xx (RFC 9110 §15.6)."""
    assert isinstance(error, RspError)
    assert str(error) == "why"
    assert 500 <= error.status < 600


def test_a_backend_error_says_whether_the_request_may_have_been_seen() -> None:
    """Whoever raises it must say so: a retry may do harm (RFC 9110 §9.2.2)."""
    assert BackendError("why", reached=True).reached
    assert not BackendError("why", reached=False).reached
    assert BackendError.status == 502
    with pytest.raises(TypeError):
        BackendError("why")  # type: ignore[call-arg]
