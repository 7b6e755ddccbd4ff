"""The form of the editor. Its script saves through the API; without JavaScript the browser posts the form."""

from typing import Any

from django import forms
from django.conf import settings
from django.templatetags.static import static
from django_prose_editor.widgets import ProseEditorWidget
from js_asset import Media

from wiki.models import Article


class ArticleEditor(ProseEditorWidget):
    """The rich text editor, which draws todo links as cards: that extension stores only the link."""

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        return config | {
            "extensions": config["extensions"] | {"TodoCard": {"origin": settings.ORIGINS["todo"]}},
            "js_modules": [*config["js_modules"], static("wiki/editor_extensions.js")],
        }


def editor_media(nonce: str) -> Media:
    """Return the editor's scripts and styles. Its import map must be inline, so it needs the CSP's `nonce`."""
    media: Media = ArticleForm().media
    return media.with_nonce(nonce)


class ArticleForm(forms.ModelForm):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    class Meta:
        model = Article
        fields = ["title", "content"]
        widgets = {
            "title": forms.TextInput({"autocomplete": "off", "class": "page-title-input"}),
            "content": ArticleEditor,
        }
