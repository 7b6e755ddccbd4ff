"""The help and the options of `connectidp`."""

import argparse

from crossapp.core.client_authentication import AuthMethod
from tenants.models import App, Prompt

HELP = """\
Connects a tenant's identity provider (IdP) to one app: creates or updates the tenant, its email domains and that app's
IdP connection. Run it once per app. It can be repeated: options that are not given stay as they are, and domains are
only added.

It reads the issuer's metadata first. Write the issuer exactly as the metadata do, a trailing slash included. It must
begin with https:// (a demo also takes http:// on this machine). The output says what to register at the IdP.

It compares the metadata with what a sign-in and cross-app access need. A difference that makes every sign-in fail
refuses the connection; the others are printed.

Examples:

  Connect both apps to the IdP of Acme; the secrets come from files, not from the command line:

    manage.py connectidp --tenant acme --name "Acme" --domain acme.example --app wiki \\
        --issuer https://acme.okta.com --client-id 0oa1 --client-secret - < wiki.secret
    manage.py connectidp --tenant acme --app todo \\
        --issuer https://acme.okta.com --client-id 0oa2 --client-secret - < todo.secret

  Let in only people who already have an account at Todo0:

    manage.py connectidp --tenant acme --app todo --no-jit

  Ask for consent at each sign-in, for an IdP that gives a refresh token only then:

    manage.py connectidp --tenant acme --app wiki --prompt consent

  Let people sign in, but let no other app act for them (--id-jags undoes this):

    manage.py connectidp --tenant acme --app todo --no-id-jags

  Let a client redeem an ID-JAG of this IdP again until it expires, which ID-JAG -04 allows and MCP's Enterprise-Managed
  Authorization forbids; and only once, as before:

    manage.py connectidp --tenant acme --app todo --allow-resubmission
    manage.py connectidp --tenant acme --app todo --single-use

  Answer access_denied for a deactivated account (--no-tell-access-denied: every refusal looks the same):

    manage.py connectidp --tenant acme --app todo --tell-access-denied

  Switch a connection off (it allows no sign-in and accepts no ID-JAG of its IdP), and on again:

    manage.py connectidp --tenant acme --app todo --disable
    manage.py connectidp --tenant acme --app todo --enable
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options. Without one, the value that an IdP connection has stays."""
    _add_client(parser)
    _add_sign_in(parser)
    _add_id_jags(parser)
    _add_run(parser)


def _add_client(parser: argparse.ArgumentParser) -> None:
    """The tenant, and the app's client at its IdP."""
    parser.add_argument("--tenant", required=True, help="The tenant's slug: lower-case letters, digits, hyphens.")
    parser.add_argument("--name", help="The tenant's name (default of a new tenant: its slug).")
    parser.add_argument("--domain", action="append", default=[], help="An email domain of the tenant; repeatable.")
    parser.add_argument("--app", required=True, choices=App.values, help="The app that people sign in to.")
    parser.add_argument("--issuer", help="The IdP's issuer, exactly as in its metadata.")
    parser.add_argument("--client-id", help="The app's client identifier at the IdP.")
    parser.add_argument("--client-secret", help="The app's client secret at the IdP; - reads it from stdin.")
    parser.add_argument(
        "--auth-method",
        choices=[method.value for method in AuthMethod],
        help="The app's authentication method. Default for a new connection: with a secret, client_secret_basic, or "
        "client_secret_post if the IdP takes only that; without one, private_key_jwt if a signing key is configured.",
    )


def _add_sign_in(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jit",
        action=argparse.BooleanOptionalAction,
        help="Create an account when a person signs in for the first time.",
    )
    parser.add_argument(
        "--scope",
        help='The scopes to ask for at sign-in, openid among them, in one argument. Default, and again with "": '
        "openid profile email, and offline_access unless the IdP's metadata list their scopes without it.",
    )
    parser.add_argument(
        "--prompt",
        choices=[*Prompt.values, ""],
        metavar="PROMPT",
        help="The prompt to send at sign-in: consent, for an IdP that gives offline_access only after a consent page, "
        'login or select_account. Default, and again with "": none, so that the IdP decides.',
    )
    parser.add_argument(
        "--clock-skew",
        type=int,
        metavar="SECONDS",
        help="The difference of clocks that is accepted in this IdP's tokens (default 30, at most 300).",
    )
    _add_tenant_and_email(parser)


def _add_tenant_and_email(parser: argparse.ArgumentParser) -> None:
    """What the claims of this IdP mean."""
    parser.add_argument(
        "--trust-absent-email-verified",
        dest="trusts_absent_email_verified",
        action=argparse.BooleanOptionalAction,
        help="An absent email_verified counts as true for the tenant's own domains, for an IdP that never sends it, "
        "such as Entra.",
    )
    parser.add_argument(
        "--trust-false-email-verified",
        dest="trusts_false_email_verified",
        action=argparse.BooleanOptionalAction,
        help="email_verified: false counts as true too, for an IdP that sends it for addresses that its administrator "
        "entered, such as Keycloak. Where people can edit their own address, one person can take over another's "
        "pre-provisioned account.",
    )
    parser.add_argument(
        "--tenant-claim",
        metavar="NAME",
        help="For an issuer that several tenants share: the claim that tells them apart, such as tid.",
    )
    parser.add_argument("--tenant-value", metavar="VALUE", help="The value of that claim for this tenant.")


def _add_id_jags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--id-jags",
        dest="accepts_id_jags",
        action=argparse.BooleanOptionalAction,
        help="Let other apps act here with ID-JAGs of this IdP (the default), or allow sign-in only.",
    )
    use = parser.add_mutually_exclusive_group()
    use.add_argument("--single-use", action="store_true", default=None, help="Accept an ID-JAG once (the default).")
    use.add_argument(
        "--allow-resubmission",
        dest="single_use",
        action="store_false",
        help="Accept an ID-JAG again until it expires, from anyone who has it and the client's credentials (ID-JAG "
        "-04 section 4.4.3). Breaks MCP's Enterprise-Managed Authorization, which refuses a used one (section "
        "7.4.2).",
    )
    parser.add_argument(
        "--tell-access-denied",
        dest="tells_access_denied",
        action=argparse.BooleanOptionalAction,
        help="Tell the client that an account is deactivated (access_denied). The default is off, so that "
        "clients cannot find out who has an account.",
    )
    parser.add_argument(
        "--require-resource",
        dest="requires_resource",
        action=argparse.BooleanOptionalAction,
        help="Refuse an ID-JAG that names no resource. A new connection takes it as one for the app's API.",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    """The switch of the connection, and how the command runs."""
    switch = parser.add_mutually_exclusive_group()
    switch.add_argument(
        "--disable", dest="enabled", action="store_false", default=None, help="Switch the connection off."
    )
    switch.add_argument("--enable", dest="enabled", action="store_true", help="Switch the connection on.")
    parser.add_argument("--no-fetch", action="store_true", help="Do not read the issuer's metadata.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
