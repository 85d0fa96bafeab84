"""Lorelai's retriever and indexer on a datasource host. See README.md beside this file.

Settings: LORELAI_HOST_URL, such as http://127.0.0.1:8787, and LORELAI_HOST_KEY, a key with the scopes
`reader` and `on-behalf-of` to retrieve, and `operator` to index.
"""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from types import SimpleNamespace

from lorelai.context_retriever import ContextRetriever, LorelaiContextDocument, LorelaiContextRetrievalResponse
from lorelai.indexer import Indexer

try:
    from langchain_core.documents import Document
except ImportError:  # Whoever reads nothing but page_content and metadata needs no langchain.
    Document = SimpleNamespace

TIMEOUT_S = 60
POLL_S = 2
ENDED = ("finished", "failed", "canceled")


class HostError(RuntimeError):
    """The host refused a request: `code` says why, the text what to do."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def call_host(method, path, body=None):
    """One request to the host; gives its JSON. HostError, or OSError when it cannot be reached."""
    request = urllib.request.Request(
        os.environ["LORELAI_HOST_URL"].rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + os.environ["LORELAI_HOST_KEY"], "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        try:
            problem = json.load(refusal)
        except ValueError:
            problem = {}
        said = " ".join(filter(None, [problem.get("detail"), problem.get("remedy")]))
        raise HostError(problem.get("code", str(refusal.code)), said or str(refusal)) from None


class HostContextRetriever(ContextRetriever):
    """Context for one person of one organisation from one datasource."""

    datasource = None  # A subclass may say which.

    # The base class is not initialised: it would open an index that is not used.
    def __init__(self, org_name, user_email, environment="", environment_slug="", reranker=None, datasource=None):
        self.org_name, self.user_email, self.reranker = org_name, user_email, reranker
        self.datasource = datasource or self.datasource

    @classmethod
    def create(cls, retriever_type, org_name, user_email, environment="", environment_slug="", reranker=None):
        """`GoogleDriveContextRetriever` asks googledrive, `SlackContextRetriever` Slack, and so for every other datasource."""
        name = retriever_type.removesuffix("ContextRetriever")
        datasource = {"GoogleDrive": "googledrive"}.get(name, name)
        return cls(org_name, user_email, environment, environment_slug, reranker, datasource)

    def retrieve_context(self, question):
        """ValueError when nothing is indexed, HostError for what else keeps the datasource from answering."""
        asked = {"org": self.org_name, "user_email": self.user_email, "question": question, "datasources": [self.datasource]}
        [result] = call_host("POST", "/v1/retrieve", asked)["results"]
        error = result.get("error")
        if error and error["code"] == "INDEX_NOT_FOUND":
            raise ValueError(error["message"])
        if error and not result["context"]:
            raise HostError(error["code"], error["message"])
        context = [self._document(found) for found in result["context"]]
        return LorelaiContextRetrievalResponse(datasource_name=result["datasource_name"], context=context)

    @staticmethod
    def _document(found):
        raw = Document(page_content=found["page_content"], metadata=found["metadata"])
        names = ("title", "content", "link", "when", "relevance_score")
        return LorelaiContextDocument(**{name: found[name] for name in names}, raw_langchain_document=raw)


class HostIndexer(Indexer):
    """Indexes one datasource of an organisation on the host; a subclass or the caller says which."""

    datasource = None

    def __init__(self, datasource=None):
        self.datasource = datasource or self.datasource

    def index_org(self, organisation, users, user_auths=(), job=None):
        """Begins, waits for the end and gives the runs; HostError unless all of them came to a good end. Who may see what comes from the source."""
        emails = [user.email for user in users] or "all"
        begun = call_host("POST", "/v1/index/runs", {"org": organisation.name, "users": emails, "datasource": self.datasource})
        runs = [self._wait(job_id, job) for job_id in begun["jobs"]]
        bad = [error["message"] for error in begun["errors"]]
        bad += [f"{run['id']}: {run['error']}" for run in runs if run["status"] == "failed"]
        if bad:
            raise HostError("INDEXING_FAILED", "; ".join(bad))
        return runs

    def index_user(self, indexing_run, user_auths=()):
        """The same for the organisation of the person: what is read is read for everybody. The run gets the status that is true."""
        try:
            runs = self.index_org(indexing_run.organisation, [indexing_run.user], user_auths)
            partial = [run["error"] for run in runs if run["status"] == "completed_with_errors"]
            indexing_run.status, indexing_run.error = ("completed_with_errors", "; ".join(partial)) if partial else ("completed", None)
        except (HostError, OSError) as error:
            indexing_run.status, indexing_run.error = "failed", str(error)
            raise

    def _wait(self, job_id, job):
        while True:
            state = call_host("GET", "/v1/index/jobs/" + urllib.parse.quote(job_id))
            if job is not None:
                job.meta.update(state["metadata"])
                job.save_meta()
            if state["state"] in ENDED:
                return state["result"]
            time.sleep(POLL_S)
