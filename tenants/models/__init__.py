"""Customers, their IdP connections, and their people's accounts at each app."""

from .accounts import Realm, SubjectTokens, User
from .customers import EmailDomain, FormerSlug, Tenant
from .idp_connections import App, IdPConnection

__all__ = ["App", "EmailDomain", "FormerSlug", "IdPConnection", "Realm", "SubjectTokens", "Tenant", "User"]
