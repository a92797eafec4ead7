/* SPDX-License-Identifier: MIT */
/* Functions of MySQL 5.7 to 9 and MariaDB 10 to 11, by what they do. A function
 * that is not here may write. Each list is sorted. */
#include "functions.h"

/* clang-format off */
static const char *const harmless[] = {
    "abs", "acos", "adddate", "addtime", "aes_decrypt", "aes_encrypt",
    "analyse", "any_value", "area", "asbinary", "ascii", "asin", "astext",
    "aswkb", "aswkt", "atan", "atan2", "avg", "benchmark", "bigint", "bin",
    "bin_to_uuid", "binary", "bit", "bit_and", "bit_count", "bit_length",
    "bit_or", "bit_xor", "boundary", "buffer", "cast", "ceil", "ceiling",
    "centroid", "char", "char_length", "character", "character_length",
    "charset", "chr", "coalesce", "coercibility", "collation", "column_check",
    "column_create", "column_exists", "column_get", "column_json",
    "column_list", "compress", "concat", "concat_ws", "conv", "convert",
    "convert_tz", "convexhull", "cos", "cot", "count", "crc32", "crosses",
    "cume_dist", "curdate", "current_date", "current_role", "current_time",
    "current_timestamp", "current_user", "curtime", "database", "date",
    "date_add", "date_format", "date_sub", "datediff", "datetime", "day",
    "dayname", "dayofmonth", "dayofweek", "dayofyear", "dec", "decimal",
    "decode", "decode_histogram", "default", "degrees", "dense_rank",
    "dimension", "disjoint", "distance", "double", "elt", "encode", "encrypt",
    "endpoint", "envelope", "equals", "exp", "export_set", "exteriorring",
    "extract", "extractvalue", "field", "find_in_set", "first_value", "float",
    "floor", "format", "format_bytes", "format_pico_time", "from_base64",
    "from_days", "from_unixtime", "geomcollection", "geometrycollection",
    "geometryn", "geometrytype", "get_format", "glength", "greatest",
    "group_concat", "grouping", "gtid_subset", "gtid_subtract", "hex", "hour",
    "if", "ifnull", "inet6_aton", "inet6_ntoa", "inet_aton", "inet_ntoa",
    "insert", "instr", "int", "integer", "interiorringn", "intersects",
    "interval", "is_ipv4", "is_ipv4_compat", "is_ipv4_mapped", "is_ipv6",
    "is_uuid", "isclosed", "isempty", "isnull", "isring", "issimple",
    "json_array", "json_array_append", "json_array_insert",
    "json_array_intersect", "json_arrayagg", "json_compact", "json_contains",
    "json_contains_path", "json_depth", "json_detailed", "json_equals",
    "json_exists", "json_extract", "json_insert", "json_keys", "json_length",
    "json_loose", "json_merge", "json_merge_patch", "json_merge_preserve",
    "json_normalize", "json_object", "json_object_filter_keys",
    "json_object_to_array", "json_objectagg", "json_overlaps", "json_pretty",
    "json_query", "json_quote", "json_remove", "json_replace",
    "json_schema_valid", "json_schema_validation_report", "json_search",
    "json_set", "json_storage_free", "json_storage_size", "json_table",
    "json_type", "json_unquote", "json_valid", "json_value", "lag", "last_day",
    "last_value", "lcase", "lead", "least", "left", "length", "linestring",
    "ln", "localtime", "localtimestamp", "locate", "log", "log10", "log2",
    "lower", "lpad", "ltrim", "make_set", "makedate", "maketime", "match",
    "max", "mbrcontains", "mbrcoveredby", "mbrcovers", "mbrdisjoint",
    "mbrequals", "mbrintersects", "mbroverlaps", "mbrtouches", "mbrwithin",
    "md5", "median", "microsecond", "mid", "min", "minute", "mod", "month",
    "monthname", "multilinestring", "multipoint", "multipolygon", "name_const",
    "natural_sort_key", "nchar", "now", "nth_value", "ntile", "nullif",
    "numeric", "numgeometries", "numinteriorrings", "numpoints", "nvarchar",
    "nvl", "nvl2", "oct", "octet_length", "old_password", "ord", "overlaps",
    "password", "percent_rank", "percentile_cont", "percentile_disc",
    "period_add", "period_diff", "pi", "point", "pointn", "pointonsurface",
    "polygon", "position", "pow", "power", "quarter", "quote", "radians",
    "rand", "random_bytes", "rank", "regexp_instr", "regexp_like",
    "regexp_replace", "regexp_substr", "repeat", "replace", "reverse", "right",
    "roles_graphml", "round", "row_number", "rpad", "rtrim", "schema",
    "sec_to_time", "second", "session_user", "sformat", "sha", "sha1", "sha2",
    "sign", "signed", "sin", "sleep", "soundex", "space", "sqrt", "st_area",
    "st_asbinary", "st_asgeojson", "st_astext", "st_aswkb", "st_aswkt",
    "st_boundary", "st_buffer", "st_buffer_strategy", "st_centroid",
    "st_collect", "st_contains", "st_convexhull", "st_crosses", "st_difference",
    "st_dimension", "st_disjoint", "st_distance", "st_distance_sphere",
    "st_endpoint", "st_envelope", "st_equals", "st_exteriorring",
    "st_frechetdistance", "st_geohash", "st_geomcollfromtext",
    "st_geomcollfromwkb", "st_geometryfromtext", "st_geometryfromwkb",
    "st_geometryn", "st_geometrytype", "st_geomfromgeojson", "st_geomfromtext",
    "st_geomfromwkb", "st_hausdorffdistance", "st_interiorringn",
    "st_intersection", "st_intersects", "st_isclosed", "st_isempty",
    "st_isring", "st_issimple", "st_isvalid", "st_latfromgeohash",
    "st_latitude", "st_length", "st_lineinterpolatepoint", "st_longfromgeohash",
    "st_longitude", "st_makeenvelope", "st_numgeometries", "st_numinteriorring",
    "st_numinteriorrings", "st_numpoints", "st_overlaps", "st_pointatdistance",
    "st_pointfromgeohash", "st_pointfromtext", "st_pointn", "st_pointonsurface",
    "st_polyfromtext", "st_relate", "st_simplify", "st_srid", "st_startpoint",
    "st_swapxy", "st_symdifference", "st_touches", "st_transform", "st_union",
    "st_validate", "st_within", "st_x", "st_y", "startpoint",
    "statement_digest", "statement_digest_text", "std", "stddev", "stddev_pop",
    "stddev_samp", "str_to_date", "strcmp", "subdate", "substr", "substring",
    "substring_index", "subtime", "sum", "sysdate", "system_user", "tan",
    "time", "time_format", "time_to_sec", "timediff", "timestamp",
    "timestampadd", "timestampdiff", "to_base64", "to_char", "to_date",
    "to_days", "to_number", "to_seconds", "touches", "trim", "trim_oracle",
    "trunc", "truncate", "ucase", "uncompress", "uncompressed_length", "unhex",
    "unix_timestamp", "unsigned", "updatexml", "upper", "user", "utc_date",
    "utc_time", "utc_timestamp", "uuid", "uuid_short", "uuid_to_bin", "uuid_v4",
    "uuid_v7", "validate_password_strength", "values", "var_pop", "var_samp",
    "varbinary", "varchar", "variance", "vec_distance", "vec_distance_cosine",
    "vec_distance_euclidean", "vec_fromtext", "vec_totext", "version", "week",
    "weekday", "weekofyear", "weight_string", "year", "yearweek",
};

static const char *const writes[] = {
    "connection_id", "last_insert_id", "ps_current_thread_id",
};

static const char *const sequence[] = {
    "lastval", "nextval", "setval",
};

static const char *const lock[] = {
    "get_lock", "is_free_lock", "is_used_lock", "release_all_locks",
    "release_lock", "service_get_read_locks", "service_get_write_locks",
    "service_release_locks", "version_tokens_lock_exclusive",
    "version_tokens_lock_shared", "version_tokens_unlock",
};

static const char *const node[] = {
    "binlog_gtid_pos", "load_file", "master_gtid_wait", "master_pos_wait",
    "ps_thread_id", "source_pos_wait", "wait_for_executed_gtid_set",
    "wait_until_sql_thread_after_gtids",
};

static const char *const follows[] = {
    "found_rows", "row_count",
};
/* clang-format on */

const struct infra__sql_functions infra__sql_functions_mysql[] = {
    { harmless, INFRA__COUNT_OF(harmless), EFFECT_HARMLESS },
    { writes, INFRA__COUNT_OF(writes), EFFECT_WRITES },
    { sequence, INFRA__COUNT_OF(sequence), EFFECT_SEQUENCE },
    { lock, INFRA__COUNT_OF(lock), EFFECT_LOCK },
    { node, INFRA__COUNT_OF(node), EFFECT_NODE },
    { follows, INFRA__COUNT_OF(follows), EFFECT_FOLLOWS },
    { NULL, 0, EFFECT_UNKNOWN },
};
