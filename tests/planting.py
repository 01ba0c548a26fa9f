"""Faults to plant in the good lesson, and what the gates then say."""

from collections.abc import Callable

from tests.planted import Course, printed
from tools import gates
from tools.book import Cell

Plant = Callable[
    [Course], Cell | None
]  # plants a fault; returns the cell it is in, if it is in one


def found(course: Course) -> list[str]:
    """Return what the gates say of the lesson, its solutions beside it."""
    course.commit(course.solutions)
    return list(gates.faults(course.lesson, course.project))


def edit(start: str, old: str, new: str) -> Plant:
    """Return a plant that replaces some text of the cell that starts so."""

    def plant(course: Course) -> Cell:
        cell = course.cell(start)
        assert old in cell.source
        cell.source = cell.source.replace(old, new, 1)
        return cell

    return plant


def add(start: str, text: str) -> Plant:
    """Return a plant that adds text to the cell that starts so."""

    def plant(course: Course) -> Cell:
        cell = course.cell(start)
        cell.source += text
        return cell

    return plant


def tag(start: str, *tags: str) -> Plant:
    """Return a plant that gives the cell these tags."""

    def plant(course: Course) -> Cell:
        cell = course.cell(start)
        cell.metadata = {"tags": list(tags)}
        return cell

    return plant


def output(text: str, name: str = "stdout") -> Plant:
    """Return a plant that lets a cell print something else."""

    def plant(course: Course) -> Cell:
        cell = course.cell("print(serve")
        cell.outputs = [printed(text, name)]
        return cell

    return plant


def no_cell(plant: Plant) -> Plant:
    """Return a plant of a fault that belongs to the notebook, not to a cell."""

    def planted(course: Course) -> None:
        plant(course)

    return planted
