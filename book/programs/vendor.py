"""Fetch the JavaScript libraries that the site and its tests carry: ``make vendor``.

``book/_static/vendor`` goes with every page, ``tests/vendor`` with none.  The ``manifest.json`` of
each names, for each library, its version, licence, source and the SHA-256 of every file. Packages
come from the npm registry by ``npm pack``, which checks the archive against the registry's own
checksum; here its SHA-512 is compared once more with the one that the manifest remembers, so that
a version's content cannot change unnoticed. Files are written to a temporary folder and moved in
at the end. To change a version: edit ``LIBRARIES`` and run again.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
VENDOR, TESTED = ROOT / "book" / "_static" / "vendor", ROOT / "tests" / "vendor"
MANIFEST = "manifest.json"

# What is taken from each package: path inside the package -> path under vendor/.
# A path that ends in a slash stands for every file below it.
LIBRARIES = {
    "mathjax": {
        "version": "3.2.2",
        "licence": "Apache-2.0",
        "files": {
            "LICENSE": "mathjax/LICENSE",
            "es5/tex-chtml.js": "mathjax/tex-chtml.js",
            "es5/input/tex/extensions/": "mathjax/input/tex/extensions/",
            "es5/output/chtml/fonts/woff-v2/": "mathjax/output/chtml/fonts/woff-v2/",
        },
    },
    "requirejs": {
        "version": "2.3.8",
        "licence": "MIT",
        "files": {"require.js": "requirejs/require.js"},
    },
    "@jupyter-widgets/html-manager": {
        "version": "1.0.15",
        "licence": "BSD-3-Clause",
        "files": {
            "dist/embed-amd.js": "html-manager/embed-amd.js",
            "dist/embed.js.LICENSE.txt": "html-manager/LICENSE.txt",
            # the icons of the widgets, under the names that embed-amd.js asks for
            "dist/1551f4f60c37af51121f.woff2": "html-manager/1551f4f60c37af51121f.woff2",
            "dist/7a3337626410ca2f4071.woff2": "html-manager/7a3337626410ca2f4071.woff2",
            "dist/d878b0a6a1144760244f.woff2": "html-manager/d878b0a6a1144760244f.woff2",
        },
    },
}
# What looks for barriers in the pages, in a test.
TEST_LIBRARIES = {
    "axe-core": {
        "version": "4.14.1",
        "licence": "MPL-2.0",
        "files": {"axe.min.js": "axe-core/axe.min.js", "LICENSE": "axe-core/LICENSE"},
    },
}
# anywidget's browser module comes with the Python package, so that both sides have one version.
ANYWIDGET = "anywidget/index.js"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def select(names: list[str], files: dict[str, str]) -> dict[str, str]:
    """Map the archive's member names to their places, for the wanted files and folders."""
    chosen = {}
    for source, target in files.items():
        for name in names:
            inner = PurePosixPath(name).relative_to("package").as_posix()
            if inner == source or (source.endswith("/") and inner.startswith(source)):
                chosen[name] = target + inner[len(source) :]
    return chosen


def fetch(package: str, version: str, folder: Path) -> Path:
    """Download one npm package's archive into ``folder``."""
    print(f"fetching {package} {version}", flush=True)
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package}@{version}"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("make vendor needs npm (https://nodejs.org) to fetch the libraries.")
    except subprocess.CalledProcessError as error:
        sys.exit(f"npm could not fetch {package}@{version}:\n{error.stderr.strip()}")
    return folder / done.stdout.strip().splitlines()[-1]


def unpack(archive: Path, wanted: dict[str, str], into: Path) -> dict[str, str]:
    """Write the wanted files of an archive and return their checksums."""
    written = {}
    with tarfile.open(archive) as tar:
        names = [member.name for member in tar.getmembers() if member.isfile()]
        places = select(names, wanted)
        for source in wanted:
            if not any(name.startswith(f"package/{source}") for name in places):
                sys.exit(f"{archive.name} has no {source}: has the package's layout changed?")
        for name, place in places.items():
            content = tar.extractfile(name).read()
            target = into / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            written[place] = sha256(content)
    return written


def integrity(archive: Path) -> str:
    digest = hashlib.sha512(archive.read_bytes()).digest()
    return "sha512-" + base64.b64encode(digest).decode()


def collect(wanted_libraries: dict, into: Path, remembered: dict) -> dict:
    """Fill the folder ``into`` and return what its manifest says of each library."""
    libraries = {}
    with tempfile.TemporaryDirectory() as downloads:
        for package, wanted in wanted_libraries.items():
            archive = fetch(package, wanted["version"], Path(downloads))
            found, known = integrity(archive), remembered.get(package, {})
            if known.get("version") == wanted["version"] and known["integrity"] != found:
                sys.exit(
                    f"{package} {wanted['version']}: expected {known['integrity']}, got {found}. "
                    "The published archive has changed; nothing was replaced."
                )
            libraries[package] = {
                "version": wanted["version"],
                "licence": wanted["licence"],
                "source": f"npm:{package}@{wanted['version']}",
                "integrity": found,
                "files": unpack(archive, wanted["files"], into),
            }
    return libraries


def anywidget(into: Path) -> dict:
    """Take anywidget's browser module from the environment."""
    version = metadata.version("anywidget")
    content = (Path(sys.prefix) / "share/jupyter/nbextensions/anywidget/index.js").read_bytes()
    (into / ANYWIDGET).parent.mkdir(parents=True)
    (into / ANYWIDGET).write_bytes(content)
    return {
        "version": version,
        "licence": "MIT",
        "source": f"pypi:anywidget=={version}",
        "files": {ANYWIDGET: sha256(content)},
    }


def renew(folder: Path, wanted: dict, about: str) -> None:
    """Fetch everything into a temporary folder, then put it in the place of the old one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    known = folder / MANIFEST
    remembered = json.loads(known.read_text())["libraries"] if known.exists() else {}
    fresh = Path(tempfile.mkdtemp(prefix="vendor.", suffix=".partial", dir=folder.parent))
    try:
        libraries = collect(wanted, fresh, remembered)
        if folder == VENDOR:
            libraries["anywidget"] = anywidget(fresh)
        manifest = {"about": about, "libraries": libraries}
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        old = Path(f"{fresh}.old.partial")
        if folder.exists():
            os.rename(folder, old)
        os.chmod(fresh, 0o755)
        os.rename(fresh, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder.relative_to(ROOT)}: {size / 1e6:.1f} MB, checksums in {MANIFEST}")


def main() -> None:
    written = "Written by `make vendor`; do not edit."
    renew(VENDOR, LIBRARIES, f"Libraries that the site carries. {written}")
    renew(TESTED, TEST_LIBRARIES, f"Libraries that the site's tests use. {written}")


if __name__ == "__main__":
    main()
