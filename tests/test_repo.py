"""The repository keeps its promises: commands, pins, licences, libraries, stored notebooks."""

import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import first_cell
import pytest
import site_options
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "book" / "_static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
PROSE = sorted([*ROOT.glob("*.md"), *(ROOT / "book").glob("*.md")])
NOTEBOOKS = sorted(
    path
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts and "coursework" not in path.parts
)
PAGE_LIMIT = 2_000_000
LONGEST_CELL = 20
EXERCISES_WANTED = 5


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def text(lines):
    return lines if isinstance(lines, str) else "".join(lines)


# ---- commands, pins, packaging -------------------------------------------------------------------


def make_targets():
    return set(re.findall(r"^([a-z0-9]+):.*## .+$", read("Makefile"), re.M))


def test_make_help_lists_every_command_in_one_line_each():
    # When make runs this test, its settings must not reach the make that is tested.
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    )
    listed = [line.split()[1] for line in shown.stdout.splitlines()]
    declared = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.M)[1].split()
    assert sorted(listed) == sorted(declared) == sorted(make_targets())


@pytest.mark.parametrize("page", [*PROSE, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_commands_that_a_page_names_exist(page):
    shown = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^|&& |\{ )make ([a-z0-9]+)", shown, re.M))
    assert named <= make_targets()


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_files_that_a_page_of_the_repository_shows_or_links_exist(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert all((ROOT / link).exists() for link in links if "://" not in link)


def test_workflows_call_make():
    for name in ("test", "publish"):
        steps = yaml.safe_load(read(f".github/workflows/{name}.yml"))["jobs"][name]["steps"]
        commands = " ".join(step.get("run", "") for step in steps)
        assert re.search(r"\bmake [a-z]+|\.ci/run", commands)


def test_requirements_pin_every_package_exactly():
    lines = [line for line in read("requirements.txt").splitlines() if not line.startswith("#")]
    pins = {}
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line
        name, version = line.split("==")
        pins[name.lower().replace("_", "-")] = version
    assert "rnncore" not in pins
    settings = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = [line for extra in settings["optional-dependencies"].values() for line in extra]
    wanted += settings["dependencies"]
    for requirement in wanted:
        assert re.match(r"[A-Za-z0-9-]+", requirement)[0].lower() in pins, requirement
    assert settings["dependencies"] and all("numpy" in line for line in settings["dependencies"])


def test_the_package_carries_its_data_files():
    settings = tomllib.loads(read("pyproject.toml"))["tool"]["setuptools"]["package-data"]["*"]
    for path in (ROOT / "rnncore").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert any(fnmatch.fnmatch(path.name, pattern) for pattern in settings), path


def test_importing_rnncore_needs_numpy_alone():
    program = (
        "import sys, rnncore; "
        "print(*{name.partition('.')[0] for name in sys.modules} & set(sys.argv[1:]))"
    )
    others = ["torch", "matplotlib", "scipy", "sklearn", "pandas", "statsmodels", "tqdm", "IPython"]
    others += ["anywidget", "ipywidgets"]
    done = subprocess.run(
        [sys.executable, "-c", program, *others], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_licence_and_citation():
    licence = read("LICENSE")
    assert "MIT License" in licence and "CC BY 4.0" in licence
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["authors"] == [{"name": "The rnncore contributors"}]
    assert citation["title"] == yaml.safe_load(read("_config.yml"))["title"]
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert str(citation["version"]) == version


def requirements_of(wanted, seen=None):
    """Return the names of the installed packages that requirements bring, all the way down."""
    seen = set() if seen is None else seen
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        chosen = requirement.extras or {""}
        if (name, frozenset(chosen)) in seen:
            continue
        seen.add((name, frozenset(chosen)))
        assert metadata.version(name) in requirement.specifier, requirement
        further = map(Requirement, metadata.requires(name) or ())
        needed = (
            one
            for one in further
            if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in chosen)
        )
        requirements_of(needed, seen)
    return {name for name, _ in seen}


def test_binder_gets_what_the_lectures_import():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    python = read(".binder/runtime.txt").strip().removeprefix("python-")
    assert python in SpecifierSet(project["requires-python"])
    lines = [line for line in read(".binder/requirements.txt").splitlines() if line[0] not in "#-"]
    extras = re.fullmatch(r"\.\[([\w,]+)\]", lines[0])[1].split(",")
    assert len(lines) == 1 and set(extras) <= set(project["optional-dependencies"])
    assert extras == first_cell.EXTRAS.split(",")
    wanted = project["dependencies"] + [
        line for extra in extras for line in project["optional-dependencies"][extra]
    ]
    installed = requirements_of(map(Requirement, wanted))
    source = "\n".join(
        text(cell["source"])
        for path in NOTEBOOKS
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    )
    # Indented imports are tries that a lecture can do without.
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.M))
    providers = metadata.packages_distributions()
    for module in imported - {"rnncore"} - sys.stdlib_module_names:
        assert {canonicalize_name(name) for name in providers[module]} & installed, module


@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("", '`pip install ".[book,torch]"` in a copy'),
        (
            "https://github.com/a/b/",
            '`pip install "rnncore[book,torch] @ git+https://github.com/a/b"`',
        ),
    ],
)
def test_the_first_cell_says_what_to_install_once(address, command):
    title = "# A title\n\nA promise."
    once = first_cell.said(title, address)
    assert once.startswith(title + "\n\n*To run this lecture") and command in once
    assert first_cell.said(once, address) == once
    assert first_cell.said(first_cell.said(title, "https://old.example/x"), address) == once


# ---- the site's sources --------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [VENDOR, ROOT / "tests" / "vendor"], ids=["site", "tests"])
def test_carried_libraries_are_what_the_manifest_says(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    listed = {
        place: checksum
        for library in manifest["libraries"].values()
        for place, checksum in library["files"].items()
    }
    present = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert present == listed
    for name, library in manifest["libraries"].items():
        assert library["version"] and library["licence"] and library["source"], name


def test_the_carried_anywidget_is_the_installed_one():
    version = MANIFEST["libraries"]["anywidget"]["version"]
    assert f"\nanywidget=={version}\n" in read("requirements.txt")


def test_every_page_in_the_contents_exists_and_every_page_is_in_the_contents():
    contents = yaml.safe_load(read("_toc.yml"))
    listed = [contents["root"]]
    listed += [page["file"] for part in contents["parts"] for page in part["chapters"]]
    # The contents number the lectures by their order, so one waits until all before it are there.
    lectures = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    shown = [path for k, path in enumerate(lectures, 1) if int(path.name[:2]) == k]
    pages = [*(ROOT / "book").glob("*.md"), *shown]
    present = [path.relative_to(ROOT).with_suffix("").as_posix() for path in pages]
    assert sorted(listed) == sorted(present)
    assert [page for page in listed if page.startswith("notebooks/")] == [
        path.relative_to(ROOT).with_suffix("").as_posix() for path in shown
    ]


def test_the_api_page_has_every_public_name():
    import rnncore
    from rnncore import ctc, hopfield, plotting, selfcheck, widgets

    page = read("book/api.md")
    documented = set()
    for block in re.findall(r"^```\{eval-rst\}$(.*?)^```$", page, re.M | re.S):
        module = re.search(r"currentmodule:: (\S+)", block)[1]
        documented |= {
            f"{module}.{name}" for name in re.findall(r"^\.\. auto\w+:: (\S+)", block, re.M)
        }
    public = {f"rnncore.{name}" for name in rnncore.__all__ if name != "data"}
    public |= {f"rnncore.data.{name}" for name in rnncore.data.__all__}
    public |= {f"rnncore.hopfield.{name}" for name in hopfield.__all__}
    public |= {f"rnncore.ctc.{name}" for name in ctc.__all__}
    public |= {f"rnncore.selfcheck.{name}" for name in selfcheck.__all__}
    public |= {f"rnncore.widgets.{name}" for name in widgets.__all__}
    public |= {f"rnncore.plotting.{name}" for name in plotting.__all__ if not name.isupper()}
    assert documented == public


@pytest.mark.parametrize("address", ["", "  ", "https://example.org/book"])
def test_repository_buttons_are_there_only_with_an_address(address):
    options = site_options.theme_options({"repository_url": address, "show_toc_level": 2})
    there = bool(address.strip())
    assert options["show_toc_level"] == 2
    assert ("repository_url" in options) == there
    assert all(options[button] is there for button in site_options.REPOSITORY_BUTTONS)


# ---- notebooks -----------------------------------------------------------------------------------


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


@pytest.fixture
def prose(notebook):
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return "\n\n".join(text(cell["source"]) for cell in cells)


def code_cells(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield cell, cell["metadata"].get("tags", [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_small_enough(path):
    assert path.stat().st_size < PAGE_LIMIT


def test_notebook_is_stored_from_one_clean_run(notebook):
    counts = [cell["execution_count"] for cell, _ in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert all("execution" not in cell["metadata"] for cell, _ in code_cells(notebook))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["language_info"]["version"].count(".") == 1


def test_notebook_shows_no_warnings_and_only_wanted_errors(notebook):
    for cell, tags in code_cells(notebook):
        for output in cell["outputs"]:
            assert output.get("name") != "stderr", text(output["text"])
            if output["output_type"] == "error":
                assert "raises-exception" in tags, output["ename"]


def test_notebook_shows_no_paths_of_the_machine_that_ran_it(notebook):
    for cell, _ in code_cells(notebook):
        shown = json.dumps([{**out, "data": None} for out in cell["outputs"]])
        shown += "".join(text(out.get("data", {}).get("text/plain", "")) for out in cell["outputs"])
        assert not re.search(r"/(home|root|Users|tmp|work)/\w+|[A-Z]:\\\\Users", shown)


def test_notebook_has_the_parts_of_a_lecture(notebook, prose):
    without_code = re.sub(r"^(`{3,}|:{3,}).*?^\1", "", prose, flags=re.M | re.S)
    titles = re.findall(r"^(#+) (.+)$", without_code, re.M)
    assert [level for level, _ in titles].count("#") == 1
    assert text(notebook["cells"][0]["source"]).startswith("# ")
    sections = [title for level, title in titles if level == "##"]
    for wanted in ("Overview", "Summary", "Exercises", "References"):
        assert wanted in sections


def test_notebook_says_in_its_first_cell_how_to_get_what_it_needs(notebook):
    source = text(notebook["cells"][0]["source"])
    assert source == first_cell.said(source, first_cell.address_of_the_repository())


def test_notebook_has_exercises_each_with_a_solution(prose):
    exercises = re.findall(
        r"^(?:`{3,}|:{3,})\{exercise(?:-start)?\}.*?^:label: (\S+)", prose, re.M | re.S
    )
    solutions = re.findall(r"^(?:`{3,}|:{3,})\{solution(?:-start)?\} (\S+)", prose, re.M)
    assert len(set(exercises)) == len(exercises) >= EXERCISES_WANTED
    assert sorted(solutions) == sorted(exercises)


def test_notebook_pictures_have_a_text_alternative(notebook, prose):
    assert all(len(alt) > 10 for alt in re.findall(r"!\[([^\]]*)\]\(", prose))
    for cell, _ in code_cells(notebook):
        if any("image/png" in output.get("data", {}) for output in cell["outputs"]):
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 10, text(cell["source"])[:200]


def test_notebook_cells_are_short(notebook):
    for cell, tags in code_cells(notebook):
        lines = [line for line in text(cell["source"]).splitlines() if line.strip()]
        assert lines, "an empty cell"
        if not {"hide-input", "hide-cell"} & set(tags):
            assert len(lines) <= LONGEST_CELL, "\n".join(lines[:3])


def test_notebook_installs_and_downloads_nothing(notebook):
    for cell, _ in code_cells(notebook):
        source = text(cell["source"])
        assert not re.search(r"^\s*[!%]\s*(pip|conda|wget|curl)\b", source, re.M)
        assert not re.search(r"\b(urllib|requests|urlopen|urlretrieve)\b", source)
        assert not re.search(r"np\.random\.(seed|rand|randn|randint|normal|uniform)\(", source)
