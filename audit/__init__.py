"""The audit for the operator: one log line and one row in an append-only table for each act.

Acts are: a grant at a token endpoint (token exchange, redemption of an ID-JAG, code, refresh token) or its refusal, a
revocation, the refusal of an authorization request or an introspection, a sign-in or its refusal, a sign-out, a failed
access to a resource app, and a change of a policy, key, client, IdP connection, tenant or account, including accounts
created at sign-in. API calls are not acts. A sender over a limit is one act for each limit and window, not one per
request.

Sources
    `log.done` and `log.refused` write one event. For the OAuth endpoints `authserver.oauth_audit` alone calls them: the
    grants store their facts in `request.facts`, with the checks that passed. Apps that must not import this app send
    signals, and `receivers.py` receives them: sign-ins (`tenants`, Django), exceeded limits (`base`), failed access to
    a resource app (`crossapp.requesting_app`): its party, step and cause, once for each remembered failure.
    `changes.py` watches the tables that carry permissions. `queryset.update()` sends no signals: code above this app
    that changes those tables that way calls `changes.record` itself, and code below it saves row by row.

Content
    The actor (client and user, tenant, address), the object (audience, resource, scopes asked and granted, the
    ID-JAG's issuer, `sub` and `jti`), the checks that passed, the outcome, and for a refusal the OAuth error, the
    failed check and the detail that the peer does not get. Unverified claims of a peer are apart, in `unverified`
    (`unverified_...` in the line). Never a token, code, assertion or secret. A value is one line of 200 characters at
    most.

Guarantees
    No grant without its row: if the row cannot be written, the answer is 503 `temporarily_unavailable` and no token
    leaves. A redemption's row is part of the transaction that stores the token. A refusal's row is written after the
    rollback. If that fails, the refusal stands, and the log has its line and an error. The same holds for sign-ins
    and sign-outs. A change is recorded in the transaction that makes it.

    A flood does not fill the table. The client's limit bounds the refusals of an authenticated client. Unauthenticated
    refusals (malformed requests, wrong credentials, made-up states) are recorded LIMIT_RECORDED_REFUSALS times for
    each address and window, then one row says that there were more. The answers do not change.

    Rows are never changed and never deleted one by one. `AuditEvent.objects.sweep(older_than=...)` deletes old rows.
    Seeding the demo leaves no rows.
"""
