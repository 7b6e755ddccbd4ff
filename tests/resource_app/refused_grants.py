"""What is asked for and can not be granted. Shared by the tests of the rules and those of the token endpoints."""

API = "https://todo.example/api"
ELSEWHERE = "https://wiki.example/api"

_NO_SCOPE = "The ID-JAG has no scope, so there is nothing to grant."
_MALFORMED = "scope must be a string of scopes with single spaces between them."

# requested, in the ID-JAG, the client's, and what the peer is told: the code and the description
SCOPES: list[tuple[str | None, tuple[str, ...] | None, list[str], str, str]] = [
    (None, None, ["read"], "invalid_grant", _NO_SCOPE),
    (None, (), ["read"], "invalid_grant", _NO_SCOPE),
    ("read", None, ["read"], "invalid_grant", _NO_SCOPE),
    ("read", (), ["read"], "invalid_grant", _NO_SCOPE),
    ("admin", ("read",), ["read"], "invalid_scope", "None of the requested scopes is in the ID-JAG, which has 'read'."),
    ("READ", ("read",), ["read"], "invalid_scope", "None of the requested scopes is in the ID-JAG, which has 'read'."),
    (
        "write",
        ("read", "x"),
        ["write", "x"],
        "invalid_scope",
        "None of the requested scopes is in the ID-JAG, which has 'read x'.",
    ),
    (
        "write",
        ("read", "x"),
        ["write"],
        "invalid_grant",
        "scope in the ID-JAG is 'read x', which this client may not have.",
    ),
    (
        "__all__",
        ("read",),
        ["read"],
        "invalid_scope",
        "None of the requested scopes is in the ID-JAG, which has 'read'.",
    ),
    (
        None,
        ("read", "write"),
        [],
        "invalid_grant",
        "scope in the ID-JAG is 'read write', which this client may not have.",
    ),
    ("write", ("read", "write"), ["read"], "invalid_scope", "This client may not have 'write'."),
    (None, ("write",), ["read"], "invalid_grant", "scope in the ID-JAG is 'write', which this client may not have."),
    (" ", ("read",), ["read"], "invalid_scope", _MALFORMED),
    ("read  write", ("read",), ["read"], "invalid_scope", _MALFORMED),
    ("read ", ("read",), ["read"], "invalid_scope", _MALFORMED),
    ("read\nwrite", ("read",), ["read"], "invalid_scope", _MALFORMED),
    ("réad", ("read",), ["read"], "invalid_scope", _MALFORMED),
    ('"read"', ("read",), ["read"], "invalid_scope", _MALFORMED),
]

# Resource identifiers that are not the API's.
NOT_OURS = [ELSEWHERE, f"{API}/", API.upper(), f"{API}/todos", f"{API}?x=1", f"{API}#x", "https://todo.example", "x"]
