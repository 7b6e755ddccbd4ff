"""Pages, and the exchanges that the debug console shows."""

import html
import re
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.safestring import SafeString, mark_safe

from base.form_keys import CreatedByForms
from base.text import one_line
from tenants.models import Realm, Tenant, User
from wiki.content import SanitisedHTMLField
from wiki.links import name_links

MAX_TITLE = 200
_BEGINNING = 5000
_TAG = re.compile(r"<[^>]*(?:>|$)|&[^;]{0,9}$")  # of the sanitised text, which may be cut within one
_END_OF_BLOCK = re.compile(r"</(?:p|h\d|li|pre|blockquote)>|<(?:br|hr)>")


class ArticleQuerySet(CreatedByForms["Article"]):
    """Permissions: everyone at the author's tenant reads a page, only its author changes it."""

    def visible_to(self, user: User) -> "ArticleQuerySet":
        if user.realm != Realm.WIKI:
            return self.none()
        return self.filter(tenant=user.tenant_id).select_related("author")

    def changeable_by(self, user: User) -> "ArticleQuerySet":
        return self.filter(author=user)


class Article(models.Model):
    """A page. Its content is sanitised HTML with plain links: a card is drawn for each viewer and never stored."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="articles")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, editable=False, related_name="+")  # the author's
    title = models.CharField(max_length=MAX_TITLE)
    content: "models.TextField[str, str]" = SanitisedHTMLField(blank=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Counts the changes.")
    change = models.CharField(max_length=64, blank=True, editable=False, help_text="The name of the last change.")
    form_key = models.UUIDField(null=True, editable=False, help_text="Of the form that created it.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = "page"
        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=["tenant", "updated_at"], name="pages_of_a_tenant_in_order")]
        constraints = [models.UniqueConstraint(fields=["author", "form_key"], name="one_page_a_form")]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.tenant_id = self.author.tenant_id  # type: ignore[assignment]  # every account at Wiki0 has one
        self.title = one_line(self.title, MAX_TITLE) or "Untitled"
        super().save(*args, **kwargs)

    @property
    def url(self) -> str:
        return f"{settings.ORIGINS['wiki']}/pages/{self.pk}"

    @property
    def safe_content(self) -> SafeString:
        """The content for a template. It was cleaned when it came in."""
        return mark_safe(self.content)  # noqa: S308

    @property
    def preview(self) -> str:
        """The beginning of the text, plain. A template must escape it."""
        text = html.unescape(_TAG.sub("", _END_OF_BLOCK.sub("\n", self.content[:_BEGINNING])))
        return one_line(name_links(text), 180)


class RecordedStep(models.Model):
    """One step of an exchange as the debug console shows it: secrets and tokens masked, tokens decoded to claims."""

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in", "Sign-in"
        REFRESH = "refresh", "Refresh of the ID token"
        TOKEN_EXCHANGE = "token_exchange", "Token exchange"
        JWT_BEARER = "jwt_bearer", "JWT bearer grant"
        API = "api", "API request"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recorded_steps")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    method = models.CharField(max_length=10, blank=True)
    url = models.CharField(max_length=500, blank=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty if there was no answer.")
    duration_ms = models.PositiveIntegerField(default=0)
    request = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    response = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    claims = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["user", "kind", "-at"], name="recorded_steps_of_user")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.at:%H:%M:%S}"
