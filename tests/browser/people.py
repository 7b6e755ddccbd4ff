"""What a person does in a browser, in the words of the pages."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

PASSWORD = "avocado"


@dataclass
class Person:
    """A person with a browser; `origins` are those of the live demo."""

    page: Page
    origins: dict[str, str]

    def go(self, app: str, path: str = "/") -> None:
        self.page.goto(f"{self.origins[app]}{path}")

    def sign_in(self, app: str, email: str, *, password_asked: bool = True) -> None:
        """Sign in to `app` ("wiki" or "todo") and see that one arrived there."""
        self.go(app, "/sign-in")
        self.page.get_by_label("Work email").fill(email)
        self.page.get_by_role("button", name="Continue").click()
        if password_asked:
            expect(self.page.get_by_label("Email")).to_have_value(email)
            self.page.get_by_label("Password").fill(PASSWORD)
            self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        assert self.page.url.startswith(self.origins[app])

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()

    # Todo0

    def add_task(self, task: str) -> str:
        """Add `task` on Todo0's list and return the link of the new todo."""
        self.go("todo")
        self.page.get_by_label("New task").fill(task)
        self.page.get_by_role("button", name="Add task").click()
        link = self.todo(task).get_by_role("link", name=task)
        expect(link).to_be_visible()
        return f"{self.origins['todo']}{link.get_attribute('href')}"

    def todo(self, task: str) -> Locator:
        """The row of `task` in Todo0's list."""
        return self.page.get_by_role("listitem").filter(has=self.page.get_by_role("link", name=task, exact=True))

    def complete(self, task: str) -> None:
        self.go("todo")
        self.todo(task).get_by_role("checkbox").check()
        expect(self.page.get_by_role("status")).to_contain_text("Task completed.")

    # Wiki0

    def create_page(self) -> None:
        self.go("wiki")
        self.page.get_by_role("button", name="Create page").click()
        expect(self.editor).to_be_visible()

    @property
    def editor(self) -> Locator:
        return self.page.locator(".ProseMirror")

    def paste(self, text: str) -> None:
        """Paste `text` at the end of the page that is open in the editor."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.editor.evaluate("area => area.editor.commands.focus('end')")
        expect(self.editor).to_be_focused()
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+v")

    def wait_until_saved(self) -> None:
        expect(self.page.locator("#save-state")).to_have_text("Saved")

    def card(self, link: str) -> Locator:
        """The card that a link to a todo is drawn as, the last one of that todo."""
        return self.page.locator(f".todo-card[href='{link}']").last

    def plain_link(self, link: str) -> Locator:
        """What stands for a link to a todo whose card cannot be had: the link and the reason."""
        plain = self.page.locator(f"a[href='{link}']:not(.todo-card)")
        return self.page.locator(".todo-link").filter(has=plain)

    def fits_the_screen(self) -> bool:
        """Say whether nothing on the page is wider than the screen, once it has come to rest."""
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        for _ in range(30):
            if self.page.evaluate(fits):
                return True
            self.page.wait_for_timeout(100)
        return False
