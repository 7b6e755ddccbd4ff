"""A client of others, registered by the operator's commands: at the IdP of Bob's company, and at Todo0."""

from dataclasses import dataclass

from tests.support.commands import run_json

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

AT_IDP = "stranger"
AT_TODO0 = "stranger-at-todo0"
SCOPE = "openid profile email offline_access"


@dataclass(frozen=True)
class Registered:
    """The two authorization servers, Todo0's API, and what the operator told the client."""

    issuer: str
    audience: str
    resource: str
    redirect_uri: str
    secret: str
    secret_at_todo0: str

    def exchange(self, id_token: str, **changes: str) -> dict[str, str]:
        """Return the form of the token exchange (ID-JAG -04 section 4.3)."""
        return {
            "type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG,
            "subject_token": id_token,
            "subject_token_type": ID_TOKEN,
            "audience": self.audience,
            "resource": self.resource,
            "scope": "read",
        } | changes


def register(audience: str, redirect_uri: str) -> Registered:
    """Let the client sign people in, and act at Todo0 for those of customer1."""
    here = ["--client-id", AT_IDP, "--redirect-uri", redirect_uri, "--post-logout-redirect-uri", redirect_uri]
    grants = [f"--grant={name}" for name in ("authorization_code", "refresh_token", "token-exchange")]
    at_idp = run_json("createclient", "--at", "customer1", *here, *grants)
    at_todo0 = run_json("createclient", "--at", "todo", "--client-id", AT_TODO0)
    policy = ["--client", AT_IDP, "--client-id-there", AT_TODO0, "--scope", "read", "--email"]
    there = ["--audience", audience, "--resource", f"{audience}/api"]
    run_json("allowcrossapp", "--tenant", "customer1", *policy, *there)
    return Registered(
        issuer=at_idp["issuer"],
        audience=audience,
        resource=f"{audience}/api",
        redirect_uri=redirect_uri,
        secret=at_idp["client_secret"],
        secret_at_todo0=at_todo0["client_secret"],
    )
