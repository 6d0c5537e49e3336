"""The hub's settings work: it starts on loopback, lets people in, and the exchange reaches them."""

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from grading import sandbox
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "notebooks" / "coursework"
PASSWORD = "on loopback only"
PATIENCE = 300  # seconds at most; on a quiet machine all of it takes about twenty


def free_ports(count):
    """The first of some neighbouring ports that nobody listens on."""
    for first in range(20_000, 40_000, 10):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


class Browser:
    """As much of a browser as it takes: cookies, forms, and the token against forged requests."""

    def __init__(self, address):
        self.address = address
        self.jar = http.cookiejar.CookieJar()
        handler = urllib.request.HTTPCookieProcessor(self.jar)
        no_proxy = urllib.request.ProxyHandler({})
        self.opener = urllib.request.build_opener(handler, no_proxy)

    def open(self, path, form=None, **headers):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.address + path, data, headers)
        with self.opener.open(request, timeout=60) as answer:
            return answer.status, answer.geturl(), answer.read().decode()

    def token(self, path):
        found = [c.value for c in self.jar if c.name == "_xsrf" and path.startswith(c.path)]
        return found[-1] if found else ""

    def log_in(self, name, password):
        self.open("/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.token("/hub/")}
        return self.open("/hub/login?next=%2Fhub%2Fhome", form)


def until(ask, process, what):
    """Ask again until there is an answer, or the process has ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, f"the hub ended while we waited for {what}"
        try:
            answer = ask()
        except urllib.error.HTTPError as error:
            assert error.code != 500, f"{what}: {error}"
            answer = None
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            answer = None
        if answer:
            return answer
        time.sleep(0.3)
    raise AssertionError(f"waited too long for {what}")


@pytest.fixture
def hub(tmp_path):
    port = free_ports(3)
    env = {
        **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
        "COURSE_HUB": "trial",
        "COURSE_HUB_DATA": str(tmp_path / "hub"),
        "COURSE_HUB_PORT": str(port),
        "COURSE_HUB_PASSWORD": PASSWORD,
        "COURSE_ROOT": str(tmp_path / "course"),
    }
    (tmp_path / "course").mkdir()
    bin_ = Path(sys.executable).parent
    log = open(tmp_path / "hub.log", "w")
    process = subprocess.Popen(
        [bin_ / "jupyterhub", "-f", COURSE / "jupyterhub_config.py"],
        cwd=tmp_path,
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", process, tmp_path
    finally:
        # The hub stops its proxy and the students' servers, if it is asked to.
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def instructor(tmp_path):
    """What an instructor types: a function that runs a module of the course or nbgrader."""
    env = {
        **os.environ,
        "COURSE_ROOT": str(tmp_path / "course"),
        "COURSE_EXCHANGE": str(tmp_path / "hub" / "exchange"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(COURSE),
    }

    def run(*command):
        command = [sys.executable, "-W", "ignore", "-m", *command]
        done = subprocess.run(
            command, cwd=COURSE, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    return run


def test_a_set_goes_out_comes_back_and_returns_with_feedback(hub):
    address, process, tmp_path = hub
    browser = Browser(address)
    until(lambda: browser.open("/hub/login")[0] == 200, process, "the login page")
    run = instructor(tmp_path)
    run("grading.release", "ps1")
    run("nbgrader", "release_assignment", "ps1")

    with pytest.raises(urllib.error.HTTPError, match="403"):
        Browser(address).log_in("ada", "a guess")
    status, url, _ = browser.log_in("ada", PASSWORD)
    assert status == 200 and url.endswith("/hub/home")

    spawn = {"_xsrf": browser.token("/hub/")}
    browser.open("/hub/spawn/ada", spawn)
    listed = until(lambda: listing(browser), process, "the student's server")
    assert [one["assignment_id"] for one in listed] == ["ps1"]
    assert listed[0]["status"] == "released"

    def act(action):
        form = {"course_id": "rnn", "assignment_id": "ps1", "_xsrf": browser.token("/user/ada/")}
        said = json.loads(browser.open(f"/user/ada/assignments/{action}", form)[2])
        assert said["success"], said

    act("fetch")
    home = tmp_path / "hub" / "home" / "ada"
    fetched = home / "ps1" / "ps1.ipynb"
    assert fetched.exists() and "BEGIN SOLUTION" not in fetched.read_text()
    shutil.copy(COURSE / "source" / "ps1" / "ps1.ipynb", fetched)
    act("submit")

    with pytest.raises(urllib.error.HTTPError, match="404"):
        browser.open("/user/ada/formgrader")

    run("nbgrader", "collect", "ps1")
    collected = list((tmp_path / "course" / "submitted").glob("*/ps1/ps1.ipynb"))
    assert len(collected) == 1
    assert re.search(r"\d{4}-", (collected[0].parent / "timestamp.txt").read_text())
    if sandbox.available():
        before = collected[0].read_bytes()
        run("grading.grade", "ps1", str(tmp_path / "course" / "submitted"))
        assert collected[0].read_bytes() == before
        run("nbgrader", "release_feedback", "ps1")
        act("fetch_feedback")
        (page,) = (home / "ps1" / "feedback").glob("*/ps1.html")
        assert "Score: 20.0 / 25.0" in re.sub("<[^>]*>", "", page.read_text())


def test_an_instructor_finds_the_formgrader(hub):
    address, process, _ = hub
    browser = Browser(address)
    until(lambda: browser.open("/hub/login")[0] == 200, process, "the login page")
    browser.log_in("instructor", PASSWORD)
    browser.open("/hub/spawn/instructor", {"_xsrf": browser.token("/hub/")})

    def page():
        _, url, text = browser.open("/user/instructor/formgrader/manage_assignments")
        return text if "/user/instructor/formgrader" in url else None

    text = until(page, process, "the formgrader")
    assert "encountered an error" not in text and "Manage Assignments" in text
    found = json.loads(browser.open("/user/instructor/formgrader/api/assignments")[2])
    assert {one["name"] for one in found} == {*(f"ps{n}" for n in range(1, 7)), "exam"}


def test_on_a_server_with_accounts_instructors_and_students_come_in_and_nobody_else(
    tmp_path, monkeypatch
):
    auth = pytest.importorskip("jupyterhub.auth")
    monkeypatch.setenv("COURSE_HUB_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_INSTRUCTORS", "grace,alan")
    monkeypatch.delenv("COURSE_HUB", raising=False)
    config = PyFileConfigLoader("jupyterhub_config.py", path=str(COURSE)).load_config()
    door = auth.PAMAuthenticator(config=config)
    student = {"ada"}
    monkeypatch.setattr(
        door, "check_allowed_groups", lambda name, _=None: name in student and door.allowed_groups
    )
    allowed = {name for name in ("grace", "alan", "ada", "mallory") if door.check_allowed(name, {})}
    assert allowed == {"grace", "alan", "ada"}


def listing(browser):
    """What nbgrader's list of assignments shows a student."""
    answer = browser.open("/user/ada/assignments?course_id=rnn")
    if "/user/ada/assignments" not in answer[1]:
        return None
    return json.loads(answer[2])["value"]
