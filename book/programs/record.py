"""Run the programs that measure, and renew their tables in ``book/record.md``: ``make record``.

A program is run as ``python PROGRAM`` and calls `table.write_table` for each of its
tables; one that writes none has failed. Names of tables as arguments choose among them.
"""

import argparse
import subprocess
import sys

from table import RECORD, ROOT, places


def blocks() -> dict[str, tuple[str, str]]:
    """Return each table's program and present content, by name."""
    text = RECORD.read_text(encoding="utf-8")
    return {place.name: (place.program, text[place.start : place.stop]) for place in places(text)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of tables; all, if none is given")
    wanted = parser.parse_args().tables
    before = blocks()
    if not before:
        print("book/record.md has no tables yet.")
        return 0
    for name in wanted:
        if name not in before:
            parser.error(f"no table {name}; there are {', '.join(before)}")
    failed = False
    for program in dict.fromkeys(before[name][0] for name in wanted or before):
        print(f"{program} ...", flush=True)
        stamp = RECORD.stat().st_mtime_ns
        done = subprocess.run([sys.executable, ROOT / program], cwd=ROOT, check=False)
        if done.returncode:
            print(f"{program}: failed, its tables are as they were", file=sys.stderr)
            failed = True
        elif RECORD.stat().st_mtime_ns == stamp:
            print(f"{program}: wrote no table", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
