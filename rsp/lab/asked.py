"""What is asked of whom: the contract of bytes of everybody, that of HTTP of whoever reads it."""

from rsp.lab import (  # noqa: F401  (they fill OUTCOMES and HTTP_OUTCOMES)
    http_answers,
    http_outcomes,
    outcomes,
    pressure,
    troubles,
    uploads,
)
from rsp.lab.contract import HTTP_OUTCOMES, OUTCOMES, Outcome
from rsp.lab.not_yet import NOT_YET, NOT_YET_IN_HTTP, ON_PURPOSE


def asked_of(name: str) -> dict[str, Outcome]:
    """Return the outcomes that are asked of a stage, or of the gateway, by its name."""
    return OUTCOMES | HTTP_OUTCOMES if name in NOT_YET_IN_HTTP else dict(OUTCOMES)


def not_right(name: str) -> dict[str, str]:
    """Return what it says of itself: outcome → symptom, for those that are not right."""
    on_purpose = {text: symptom for text, (symptom, _) in ON_PURPOSE.get(name, {}).items()}
    return NOT_YET.get(name, {}) | NOT_YET_IN_HTTP.get(name, {}) | on_purpose
