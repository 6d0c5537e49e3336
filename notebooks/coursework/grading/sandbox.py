"""One run of the harness in bubblewrap: no network, no other file, limits on everything.

Inside there are the system's libraries, this Python, `rnncore`, the harness and the inputs, all
read-only, and one output folder. There is no gradebook, no source notebook, no hidden test and no
other student's file. Root starts it as an unprivileged user of its own for each slot, because
limits on the number of processes do not bind root; anyone else gets a new user namespace.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import rnncore
from grading.task import Limits

HERE = Path(__file__).resolve().parent
PACKAGE = Path(rnncore.__file__).resolve().parent
UNSAFE = "UNSANDBOXED"
CONSENT = "yes-i-know"
FIRST_UID = 1_000_000
FILES_AT_MOST = 200
STARTED = b"started\n"
TOO_LONG = "The run took too long and was stopped."
TOO_MUCH = "The run wrote too much, and none of it counts."
REFUSAL = (
    "make grade runs what students wrote, and bubblewrap, which keeps that from harm, does not "
    "work here ({}). Install it (Debian and Ubuntu: apt install bubblewrap). To run submissions "
    f"without it, with all your rights, say so: {UNSAFE}={CONSENT}."
)


class NoSandboxError(RuntimeError):
    """There is no sandbox, and nobody said that it may be done without."""


def check() -> bool:
    """Return whether there is a sandbox; raise if there is none and that was not allowed."""
    reason = _reason()
    if reason is None:
        return True
    if os.environ.get(UNSAFE) == CONSENT:
        return False
    raise NoSandboxError(REFUSAL.format(reason))


def available() -> bool:
    """Whether bubblewrap works on this machine."""
    return _reason() is None


def _reason() -> str | None:
    if shutil.which("bwrap") is None:
        return "no command bwrap"
    command = [*_walls(None), "/usr/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or "bwrap fails") if done.returncode else None


def uid(slot: int) -> int | None:
    """Return the user that a slot's processes become, or None where they are no root's anyway.

    The limit on processes counts by user: two graders must not share one, or a fork bomb in one
    would stop the other's honest submissions.
    """
    if os.getuid() != 0 or not available():
        return None
    return FIRST_UID + 64 * os.getpid() + slot % 64


def _walls(folders: tuple[Path, Path] | None) -> list[str]:
    """Return the command line up to the program."""
    command = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    if os.getuid() == 0:
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    prefixes = dict.fromkeys(map(os.path.abspath, (sys.base_prefix, sys.prefix)))
    # Folders on the way to what is mounted: root's would be closed to the user that we become.
    for place in dict.fromkeys(p for prefix in prefixes for p in reversed(Path(prefix).parents)):
        if place != Path("/"):
            command += ["--perms", "0755", "--dir", str(place)]
    command += ["--perms", "0755", "--dir", "/course", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            command += ["--symlink", os.readlink(place), str(place)]
        elif place.exists():
            command += ["--ro-bind", str(place), str(place)]
    for place in prefixes:
        if not Path(place).is_relative_to("/usr"):
            command += ["--ro-bind", place, place]
    command += ["--ro-bind", str(PACKAGE), "/course/rnncore"]
    for name in ("harness.py", "plain.py"):
        command += ["--ro-bind", str(HERE / name), f"/course/{name}"]
    if folders:
        jobs, out = map(str, folders)
        command += ["--ro-bind", jobs, "/in", "--bind", out, "/out"]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/"]
    command += ["--chdir", "/"]
    for name, value in _environment("/course").items():
        command += ["--setenv", name, value]
    return command


def _environment(path: str) -> dict[str, str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        **threads,
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "MPLBACKEND": "Agg",
    }


def run(jobs: Path, out: Path, limits: Limits, jobs_in_it: int = 1) -> str | None:
    """Run the harness over a folder of jobs; return a sentence if it was stopped from outside.

    Parameters
    ----------
    jobs, out : Path
        Folders for the harness to read and to write.
    limits : Limits
        What each job may use.
    jobs_in_it : int
        How many jobs there are.
    """
    python = [os.path.abspath(sys.executable), "-B"]
    if check():
        command, env = [*_walls((jobs, out)), *python, "/course/harness.py", "/in", "/out"], {}
    else:
        env = _environment(os.pathsep.join((str(HERE), str(PACKAGE.parent))))
        command = [*python, str(HERE / "harness.py"), str(jobs), str(out)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, env=env, start_new_session=True
    )
    end = time.monotonic() + jobs_in_it * limits.wall_seconds
    # A single file is limited inside; here it is all of them together.
    most = 4 * jobs_in_it * limits.output_mb * 2**20, jobs_in_it * FILES_AT_MOST
    pause, sentence = 0.01, None
    try:
        _wait_for_start(process, limits.wall_seconds)
        while sentence is None:
            try:
                process.wait(pause)
                break
            except subprocess.TimeoutExpired:
                pause = min(1.5 * pause, 0.25)
            if time.monotonic() > end:
                sentence = TOO_LONG
            elif _too_much(out, *most):
                sentence = TOO_MUCH
    finally:
        if process.poll() is None:
            # Its pid namespace dies with it, and whatever was started inside.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stderr.close()
    # Looked at once more at the end, so that the outcome hangs on no race.
    return TOO_MUCH if _too_much(out, *most) else sentence


def _wait_for_start(process: subprocess.Popen, seconds: float) -> None:
    """Wait for the word that the harness writes before any code of a student runs.

    Without it the fault is ours, and no submission may lose a mark by it.
    """
    ready, _, _ = select.select([process.stderr], [], [], seconds)
    said = os.read(process.stderr.fileno(), 4096) if ready else b""
    if said != STARTED:
        reason = said.decode("utf-8", "replace").strip()[-300:] or "no reason given"
        raise RuntimeError(f"the sandbox did not start: {reason}")


def _too_much(folder: Path, most: int, files_at_most: int) -> bool:
    """Whether a folder holds more bytes, or more files, than allowed."""
    size = files = 0
    for place, folders, names in os.walk(folder):
        files += len(names) + len(folders)
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
        if size > most or files > files_at_most:
            return True
    return False
