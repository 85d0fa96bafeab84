"""The client itself: one method for each thing that most callers do, and `request` for all others."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import IO, Any, NoReturn, cast
from urllib import error, parse, request

from .types import Connection, Person, Problem, Retrieval, Run

#: States in which nothing more happens to a run; a held one waits for an operator.
ENDED = ("succeeded", "partial", "failed", "cancelled", "held")
MAX_ANSWER_BYTES = 64 * 1024 * 1024


class HostError(Exception):
    """The host did not do what it was asked. `problem` is its whole answer."""

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(problem["detail"])
        self.problem = problem
        #: Seconds after which it may be asked again, where the host says so.
        self.retry_after_s = retry_after_s

    @property
    def code(self) -> str:
        return self.problem["code"]


class _NoRedirects(request.HTTPRedirectHandler):
    """The key goes to the host and nowhere else."""

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> NoReturn:
        raise error.HTTPError(req.full_url, code, "the host does not redirect", http.client.HTTPMessage(), None)


class Client:
    """A caller of one host.

    `url` is its address without a path, `key` a key of it or a token of its OpenID provider. `organisation` is named in
    every request; without it a key of one organisation means its own.
    """

    def __init__(self, url: str, key: str, *, organisation: str | None = None, timeout_s: float = 60) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._organisation = organisation
        self._timeout_s = timeout_s
        self._opener = request.build_opener(_NoRedirects())

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    def retrieve(self, question: str, *, k: int = 10, person: str | None = None, **more: Any) -> Retrieval:
        """The best passages; with `person`, of what exactly this person may see. `more` as in the document's `RetrievalInput`."""
        body = {"question": question, "k": k, **more}
        if person is not None:
            body["person"] = person
        return cast(Retrieval, self.request("POST", "/api/v1/retrieve", body=body))

    def connections(self) -> Iterator[Connection]:
        """Every connection of the organisation."""
        return cast(Iterator[Connection], self.items("/api/v1/connections"))

    def connect(self, datasource: str, *, name: str | None = None, config: Mapping[str, Any] | None = None, credential: str | None = None) -> Connection:
        """Sets an installed datasource up. Nothing is read yet."""
        given = {"datasource": datasource, "name": name, "config": config, "credential": credential}
        body = {key: value for key, value in given.items() if value is not None}
        return cast(Connection, self.request("POST", "/api/v1/connections", body=body))

    def start_run(self, connection: str, *, kind: str = "content", full: bool = False) -> Run:
        """Begins to read a connection and comes back at once."""
        body: dict[str, Any] = {"kind": kind, **({"full": True} if full else {})}
        return cast(Run, self.request("POST", f"/api/v1/connections/{_part(connection)}/runs", body=body))

    def run(self, id: str) -> Run:
        """One run by its id."""
        return cast(Run, self.request("GET", f"/api/v1/runs/{_part(id)}"))

    def runs(self, *, connection: str | None = None, state: str | None = None) -> Iterator[Run]:
        """Runs, newest first."""
        return cast(Iterator[Run], self.items("/api/v1/runs", connection=connection, state=state))

    def wait(self, run: Run, *, timeout_s: float = 3600, look_s: float = 1) -> Run:
        """The run when it has ended, or waits for an operator. TimeoutError after `timeout_s`."""
        until = time.monotonic() + timeout_s
        while run["state"] not in ENDED:
            if time.monotonic() > until:
                raise TimeoutError(f"run {run['id']} has not ended: it is {run['state']}")
            time.sleep(look_s)
            run = self.run(run["id"])
        return run

    def people(self) -> Iterator[Person]:
        """Every known person of the organisation."""
        return cast(Iterator[Person], self.items("/api/v1/people"))

    def items(self, path: str, **query: str | None) -> Iterator[Any]:
        """Every item of any list, page after page."""
        after: str | None = None
        while True:
            page = self.request("GET", path, query={**query, "after": after})
            yield from page["items"]
            after = page.get("next")
            if after is None:
                return

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Any request of the document; gives its JSON, None when there is none.

        A POST takes effect once however often it is sent with one `idempotency_key`; a new one is made when none is given.
        HostError when the host refuses, OSError when it cannot be reached.
        """
        named = {"organisation": self._organisation, **(query or {})}
        encoded = parse.urlencode({name: value for name, value in named.items() if value is not None})
        sent = request.Request(f"{self._url}{path}{'?' if encoded else ''}{encoded}", method=method)
        sent.add_header("Authorization", f"Bearer {self._key}")
        if method == "POST":
            sent.add_header("Idempotency-Key", idempotency_key or str(uuid.uuid4()))
        if body is not None:
            sent.data = json.dumps(body).encode()
            sent.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(sent, timeout=self._timeout_s) as answer:
                text = answer.read(MAX_ANSWER_BYTES)
                return json.loads(text) if text else None
        except error.HTTPError as refused:
            # Without the request, which holds the key.
            raise _to_error(refused) from None


def _part(text: str) -> str:
    return parse.quote(text, safe="")


def _to_error(refused: error.HTTPError) -> HostError:
    try:
        problem = json.loads(refused.read(MAX_ANSWER_BYTES))
    except (ValueError, OSError, AttributeError, KeyError):
        problem = None
    if not isinstance(problem, dict) or "code" not in problem or "detail" not in problem:
        problem = {
            "code": "UPSTREAM_FAULT",
            "title": "The answer is none of a host",
            "status": refused.code,
            "detail": f"What answers there is no host, or one that cannot be reached through it: status {refused.code}.",
            "requestId": "",
        }
    wait = (refused.headers.get("Retry-After") or "") if refused.headers is not None else ""
    return HostError(cast(Problem, problem), float(wait) if wait.isdigit() else None)
