"""Grading of the problem sets: a sandbox for what students hand in, a judge outside of it.

release.py     the student version of a set, and the zip with what a student needs
form.py        is a submission a notebook of this set? If not quite, what can be saved of it?
rewriting.py   its cells, written anew: nothing else of a submission goes on
marking.py     one submission through all that follows, and a cache of its marks
sandbox.py     one notebook in bubblewrap: no network, no other file, limits on everything
seccomp.py     a filter for it: system calls that no limit counts
harness.py     runs inside: executes the student's cells, calls the functions, writes plain arrays
confined.py    runs inside: limits on time, memory and processes
magics.py      runs inside: what only a notebook understands
surroundings.py  runs inside: what the student's code finds instead of a notebook
plain.py       the plain values that cross the border, in both directions
verdict.py     what came out, compared (compare.py) with the references: points and a sentence
judge.py       the preprocessor of nbgrader that writes these into every grade cell
grade.py       a folder of submissions, side by side, into nbgrader's gradebook
saving.py      nbgrader's part: the entry of one submission, and its page of feedback
tables.py      grades.csv, the leaderboard, the rubric
gradebook.py   all marks in one table
course.py      where everything is
task.py        what a set says about each of its tasks; the sets are in tasks/
"""
