"""What runs software of others in Node: it leaves this machine alone, says what is missing, and hides no error."""

from pathlib import Path

import pytest

from tests.support import node


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's folder for npm where nothing is installed."""
    monkeypatch.setattr(node, "FOLDER", tmp_path)
    monkeypatch.setattr(node, "_start_problem", lambda: None)
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "node_modules").mkdir()
    return tmp_path


def test_missing_packages_are_said_with_the_command_that_installs_them(elsewhere: Path) -> None:
    assert node.node_problem() == node.MISSING
    assert "python -m tests.support.node" in node.MISSING


def test_packages_of_another_lock_file_are_missing(elsewhere: Path) -> None:
    (elsewhere / node.STAMP).write_text(node._lock())
    assert node.node_problem() is None
    (elsewhere / "package-lock.json").write_text('{"name": "another"}')
    assert node.node_problem() == node.MISSING


def test_an_installation_that_fails_is_said_and_leaves_them_missing(
    elsewhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    node.main()  # a lock file without packages is none for `npm ci`
    assert "That failed: " in capfd.readouterr().out
    assert node.node_problem() == node.MISSING


def test_a_script_looks_up_no_name_of_another_machine() -> None:
    if problem := node.node_problem():
        pytest.skip(problem)
    options = {"issuer": "http://elsewhere.example", "clientId": "a", "secret": "b"}
    with (
        node.running("openid_client.mjs") as script,
        pytest.raises(node.StrangerError, match=r"a stranger looked up elsewhere\.example"),
    ):
        script.ask("discover", **options)


def test_a_script_that_ends_is_said_with_what_it_printed() -> None:
    if problem := node.node_problem():
        pytest.skip(problem)
    with node.running("no-such-script.mjs") as script, pytest.raises(AssertionError, match="ERR_MODULE_NOT_FOUND"):
        script.ask("discover")
