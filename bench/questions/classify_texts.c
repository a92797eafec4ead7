/* SPDX-License-Identifier: MIT */
/* A class is a few statements, or one that repeats a part. A file has a line
 * for each statement: its dialect (pg, mysql), the text with \n, \t and the
 * like, and its label, with tabs between them. */
#include "classify_texts.h"

#include <infra/sql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench.h"

enum { STATEMENTS_MAX = 5, LINE_MAX_SIZE = 4096 };

struct class
{
    const char *name;
    const char *statements[STATEMENTS_MAX];
    /* Of one statement: what stands between its head and its tail, and how
     * often. */
    const char *part;
    const char *separator;
    const char *tail;
    int times;
};

static const struct class classes[] = {
    { .name = "transaction",
      .statements = { "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a",
                      "START TRANSACTION READ ONLY" } },
    { .name = "short-select",
      .statements = { "SELECT 1", "SELECT * FROM users WHERE id = 42",
                      "SELECT name, email FROM users WHERE id = 17 LIMIT 1",
                      "SELECT count(*) FROM orders WHERE state = 'open'",
                      "SELECT total FROM orders WHERE id = 5 FOR UPDATE" } },
    { .name = "short-write",
      .statements = { "UPDATE users SET name = 'x', n = n + 1 WHERE id = 42",
                      "DELETE FROM sessions WHERE expires < '2024-01-01'",
                      "INSERT INTO log (a, b, c) VALUES (1, 2, 'three')" } },
    { .name = "long-select",
      .statements = { "SELECT o.id, o.total, c.name, c.email, p.title\n"
                      "  FROM orders o JOIN customers c ON c.id = o.customer_id"
                      " JOIN products p ON p.id = o.product_id\n"
                      " WHERE o.state IN ('open', 'paid') AND " },
      .part = "o.created_at > '2024-01-01' AND lower(c.country) = 'fi'"
              " AND p.price BETWEEN 10 AND 200",
      .separator = "\n   AND ",
      .tail = "\n ORDER BY o.created_at DESC LIMIT 50",
      .times = 12 },
    { .name = "in-list",
      .statements = { "SELECT a FROM t WHERE id IN (" },
      .part = "123456",
      .separator = ", ",
      .tail = ")",
      .times = 500 },
    { .name = "insert-rows",
      .statements = { "INSERT INTO readings (sensor, at, value, note) "
                      "VALUES " },
      .part = "(1234, '2024-05-06 07:08:09', 17.25, 'a note of some length')",
      .separator = ", ",
      .tail = "",
      .times = 100 },
    { .name = "definition",
      .statements = { "CREATE TABLE t (id int, " },
      .part = "column_name varchar(20) NOT NULL DEFAULT 'x'",
      .separator = ", ",
      .tail = ")",
      .times = 40 },
};

const char *texts_class(size_t i)
{
    return i < sizeof classes / sizeof classes[0] ? classes[i].name : NULL;
}

/* Room for one more of that length, still to be filled. */
static struct text *add(struct texts *t, size_t length)
{
    void *all = realloc(t->all, (t->count + 1) * sizeof *t->all);
    char *bytes = calloc(length + 1, 1);

    if (all == NULL || bytes == NULL) {
        fprintf(stderr, "infra-bench: out of memory\n");
        exit(EXIT_FAILURE);
    }
    t->all = all;
    t->all[t->count] = (struct text) { .bytes = bytes, .length = length };
    t->bytes += length;
    return &t->all[t->count++];
}

static void add_long(struct texts *t, const struct class *c)
{
    size_t part = strlen(c->part) + strlen(c->separator);
    size_t length = strlen(c->statements[0]) + strlen(c->tail) +
                    (size_t)c->times * part - strlen(c->separator);
    char *to = add(t, length)->bytes;

    to += sprintf(to, "%s", c->statements[0]);
    for (int i = 0; i < c->times; i++) {
        to += sprintf(to, "%s%s", i > 0 ? c->separator : "", c->part);
    }
    (void)sprintf(to, "%s", c->tail);
}

void texts_make(struct texts *t, size_t i)
{
    const struct class *c = &classes[i];

    if (c->times > 0) {
        add_long(t, c);
        return;
    }
    for (int k = 0; k < STATEMENTS_MAX && c->statements[k] != NULL; k++) {
        size_t length = strlen(c->statements[k]);
        memcpy(add(t, length)->bytes, c->statements[k], length);
    }
}

/* In place; its length. */
static size_t unescape(char *text)
{
    static const char letters[] = "ntrfv\\";
    static const char bytes[] = "\n\t\r\f\v\\";
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        const char *letter =
            *from == '\\' && from[1] != '\0' ? strchr(letters, from[1]) : NULL;
        from += letter != NULL ? 1 : 0;
        *to++ = letter != NULL ? bytes[letter - letters] : *from;
    }
    return (size_t)(to - text);
}

static void add_line(struct texts *t, char *line, uint32_t dialect)
{
    char *text = strchr(line, '\t');
    char *end = text != NULL ? strchr(text + 1, '\t') : NULL;

    if (line[0] == '#' || end == NULL) {
        return;
    }
    *text++ = '\0';
    *end = '\0';
    if (strcmp(line, dialect == INFRA_SQL_POSTGRESQL ? "pg" : "mysql") == 0) {
        size_t length = unescape(text);
        memcpy(add(t, length)->bytes, text, length);
    }
}

int texts_read(struct texts *t, const char *path, uint32_t dialect)
{
    char line[LINE_MAX_SIZE];
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        return bench_complain("cannot read", path);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        add_line(t, line, dialect);
    }
    (void)fclose(file);
    return t->count > 0 ? 0 : bench_complain("no statement in", path);
}

void texts_free(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->all[i].bytes);
    }
    free(t->all);
    *t = (struct texts) { .count = 0 };
}
