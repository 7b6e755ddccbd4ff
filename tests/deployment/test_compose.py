"""docker-compose.yml, the image and the dev container: what they promise, read from the files themselves."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossapp.requesting_app import api
from idjag_demo import settings as project_settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OF_THIS_PROJECT = ["web", "migrate", "sweep"]
FOR_ALL, _ = (ROOT / ".env.example").read_text().split("# --- Only for docker-compose.yml ---")
DOCUMENTED = set(re.findall(r"^#?([A-Z_]+)=", FOR_ALL, re.MULTILINE))
SERVE = (ROOT / "operations/management/commands/serve.py").read_text()
THREADS = int(re.findall(r'"--threads", type=int, default=(\d+)', SERVE)[0])
# Django's error pages are never for a deployment; where ports are forwarded, a container has no use for it.
NOT_IN_A_CONTAINER = {"DEBUG", "PORT_ORIGIN"}
OF_THE_DRIVER = {"MYSQL_PWD"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and "/tmp" in service["tmpfs"]  # noqa: S108
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert "build" in service or service["user"].split(":")[0] not in ("root", "0")
    assert "privileged" not in service and "cap_add" not in service


def test_the_image_runs_as_a_user_with_a_fixed_number() -> None:
    (user,) = re.findall(r"^USER (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user == "10001:10001"


def test_the_processes_of_a_container_may_count_together_after_a_restart_too() -> None:
    """The first start leaves a directory of root's in the container; a tmpfs without an owner is like that then."""
    for name in OF_THIS_PROJECT:
        directory = SERVICES[name]["environment"]["PROMETHEUS_MULTIPROC_DIR"]
        assert f"{directory}:uid=10001,gid=10001,mode=0700" in SERVICES[name]["tmpfs"]


def test_no_two_builds_make_one_image() -> None:
    """They run at the same time, and the second cannot export what the first one just has."""
    assert [name for name, service in SERVICES.items() if "build" in service] == OF_THIS_PROJECT
    images = [SERVICES[name]["image"] for name in OF_THIS_PROJECT if "image" in SERVICES[name]]
    assert len(images) == len(set(images))


def test_only_the_proxy_can_be_reached_from_outside_and_only_on_this_machine() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["proxy"]["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]
    assert not any(service.get("network_mode") for service in SERVICES.values())


def test_two_webs_serve_and_one_counts_when_it_is_ready() -> None:
    web = SERVICES["web"]
    assert web["deploy"]["replicas"] == 2
    assert web["healthcheck"]["test"] == ["CMD", "python", "deploy/ready.py"]
    assert SERVICES["proxy"]["depends_on"] == {"web": {"condition": "service_healthy"}}


def test_the_database_is_made_once_before_anything_serves() -> None:
    assert SERVICES["migrate"]["command"] == ["python", "manage.py", "prepare"]
    assert "restart" not in SERVICES["migrate"]
    for name in ("web", "sweep"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["db"] == {"condition": "service_healthy"}
    assert "--collation-server=utf8mb4_nopad_bin" in SERVICES["db"]["command"]


def test_all_processes_have_the_same_environment_and_secrets() -> None:
    environments = [SERVICES[name]["environment"] for name in OF_THIS_PROJECT]
    assert environments[0] == environments[1] == environments[2]
    assert {tuple(SERVICES[name]["volumes"]) for name in OF_THIS_PROJECT} == {("var:/app/var",)}
    assert "var" in COMPOSE["volumes"]


def test_every_variable_can_be_set_from_outside() -> None:
    environment = SERVICES["web"]["environment"]
    assert set(environment) == DOCUMENTED - NOT_IN_A_CONTAINER | OF_THE_DRIVER
    ours = {"OWN_SITES_AT", "TRUSTED_PROXIES", "PROMETHEUS_MULTIPROC_DIR"}  # what the services are to each other
    for name in set(environment) - ours - OF_THE_DRIVER:
        assert environment[name] is None or environment[name].startswith(f"${{{name}:-"), name


def test_compose_does_not_set_demo() -> None:
    assert [SERVICES[name]["environment"]["DEMO"] for name in OF_THIS_PROJECT] == [None] * 3
    assert "\n#DEMO=" in FOR_ALL, "a copy of it would choose"


def test_one_password_is_enough_for_the_database_and_for_those_who_use_it() -> None:
    password = SERVICES["db"]["environment"]["MARIADB_PASSWORD"]
    assert password == "${MARIADB_PASSWORD:-idjag}"
    for name in OF_THIS_PROJECT:
        environment = SERVICES[name]["environment"]
        assert environment["DATABASE_URL"] == "${DATABASE_URL:-mysql://idjag@db:3306/idjag}"
        assert environment["MYSQL_PWD"] == password


def test_the_webs_believe_the_proxy_and_themselves() -> None:
    environment = SERVICES["web"]["environment"]
    address = SERVICES["proxy"]["networks"]["default"]["ipv4_address"]
    assert environment["TRUSTED_PROXIES"] == f"127.0.0.1,{address}"
    assert environment["OWN_SITES_AT"] == "127.0.0.1:8000"
    assert COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"].startswith(address.removesuffix(".130"))


def test_the_database_has_a_connection_for_every_thread_of_every_process() -> None:
    processes = int(SERVICES["web"]["environment"]["WEB_CONCURRENCY"].removeprefix("${WEB_CONCURRENCY:-").rstrip("}"))
    (most,) = map(int, re.findall(r"--max-connections=\$\{MAX_CONNECTIONS:-(\d+)\}", SERVICES["db"]["command"]))
    assert SERVICES["web"]["deploy"]["replicas"] * processes * THREADS < most


def test_requests_from_outside_leave_threads_for_those_between_the_sites() -> None:
    upstreams = SERVICES["proxy"]["environment"]["PROXY_UPSTREAMS"]
    most = int(re.findall(r"max_conns=(\d+)", upstreams)[0])
    assert THREADS - most > api.AT_A_TIME, "as many as all our cards ask for at a time, and some for the exchanges"
    assert 2 * most >= 200, "what two processes let in at once"


def test_the_image_holds_every_app_and_nothing_that_is_not_listed() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    apps = {app.partition(".")[0] for app in project_settings.INSTALLED_APPS}
    assert {app for app in apps if (ROOT / app).is_dir()} <= let_in
    assert {"base", "fixtures", "templates", "static", "manage.py", "deploy/ready.py"} <= let_in
    assert {"requirements.txt", "requirements-mysql.txt"} <= let_in
    assert not let_in & {".env", ".git", "var", "tests", "deploy"}
    assert all((ROOT / path).exists() for path in let_in)


def dev_container() -> dict[str, Any]:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    return dict(json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)))


def test_the_dev_container_runs_the_demo() -> None:
    settings = dev_container()
    assert settings["postAttachCommand"] == ".devcontainer/demo"
    script = ROOT / ".devcontainer" / "demo"
    assert script.stat().st_mode & 0o111 and script.read_text().endswith("exec make demo\n")
    sites = 3 + len(project_settings.DEMO_TENANTS)
    assert settings["forwardPorts"] == [8000 + number for number in range(sites)]
    assert set(settings["portsAttributes"]) == {str(port) for port in settings["forwardPorts"]}


def test_the_dev_container_leaves_the_hosts_packages_alone() -> None:
    settings = dev_container()
    packages = settings["containerEnv"]["VENV"]
    assert Path(packages).is_absolute() and not packages.startswith("/workspaces")
    assert settings["postCreateCommand"] == "make $VENV/installed-requirements"
    environment = {"PATH": os.environ["PATH"], "VENV": packages}
    answer = subprocess.run(["make", "--dry-run", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert f"{packages}/bin/python manage.py runserver" in answer.stdout, answer.stderr
    assert ".venv" not in answer.stdout


@pytest.mark.services
@pytest.mark.parametrize("overlay", [[], ["deploy/tls.yml"]], ids=["", "with TLS"])
def test_compose_understands_the_files(overlay: list[str]) -> None:
    program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    assert shutil.which(program[0]), "docker-compose is not installed here (Debian: apt install docker-compose)"
    files = [argument for file in ("docker-compose.yml", *overlay) for argument in ("--file", file)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "CERTIFICATES": "/certificates"}
    answer = subprocess.run(
        [*program, *files, "config"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    web = yaml.safe_load(answer.stdout)["services"]["web"]["environment"]
    assert web["BASE_DOMAIN"] == "localhost:8000" and web["TRUSTED_PROXIES"] == "127.0.0.1,10.85.17.130"
