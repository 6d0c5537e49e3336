"""Limits on a student's code from within the sandbox, and processes that fail on their own."""

import contextlib
import os
import resource
import signal
import time

ROOM = 2  # processes and threads that student's code does not get: the harness forks with them
RESERVE = 64 << 20  # bytes that student's code does not get: we say with them that it used the rest


class TimeUp(BaseException):
    """A cell or a task used its processor seconds. `except Exception` does not catch it."""


def confine(job: dict) -> None:
    """Give up every right that is not needed, before any code of the student runs."""
    if job["uid"] is not None:
        os.setgroups([])
        os.setresgid(job["uid"], job["uid"], job["uid"])
        os.setresuid(job["uid"], job["uid"], job["uid"])
    megabyte = 1 << 20
    for kind, most in (
        (resource.RLIMIT_AS, job["memory_mb"] * megabyte + RESERVE),
        (resource.RLIMIT_FSIZE, job["output_mb"] * megabyte),
        # For what the limits below do not stop: the cells, and each task, get less than this.
        (resource.RLIMIT_CPU, int(time.process_time() + job["seconds"]) + 3),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # Threads count as well. Idle ones must not keep the harness from forking.
    most = job["processes"]
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most + ROOM))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def alone(function, wall, *args) -> str | None:
    """Call a function in a process of its own; say how it ended, if not well."""
    soft, most = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    try:
        child = fork()
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, most))
    if child == 0:
        with contextlib.suppress(BaseException):
            function(*args)
            os._exit(0)
        os._exit(1)
    end = time.monotonic() + wall
    pause = 0.002
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if os.WIFSIGNALED(status):
                late = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
                return "used up its time" if late else "crashed"
            return "ended the process" if os.WEXITSTATUS(status) else "ended without an answer"
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "used up its time"


def fork() -> int:
    """Fork, after a while if what was killed still counts against the limit."""
    for _ in range(200):
        with contextlib.suppress(BlockingIOError):
            return os.fork()
        time.sleep(0.02)
    return os.fork()


def sweep(allowed: bool) -> None:
    """Kill whatever a cell or a task left running, so that it takes no time from the next.

    "All processes" are those of this sandbox. It is not allowed where there is none, and where
    several jobs share one.
    """
    if allowed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


@contextlib.contextmanager
def limited(seconds: float):
    """Keep the reserve of memory back, and raise `TimeUp` after so many seconds.

    Of processor time, which is the same on a busy machine.
    """

    def stop(signum, frame):
        raise TimeUp

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most - RESERVE, most))
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
