"""A customer, and the email domains by which its people are found."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver


class TenantManager(models.Manager["Tenant"]):
    """Looks tenants up."""

    def get_by_natural_key(self, slug: str) -> "Tenant":
        """Return the tenant that a fixture names; raises Tenant.DoesNotExist."""
        return self.get(slug=slug)


class Tenant(models.Model):
    """A customer."""

    name = models.CharField(max_length=200)
    slug = models.CharField(
        max_length=63,
        unique=True,
        validators=[
            RegexValidator(
                r"^(?!(?:admin|all|api|idp|localhost|staff|todo|wiki|www)\Z)[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]\Z",
                "Lower-case letters, digits and single hyphens; "
                "not admin, all, api, idp, localhost, staff, todo, wiki or www.",
            )
        ],
        help_text="A DNS label: the first label of the embedded IdP's host.",
    )
    is_active = models.BooleanField("active", default=True)
    is_demo = models.BooleanField(
        default=False, editable=False, help_text="The demo has made it: resetdb may delete it."
    )

    objects = TenantManager()

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return what a fixture names the tenant by."""
        return (self.slug,)

    def clean(self) -> None:
        if self._state.adding and FormerSlug.objects.filter(slug=self.slug).exists():
            raise ValidationError(
                {"slug": "A deleted tenant had this slug and an issuer with it: choose another slug."}
            )


class FormerSlug(models.Model):
    """The slug of a deleted tenant. Peers may still trust its issuer, so no other tenant gets it."""

    slug = models.CharField(max_length=63, unique=True)

    def __str__(self) -> str:
        return self.slug


@receiver(post_delete, sender=Tenant)
def _keep_slug(instance: Tenant, **kwargs: object) -> None:
    FormerSlug.objects.get_or_create(slug=instance.slug)


class EmailDomain(models.Model):
    """An email domain of one tenant, verified by the operator."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="email_domains")
    domain = models.CharField(max_length=253, unique=True)

    def __str__(self) -> str:
        return self.domain

    def clean(self) -> None:
        self.domain = self.domain.strip().lower()

    def save(self, *args: object, **kwargs: object) -> None:
        self.clean()
        super().save(*args, **kwargs)  # type: ignore[arg-type]
