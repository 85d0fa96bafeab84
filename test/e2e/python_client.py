"""What test/e2e/python-client.test.ts runs with the address and the key of a host in the environment."""

import os

from datasource_host import Client, HostError

url, key = os.environ["TEST_URL"], os.environ["TEST_KEY"]
client = Client(url, key, organisation="default")
assert key not in repr(client)

made = client.connect("hello", name="from Python")
ended = client.wait(client.start_run(made["id"]), timeout_s=120, look_s=0.1)
assert ended["state"] == "succeeded" and ended["progress"]["seen"] == 5, ended

found = client.retrieve("keeping small things", k=2)
assert found["hits"][0]["datasource"] == "hello", found
assert 0 <= found["hits"][0]["score"] <= 1, found

assert [connection["name"] for connection in client.connections()] == ["from Python"]
assert ended["id"] in [run["id"] for run in client.runs(connection=made["id"])]
assert len(list(client.items("/api/v1/changes", limit="1"))) >= 2

person = {"email": "ada@acme.example"}
first = client.request("POST", "/api/v1/people", body=person, idempotency_key="once-and-only-once")
again = client.request("POST", "/api/v1/people", body=person, idempotency_key="once-and-only-once")
assert first == again and [known["email"] for known in client.people()] == ["ada@acme.example"]
assert client.request("DELETE", f"/api/v1/people/{first['id']}") is None

try:
    client.run("nothing")
except HostError as refused:
    assert refused.code == "UNKNOWN_RUN" and refused.problem["status"] == 404, refused.problem
else:
    raise AssertionError("a run that is not there was found")

try:
    Client(url, key[:-1] + "x").retrieve("anything")
except HostError as refused:
    assert refused.code == "UNAUTHENTICATED" and key not in str(refused)
else:
    raise AssertionError("a key that is none was taken")

print("kept")
