"""One run of the harness in bubblewrap: no network, no other file, limits on everything.

Inside there are the system's libraries, this Python, `rnncore`, the harness and the inputs, all
read-only, and one output folder. There is no gradebook, no source notebook, no hidden test and no
other student's file. Root starts it as an unprivileged user of its own for each slot, because
limits on the number of processes do not bind root; anyone else gets a new user namespace.

The output folder lies in memory and has a size: no trick with files fills the disk. It ends with
its last handle, and the harness sends us one before any code of a student runs.
"""

import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import rnncore
from grading import seccomp
from grading.task import Limits

HERE = Path(__file__).resolve().parent
PACKAGE = Path(rnncore.__file__).resolve().parent
UNSAFE = "UNSANDBOXED"
CONSENT = "yes-i-know"
FIRST_UID = 1_000_000
FILES_AT_MOST = 200
ALL_FILES = 4  # how many times the size of one file all of them may have
INSIDE = ("confined.py", "harness.py", "magics.py", "plain.py", "surroundings.py")
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
    return _failure([])


def _failure(options: list[str], handles: Sequence[int] = ()) -> str | None:
    """Return what bubblewrap says with these options besides, if it does not start."""
    command = [*_walls(None, 1 << 20), *options, "/usr/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, pass_fds=handles)
    return (done.stderr.strip() or "bwrap fails") if done.returncode else None


@cache
def _more_walls() -> list[str]:
    """Return what not every bubblewrap has, and no root needs: no namespaces inside."""
    option = ["--disable-userns"]
    return [] if os.getuid() == 0 or _failure(option) else option


@cache
def filters() -> bool:
    """Whether this machine, its kernel and its bubblewrap can refuse system calls."""
    if not available():
        return False
    with seccomp.handle() as handle:
        return handle is not None and _failure(["--seccomp", str(handle)], [handle]) is None


def uid(slot: int) -> int | None:
    """Return the user that a slot's processes become, or None where they are no root's anyway.

    The limit on processes counts by user: two graders must not share one, or a fork bomb in one
    would stop the other's honest submissions.
    """
    if os.getuid() != 0 or not available():
        return None
    return FIRST_UID + 64 * os.getpid() + slot % 64


def _walls(jobs: Path | None, size: int) -> list[str]:
    """Return the command line up to the program, with so many bytes for all files."""
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
    for name in INSIDE:
        command += ["--ro-bind", str(HERE / name), f"/course/{name}"]
    if jobs:
        command += ["--ro-bind", str(jobs), "/in"]
    command += ["--perms", "1777", "--size", str(size), "--tmpfs", "/out"]
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
    # A single file is limited inside; here it is all of them together. There is room for more
    # than allowed, so that it is told apart from a file that fails.
    most = ALL_FILES * jobs_in_it * limits.output_mb * 2**20
    sandboxed = check()

    def too_much(folder: int) -> bool:
        size, files = _used(folder) if sandboxed else _found(out)
        return size > most or files > jobs_in_it * FILES_AT_MOST

    folder, sentence, pause = None, None, 0.01
    end = time.monotonic() + jobs_in_it * limits.wall_seconds
    process, ours = _start(jobs, out, 2 * most, sandboxed)
    try:
        folder = _handed_over(process, ours, limits.wall_seconds)
        while sentence is None:
            try:
                process.wait(pause)
                break
            except subprocess.TimeoutExpired:
                pause = min(1.5 * pause, 0.25)
            if time.monotonic() > end:
                sentence = TOO_LONG
            elif too_much(folder):
                sentence = TOO_MUCH
        _stop(process)
        # Looked at once more at the end, so that the outcome hangs on no race.
        sentence = TOO_MUCH if too_much(folder) else sentence
        if sandboxed:
            _fetch(jobs, folder, out, limits.output_mb * 2**20)
        return sentence
    finally:
        _stop(process)
        process.stderr.close()
        ours.close()
        if folder is not None:
            os.close(folder)


def _start(jobs: Path, out: Path, size: int, sandboxed: bool) -> tuple:
    """Start the harness; return the process, and a socket to its standard input."""
    python = [os.path.abspath(sys.executable), "-B"]
    ours, theirs = socket.socketpair()
    with seccomp.handle() as handle, theirs:
        if sandboxed:
            command, env = [*_walls(jobs, size), *_more_walls()], {}
            command += ["--seccomp", str(handle)] if filters() else []
            command += [*python, "/course/harness.py", "/in", "/out"]
        else:
            env = _environment(os.pathsep.join((str(HERE), str(PACKAGE.parent))))
            command = [*python, str(HERE / "harness.py"), str(jobs), str(out)]
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=True,
            pass_fds=[] if handle is None else [handle],
        )
    return process, ours


def _stop(process: subprocess.Popen) -> None:
    """End it: its pid namespace dies with it, and whatever was started inside."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _handed_over(process: subprocess.Popen, ours: socket.socket, seconds: float) -> int:
    """Wait for the output folder, which the harness sends before any code of a student runs.

    Without it the fault is ours, and no submission may lose a mark by it.
    """
    ours.settimeout(seconds)
    said, handles = b"", []
    with suppress(TimeoutError):
        said, handles, *_ = socket.recv_fds(ours, 64, 1, socket.MSG_CMSG_CLOEXEC)
    if said == STARTED and handles:
        ours.close()
        return handles[0]
    ready, _, _ = select.select([process.stderr], [], [], 1.0)
    said = os.read(process.stderr.fileno(), 4096) if ready else b""
    reason = said.decode("utf-8", "replace").strip()[-300:] or "no reason given"
    raise RuntimeError(f"the sandbox did not start: {reason}")


def _used(folder: int) -> tuple[int, int]:
    """Return bytes and files in the file system of a folder, those without a name included."""
    facts = os.fstatvfs(folder)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize, facts.f_files - facts.f_ffree


def _found(folder: Path) -> tuple[float, int]:
    """Return bytes and files in a folder; what cannot be listed counts as too much."""
    size, files, closed = 0, 0, []
    for place, folders, names in os.walk(folder, onerror=closed.append):
        files += len(names) + len(folders)
        for name in names:
            with suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_size
    return float("inf") if closed else size, files


def _fetch(jobs: Path, folder: int, out: Path, most: int) -> None:
    """Copy the answers of all jobs, never through a link, each of at most so many bytes."""
    for job in jobs.iterdir():
        (out / job.name).mkdir()
        try:
            place = os.open(job.name, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        except OSError:
            continue
        for name in ("cells.json", *(path.name for path in job.glob("*.npz"))):
            with suppress(FileNotFoundError):
                (out / job.name / name).write_bytes(_content(name, place, most))
        os.close(place)


def _content(name: str, place: int, most: int) -> bytes:
    """Read a file; what is none, or too large a one, is empty and thereby malformed."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except FileNotFoundError:
        raise
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        fine = stat.S_ISREG(facts.st_mode) and facts.st_size <= most
        return file.read(most) if fine else b""
