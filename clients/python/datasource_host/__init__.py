"""A typed client of a datasource host. It needs Python 3.11 and nothing but its standard library."""

from .client import Client, HostError
from .types import Connection, Hit, InputProblem, Person, Problem, Progress, Retrieval, Run

__all__ = ["Client", "Connection", "Hit", "HostError", "InputProblem", "Person", "Problem", "Progress", "Retrieval", "Run"]
