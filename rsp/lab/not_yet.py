"""What each stage cannot do yet: outcome of the contract → the symptom by which it shows.

A stage that learns more than it says here, or fails in another way, fails the suite.
"""

NOT_YET: dict[str, dict[str, str]] = {
    "s04_serial": {
        "A request that comes in two pieces arrives whole": "cut",
        "A request with a head of 6,000 bytes arrives whole": "cut",
        "A request's body of 300,000 bytes arrives whole": "cut",
        "While one client says nothing, another is served": "waits",
        "While one client waits for a slow answer, another is served": "waits",
        "A second request on the same connection is answered": "waits",
        "A backend's reset in the middle of an answer does not look like its end": "hides",
    },
}
