/* SPDX-License-Identifier: MIT */
#include "db_record.h"

#include "../common/arguments.h"
#include "db_list.h"
#include "db_text.h"

#include <errno.h>
#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_DIGITS 5

static uint32_t mark_of(const struct db *db)
{
    return (uint32_t)(infra_xxhash64(db->key, strlen(db->key), 0) & 0xfffffu);
}

size_t db_record_write(const struct db_failover_options *o,
                       const struct db_named *named, char text[DB_RECORD_SIZE])
{
    text[0] = '\0';
    if (named->db == DBS_MAX) {
        append(text, DB_RECORD_SIZE, "none");
    } else {
        append(text, DB_RECORD_SIZE, "%s %s %llu",
               named->is_unfinished ? "begun" : "done", o->dbs[named->db].key,
               (unsigned long long)named->token);
    }
    if (named->db != DBS_MAX && !named->is_unfinished) {
        append(text, DB_RECORD_SIZE, " %llu",
               (unsigned long long)named->timeline);
    } else if (named->db != DBS_MAX && named->former != DBS_MAX) {
        append(text, DB_RECORD_SIZE, " after %0*x %llu %llu", MARK_DIGITS,
               mark_of(&o->dbs[named->former]),
               (unsigned long long)named->former_token,
               (unsigned long long)named->former_timeline);
    }
    if (named->apart != 0) {
        append(text, DB_RECORD_SIZE, " apart");
    }
    for (uint32_t i = 0; i < o->dbs_count; i++) {
        if ((named->apart >> i & 1u) != 0) {
            append(text, DB_RECORD_SIZE, " %0*x", MARK_DIGITS,
                   mark_of(&o->dbs[i]));
        }
    }
    return strlen(text);
}

/* The next word; "": there is none. */
static const char *next_word(char **rest)
{
    const char *word = *rest != NULL ? strsep(rest, " ") : NULL;

    return word != NULL ? word : "";
}

static bool read_u64(const char *word, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(word, &end, 10);
    return word[0] >= '0' && word[0] <= '9' && *end == '\0' && errno == 0;
}

/* The database of a mark; DBS_MAX: none. */
static uint32_t db_by_mark(const struct db_failover_options *o,
                           const char *word)
{
    char mark[MARK_DIGITS + 1];

    for (uint32_t i = 0; i < o->dbs_count; i++) {
        (void)snprintf(mark, sizeof mark, "%0*x", MARK_DIGITS,
                       mark_of(&o->dbs[i]));
        if (strcmp(mark, word) == 0) {
            return i;
        }
    }
    return DBS_MAX;
}

static bool read_primary(const struct db_failover_options *o, char **rest,
                         const char *what, struct db_named *ret)
{
    ret->is_unfinished = strcmp(what, "begun") == 0;
    if (!ret->is_unfinished && strcmp(what, "done") != 0) {
        return strcmp(what, "none") == 0;
    }
    ret->db = db_by_key(o, next_word(rest));
    return ret->db != DBS_MAX && read_u64(next_word(rest), &ret->token) &&
           ret->token != 0 &&
           (ret->is_unfinished || read_u64(next_word(rest), &ret->timeline));
}

/* The words after the primary.  Marks of unknown databases are ignored. */
static bool read_rest(const struct db_failover_options *o, char **rest,
                      struct db_named *ret)
{
    const char *word = next_word(rest);

    if (ret->is_unfinished && strcmp(word, "after") == 0) {
        ret->former = db_by_mark(o, next_word(rest));
        if (!read_u64(next_word(rest), &ret->former_token) ||
            !read_u64(next_word(rest), &ret->former_timeline)) {
            return false;
        }
        word = next_word(rest);
    }
    if (word[0] == '\0') {
        return true;
    }
    bool is_apart = strcmp(word, "apart") == 0;
    for (word = next_word(rest); word[0] != '\0'; word = next_word(rest)) {
        uint32_t db = db_by_mark(o, word);
        ret->apart |= db != DBS_MAX ? 1u << db : 0;
    }
    return is_apart;
}

bool db_record_read(const struct db_failover_options *o, const char *text,
                    struct db_named *ret)
{
    char copy[DB_RECORD_SIZE];
    char *rest = copy;

    *ret = (struct db_named) { .db = DBS_MAX, .former = DBS_MAX };
    (void)snprintf(copy, sizeof copy, "%s", text);
    if (text[0] == '\0') {
        return true;
    }
    const char *what = next_word(&rest);
    return (read_primary(o, &rest, what, ret) && read_rest(o, &rest, ret)) ||
           arguments_wrong("the record beside the lease is malformed or names "
                           "an unknown database: \"%s\"",
                           text);
}
