"""Which QGIS expressions a visitor may send as a filter.

QGIS evaluates a filter with everything that its expressions can do: read layers that are not published
(aggregate, get_feature, layer_property), look for files (file_exists, file_size), read the environment (env), name the
project's path (@project_path) or fill the memory (rpad). A filter needs none of these, so what is not listed here is
refused. Words and tokens: qgis/QGIS:src/core/qgsexpressionlexer.ll, functions: src/core/expression/qgsexpressionfunction.cpp
"""

import re

# Functions of the feature's own values and geometry, with a result no larger than their arguments.
FUNCTIONS = frozenset(
    'lower upper title trim length substr left right strpos concat coalesce nullif if to_int to_real to_string to_date '
    'to_datetime to_time day month year hour minute second day_of_week week age now abs round floor ceil min max sqrt '
    'regexp_match array_contains intersects contains within overlaps touches crosses disjoint bbox intersects_bbox '
    'geom_from_wkt geom_from_gml geomfromwkt geomfromgml make_point area perimeter distance centroid x y x_min x_max '
    'y_min y_max is_valid is_empty geometry_type'.split()
)
SPECIAL = frozenset('$id $geometry $x $y $area $length $perimeter'.split())
# Words that stand before a bracket without being a function.
WORDS = frozenset('and or not in is like ilike between null case when then else end true false'.split())

TOKEN = re.compile(
    r"""\s+
    | (?P<string>'(?:''|\\.|[^'\\])*')
    | (?P<quoted>"(?:""|[^"])*")
    | (?P<word>[^\W\d]\w*)
    | (?P<special>\$[^\W\d]\w*)
    | (?P<number>\d*\.\d+(?:[eE][-+]?\d+)?|\d+(?:[eE][-+]?\d+)?)
    | (?P<operator><=|>=|<>|!=|\|\||//|[=<>~+\-*/%^])
    | (?P<bracket>[()\[\]])
    | (?P<comma>,)""",
    re.VERBOSE | re.DOTALL,
)
# The parser and the evaluation are recursive.
OPERATORS, DEPTH = 1000, 50


def problem(text, functions=FUNCTIONS):
    """Says what in an expression is refused, or None."""
    if '/*' in text or '--' in text:
        # Comments hide what follows. They are looked for in strings as well: a filter seldom has either.
        if '/*' in unquoted(text) or '--' in unquoted(text):
            return 'comments'
    position, previous, operators, depth = 0, ('', ''), 0, 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            return f'the character {text[position]!r}'
        position, kind, token = match.end(), match.lastgroup, match.group()
        if kind is None:
            continue
        if kind == 'special' and token.lower() not in SPECIAL:
            return token
        if token == '(':
            if previous[0] == 'word' and previous[1].lower() not in functions and previous[1].lower() not in WORDS:
                return f'the function {previous[1]}()'
            if previous[0] in ('quoted', 'string', 'special'):
                return f'{previous[1]}('
        if kind == 'operator' or (kind == 'word' and token.lower() in WORDS):
            operators += 1
        if kind == 'bracket':
            depth += 1 if token in '([' else -1
        if operators > OPERATORS or depth > DEPTH:
            return 'so many operators or brackets'
        previous = (kind, token)
    return None


def unquoted(text):
    """The expression without its strings and quoted names."""
    return re.sub(r"'(?:''|\\.|[^'\\])*'|\"(?:\"\"|[^\"])*\"", ' ', text, flags=re.DOTALL)
