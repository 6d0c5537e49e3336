"""Submissions that are hostile, broken or odd: what they are, and what they must end with.

Each is the solution of problem set 1 with something done to it, so that whatever is not touched
still earns its points. `points` are the automatic points it has to end with (a number, a set of
numbers where a race decides, None where any will do), `says` a part of a sentence that the student
reads (or several, of which one has to be there).
"""

import json
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from grading import sandbox
from nbformat.v4 import new_code_cell

from coursework.sets import cells, solved

FULL = 20.0
STEP = 2.0  # what one_step is worth, the function that most of these spoil
TO_THE_LAST_BYTE = """\
kept, size = [], 10**8
while True:
    try: kept.append(bytearray(size))
    except MemoryError:
        size //= 2
        if size < 8: raise
"""


@dataclass(frozen=True)
class Case:
    """One submission: how it is written into its folder, and how it has to end."""

    write: Callable[[Path], None]
    points: float | tuple[float, ...] | None
    says: str | tuple[str, ...] = ""
    student: str = ""


def write(folder, notebook, name="ps1.ipynb"):
    (folder / name).write_text(nbformat.writes(notebook), encoding="utf-8")


def function(source, cell="ps1-step-code"):
    """The solution with other code in one cell."""

    def made(folder):
        notebook = solved("ps1")
        cells(notebook)[cell].source = source
        write(folder, notebook)

    return made


def body(lines, cell="ps1-step-code"):
    """The solution with another body of `one_step`."""
    indented = "\n".join("    " + line for line in lines.strip().splitlines())
    return function(f"import os, sys\ndef one_step(params, x, h):\n{indented}\n", cell)


def extra(source, wrong=False):
    """The solution with one more cell at its end; with `one_step` wrong, if asked."""

    def made(folder):
        notebook = solved("ps1")
        if wrong:
            cells(notebook)["ps1-step-code"].source = WRONG
        notebook.cells.append(new_code_cell(source))
        write(folder, notebook)

    return made


def more(*sources):
    """The solution with several more cells at its end."""

    def made(folder):
        notebook = solved("ps1")
        notebook.cells += [new_code_cell(source) for source in sources]
        write(folder, notebook)

    return made


def edited(change):
    """The solution's notebook after `change(notebook, cells by grade_id)`."""

    def made(folder):
        notebook = solved("ps1")
        change(notebook, cells(notebook))
        write(folder, notebook)

    return made


def raw(content, name="ps1.ipynb"):
    """A file with this content."""

    def made(folder):
        (folder / name).write_bytes(content)

    return made


def drop(*names):
    def change(notebook, by_id):
        notebook.cells = [c for c in notebook.cells if c not in [by_id[n] for n in names]]

    return change


def rename(old, new):
    def change(notebook, by_id):
        by_id[old].metadata.nbgrader.grade_id = new

    return change


def doubled(notebook, by_id):
    notebook.cells += [by_id["ps1-step"].copy(), by_id["ps1-step-code"].copy()]


def emptied_check(notebook, by_id):
    by_id["ps1-step"].source = "pass"
    by_id["ps1-step"].metadata.nbgrader.points = 2000
    by_id["ps1-step-code"].source = WRONG


def malformed(folder):
    notebook = json.loads(nbformat.writes(solved("ps1")))
    notebook["cells"][1:1] = [{"cell_type": "code"}, 7, None, {"cell_type": ["a"], "source": 3}]
    notebook["metadata"] = "none"
    (folder / "ps1.ipynb").write_text(json.dumps(notebook))


def older(folder):
    notebook = nbformat.convert(solved("ps1"), 3)
    (folder / "ps1.ipynb").write_text(nbformat.writes(notebook, version=3))


def link(folder):
    (folder / "ps1.ipynb").symlink_to("/etc/passwd")


def pipe(folder):
    os.mkfifo(folder / "ps1.ipynb")


def directory(folder):
    (folder / "ps1.ipynb").mkdir()


def two(first, second):
    def made(folder):
        write(folder, solved("ps1"), first)
        write(folder, solved("ps1"), second)

    return made


def late(folder):
    write(folder, solved("ps1"))
    (folder / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC")


def odd_time(folder):
    write(folder, solved("ps1"))
    (folder / "timestamp.txt").write_text("the day after tomorrow, or \0 so")


WRONG = "def one_step(params, x, h):\n    return np.zeros_like(h)\n"
LIAR = """
class Liar{base}:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __array_function__(self, *a, **k): return True
    def __sub__(self, other): return 0.0
def one_step(params, x, h):
    return {value}
"""
LOOK = """
found = []
for place, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("proc", "sys", ".venv", "usr", "versions")]
    found += [os.path.join(place, f) for f in files if f.endswith((".db", ".ipynb", ".csv"))
              or "tasks" in place or "coursework" in place or "ps1" in f or f == "seed.txt"]
for name in ("/work", "/root", "/home", "/tmp", "/etc"):
    try:
        found += [f for f in os.listdir(name) if f not in ON_THE_WAY]
    except OSError:
        pass
raise RuntimeError(f"found {found}")
"""
NETWORK = """
import socket
said = []
for address in (("127.0.0.1", PORT), ("1.1.1.1", 53), ("localhost", PORT)):
    try:
        socket.create_connection(address, 1)
        said.append("connected")
    except OSError as error:
        said.append(type(error).__name__)
raise RuntimeError(f"network {said}")
"""
PATCHES = """
import builtins, math, unittest
import numpy.testing, rnncore, rnncore.selfcheck
yes = lambda *args, **kwargs: True
for module in (np, math, numpy.testing, rnncore, rnncore.selfcheck, unittest.TestCase):
    for name in dir(module):
        if name.startswith(("assert", "is", "allclose", "array_equal", "expect", "equal")):
            try:
                setattr(module, name, yes)
            except Exception:
                pass
builtins.AssertionError = KeyboardInterrupt
import sys
for name in ("plain", "__main__"):
    for key in ("same", "find"):
        if hasattr(sys.modules.get(name), key):
            setattr(sys.modules[name], key, yes)
"""
FORGED = """
import os, io, glob
import pickle
class Bomb:
    def __reduce__(self): return (os.system, ("touch OWNED",))
place = os.path.dirname(os.getcwd())
def one_step(params, x, h):
    with open(os.path.join(place, "0.npz"), "wb") as file:
        {content}
    os._exit(0)
"""

SHARED_MEMORY = """
import ctypes
libc, held = ctypes.CDLL(None), 0
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]
for _ in range(25):
    number = libc.shmget(0, 64 << 20, 0o1600)
    if number < 0: break
    place = libc.shmat(number, None, 0)
    ctypes.memset(place, 1, 64 << 20)
    libc.shmdt(place)
    held += 64
try: held += os.write(os.memfd_create("x"), b"x")
except OSError: pass
raise RuntimeError(f"held {held} MB")
"""
NAMESPACE = """
import subprocess, sys
said = subprocess.run([sys.executable, "-c", '''
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
os.mkdir("m")
print(libc.unshare(0x10020000), libc.mount(b"none", b"m", b"tmpfs", 0, b"size=3g"), end=" ")
print(libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x10000011, 0, 0, 0, 0))
'''], capture_output=True, text=True)
raise RuntimeError(f"made {said.stdout} {said.stderr[-100:]}")
"""
NAMELESS = """
import os
held = []
for k in range(50):
    held.append(os.open("x", os.O_CREAT | os.O_RDWR))
    os.unlink("x")
    os.write(held[-1], bytes(7 << 20))
import time
time.sleep(5)
"""
CLOSED = """
import os
os.mkdir("closed")
for k in range(50): open(f"closed/{k}", "wb").write(bytes(7 << 20))
"""
POOL = """
from concurrent.futures import ThreadPoolExecutor
import time
pool = ThreadPoolExecutor(8)
print(list(pool.map(lambda k: time.sleep(0.05) or k, range(WORK))))
"""
PATIENT = """
import time
began = time.process_time()
while time.process_time() - began < 0.8: pass
"""


def cases(port, owned):
    """All submissions; `port` is one that listens, `owned` a file that nobody may write."""
    network = NETWORK.replace("PORT", str(port))
    # Folders on the way to this Python are there, and lead nowhere else.
    on_the_way = sorted({*Path(sys.prefix).parts, *Path(sys.base_prefix).parts})
    look = LOOK.replace("ON_THE_WAY", repr(on_the_way))
    zeros = "np.savez(file, tree=np.frombuffer(b'{}', np.uint8))"
    huge = "np.lib.format.write_array_header_1_0"
    found = {
        # ---- code that does not end, or ends too much
        "endless loop": Case(body("while True: pass"), FULL - STEP, "more than 1 seconds"),
        "endless loop that catches all": Case(
            extra(
                "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
            ),
            (0.0, FULL),
        ),
        "endless sleep": Case(body("import time\ntime.sleep(10_000)"), FULL - STEP, "its time"),
        "endless recursion": Case(body("return one_step(params, x, h)"), FULL - STEP, "Recursion"),
        "memory bomb": Case(
            body("kept = []\nwhile True: kept.append(bytearray(10**8))"),
            FULL - STEP,
            # A machine that hands out memory slowly reaches the other limit first.
            ("MemoryError", "more than 1 seconds"),
        ),
        "memory bomb to the last byte": Case(
            body(f"global kept\n{TO_THE_LAST_BYTE}"),
            FULL - STEP,
            ("MemoryError", "more than 1 seconds"),
        ),
        "memory bomb in a cell, to the last byte": Case(
            # What is left for the tasks after it depends on Python's allocator.
            extra(TO_THE_LAST_BYTE),
            None,
            ("MemoryError", "more than 1 seconds"),
        ),
        "memory bomb in a cell": Case(extra("x = np.ones(10**10)"), FULL, "Memory"),
        "os._exit": Case(body("os._exit(0)"), FULL - STEP, "without an answer"),
        "os._exit in a cell": Case(extra("import os\nos._exit(0)"), 0.0, "middle of the cell"),
        "sys.exit": Case(body("sys.exit(0)"), FULL - STEP, "ended the process"),
        "sys.exit in a cell": Case(extra("import sys\nsys.exit()"), FULL, "SystemExit"),
        "killed process": Case(body("os.kill(os.getpid(), 9)"), FULL - STEP, "one_step"),
        "killed kernel": Case(
            extra("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
            0.0,
            "middle of the cell",
        ),
        "killed parent": Case(body("os.kill(os.getppid(), 9)\nos._exit(1)"), 0.0, "no answer"),
        "killed everything": Case(extra("import os\nos.kill(-1, 9)"), (0.0, FULL)),
        "crash": Case(body("import ctypes\nctypes.string_at(0)"), FULL - STEP, "one_step crashed"),
        "fork bomb": Case(
            extra("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
            (0.0, FULL),
        ),
        "fork bomb in a function": Case(
            body("while True:\n    try: os.fork()\n    except OSError: pass"),
            FULL - STEP,
            "one_step",
        ),
        "threads": Case(
            extra(
                "import threading\ndef spin():\n    while True: pass\n"
                "for _ in range(100): threading.Thread(target=spin, daemon=True).start()"
            ),
            (0.0, FULL),
            "",
        ),
        "cells that take all the time": Case(more(*[PATIENT] * 6), FULL, "not run: the 3 seconds"),
        "threads left idle": Case(extra(POOL.replace("WORK", "4")), FULL),
        "more threads left idle": Case(extra(POOL.replace("WORK", "8")), FULL, "new thread"),
        "threads of a cell in a function": Case(
            more(
                POOL.replace("WORK", "4"),
                "def one_step(params, x, h): return list(pool.map(str, x))",
            ),
            FULL - STEP,
            "your cells left 4 threads running",
        ),
        "shared memory": Case(extra("import os" + SHARED_MEMORY), FULL, "held 0 MB"),
        "namespace of its own": Case(extra(NAMESPACE), FULL, "made -1 -1 -1"),
        # ---- floods
        "100 MB of output": Case(
            extra(
                "for _ in range(100): print('x' * 10**6)\nimport sys\nsys.stderr.write('y' * 10**8)"
            ),
            FULL,
        ),
        "100 MB to the descriptors": Case(
            extra("import os\nfor k in (1, 2) * 50: os.write(k, b'x' * 10**6)"), FULL
        ),
        "large file": Case(
            extra("with open('large', 'wb') as f:\n    for _ in range(100): f.write(b'x' * 10**6)"),
            FULL,
            "File too large",
        ),
        "many files": Case(
            extra("for k in range(10**7):\n    open(f'file{k}', 'w').write('x')"),
            0.0,
            "wrote too much",
        ),
        "files without a name": Case(extra(NAMELESS), 0.0, "wrote too much"),
        "files in a closed folder": Case(
            more(CLOSED, "import os, time\nos.chmod('closed', 0o300)\ntime.sleep(1)"),
            0.0,
            "wrote too much",
        ),
        "large answer": Case(body("return np.zeros(10**7)"), FULL - STEP, "more than 2 MB"),
        "answer nested without end": Case(
            body("a = []\na.append(a)\nreturn a"), FULL - STEP, "got a list"
        ),
        # ---- answers that lie
        "always-true __eq__": Case(
            function(LIAR.format(base="", value="Liar()")), FULL - STEP, "another kind"
        ),
        "array with always-true __eq__": Case(
            function(LIAR.format(base="(np.ndarray)", value="h.view(Liar)")), FULL - STEP, "wrong"
        ),
        "NaN": Case(body("return np.full(h.shape, np.nan)"), FULL - STEP, "NaN"),
        "infinity": Case(body("return np.full(h.shape, np.inf)"), FULL - STEP, "infinite"),
        "one number for all": Case(body("return 0.0"), FULL - STEP, "expected an array of shape"),
        "object array": Case(
            body("return np.array([None, 1], object)"), FULL - STEP, "another kind"
        ),
        "nothing": Case(body("pass"), FULL - STEP, "is there a return?"),
        "no function": Case(function("one_step = 3"), FULL - STEP, "no function one_step"),
        "a name that shadows": Case(
            extra("str = int = len = open = print = isinstance = None\nnp = None"), STEP
        ),
        "pickle for an answer": Case(
            function(FORGED.format(content="pickle.dump(Bomb(), file)")), FULL - STEP, "malformed"
        ),
        "pickled array for an answer": Case(
            function(FORGED.format(content="np.savez(file, tree=np.array([Bomb()], object))")),
            FULL - STEP,
            "malformed",
        ),
        "forged answer": Case(function(FORGED.format(content=zeros)), FULL - STEP, "malformed"),
        "array that claims to be huge": Case(
            function(
                FORGED.format(
                    content="b = io.BytesIO(); b.write(np.lib.format.magic(1, 0)); "
                    f"{huge}(b, dict(shape=(10**12,), fortran_order=False, descr='<f8')); "
                    "import zipfile; z = zipfile.ZipFile(file, 'w'); "
                    "z.writestr('tree.npy', b.getvalue()); z.close()"
                )
            ),
            FULL - STEP,
            "malformed",
        ),
        "zip bomb": Case(
            function(
                FORGED.format(
                    content="import zipfile; z = zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED); "
                    "z.writestr('tree.npy', bytes(10**8)); z.close()"
                )
            ),
            FULL - STEP,
            "malformed",
        ),
        "link to a folder for an answer": Case(
            body(
                "place = os.path.join(os.path.dirname(os.getcwd()), '0.npz')\n"
                "os.symlink('/', place)\nos._exit(0)"
            ),
            FULL - STEP,
            "malformed: not the arrays",
        ),
        "answer of too many parts": Case(
            body("return [[0.0] * 1000] * 30"), FULL - STEP, "too many parts"
        ),
        "link for an answer": Case(
            body(
                "place = os.path.join(os.path.dirname(os.getcwd()), '0.npz')\n"
                "os.symlink('/etc/passwd', place)\nos._exit(0)"
            ),
            FULL - STEP,
            "without an answer",
        ),
        "pipe for an answer": Case(
            body(
                "place = os.path.join(os.path.dirname(os.getcwd()), '0.npz')\n"
                "os.mkfifo(place)\nos._exit(0)"
            ),
            FULL - STEP,
            "malformed",
        ),
        # ---- patched checkers
        "patched assert and numpy.testing": Case(
            extra(PATCHES, wrong=True), (0.0, 14.0, FULL - STEP), ""
        ),
        "patched math.isclose": Case(
            extra("import math\nmath.isclose = lambda *a, **k: True", wrong=True),
            FULL - STEP,
            "wrong",
        ),
        "patched rnncore": Case(
            extra(
                "import rnncore\nfor name in rnncore.__all__:\n"
                "    setattr(rnncore, name, lambda *a, **k: np.zeros(3))",
                wrong=True,
            ),
            FULL - STEP,
            "wrong",
        ),
        "patched harness": Case(
            extra(
                "import gc, types\nnames = 'write', 'same', 'answer'\nfor o in gc.get_objects():\n"
                "    if isinstance(o, types.FunctionType) and o.__name__ in names:\n"
                "        o.__code__ = (lambda *a, **k: True).__code__",
                wrong=True,
            ),
            0.0,
            "no answer",
        ),
        "suppressed traceback": Case(
            extra(
                "import sys\nsys.excepthook = lambda *a: None\nsys.tracebacklimit = 0\n"
                "def one_step(*a): raise ValueError('quiet')"
            ),
            FULL - STEP,
            "quiet",
        ),
        # ---- looking around
        "looks for the solution": Case(body(look), FULL - STEP, "found []"),
        "writes to the gradebook": Case(
            body(
                f"for place in ('/work/main/notebooks/coursework/gradebook.db', {str(owned)!r}, "
                "'/in/x', '/course/harness.py'):\n"
                "    try:\n        open(place, 'a').write('owned')\n"
                "    except OSError as error: continue\n    raise RuntimeError('wrote ' + place)\n"
                "raise RuntimeError('nothing written')"
            ),
            FULL - STEP,
            "nothing written",
        ),
        "network": Case(body(network), FULL - STEP, "network ['ConnectionRefusedError', 'OSError'"),
        "becomes root": Case(
            body("os.setuid(0)"), FULL - STEP, "PermissionError" if os.getuid() == 0 else ""
        ),
        "reads from the keyboard": Case(extra("input()"), FULL, "EOFError"),
        # ---- the notebook's form
        "deleted check": Case(edited(drop("ps1-step")), FULL, "deleted or renamed: ps1-step"),
        "deleted setup": Case(edited(drop("ps1-setup")), FULL, "deleted or renamed: ps1-setup"),
        "deleted solution": Case(
            edited(drop("ps1-step-code")), FULL - STEP, "no function one_step"
        ),
        "deleted written answer": Case(edited(drop("ps1-sharing")), FULL, "ps1-sharing"),
        "changed id of a check": Case(
            edited(rename("ps1-step", "ps1-mine")), FULL, "not one of this set"
        ),
        "changed id of a solution": Case(
            edited(rename("ps1-step-code", "ps1-forward")), FULL - STEP, "ps1-step-code"
        ),
        "a cell twice": Case(edited(doubled), FULL, "there twice"),
        "emptied check, more points": Case(edited(emptied_check), FULL - STEP, "wrong"),
        "malformed cells": Case(malformed, FULL, "malformed"),
        "older format": Case(older, FULL),
        "magics": Case(extra("%matplotlib inline\n!ls\nif True:\n    %time 3"), FULL),
        "does not compile": Case(function("def one_step(:"), FULL - STEP, "SyntaxError"),
        "lone surrogates": Case(extra("x = '\\ud800'\nraise ValueError(x)"), FULL, "ValueError"),
        "markup in an error": Case(
            extra("raise ValueError('<script>alert(1)</script>')"), FULL, "ValueError"
        ),
        # ---- the file
        "not JSON": Case(raw(b"{ this is no notebook"), 0.0, "is not JSON"),
        "empty file": Case(raw(b""), 0.0, "the file is empty"),
        "bytes": Case(raw(bytes(range(256)) * 50), 0.0, "not text in UTF-8"),
        "JSON of another kind": Case(raw(b"[1, 2, 3]"), 0.0, "no notebook format"),
        "nested JSON": Case(raw(b"[" * 10**6), 0.0, "no notebook"),
        "no cells": Case(raw(b'{"nbformat": 4, "cells": 3}'), 0.0, "no list of cells"),
        "pickle": Case(raw(pickle.dumps([1, 2])), 0.0, "no notebook"),
        "huge file": Case(raw(b" " * 21_000_000), 0.0, "larger than"),
        "wrong name": Case(
            lambda folder: write(folder, solved("ps1"), "my homework.ipynb"), FULL, "is named"
        ),
        "extra notebook": Case(two("ps1.ipynb", "draft.ipynb"), FULL, "draft.ipynb was not looked"),
        "submitted twice": Case(two("ps1.ipynb", "ps1 (1).ipynb"), FULL, "ps1 (1).ipynb"),
        "two wrong names": Case(two("a.ipynb", "b.ipynb"), 0.0, "None of the 2 notebooks"),
        "nothing at all": Case(lambda folder: None, 0.0, "There is no notebook"),
        "a link": Case(link, 0.0, "cannot be read"),
        "a pipe": Case(pipe, 0.0, "not a regular file"),
        "a folder": Case(directory, 0.0, "no notebook"),
        "late": Case(late, FULL),
        "odd timestamp": Case(odd_time, FULL, "cannot be read"),
        "non-ASCII name": Case(
            lambda folder: write(folder, solved("ps1")), FULL, student="Žofie Müller-Öz 李雷"
        ),
        "name with odd characters": Case(
            lambda folder: write(folder, solved("ps1")), FULL, student="[a-z]*; $(touch x) & 'b'"
        ),
    }
    # Without a filter of system calls, and the guide says so, these two get what they want.
    unstopped = () if sandbox.filters() else ("shared memory", "namespace of its own")
    return {name: case for name, case in found.items() if name not in unstopped}
