"""What Schemathesis loads before it tests the host."""

import hashlib
import re

import schemathesis

IDEMPOTENCY_KEY = "Idempotency-Key"


@schemathesis.hook
def before_call(context, case, kwargs):
    """A good key that came with another request answers 422 before anything is looked at: each request gets its own."""
    key = (case.headers or {}).get(IDEMPOTENCY_KEY)
    if isinstance(key, str) and re.fullmatch(r"[!-~]{16,200}", key):
        request = repr((case.method, case.path, case.path_parameters, case.query, case.body))
        case.headers[IDEMPOTENCY_KEY] = hashlib.sha256(request.encode("utf-8", "replace")).hexdigest()
