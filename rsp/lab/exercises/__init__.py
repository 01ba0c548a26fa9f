"""The checks of the exercises, one module for each notebook; importing this fills CHECKS."""

from rsp.lab.exercises import n01, n02, n03, n04, n05, n06, n07, n08, n09, n10, n11, n12, n13

__all__ = [
    "n01",
    "n02",
    "n03",
    "n04",
    "n05",
    "n06",
    "n07",
    "n08",
    "n09",
    "n10",
    "n11",
    "n12",
    "n13",
]
