"""Tables of measured figures are written by programs, between markers."""

import re

import pytest
import table

from rnncore.data import recorded

TEXT = """# Figures

Words.

<!-- begin table: speed program: book/programs/bench.py -->
<!-- end table: speed -->

More words.
"""


def test_a_table_is_written_between_its_markers_and_replaced(tmp_path):
    page = tmp_path / "record.md"
    page.write_text(TEXT)
    facts = {"command": "make bench", "seeds": "0 to 4", "record": page}
    table.write_table("speed", ["cell", "ratio"], [["LSTM", 1.5]], note="Below 1.", **facts)
    table.write_table("speed", ["cell", "ratio"], [["GRU", 0.5]], note="Below 1.", **facts)
    text = page.read_text()
    assert "LSTM" not in text and "| GRU | 0.5 |" in text
    assert text.startswith("# Figures\n\nWords.") and text.endswith("More words.\n")
    for fact in ("`make bench`", "Seeds: 0 to 4", "Below 1.", "NumPy", "Python"):
        assert fact in text
    assert list(tmp_path.iterdir()) == [page]


def test_repeated_measurements_are_a_median_and_a_spread():
    assert table.summary([3, 1, 2]) == "2.00 (1.00–3.00)"
    assert table.summary([0.5], digits=1) == "0.5 (0.5–0.5)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("<!-- end table: speed -->", ""), "no end marker"),
        (TEXT + TEXT, "2 times"),
        (TEXT + "<!-- end table: other -->\n", "other"),
        (TEXT.replace("end table: speed", "end table: sped"), "no end marker"),
    ],
)
def test_markers_have_to_fit(text, message):
    with pytest.raises(ValueError, match=message):
        table.places(text)


def test_bad_tables_are_refused(tmp_path):
    page = tmp_path / "record.md"
    page.write_text(TEXT)
    facts = {"command": "c", "seeds": "s", "record": page}
    with pytest.raises(ValueError, match="expected 2 cells"):
        table.write_table("speed", ["a", "b"], [["1"]], **facts)
    with pytest.raises(ValueError, match="at least one row"):
        table.write_table("speed", ["a", "b"], [], **facts)
    with pytest.raises(ValueError, match="no markers for the table memory"):
        table.write_table("memory", ["a"], [["1"]], **facts)
    assert page.read_text() == TEXT


def test_every_table_of_the_record_has_a_program_that_writes_it():
    text = table.RECORD.read_text(encoding="utf-8")
    outside, last = "", 0
    for place in table.places(text):
        program = table.ROOT / place.program
        assert program.is_file(), f"table {place.name}: {place.program} is missing"
        source = program.read_text(encoding="utf-8")
        assert "write_table" in source and f'"{place.name}"' in source, place
        content = text[place.start : place.stop]
        for fact in ("| --- |", "*Measured by `", "Seeds: ", "Machine: "):
            assert fact in content, f"table {place.name} was not written by its program"
        outside, last = outside + text[last : place.start], place.stop
    outside += text[last:]
    assert not re.search(r"^\s*\|", outside, re.M), "a table stands outside its markers"


def test_the_package_carries_the_tables_of_the_page():
    text = table.RECORD.read_text(encoding="utf-8")
    assert table.DATA.read_text(encoding="utf-8") == table.as_data(text)
    for place in table.places(text):
        head, rows, facts = recorded(place.name)
        assert rows and all(len(row) == len(head) for row in rows), place.name
        assert facts.startswith("Measured by `")


def test_a_recorded_table_is_the_callers_own():
    recorded("speed").rows[0][0] = "changed"
    assert recorded("speed").rows[0][0] == "LSTM"


def test_an_unknown_table_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="expected one of .*, clockwork-speed, .*, got 'sped'"):
        recorded("sped")
