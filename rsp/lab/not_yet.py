"""What each stage cannot do yet: outcome of the contract → the symptom by which it shows.

A stage that learns more than it says here, or fails in another way, fails the suite.
"""

# To send waits for the slowest; an end one way ends both.
IN_ONE_THREAD = {
    "A client that half-closes after its request gets its answer": "lost",
    "A backend's reset in the middle of an answer does not look like its end": "hides",
    "A client's reset reaches the backend as a reset": "hides",
    "While one client does not read its answer, another is served": "waits",
    "While a backend does not read one client's upload, another client is served": "waits",
    "While a backend does not read an upload, its answer passes, and then the upload": "waits",
    "A backend that ends its side first still gets the rest of an upload": "cut",
}
NOT_YET: dict[str, dict[str, str]] = {
    "s04_serial": {
        "A request that comes in two pieces arrives whole": "cut",
        "A request with a head of 6,000 bytes arrives whole": "cut",
        "A request's body of 300,000 bytes arrives whole": "cut",
        "While one client says nothing, another is served": "waits",
        "While one client waits for a slow answer, another is served": "waits",
        "A second request on the same connection is answered": "waits",
        "A backend's reset in the middle of an answer does not look like its end": "hides",
        "A backend at work for a client learns that the client has left": "waits",
        "A client's reset reaches the backend as a reset": "waits",
        "Thirty clients at once each get their own answer": "waits",
        "While two hundred clients say nothing, another is served": "waits",
        "While one client does not read its answer, another is served": "waits",
        "While a backend does not read one client's upload, another client is served": "waits",
        "While a backend does not read an upload, its answer passes, and then the upload": "cut",
        "What a backend echoes comes back while the client has still more to say": "waits",
        "A backend that ends its side first still gets the rest of an upload": "cut",
    },
    "s05_threads": {
        "A request that comes in two pieces arrives whole": "cut",
        "A request with a head of 6,000 bytes arrives whole": "cut",
        "A request's body of 300,000 bytes arrives whole": "cut",
        "A second request on the same connection is answered": "waits",
        "A backend's reset in the middle of an answer does not look like its end": "hides",
        "A backend at work for a client learns that the client has left": "waits",
        "A client's reset reaches the backend as a reset": "waits",
        "While a backend does not read an upload, its answer passes, and then the upload": "cut",
        "What a backend echoes comes back while the client has still more to say": "waits",
        "A backend that ends its side first still gets the rest of an upload": "cut",
    },
    "s06_readiness": IN_ONE_THREAD,
    "s07_loop": IN_ONE_THREAD,
    "s07_asyncio": {},
    "s08_queue": {
        "A client that half-closes after its request gets its answer": "lost",
        "While a client does not read its answer, the backend is made to wait with the rest": (
            "swallows"
        ),
        "A backend's reset in the middle of an answer does not look like its end": "hides",
        "A client's reset reaches the backend as a reset": "hides",
        "A backend that ends its side first still gets the rest of an upload": "cut",
    },
    "s08_buffers": {},
    "s10_heads": {
        "A backend's reset in the middle of an answer does not look like its end": "hides",
        "A client's reset reaches the backend as a reset": "hides",
    },
    "s11_bodies": {
        "A backend's reset in the middle of an answer does not look like its end": "hides",
        "A backend at work for a client learns that the client has left": "waits",
        "A client's reset reaches the backend as a reset": "waits",
        "While a backend does not read an upload, its answer passes, and then the upload": "waits",
        "What a backend echoes comes back while the client has still more to say": "waits",
        "A backend that ends its side first still gets the rest of an upload": "waits",
    },
    "s12_forwarding": {
        "A backend at work for a client learns that the client has left": "waits",
        "A client's reset reaches the backend as a reset": "waits",
        "While a backend does not read an upload, its answer passes, and then the upload": "waits",
        "What a backend echoes comes back while the client has still more to say": "waits",
        "A backend that ends its side first still gets the rest of an upload": "waits",
    },
    "s13_reuse": {
        "A backend at work for a client learns that the client has left": "waits",
        "A client's reset reaches the backend as a reset": "waits",
        "While a backend does not read an upload, its answer passes, and then the upload": "waits",
        "What a backend echoes comes back while the client has still more to say": "waits",
        "A backend that ends its side first still gets the rest of an upload": "waits",
    },
}

TOLD = "The backend is told the client's address, and nothing that the client says of itself"
HOP = "The fields that Connection names do not reach the backend, the others do"
URL = "The authority of a URL in the request line replaces Host"
SIGN = "A chunk whose size has a sign is refused, and its content does not reach the backend"
OLD = "A client of HTTP/1.0 gets an answer without chunks, whole"
DOWN = "A client whose backend is down is told 502"
KEPT = "A second client's request goes over the connection that the first one's went over"
TUNNEL = "Behind a 101 that was asked for, both sides send what they like, until both end"
UNASKED = "A 101 that nobody asked for does not reach the client, who is told 502"

# The same for what is asked of those who read HTTP: all that stand here, and nobody else.
NOT_YET_IN_HTTP: dict[str, dict[str, str]] = {
    "s10_heads": {
        "The second request on one connection is looked at as strictly as the first": "passes",
        SIGN: "passes",
        HOP: "passes",
        TOLD: "passes",
        URL: "passes",
        OLD: "other",
        DOWN: "lost",
        KEPT: "wastes",
        UNASKED: "other",
    },
    "s11_bodies": {
        SIGN: "lost",
        HOP: "passes",
        TOLD: "passes",
        URL: "passes",
        "A client is told to go on with a body by the backend, and by nobody else": "waits",
        OLD: "other",
        DOWN: "lost",
        KEPT: "wastes",
        TUNNEL: "cut",
        UNASKED: "other",
    },
    "s12_forwarding": {
        KEPT: "wastes",
        TUNNEL: "other",
    },
    "s13_reuse": {},
    "gateway": {},
}

# What the gateway does otherwise than a relay, and will: outcome → symptom, and why.
ON_PURPOSE: dict[str, dict[str, tuple[str, str]]] = {
    "gateway": {
        "A backend at work for a client learns that the client has left": (
            "waits",
            "who ends its side may still wait for its answer, and only a reset says more",
        ),
        "While a backend does not read an upload, its answer passes, and then the upload": (
            "cut",
            "behind a complete answer nobody needs the rest of its request: it is not passed on",
        ),
        "A backend that ends its side first still gets the rest of an upload": (
            "cut",
            "the same: the answer is complete, and the upstream is closed",
        ),
    },
}
