from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_what_idps_do_differently'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='idpconnection',
            constraint=models.UniqueConstraint(fields=('app', 'issuer', 'tenant_claim', 'tenant_value'), name='one_tenant_per_app_issuer_and_claim_value', violation_error_message='A connection of this app with this issuer already exists. Tenants share an issuer only if each connection names the same tenant claim and a value of its own.'),
        ),
        migrations.AddConstraint(
            model_name='idpconnection',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('tenant_claim', ''), ('tenant_value', '')), models.Q(models.Q(('tenant_claim', ''), _negated=True), models.Q(('tenant_value', ''), _negated=True)), _connector='OR'), name='tenant_claim_with_a_value_or_neither'),
        ),
        migrations.RemoveConstraint(
            model_name='idpconnection',
            name='one_tenant_per_issuer_and_app',
        ),
    ]
