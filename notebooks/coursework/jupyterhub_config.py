"""A JupyterHub for this course: notebooks for each student, and nbgrader's exchange between you.

    .venv/bin/jupyterhub -f notebooks/coursework/jupyterhub_config.py

As it stands it is for one server on which each student has a system account (PAM, started by
root). With ``COURSE_HUB=trial`` it runs on your own machine for whoever knows
``COURSE_HUB_PASSWORD``, all as one system user: to look around, not to grade. Set what your
institution has (single sign-on, containers) here, in place of the authenticator and the spawner.

| variable | meaning | default |
|---|---|---|
| ``COURSE_HUB_DATA`` | state of the hub and the exchange | ``/srv/rnn`` |
| ``COURSE_HUB_PORT`` | where students come in | 8000 |
| ``COURSE_HUB_ADDRESS`` | from where: put a proxy with TLS before it | 127.0.0.1 |
| ``COURSE_INSTRUCTORS`` | user names, separated by commas | ``instructor`` |
| ``COURSE_ROOT`` | where an instructor's submissions, gradebook and feedback are | this folder |
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
DATA = Path(os.environ.get("COURSE_HUB_DATA", "/srv/rnn"))
PORT = int(os.environ.get("COURSE_HUB_PORT", "8000"))
ADDRESS = os.environ.get("COURSE_HUB_ADDRESS", "127.0.0.1")
ROOT = os.environ.get("COURSE_ROOT", str(HERE))
INSTRUCTORS = set(os.environ.get("COURSE_INSTRUCTORS", "instructor").split(","))
TRIAL = os.environ.get("COURSE_HUB") == "trial"

EXCHANGE = DATA / "exchange"
EXCHANGE.mkdir(parents=True, exist_ok=True)
EXCHANGE.chmod(0o777)  # nbgrader gives each course in it the rights that keep students apart

c = get_config()  # noqa: F821

c.JupyterHub.bind_url = f"http://{ADDRESS}:{PORT}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{PORT + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 2}"
c.ConfigurableHTTPProxy.command = [str(BIN / "configurable-http-proxy")]
c.JupyterHub.db_url = f"sqlite:///{DATA}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(DATA / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(DATA / "proxy.pid")

c.Authenticator.admin_users = INSTRUCTORS
if TRIAL:
    c.JupyterHub.authenticator_class = "dummy"
    c.DummyAuthenticator.password = os.environ["COURSE_HUB_PASSWORD"]
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(DATA / "home" / "{username}")
else:
    c.JupyterHub.authenticator_class = "pam"
    c.PAMAuthenticator.open_sessions = False
    c.LocalAuthenticator.allowed_groups = {"students"}
    c.Authenticator.allowed_users = INSTRUCTORS  # who may come in without being in the group
    c.Authenticator.allow_existing_users = False
    c.JupyterHub.spawner_class = "localprocess"

c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
c.Spawner.environment = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "COURSE_EXCHANGE": str(EXCHANGE),
    # What a student's nbgrader reads; an instructor's reads the settings of the course.
    "JUPYTER_CONFIG_PATH": str(HERE / "hub"),
    "OMP_NUM_THREADS": "1",
}


def for_whom(spawner) -> None:
    """Give instructors the course and the formgrader, students neither."""
    spawner.args = ["--allow-root"] if TRIAL and os.getuid() == 0 else []
    if spawner.user.name in INSTRUCTORS:
        own = {"JUPYTER_CONFIG_PATH": str(HERE), "COURSE_ROOT": ROOT}
        spawner.environment = {**spawner.environment, **own}
        spawner.notebook_dir = ROOT  # the formgrader wants the course below it
    else:
        spawner.args += [
            "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=False",
            "--ServerApp.jpserver_extensions=nbgrader.server_extensions.course_list=False",
        ]


c.Spawner.pre_spawn_hook = for_whom
