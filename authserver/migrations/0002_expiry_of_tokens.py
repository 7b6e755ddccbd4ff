"""Indexes for `manage.py sweep` on the tables of django-oauth-toolkit. Those come after 0001, whose Client they refer to."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

INDEXES = [
    ('AccessToken', models.Index(fields=['expires'], name='access_tokens_by_expiry')),
    ('RefreshToken', models.Index(fields=['revoked'], name='refresh_tokens_by_revocation')),
    ('IDToken', models.Index(fields=['expires'], name='id_tokens_by_expiry')),
    ('Grant', models.Index(fields=['expires'], name='codes_by_expiry')),
]


def add(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for model, index in INDEXES:
        schema_editor.add_index(apps.get_model('oauth2_provider', model), index)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for model, index in INDEXES:
        schema_editor.remove_index(apps.get_model('oauth2_provider', model), index)


class Migration(migrations.Migration):

    dependencies = [
        ('authserver', '0001_initial'),
        ('oauth2_provider', '0022_refreshtoken_token_family_index'),
    ]

    operations = [migrations.RunPython(add, remove, atomic=False)]
