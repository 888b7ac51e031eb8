"""Everyday words beside the words that documentation uses. Pure; needs this room's stemmer only.

Each group means roughly one thing to somebody who asks. What the documents themselves teach about words that
keep company is learned elsewhere (:mod:`launchworthy.demo.lsi`); this is what they cannot teach, since nobody
writes "folder" in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from launchworthy.demo.words import stem

__all__ = ["near_words"]

_GROUPS = """
folder directory dir
delete remove unlink erase discard
biggest largest greatest maximum max highest
smallest least minimum min lowest smaller
average mean
length len size count
text string str
whole integer int
decimal float
convert turn transform
search find locate
combine merge join concatenate concat glue
cut split separate
order sort sorted ordered
reverse reversed backwards
random chance randomly
pick choose choice select
wait sleep pause suspend delay
finish end terminate complete
stop exit quit halt
start begin launch spawn
run execute
command subprocess shell
parallel concurrent pool
download fetch retrieve urlopen
internet web url
parse decode
write save store dump
print display show
check test whether determine
equal compare comparison
difference diff delta
change modify update
append add insert
copy clone
error exception
catch handle except
password secret credential
hash digest checksum
compress zip deflate
unpack extract unzip decompress
temporary temp
uppercase upper capital
lowercase lower
trim strip leading trailing
whitespace space blank
pad justify fill
replace substitute sub
pattern regex regexp
date day
now current today
slow fast speed performance profile profiler
remember cache memoize memoization memoizing
argument parameter
loop iterate iteration
round rounding
pair couple
list sequence
dict dictionary mapping
class type
object instance
attribute field property member
subclass inherit derive
lock mutex exclusive
email mail
database db sqlite sql
row record
configuration config ini
environment env environ
computer machine platform
processor cpu core
total sum
product multiply multiplied
ordering permutation arrangement
spread deviation variance
divide divisor division
debug debugger breakpoint pdb
mock fake stub patch
endless infinite forever indefinitely
consecutive adjacent successive
unchangeable immutable frozen
middle center centered
letter character
word token
stack traceback
shared common
parent superclass base
missing absent nonexistent
modified changed modification
picture image
program script
interpreter python
connect connection
address host
share distribute
group groupby
evaluate eval
money currency
similar close
nicely pretty
look inspect examine
source code
"""


@cache
def _table() -> Mapping[str, frozenset[str]]:
    table: dict[str, set[str]] = defaultdict(set)
    for line in _GROUPS.split("\n"):
        group = {stem(word) for word in line.split()}
        for word in group:
            table[word] |= group - {word}
    return {word: frozenset(others) for word, others in table.items()}


def near_words(term: str) -> frozenset[str]:
    """Stems that may stand for the same; none where the term is in no group."""
    return _table().get(term, frozenset())
