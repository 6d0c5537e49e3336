"""The judge's parts: comparing, choosing, measuring, and what a task may ask of the sandbox."""

import dataclasses
import shutil
import struct

import nbformat
import numpy as np
import pytest
from coursework.sets import cells, own_course, solved, submission
from grading import (
    compare,
    course,
    form,
    grade,
    marking,
    plain,
    release,
    sandbox,
    seccomp,
    task,
    verdict,
)
from grading.task import Choice, Metric, Task, call

NUMBERS = np.array([1.0, 2.0, 4.0])

needs_sandbox = pytest.mark.skipif(
    not sandbox.available(), reason="bubblewrap does not work here, and nothing is run without it"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of its database


@pytest.fixture(scope="module", autouse=True)
def root(tmp_path_factory):
    with own_course(tmp_path_factory.mktemp("judge")) as place:
        yield place


# ---- comparing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, expected",
    [
        (NUMBERS + 1e-12, NUMBERS),
        (3, 3.0),
        (np.array(3), 3),
        (True, True),
        ([1, 2], (1, 2)),
        (np.array([1, 2]), [1, 2]),
        ({"b": 1, "a": NUMBERS}, {"a": NUMBERS, "b": 1}),
        ("text", "text"),
        (None, None),
        (np.array([np.nan, 1]), np.array([np.nan, 1])),
        (NUMBERS.astype(np.int64), NUMBERS),
        (np.array([True, False]), np.array([1.0, 0.0])),
    ],
)
def test_what_is_right(answer, expected):
    assert compare.difference(answer, expected, 1e-7, 1e-9) is None


@pytest.mark.parametrize(
    "answer, expected, says",
    [
        (-NUMBERS, NUMBERS, "the wrong sign"),
        (NUMBERS + [0, 0, 1], NUMBERS, "1 of 3 numbers are wrong"),
        (NUMBERS[None], NUMBERS, "expected an array of shape (3,), got an array of shape (1, 3)"),
        (1.0, NUMBERS, "got a number"),
        ([1.0, 2.0, 4.0], NUMBERS, "got a list"),
        ((NUMBERS + 1e-6).astype(np.float32), NUMBERS, "rounding of float32"),
        (NUMBERS * np.nan, NUMBERS, "3 of 3 numbers are NaN"),
        (np.array([True]), np.array([5.0]), "the number is wrong"),
        (np.array([1, 2]), np.array([1, 3]), "1 of 2 numbers"),
        (4, 5, "the number is wrong"),
        (None, 5, "is there a return?"),
        ("5", 5, "got a text"),
        ("a", "b", "another text"),
        (3, "b", "expected a text"),
        ([1], [1, 2], "expected 2 parts, got 1"),
        ([1, 3], [1, 2], "part 2: the number is wrong"),
        (3, [1], "expected a list"),
        ({"a": 1}, {"b": 1}, "expected the keys b, got a"),
        ({"a": 1}, {"a": 2}, "a: the number is wrong"),
        (1, {"a": 2}, "expected a dict"),
        (plain.Other("Liar"), NUMBERS, "another kind (Liar)"),
    ],
)
def test_what_is_wrong(answer, expected, says):
    assert says in compare.difference(answer, expected, 1e-7, 1e-9)


def test_plain_values_cross_the_border_and_others_do_not(tmp_path):
    value = {"a": [NUMBERS, (1, -2.5, None, True, "ü")], "b": {"c": np.zeros((0, 3), np.int32)}}
    plain.write(tmp_path / "x.npz", value)
    back = plain.read(tmp_path / "x.npz", 10**6)
    assert back["a"][1] == (1, -2.5, None, True, "ü") and back["b"]["c"].shape == (0, 3)
    assert back["a"][0].tobytes() == NUMBERS.tobytes()
    plain.write(tmp_path / "y.npz", [object(), {1: 2}, np.array([None]), 10**400, float("inf")])
    *others, infinite = plain.read(tmp_path / "y.npz", 10**6)
    assert all(isinstance(one, plain.Other) for one in others) and infinite == np.inf
    with pytest.raises(ValueError, match="larger than"):
        plain.read(tmp_path / "x.npz", 100)


# ---- leaderboard and choice --------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, zero, full, points",
    [(0.5, 0, 1, 5), (2.0, 0, 1, 10), (-1.0, 0, 1, 0), (3.0, 5, 1, 5), (float("nan"), 0, 1, 0)],
)
def test_a_metric_earns_points_between_two_ends(value, zero, full, points):
    assert compare.points(value, zero, full, 10) == points


def test_the_best_groups_count():
    choice = Choice("ps-choice", {"one": ("a", "b"), "two": ("c",), "three": ("d",)}, best=2)
    marks = {"a": [1.0, ""], "b": [2.0, ""], "c": [5.0, ""], "d": [0.5, ""]}
    points, sentence = verdict._chosen(choice, marks)
    assert points == 8 and "Counted: two, one." in sentence


# ---- what a task may ask -----------------------------------------------------------------------


def alone(one, sources, files=None, student="someone"):
    """The marks of one task for several contents of the first cell to fill in."""
    ps = dataclasses.replace(task.load("ps1"), tasks=(one,))
    handed_in = []
    for source in sources:
        notebook = solved("ps1")
        cells(notebook)["ps1-step-code"].source = source
        handed_in.append(submission("ps1", notebook, student))
        handed_in[-1].files = files or {}
    marks = marking.fresh(ps, handed_in)
    return [mark["cells"][one.cell] for mark in marks], marks


def one_task(**settings):
    settings = {"reference": lambda x: 2 * x, "calls": lambda rng: [call(rng.normal(size=3))]} | (
        settings
    )
    return Task(cell="ps1-step", points=2, function="f", **settings)


@needs_sandbox
def test_functions_of_the_package_can_be_forbidden_for_a_task():
    uses = "import rnncore\ndef f(x): return rnncore.softmax(x)"
    early = "from rnncore import softmax\ndef f(x): return softmax(x)"
    own = "def f(x): return np.exp(x - x.max()) / np.exp(x - x.max()).sum()"
    from rnncore import softmax

    outcomes, _ = alone(one_task(reference=softmax, without=("softmax",)), [uses, early, own])
    assert [points for points, _ in outcomes] == [0, 0, 2]
    assert "write this one yourself" in outcomes[0][1]
    outcomes, _ = alone(one_task(reference=softmax), [uses])
    assert outcomes[0][0] == 2


@needs_sandbox
def test_an_argument_changed_in_place_is_wrong_unless_the_task_allows_it():
    source = "def f(x):\n    x *= 2\n    return x"
    assert "in place" in alone(one_task(), [source])[0][0][1]
    assert alone(one_task(pure=False), [source])[0][0][0] == 2


@needs_sandbox
def test_a_task_can_wrap_a_function_and_keep_something_outside():
    wrap = "def answer(student, x):\n    return student.f(lambda y: y + 1, x)"
    outcomes, _ = alone(
        one_task(wrap=wrap, reference=lambda x: x + 1), ["def f(g, x): return g(x)"]
    )
    assert outcomes[0][0] == 2

    def compared(given, answer, expected):
        return None if answer == given.hidden else "not the hidden number"

    ask = one_task(
        calls=lambda rng: [call(np.ones(2), hidden=7)],
        reference=lambda x: None,
        compare=compared,
    )
    outcomes, _ = alone(ask, ["def f(x): return 7", "def f(x): return 8"])
    assert outcomes[0][0] == 2 and "not the hidden number" in outcomes[1][1]


@needs_sandbox
def test_a_metric_is_measured_outside_and_files_are_handed_in(tmp_path):
    def score(calls, answers):
        if not isinstance(answers[0], np.ndarray):
            raise ValueError("expected an array")
        return float(np.mean(answers[0] == calls[0].hidden))

    metric = Metric("accuracy", score, zero=0.5, full=1.0)
    ask = one_task(calls=lambda rng: [call(4, hidden=np.arange(4))], metric=metric, reference=None)
    np.save(tmp_path / "w.npy", np.array([0, 1, 2, 9]))
    outcomes, marks = alone(
        ask,
        ["def f(n): return np.load('w.npy')", "def f(n): return 'no'"],
        {"w.npy": (tmp_path / "w.npy").read_bytes()},
    )
    assert outcomes[0] == [1.0, "accuracy on held-out data: 0.75."]
    assert marks[0]["metrics"] == {"accuracy": 0.75}
    assert outcomes[1][0] == 0 and "expected an array" in outcomes[1][1]
    assert not marks[1]["metrics"]


def test_files_beside_the_notebook_are_taken_by_name_and_size(tmp_path):
    nbformat.write(solved("ps1"), tmp_path / "ps1.ipynb")
    for name, size in (("weights.npz", 50), ("large.npz", 500), ("other.txt", 5)):
        (tmp_path / name).write_bytes(b"x" * size)
    allowed = {"weights.npz": 100, "large.npz": 100, "missing.npz": 100}
    read = form.read("ada", tmp_path, "ps1", release.released("ps1"), allowed)
    assert list(read.files) == ["weights.npz"]
    assert read.notes == ["The file large.npz was left out: larger than the 100 bytes allowed."]


# ---- with nbgrader -----------------------------------------------------------------------------


@needs_sandbox
def test_the_formgraders_own_button_uses_the_judge(root):
    release.build("ps1")
    place = root / "submitted" / "ada" / "ps1"
    place.mkdir(parents=True)
    shutil.copy(course.SOURCE / "ps1" / "ps1.ipynb", place)
    done = course.api("submitted").autograde("ps1", "ada")
    assert done["success"], done
    with course.gradebook() as gb:
        entry = gb.find_submission("ps1", "ada")
        assert entry.score == 20 and entry.needs_manual_grade


@needs_sandbox
def test_what_nbgrader_has_collected_is_graded_and_left_as_it_came(root):
    release.build("ps1")
    for student, content in (("ida", b"no notebook"), ("bob", b"")):
        (root / "submitted" / student / "ps1").mkdir(parents=True)
        (root / "submitted" / student / "ps1" / "ps1.ipynb").write_bytes(content)
    tables = []
    for _ in range(2):
        assert grade.grade("ps1", root / "submitted", 2) == 0
        tables.append((root / "results" / "ps1" / "grades.csv").read_text())
    assert tables[0] == tables[1] and "it is not JSON" in tables[0]
    assert (root / "submitted" / "ida" / "ps1" / "ps1.ipynb").read_bytes() == b"no notebook"
    with pytest.raises(ValueError, match="expected another folder, this one is written anew"):
        grade.grade("ps1", root / course.CHECKED, 1)


@needs_sandbox
def test_a_fault_of_the_grader_costs_no_student_a_mark(root, monkeypatch, capsys):
    folder = root / "in" / "eve"
    folder.mkdir(parents=True)
    notebook = solved("ps1")
    notebook.cells.append(nbformat.v4.new_markdown_cell("Not the same as another."))
    nbformat.write(notebook, folder / "ps1.ipynb")
    with monkeypatch.context() as broken:
        broken.setattr(sandbox, "PACKAGE", root / "missing")
        broken.setattr(sandbox, "check", lambda: True)
        assert grade.grade("ps1", root / "in", 1) == 1
    table = (root / "results" / "ps1" / "grades.csv").read_text()
    assert "NOT GRADED: RuntimeError: the sandbox did not start" in table
    assert grade.grade("ps1", root / "in", 1) == 0
    assert "\neve,ps1,20.0,25.0,2," in (root / "results" / "ps1" / "grades.csv").read_text()


def test_two_who_draw_the_seed_at_once_get_the_same(tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        drawn = set(pool.map(lambda _: course.seed(), range(50)))
    assert len(drawn) == 1 and [p.name for p in tmp_path.iterdir()] == ["seed.txt"]


def test_names_of_students_stay_apart_and_safe(tmp_path):
    for name in ("Ada", "ada", "a?b", ".hidden", "Zoë", "Zoe\u0308"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("no folder")
    students = [student for student, _ in form.find(tmp_path, "ps1")]
    assert len({s.casefold() for s in students}) == len(students) == 5
    assert {"Zoë", "a_b"} < set(students) and any(s.startswith("Zoë_") for s in students)
    with pytest.raises(ValueError, match="no such folder"):
        form.find(tmp_path / "nowhere", "ps1")


# ---- what a student's cells find around them ---------------------------------------------------


ASKS = "def f(x): return 2 * x\n"


@needs_sandbox
@pytest.mark.parametrize(
    "source",
    [
        "print('loss %g'\n% 3)\n" + ASKS,
        "%matplotlib inline\nprint('loss %g'\n   % 3)\n" + ASKS,
        "text = '''\n% kept\n! kept\n'''\nassert text.count('kept') == 2\n" + ASKS,
        "np.tanh?\n?np\n" + ASKS,
        "took = %timeit -o 3\nfiles = !ls 'a\n" + ASKS,
        "!pip install \\\n  numpy \\\n  'scipy\n" + ASKS,
        "    def f(x):\n        %time 3\n        return 2 * x",
        "import asyncio\nawait asyncio.sleep(0)\n" + ASKS,
        "get_ipython().run_line_magic('matplotlib', 'inline')\n" + ASKS,
        "%%time\n" + ASKS,
        "import sys\ndisplay(3, display_id='a')\nsys.stdout.writelines(['a'])\n" + ASKS,
        ASKS + "buffer = np.zeros(3)\ndef f(x):\n    buffer[:] = 2 * x\n    return buffer",
        "\n" * 600_000 + ASKS,
        "\n" * 600_000 + "%time 3\n" + ASKS,
    ],
    ids=lambda source: repr(source[:20]),
)
def test_what_runs_in_a_notebook_runs_here(source):
    twice = one_task(calls=lambda rng: [call(rng.normal(size=3)) for _ in range(2)])
    outcomes, marks = alone(twice, [source])
    assert outcomes[0][0] == 2 and not marks[0]["errors"], marks


@needs_sandbox
def test_a_cell_in_another_language_is_passed_over_and_an_error_stays_one():
    outcomes, marks = alone(one_task(), ["%%bash\nls 'x", "%time 3\ndef f(x:"])
    assert [points for points, _ in outcomes] == [0, 0]
    assert not marks[0]["errors"]
    assert "SyntaxError" in marks[1]["errors"][0][1] and "line 2" in marks[1]["errors"][0][1]


@needs_sandbox
def test_what_is_forbidden_is_so_under_every_name():
    around = [
        "from rnncore.readout import count_parameters\ndef f(n): return 0 * len(count_parameters("
        "rnncore.GRU(n, n)))",
        "def f(n): return rnncore.Readout(rnncore.GRU(n, n), n).count()",
        "def f(n): return rnncore.count_parameters.__wrapped__(rnncore.GRU(n, n))",
        "import sys\ndef f(n):\n    for key, m in sys.modules.items():\n"
        "        g = getattr(m, 'count_parameters', None)\n"
        "        if g: return sum(g(rnncore.GRU(n, n)).values())",
    ]
    task_of = one_task(
        calls=lambda rng: [call(3)], reference=lambda n: 0, without=("count_parameters",)
    )
    outcomes, _ = alone(task_of, ["import rnncore\n" + source for source in around])
    assert [points for points, _ in outcomes] == [0] * len(around)
    for k, (_, sentence) in enumerate(outcomes):
        said = "__wrapped__" if k == 2 else "not allowed here: write this one yourself"
        assert said in sentence, sentence


@needs_sandbox
def test_threads_and_processes_go_on_working_in_the_sandbox():
    source = (
        "import subprocess, sys, threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def f(x):\n"
        "    with ThreadPoolExecutor(3) as pool: y = sum(pool.map(lambda k: x, (1, 2)))\n"
        "    command = [sys.executable, '-c', 'print(3)']\n"
        "    said = subprocess.run(command, capture_output=True).stdout\n"
        "    np.linalg.svd(np.ones((99, 99)) @ np.ones((99, 99)))\n"
        "    return y if said == b'3\\n' and os.fork else None\nimport os\n"
    )
    outcomes, _ = alone(one_task(), [source])
    assert outcomes[0][0] == 2, outcomes


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_the_filter_ends_every_way_through_it_with_an_answer(machine):
    """A small model of the kernel's machine runs it on each call."""
    raw = seccomp.program(machine)
    lines = [struct.unpack("<HBBI", raw[k : k + 8]) for k in range(0, len(raw), 8)]

    def says(nr, flags=0, arch=seccomp.MACHINES[machine]):
        data, value, k = struct.pack("<IIQQ", nr, arch, 0, flags), 0, 0
        while True:
            code, then, otherwise, number = lines[k]
            if code == seccomp.RETURN:
                return number
            if code == seccomp.LOAD:
                (value,) = struct.unpack_from("<I", data, number)
                k += 1
                continue
            yes = {
                seccomp.IS: value == number,
                seccomp.AT_LEAST: value >= number,
                seccomp.ANY_BIT: bool(value & number),
            }[code]
            k += 1 + (then if yes else otherwise)

    column = list(seccomp.MACHINES).index(machine)
    refused = {numbers[column] for numbers in seccomp.REFUSED.values()}
    clone, clone3 = seccomp.CLONE[column], seccomp.CLONE3[column]
    assert {says(nr) for nr in refused} == {seccomp.ERROR | seccomp.EPERM}
    assert says(clone3) == seccomp.ERROR | seccomp.ENOSYS
    assert says(clone, 0x003D0F00) == seccomp.ALLOW  # a thread
    assert says(clone, 0x10000011) == seccomp.ERROR | seccomp.EPERM
    assert {says(nr) for nr in range(500) if nr not in refused | {clone3}} == {seccomp.ALLOW}
    assert says(0, arch=0x40000003) == seccomp.KILL


def test_what_cannot_be_looked_at_is_too_much_without_a_sandbox(monkeypatch, tmp_path):
    def closed(folder, onerror):
        onerror(PermissionError())
        return iter(())

    monkeypatch.setattr(sandbox.os, "walk", closed)
    assert sandbox._found(tmp_path)[0] == np.inf
