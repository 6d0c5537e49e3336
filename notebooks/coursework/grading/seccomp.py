"""A filter of system calls for bubblewrap: without it there is memory that no limit counts.

Shared memory, a file system in a namespace of one's own and files without a name hold as much as
the machine has, and belong to no process whose size could be limited. None of the calls that
make them is needed for NumPy, threads or processes.

The filter is a program for the kernel's packet filter, as `linux/seccomp.h` describes it: each
instruction is a code, two jumps and a number, and what it looks at is
``{int nr; u32 arch; u64 instruction_pointer; u64 args[6]}``.
"""

import os
import platform
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

LOAD, IS, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets; both machines are little-endian
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, CLONE_NEWUSER and their like
OTHER_TABLE = 0x40000000  # from here on x86_64 has the same calls once more, for x32

# Number of each call on (x86_64, aarch64), from the kernel's tables.
REFUSED = {
    # memory that outlives its process
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # file systems and namespaces of one's own
    "mount": (165, 40),
    "fsopen": (430, 430),
    "unshare": (272, 97),
    "setns": (308, 268),
    # large parts of the kernel that nobody needs here
    "ptrace": (101, 117),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
CLONE, CLONE3 = (56, 220), (435, 435)
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def program(machine: str) -> bytes | None:
    """Return the filter for a machine, or None for one whose calls are not listed here."""
    if machine not in MACHINES:
        return None
    column = list(MACHINES).index(machine)
    lines = [
        _line(LOAD, ARCHITECTURE),
        _line(IS, MACHINES[machine], 1, 0),
        _line(RETURN, KILL),
        _line(LOAD, NUMBER),
    ]
    if machine == "x86_64":
        lines += [_line(AT_LEAST, OTHER_TABLE, 0, 1), _line(RETURN, ERROR | ENOSYS)]
    for numbers in REFUSED.values():
        lines += [_line(IS, numbers[column], 0, 1), _line(RETURN, ERROR | EPERM)]
    # Its flags lie in memory, where no filter sees them. The C library goes back to clone.
    lines += [_line(IS, CLONE3[column], 0, 1), _line(RETURN, ERROR | ENOSYS)]
    lines += [
        _line(IS, CLONE[column], 0, 3),
        _line(LOAD, FIRST_ARGUMENT),
        _line(ANY_BIT, NEW_NAMESPACES, 0, 1),
        _line(RETURN, ERROR | EPERM),
        _line(RETURN, ALLOW),
    ]
    return b"".join(lines)


def _line(code: int, number: int, then: int = 0, otherwise: int = 0) -> bytes:
    """Write one instruction; the jumps say how many lines are left out."""
    return struct.pack("<HBBI", code, then, otherwise, number)


@contextmanager
def handle() -> Iterator[int | None]:
    """Give a file with the filter for this machine to a process that is started meanwhile."""
    filter_here = program(platform.machine())
    if filter_here is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(filter_here)
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        yield file.fileno()
