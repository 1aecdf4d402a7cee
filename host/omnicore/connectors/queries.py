"""Proof that a SQL statement only reads: one statement, of a kind that reads, with functions that only compute. Pure.

Three guards hold a query: this proof, the session, which the server itself keeps read-only, and the rights of the
login. Each is meant to be enough. A name before a bracket is a function, a type or a word of the language that is on a
list here. An unknown name is refused, because a function can do all that its database can, whatever the session says.
A name is added when its manual says that it changes nothing: no file, setting, lock, sequence or message, and no
statement that it takes as text (`query_to_xml`, `ts_stat`).

A check is worth as much as the checker and the server agree. They disagree about comments that run, nested comments,
backslashes, unusual blanks, dollar quotes and marks of parameters inside texts. So a statement is first cut into
lexemes that read the same everywhere; what can be read differently is refused. The statement that is sent is put
together from the checked lexemes: without comments, with plain blanks, with dollar quotes as texts.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlglot import Dialect as Grammar
from sqlglot import exp
from sqlglot.errors import SqlglotError

from omnicore.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlglot.parser import Parser


Dialect: TypeAlias = Literal["postgres", "mysql", "sqlite"]

_MOST = 8000
_DEEPEST = 50
_SHOWN = 40
_STRICT = re.DOTALL | re.VERBOSE

_COMMON = r"""
    (?P<blank>[ \t\n\r\f]+)
  | (?P<number>0[xX][0-9A-Fa-f]+ | (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
"""
_PATTERNS: dict[Dialect, str] = {
    # Plain texts hold backslashes as they are: the session has standard_conforming_strings set.
    "postgres": rf"""
    (?P<comment>--[^\r\n]* | /\*(?:(?!/\*|\*/).)*\*/)
  | (?P<text>[eE]'(?:[^'\\]|''|\\.)*' | [bBxX]'[0-9A-Fa-f]*' | [nN]?'(?:[^']|'')*')
  | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$(?P<inside>.*?)\$(?P=tag)\$)
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<mark>%[sbt%](?!\w))
  | (?P<word>[^\W\d][\w$]*)
  | {_COMMON}
  | (?P<sign>::|:=|(?!/\*)[-+*/<>=~!@\#%^&|?:.,()\[\];])
""",
    # The session has neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES.
    "mysql": rf"""
    (?P<comment>--(?=[\x00-\x20]|$)[^\n]* | \#[^\n]* | /\*(?!!|M!)(?:(?!/\*|\*/).)*\*/)
  | (?P<text>[bBxXnN]?'(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*")
  | (?P<quoted>`(?:[^`]|``)+`)
  | (?P<mark>%[s%](?!\w))
  | (?P<word>[^\W\d][\w$]*)
  | {_COMMON}
  | (?P<sign>:=|(?!/\*)[-+*/<>=~!@%^&|:.,()?;])
""",
    "sqlite": rf"""
    (?P<comment>--[^\n]* | /\*(?:(?!/\*|\*/).)*\*/)
  | (?P<text>[xX]?'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")+" | `(?:[^`]|``)+` | \[[^\]]+\])
  | (?P<mark>\?[0-9]*)
  | (?P<word>[^\W\d][\w$]*)
  | {_COMMON}
  | (?P<sign>(?!/\*)[-+*/<>=~!%^&|.,();])
""",
}
_PLAIN = re.compile(r"[\w :,./+-]*")


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One lexeme: a `word`, `quoted` name, `text`, `number`, `mark` of a parameter, or `sign`.

    Args:
        text: as it is sent.
        at: its place in the statement.
        apart: whether blanks or comments stand before it.
    """

    sort: str
    text: str
    at: int
    apart: bool

    def is_word(self, *words: str) -> bool:
        """True for one of these words, given in capitals."""
        return self.sort == "word" and self.text.upper() in words

    @property
    def name(self) -> str:
        """The name that a word or a quoted name stands for, in small letters; "" for others."""
        if self.sort == "quoted":
            return self.text[1:-1].lower()
        return self.text.lower() if self.sort == "word" else ""


def lexemes(sql: str, dialect: Dialect, *, marks: bool) -> list[Lexeme]:
    """The lexemes without comments, and without a semicolon at the end.

    Args:
        marks: whether there are parameters, so that the driver replaces `%s` and `%%`.

    Raises: InvalidInput: the place of what cannot be read, or could be read in two ways.
    """
    found: list[Lexeme] = []
    apart, depth = False, 0
    for match in _matches(sql, dialect, marks=marks):
        sort, text, at = str(match.lastgroup), match[0], match.start()
        if sort in ("blank", "comment"):
            apart = True
            continue
        if match["dollar"] if dialect == "postgres" else None:
            sort, text = "text", "'" + match["inside"].replace("'", "''") + "'"
        if text == "-" and found and found[-1].text == "-":
            apart = True  # two of them begin a comment for some readers
        _check(text, sort, sql, at, dialect, marks=marks)
        depth += (text in ("(", "[")) - (text in (")", "]"))
        found.append(Lexeme(sort, text, at, apart))
        apart = False
        if len(found) > _MOST or depth > _DEEPEST:
            raise refused(sql, at, "the statement is too long or too deeply nested", "write a shorter one")
    while found and found[-1].text == ";":
        found.pop()
    for one in found:
        if one.text == ";" and one.sort == "sign":
            raise refused(sql, one.at, "there is more than one statement", "send one")
    if not found:
        raise refused(sql, 0, "there is no statement", "send one")
    return found


def joined(found: list[Lexeme], *, plain: bool = False) -> str:
    """The statement of these lexemes.

    Args:
        plain: with NULL for each mark and a short text for each that is not made of letters, for a parser.
    """
    parts = []
    for one in found:
        text = one.text
        if plain and one.sort == "mark":
            text = "%" if text == "%%" else "NULL"
        elif plain and one.sort == "text" and not _PLAIN.fullmatch(text[1:-1]):
            text = "'x'"
        elif plain and one.sort == "quoted" and not _PLAIN.fullmatch(text[1:-1]):
            text = text[0] + "x" + text[-1]
        parts.append(f" {text}" if one.apart else text)
    return "".join(parts).strip()


def refused(sql: str, at: int, fact: str, remedy: str) -> InvalidInput:
    """The error for a statement that may not be sent, with the place of the fault."""
    line = sql.count("\n", 0, at) + 1
    column = at - sql.rfind("\n", 0, at)
    shown = sql[at : at + _SHOWN]
    return InvalidInput(f"{fact}, at line {line}, column {column}: {shown!r}", remedy=remedy, line=line, column=column)


def _matches(sql: str, dialect: Dialect, *, marks: bool) -> Iterator[re.Match[str]]:
    pattern, at = _pattern(dialect, marks or dialect == "sqlite"), 0
    while at < len(sql):
        match = pattern.match(sql, at)
        if match is None:
            raise refused(
                sql, at, "this cannot be read in one way only", "leave out comments that run, and escapes with U&"
            )
        yield match
        at = match.end()


@lru_cache(maxsize=6)
def _pattern(dialect: Dialect, marks: bool) -> re.Pattern[str]:
    """Without parameters the driver replaces nothing: `7 %s` is seven modulo s."""
    pattern = _PATTERNS[dialect] if marks else re.sub(r"\(\?P<mark>.*", r"(?P<mark>(?!))", _PATTERNS[dialect])
    return re.compile(pattern, _STRICT)


def _check(text: str, sort: str, sql: str, at: int, dialect: Dialect, *, marks: bool) -> None:
    if "\x00" in text:
        raise refused(sql, at, "there is a character of number 0", "leave it out")
    after = sql[at + len(text) : at + len(text) + 1] if sort != "text" else ""
    if sort == "number" and (after.isalnum() or after in ("_", "$")):
        raise refused(sql, at, "a number ends in letters", "put a blank between them, or quote the name")
    if sort == "word" and dialect == "postgres" and text in ("U", "u") and sql[at + 1 : at + 2] == "&":
        raise refused(sql, at, "escapes with U& cannot be checked", "write the characters themselves")
    if marks and dialect != "sqlite" and sort in ("text", "quoted") and "%" in text.replace("%%", ""):
        raise refused(sql, at, "a mark stands within a text", "write %% for a percent sign, and marks outside of texts")
    if sort == "sign" and text == "%" and marks and dialect != "sqlite":
        raise refused(sql, at, "a single percent sign is no mark", "write %% for a percent sign")
    if text == ":=":
        raise refused(sql, at, "this sets a variable", "leave it out")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS = _names(
    """
    against all and any array as between binary by case cast collate columns cross cube current distinct div
    else end escape except exists fetch filter first following force from full glob group grouping groups having
    ignore ilike in index inner intersect interval is isnull join key last lateral left like limit match
    materialized mod natural nested not notnull nulls offset on only or order ordinality outer over partition
    passing path preceding range recursive regexp right rlike rollup row rows select set sets similar some table
    tablesample then try_cast unbounded union use using values when where window with within xor
    """
)
"""Words of the language that a bracket may follow. None of them is a function with an effect in any database."""

TYPES = _names("""
    numeric decimal dec varchar char character nchar nvarchar bit varbit varying timestamp timestamptz time timetz
    float double precision real int integer bigint smallint tinyint mediumint signed unsigned datetime text blob
    varbinary enum year
    """)
"""Types that take a size."""

_EVERYWHERE = """
    abs acos asin atan atan2 avg ceil ceiling char_length character_length coalesce concat concat_ws cos cot count
    cume_dist degrees dense_rank exp first_value floor format greatest instr lag last_value lead least length ln log
    log10 log2 lower lpad ltrim max min mod ntile nth_value nullif percent_rank pi position pow power radians random
    rank replace reverse right left round row_number rpad rtrim sign sin sqrt stddev stddev_pop stddev_samp substr
    substring sum tan trim upper var_pop var_samp variance overlay extract current_date current_time
    current_timestamp localtime localtimestamp date time now octet_length ascii repeat
"""

_POSTGRES = """
    acosd acosh age any_value area array_agg array_append array_cat array_dims array_fill array_length array_lower
    array_ndims array_position array_positions array_prepend array_remove array_replace array_reverse array_sample
    array_shuffle array_sort array_to_json array_to_string array_to_tsvector array_upper asind asinh atan2d atand atanh
    bit_and bit_count bit_length bit_or bit_xor bool_and bool_or bound_box box broadcast btrim cardinality cbrt center
    chr circle clock_timestamp col_description convert convert_from convert_to corr cosd cosh cotd covar_pop
    covar_samp current_catalog current_database current_query current_role current_schema current_schemas
    current_setting current_user date_add date_bin date_part date_subtract date_trunc decode diagonal diameter div
    encode enum_first enum_last enum_range erf erfc every factorial family format_type gamma gcd gen_random_uuid
    generate_series generate_subscripts get_bit get_byte get_current_ts_config grouping has_any_column_privilege
    has_column_privilege has_database_privilege has_function_privilege has_schema_privilege has_sequence_privilege
    has_table_privilege height host hostmask inet_merge inet_same_family inet_client_addr inet_server_addr
    inet_server_port initcap isclosed isempty isfinite isopen json_agg json_agg_strict json_array json_array_elements
    json_array_elements_text json_array_length json_arrayagg json_build_array json_build_object json_each
    json_each_text json_exists json_extract_path json_extract_path_text json_object json_object_agg
    json_object_agg_strict json_object_agg_unique json_object_keys json_objectagg json_populate_record
    json_populate_recordset json_query json_scalar json_serialize json_strip_nulls json_table json_to_record
    json_to_recordset json_to_tsvector json_typeof json_value jsonb_agg jsonb_agg_strict jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
    jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys
    jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_query jsonb_path_query_array
    jsonb_path_query_first jsonb_path_query_tz jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set
    jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_to_tsvector jsonb_typeof justify_days
    justify_hours justify_interval lcm line lower_inc lower_inf lseg macaddr8_set7bit make_date make_interval make_time
    make_timestamp make_timestamptz masklen md5 merge_action min_scale mode multirange netmask network normalize npoints
    num_nonnulls num_nulls numnode obj_description parse_ident path pclose percentile_cont percentile_disc
    phraseto_tsquery pg_client_encoding pg_column_size pg_database_size pg_get_constraintdef pg_get_expr
    pg_get_indexdef pg_get_viewdef pg_indexes_size pg_is_in_recovery pg_postmaster_start_time pg_relation_size
    pg_size_bytes pg_size_pretty pg_table_is_visible pg_table_size pg_total_relation_size pg_typeof plainto_tsquery
    point polygon popen querytree quote_ident quote_literal quote_nullable radius range_agg range_intersect_agg
    range_merge regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
    regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy row_to_json scale session_user set_bit set_byte set_masklen setweight sha224 sha256 sha384 sha512
    shobj_description sind sinh slope split_part starts_with statement_timestamp string_agg string_to_array
    string_to_table strip strpos substring_similar tand tanh text timeofday to_ascii to_char to_date to_hex to_json
    to_jsonb to_number to_regclass to_regnamespace to_regproc to_regrole to_regtype to_timestamp to_tsquery to_tsvector
    transaction_timestamp translate trim_array trim_scale trunc ts_debug ts_delete ts_filter ts_headline ts_lexize
    ts_rank ts_rank_cd tsquery_phrase tsvector_to_array unistr unnest upper_inc upper_inf user uuid_extract_timestamp
    uuid_extract_version uuidv4 uuidv7 version websearch_to_tsquery width width_bucket xmlagg xmlattributes xmlcomment
    xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi xmlroot xmlserialize xmltable xpath xpath_exists
    int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange
    tsmultirange tstzmultirange datemultirange isoyear similarity word_similarity strict_word_similarity show_trgm
    unaccent levenshtein soundex metaphone dmetaphone
"""

_MYSQL = """
    adddate addtime aes_decrypt aes_encrypt any_value bin bin_to_uuid bit_and bit_count bit_length bit_or bit_xor char
    chr coercibility collation column_get column_json compress connection_id conv convert convert_tz crc32 crc32c
    curdate current_role current_user curtime database date_add date_format date_sub datediff day dayname dayofmonth
    dayofweek dayofyear decode default elt encode export_set extractvalue field find_in_set found_rows
    from_base64 from_days from_unixtime get_format group_concat grouping hex hour if ifnull inet6_aton inet6_ntoa
    inet_aton inet_ntoa insert is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isnull json_array json_array_append
    json_array_insert json_array_intersect json_arrayagg json_compact json_contains json_contains_path json_depth
    json_detailed json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge
    json_merge_patch json_merge_preserve json_normalize json_object json_object_filter_keys json_object_to_array
    json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace json_schema_valid
    json_search json_set json_storage_size json_table json_type json_unquote json_valid json_value last_day lcase
    locate make_set makedate maketime md5 median microsecond mid minute month monthname natural_sort_key nvl nvl2 oct
    octet_length ord percentile_cont percentile_disc period_add period_diff quarter quote rand regexp_instr regexp_like
    regexp_replace regexp_substr row_count rownum schema sec_to_time second session_user sformat sha sha1 sha2 soundex
    space st_area st_asgeojson st_astext st_aswkb st_contains st_distance st_distance_sphere st_geomfromtext
    st_intersects st_x st_y st_within std str_to_date strcmp subdate substring_index subtime sys_guid sysdate
    system_user time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_days
    to_number to_seconds truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml user utc_date
    utc_time utc_timestamp uuid uuid_to_bin values version week weekday weekofyear weight_string year yearweek
    generate_series
"""

_SQLITE = """
    acosh asinh atanh auxint bm25 changes char cosh datetime group_concat hex highlight if ifnull iif json json_array
    json_array_length json_each json_error_position json_extract json_group_array json_group_object json_insert
    json_object json_patch json_pretty json_quote json_remove json_replace json_set json_tree json_type json_valid jsonb
    jsonb_array jsonb_each jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch
    jsonb_remove jsonb_replace jsonb_set jsonb_tree julianday last_insert_rowid like likelihood likely glob match
    nullif octet_length printf quote randomblob regexp sinh snippet soundex sqlite_compileoption_get
    sqlite_compileoption_used sqlite_source_id sqlite_version strftime string_agg subtype tanh timediff total
    total_changes trunc typeof unhex unicode unistr unistr_quote unixepoch unlikely zeroblob generate_series
    -> ->> median percentile percentile_cont percentile_disc rtreecheck rtreedepth rtreenode stddev
"""

FUNCTIONS: Mapping[Dialect, frozenset[str]] = {
    "postgres": _names(f"{_EVERYWHERE} {_POSTGRES}"),
    "mysql": _names(f"{_EVERYWHERE} {_MYSQL}"),
    "sqlite": _names(f"{_EVERYWHERE} {_SQLITE}"),
}
"""Functions that may be called without being named in the setting `functions`."""


logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here anyway

_STEPS, _STEPS_A_LEXEME = 20_000, 40
_QUERIES = ("SELECT", "WITH", "VALUES")
_EXPLAINS = ("EXPLAIN", "DESCRIBE", "DESC")
_EXPLAIN_WORDS = frozenset(
    {"ANALYZE", "VERBOSE", "COSTS", "SETTINGS", "BUFFERS", "WAL", "TIMING", "SUMMARY", "FORMAT", "TEXT", "XML", "JSON"}
    | {"YAML", "ON", "OFF", "TRUE", "FALSE", "EXTENDED", "PARTITIONS", "QUERY", "PLAN", "TREE", "TRADITIONAL"}
)
_SHOWS = frozenset(
    {"TABLES", "TABLE", "FULL", "EXTENDED", "COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS", "DATABASES", "SCHEMAS"}
    | {"CREATE", "STATUS", "VARIABLES", "GLOBAL", "SESSION", "TRIGGERS", "EVENTS", "PROCEDURE", "FUNCTION", "COUNT"}
    | {"CHARACTER", "COLLATION", "ENGINES", "WARNINGS", "ERRORS", "GRANTS", "PROCESSLIST", "OPEN"}
)
# Words that change something wherever they stand bare; MySQL has functions of two of these names.
_CHANGES = ("INTO", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE", "COPY", "ATTACH", "DETACH", "PRAGMA")
_PAIRS = {
    "FOR": ("UPDATE", "SHARE", "NO", "KEY"),
    "LOCK": ("IN",),
    "NEXT": ("VALUE",),
    "PREVIOUS": ("VALUE",),
    "PROCEDURE": ("ANALYSE",),
}
_REFUSED = (
    *(exp.Command, exp.DML, exp.DDL, exp.Create, exp.Drop, exp.Alter, exp.Into, exp.Lock, exp.Set, exp.Pragma),
    *(exp.Attach, exp.Detach, exp.Copy, exp.Transaction, exp.Commit, exp.Rollback, exp.Merge, exp.Use, exp.Kill),
)
_ALLOWED_ROOTS = (exp.Select, exp.SetOperation, exp.Values, exp.Subquery)


def proven_query(sql: str, dialect: Dialect, *, marks: bool, functions: Sequence[str] = ()) -> str:
    """The statement to send, which reads and does nothing else.

    Args:
        marks: whether there are parameters.
        functions: names that the operator vouches for beside those that are known.

    Raises: InvalidInput: the fact, the place and what can be done.
    """
    return _proven(sql, dialect, marks, tuple(functions))


@lru_cache(maxsize=1024)
def unproven_columns(sql: str, *, marks: bool, functions: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of columns in a proven query of PostgreSQL that could be functions: to it `(1).pg_sleep` is `pg_sleep(1)`.

    Which of them are functions only the server knows. Names of functions that are known to read are left out.
    Source: PostgreSQL 17, section 4.2.6 and 36.5.3: attribute and functional notation are the same.
    """
    found = lexemes(sql, "postgres", marks=marks)
    known = FUNCTIONS["postgres"] | {name.lower() for name in functions}
    ends = (one.text for one in (*found[1:], found[0]))
    names = {
        one.text[1:-1].replace('""', '"') if one.sort == "quoted" else one.name
        for before, one, after in zip(("", *(one.text for one in found)), found, ends, strict=False)
        if before == "." and after != "(" and one.name not in known
    }
    return tuple(sorted(names - {""}))


@lru_cache(maxsize=1024)
def _proven(sql: str, dialect: Dialect, marks: bool, functions: tuple[str, ...]) -> str:
    found = lexemes(sql, dialect, marks=marks)
    _check_kind(sql, found, dialect, frozenset(name.lower() for name in functions))
    return joined(found)


def _check_kind(sql: str, found: list[Lexeme], dialect: Dialect, functions: Collection[str]) -> None:
    first = next((one for one in found if one.text != "("), found[0])
    if first.is_word(*_QUERIES):
        _check_query(sql, found, dialect, functions)
    elif first.is_word(*_EXPLAINS) and found[0] is first:
        _check_explain(sql, found, dialect, functions)
    elif first.is_word("SHOW") and found[0] is first and dialect != "sqlite":
        _check_show(sql, found, dialect)
    elif first.is_word("TABLE") and found[0] is first and dialect != "sqlite":
        _check_names(sql, found[1:])
    else:
        raise refused(
            sql, first.at, "this does not begin as a query", "begin with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN"
        )


def _check_query(sql: str, found: list[Lexeme], dialect: Dialect, functions: Collection[str]) -> None:
    _check_words(sql, found)
    for one in found:
        if dialect == "sqlite" and one.name.startswith("pragma_"):
            raise refused(sql, one.at, f"{one.name} is a PRAGMA", "ask sqlite_master for tables and their columns")
    tree = _tree(sql, found, dialect)
    _check_functions(sql, found, dialect, functions, _aliases(tree))


def _tree(sql: str, found: list[Lexeme], dialect: Dialect) -> exp.Expression:
    """The statement as sqlglot understands it. Raises: InvalidInput: it does not, or it finds more than a query."""
    text = joined(found, plain=True)
    try:
        # MariaDB's VALUES (1), (2) is everybody's but MySQL's.
        reader = Grammar.get_or_raise("" if found[0].is_word("VALUES") and dialect == "mysql" else dialect)
        parser = _bounded(reader.parser_class)(dialect=reader)
        trees = parser.parse(reader.tokenize(text), text)
    except (SqlglotError, RecursionError, ValueError) as error:
        place = getattr(error, "errors", None) or [{}]
        fact = str(place[0].get("description", "")).partition("\n")[0].rstrip(".") or "it is nested too deeply"
        near = str(place[0].get("highlight", ""))[:40]
        raise InvalidInput(
            f"the statement cannot be read: {fact}, near {near!r}",
            remedy="write it as the database's manual does; what cannot be read cannot be sent",
        ) from error
    if len(trees) != 1 or not isinstance(trees[0], _ALLOWED_ROOTS):
        raise refused(sql, found[0].at, "this is no single query", "send one SELECT, WITH or VALUES")
    for node in trees[0].walk():
        if isinstance(node, _REFUSED):
            what = type(node).__name__.upper()
            raise refused(sql, found[0].at, f"{what} within a query does more than read", "leave it out")
    return trees[0]


@cache
def _bounded(parser: type[Parser]) -> type[Parser]:
    """The parser with an end: where it goes back and tries again, a short statement could keep it for hours."""

    class Bounded(parser):  # type: ignore[misc, valid-type]
        steps = 0

        def _advance(self, times: int = 1) -> None:
            self.steps += 1
            if self.steps > _STEPS + _STEPS_A_LEXEME * len(self._tokens):
                raise InvalidInput("the statement takes too long to be read", remedy="write a simpler one")
            super()._advance(times)

    return Bounded


def _check_words(sql: str, found: list[Lexeme]) -> None:
    for place, one in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else None
        if one.is_word(*_CHANGES) and not (after is not None and after.text == "(" and not one.is_word("INTO")):
            raise refused(sql, one.at, f"{one.text} does more than read", "leave it out, or quote it if it is a name")
        if after is not None and after.is_word(*_PAIRS.get(one.text.upper(), ())) and one.sort == "word":
            raise refused(sql, one.at, f"{one.text} {after.text} does more than read", "leave it out")


def _check_functions(
    sql: str, found: list[Lexeme], dialect: Dialect, functions: Collection[str], aliases: Counter[str]
) -> None:
    """Looks at every name before a bracket, wherever it stands."""
    for one, name, qualified in _called(found):
        if (qualified or name) in functions:
            continue
        builtin = not qualified or (dialect == "postgres" and qualified == f"pg_catalog.{name}")
        if builtin and name in FUNCTIONS[dialect]:
            continue
        if not qualified and one.sort == "word" and name in WORDS | TYPES:
            continue
        aliases[name] -= 1  # each result with columns stands once before a bracket, so a call would be one too many
        if not qualified and aliases[name] >= 0:
            continue
        shown = qualified or name
        raise refused(
            sql,
            one.at,
            f"the function {shown} is not known to only read",
            f"leave it out; the operator can name {shown} in the connector's setting `functions`",
        )


def _called(found: list[Lexeme]) -> Iterator[tuple[Lexeme, str, str]]:
    """The lexeme before each opening bracket, its name, and its name with the schema if it has one."""
    for place in range(len(found) - 1):
        one = found[place]
        if found[place + 1].text != "(" or one.sort not in ("word", "quoted"):
            continue
        parts, at = [one.name], place
        while at >= 2 and found[at - 1].text == "." and found[at - 2].name:
            at -= 2
            parts.insert(0, found[at].name)
        if place and found[place - 1].is_word("TABLESAMPLE") and one.is_word("SYSTEM", "BERNOULLI"):
            continue
        yield one, one.name, ".".join(parts) if len(parts) > 1 else ""


def _aliases(tree: exp.Expression) -> Counter[str]:
    """Counts by name of results with a list of columns: `WITH n(i) AS`, `f() AS t(a, b)`."""
    found = Counter(alias.name.lower() for alias in tree.find_all(exp.TableAlias) if alias.columns)
    for call in tree.find_all(exp.Anonymous):
        del found[call.name.lower()]
    return found


def _check_explain(sql: str, found: list[Lexeme], dialect: Dialect, functions: Collection[str]) -> None:
    """EXPLAIN of a query, whose plan may be carried out since it only reads, or the columns of a table."""
    for place, one in enumerate(found[1:], 1):
        if one.is_word(*_QUERIES) or (
            one.text == "(" and place + 1 < len(found) and found[place + 1].is_word(*_QUERIES)
        ):
            _check_query(sql, found[place:], dialect, functions)
            return
        if one.is_word("TABLE") and dialect != "sqlite":
            _check_names(sql, found[place + 1 :])
            return
        if one.text.upper() not in _EXPLAIN_WORDS | {"(", ")", ",", "="}:
            break
    if dialect == "mysql":
        _check_names(sql, found[1:])
        return
    raise refused(sql, found[0].at, "this explains no query", "explain a SELECT, WITH or VALUES")


def _check_show(sql: str, found: list[Lexeme], dialect: Dialect) -> None:
    """SHOW of a setting, or in MySQL of the listed things, with names and a pattern."""
    if dialect == "postgres":
        _check_names(sql, found[1:])
        return
    if len(found) < 2 or not found[1].is_word(*_SHOWS):
        raise refused(sql, found[0].at, "this cannot be shown", "show TABLES, COLUMNS, INDEX, STATUS, VARIABLES, ...")
    for one in found[1:]:
        if one.sort == "text" or one.text in ("=", "<", ">", "!", "%"):
            continue
        _check_names(sql, [one])


def _check_names(sql: str, found: Sequence[Lexeme]) -> None:
    for one in found:
        if not one.name and one.text not in (".", "*"):
            raise refused(sql, one.at, "here stands a name and nothing else", "write SELECT for more")
    _check_words(sql, list(found))
