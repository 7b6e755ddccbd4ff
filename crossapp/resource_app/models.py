"""The redeemed ID-JAGs, which must outlive a process."""

from django.db import models


class ConsumedJti(models.Model):
    """One redeemed ID-JAG, kept until it would be refused for its age.

    Hashes compare byte for byte in every collation and reveal nothing.
    """

    issuer_hash = models.CharField(max_length=64)
    jti_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "consumed jti"
        verbose_name_plural = "consumed jtis"
        constraints = [
            models.UniqueConstraint(fields=["issuer_hash", "jti_hash"], name="one_redemption_per_issuer_and_jti")
        ]

    def __str__(self) -> str:
        return self.jti_hash[:16]
