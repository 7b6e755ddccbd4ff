"""Customers, their IdP connections, and their people's accounts at each app."""

from .accounts import Realm, SubjectTokens, User
from .customers import EmailDomain, FormerSlug, Tenant
from .idp_connections import App, IdPConnection, Prompt

__all__ = ["App", "EmailDomain", "FormerSlug", "IdPConnection", "Prompt", "Realm", "SubjectTokens", "Tenant", "User"]
