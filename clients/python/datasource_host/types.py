"""What the host answers: the parts of its OpenAPI document that most callers need. An answer may hold more."""

from typing import Any, NotRequired, TypedDict


class InputProblem(TypedDict):
    """One thing that is wrong with an input."""

    path: str
    reason: str
    remedy: str


class Problem(TypedDict):
    """Why a request failed. Programs decide by `code`; people read `detail` and `remedy`."""

    code: str
    title: str
    status: int
    detail: str
    requestId: str
    remedy: NotRequired[str]
    errors: NotRequired[list[InputProblem]]


class Hit(TypedDict):
    """A passage that answers, with where it comes from."""

    score: float
    title: str
    link: str
    datasource: str
    connection: str
    documentId: str
    headings: list[str]
    text: str
    snippet: str
    feature: NotRequired[str]
    author: NotRequired[str]
    createdAt: NotRequired[str]
    updatedAt: NotRequired[str]


class Retrieval(TypedDict):
    """The best passages, best first."""

    hits: list[Hit]
    failures: list[dict[str, Any]]
    tookMs: float


class Connection(TypedDict):
    """A datasource set up for one organisation."""

    id: str
    organisation: str
    datasource: str
    name: str
    config: dict[str, Any]
    hasCredential: bool
    documents: int
    passages: int
    createdAt: str
    updatedAt: str


class Progress(TypedDict):
    """How far a run has come."""

    seen: int
    changed: int
    unchanged: int
    deleted: int
    skipped: int
    failed: int
    expected: NotRequired[int]


class Run(TypedDict):
    """One job of a connection."""

    id: str
    organisation: str
    connection: str
    kind: str
    state: str
    progress: Progress
    createdAt: str
    reason: NotRequired[str]
    finishedAt: NotRequired[str]


class Person(TypedDict):
    """Somebody of an organisation."""

    id: str
    organisation: str
    email: str
    name: str
    aliases: list[str]
