"""Grading of the problem sets: a sandbox for what students hand in, a judge outside of it.

release.py   the student version of a set, and the zip with what a student needs
form.py      is a submission a notebook of this set? If not quite, what can be saved of it?
sandbox.py   one notebook in bubblewrap: no network, no other file, limits on everything
harness.py   runs inside: executes the student's cells, calls the functions, writes plain arrays
plain.py     the plain values that cross the border, in both directions
judge.py     compares them with the reference and writes an outcome into every grade cell
grade.py     a folder of submissions, side by side, into nbgrader's gradebook
task.py      what a set says about each of its tasks; the sets are in tasks/
"""
