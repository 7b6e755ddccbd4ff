"""What is asked for and can not be granted. Shared by the tests of the rules and those of the token endpoints."""

API = "https://todo.example/api"
ELSEWHERE = "https://wiki.example/api"

_NO_SCOPE = "The ID-JAG has no scope, so there is nothing to grant."
_MALFORMED = "scope must be a string of scopes with single spaces between them."

# requested, in the ID-JAG, the client's, and what the peer is told
SCOPES: list[tuple[str | None, tuple[str, ...] | None, list[str], str]] = [
    (None, None, ["read"], _NO_SCOPE),
    (None, (), ["read"], _NO_SCOPE),
    ("read", None, ["read"], _NO_SCOPE),
    ("read", (), ["read"], _NO_SCOPE),
    ("admin", ("read",), ["read"], "None of the requested scopes is in the ID-JAG, which has 'read'."),
    ("READ", ("read",), ["read"], "None of the requested scopes is in the ID-JAG, which has 'read'."),
    ("write", ("read", "x"), ["write"], "None of the requested scopes is in the ID-JAG, which has 'read x'."),
    ("__all__", ("read",), ["read"], "None of the requested scopes is in the ID-JAG, which has 'read'."),
    (None, ("read", "write"), [], "This client may not have 'read write'."),
    ("write", ("read", "write"), ["read"], "This client may not have 'write'."),
    (None, ("write",), ["read"], "This client may not have 'write'."),
    (" ", ("read",), ["read"], _MALFORMED),
    ("read  write", ("read",), ["read"], _MALFORMED),
    ("read ", ("read",), ["read"], _MALFORMED),
    ("read\nwrite", ("read",), ["read"], _MALFORMED),
    ("réad", ("read",), ["read"], _MALFORMED),
    ('"read"', ("read",), ["read"], _MALFORMED),
]

# Resource identifiers that are not the API's.
NOT_OURS = [ELSEWHERE, f"{API}/", API.upper(), f"{API}/todos", f"{API}?x=1", f"{API}#x", "https://todo.example", "x"]
