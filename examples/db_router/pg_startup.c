/* SPDX-License-Identifier: MIT */
/* The startup message of a client: who it is, what database it wants, and the
 * settings that its session begins with. */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

#define VERSION_3_0 196608u

static bool add_startup(struct pg_client *p, const char *name, size_t name_size,
                        const char *value, size_t value_size)
{
    size_t size = name_size + value_size + 2;
    char *more = realloc(p->startup, p->startup_size + size);

    if (more == NULL) {
        return false;
    }
    p->startup = more;
    memcpy(more + p->startup_size, name, name_size);
    more[p->startup_size + name_size] = '\0';
    memcpy(more + p->startup_size + name_size + 1, value, value_size);
    p->startup_size += size;
    more[p->startup_size - 1] = '\0';
    return true;
}

static bool is_name(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char ch = name[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
              (ch >= '0' && ch <= '9') || ch == '_' || ch == '.')) {
            return false;
        }
    }
    return size > 0;
}

/* "-c name=value" or "--name=value", with blanks between and backslashes in
 * front of blanks; name and value are written to @copy.  False: not of this
 * form. */
static bool add_options(struct pg_client *p, const char *text)
{
    char word[1024];

    while (*text != '\0') {
        size_t size = 0;
        text += strspn(text, " \t\n\r\v\f");
        bool is_set =
            strncmp(text, "-c", 2) == 0 || strncmp(text, "--", 2) == 0;
        bool has_dashes = text[0] == '-' && text[1] == '-';
        if (*text == '\0') {
            break;
        }
        if (!is_set) {
            return false;
        }
        text += 2;
        text += has_dashes ? 0 : strspn(text, " \t\n\r\v\f");
        while (*text != '\0' && strchr(" \t\n\r\v\f", *text) == NULL &&
               size < sizeof word - 1) {
            text += *text == '\\' && text[1] != '\0';
            word[size++] = *text++;
        }
        word[size] = '\0';
        char *equals = strchr(word, '=');
        if (equals == NULL || size == sizeof word - 1) {
            return false;
        }
        size_t name_size = (size_t)(equals - word);
        for (size_t i = 0; i < name_size; i++) {
            word[i] = word[i] == '-' ? '_' : word[i];
        }
        if (!is_name(word, name_size) ||
            !add_startup(p, word, name_size, equals + 1, strlen(equals + 1))) {
            return false;
        }
    }
    return true;
}

/* What the pairs of a startup message ask for. */
struct wishes {
    const char *user;
    const char *database;
    const char *wrong;
    uint32_t extensions; /* _pq_. that nobody knows. */
};

static void take_pair(struct client *c, const char *name, size_t name_size,
                      const char *value, size_t value_size, struct wishes *w)
{
    struct pg_client *p = pg_client(c);

    if (strcmp(name, "user") == 0) {
        w->user = value;
    } else if (strcmp(name, "database") == 0) {
        w->database = value;
    } else if (strcmp(name, "replication") == 0) {
        if (strcmp(value, "false") != 0 && strcmp(value, "off") != 0 &&
            strcmp(value, "no") != 0 && strcmp(value, "0") != 0) {
            w->wrong = "replication does not go through the proxy: connect to "
                       "the server";
        }
    } else if (strncmp(name, "_pq_.", 5) == 0) {
        w->extensions++;
    } else if (strcmp(name, "options") == 0) {
        if (!add_options(p, value)) {
            w->wrong = "options: only -c name=value and --name=value are "
                       "understood";
        }
    } else if (!is_name(name, name_size)) {
        w->wrong = "malformed name of a parameter";
    } else if (!add_startup(p, name, name_size, value, value_size)) {
        w->wrong = "out of memory";
    } else {
        pg_settings_told(c, name, value);
    }
}

/* NegotiateProtocolVersion: 3.0, and the extensions are not known. */
static void put_version(struct client *c, const unsigned char *pairs,
                        size_t size, uint32_t extensions)
{
    unsigned char numbers[8];
    size_t names = 0;
    const unsigned char *at = pairs;
    size_t left = size;
    const char *name;
    const char *value;
    size_t name_size;
    size_t value_size;

    for (int pass = 0; pass < 2; pass++) {
        at = pairs;
        left = size;
        while (left > 1 && pg_text(&at, &left, &name, &name_size) &&
               pg_text(&at, &left, &value, &value_size)) {
            if (strncmp(name, "_pq_.", 5) != 0) {
                continue;
            }
            if (pass == 1) {
                link_put(&c->link, name, name_size + 1);
            } else {
                names += name_size + 1;
            }
        }
        if (pass == 0) {
            pg_set_u32(numbers, VERSION_3_0);
            pg_set_u32(numbers + 4, extensions);
            pg_put_header(&c->link, 'v', sizeof numbers + names);
            link_put(&c->link, numbers, sizeof numbers);
        }
    }
}

enum step pg_startup(struct client *c, uint32_t version,
                     const unsigned char *at, size_t size)
{
    struct wishes w = { .user = "" };
    const unsigned char *pairs = at;
    size_t pairs_size = size;

    if (version >> 16 != 3) {
        return pg_refuse(c, "0A000",
                         "unsupported protocol: version 3 is spoken");
    }
    while (size > 1 && w.wrong == NULL) {
        const char *name;
        const char *value;
        size_t name_size;
        size_t value_size;
        if (!pg_text(&at, &size, &name, &name_size) ||
            !pg_text(&at, &size, &value, &value_size) || name_size == 0) {
            w.wrong = "malformed startup message";
            break;
        }
        take_pair(c, name, name_size, value, value_size, &w);
    }
    if (w.wrong == NULL && (size != 1 || *at != 0)) {
        w.wrong = "malformed startup message";
    }
    if (w.wrong == NULL && w.user[0] == '\0') {
        return pg_refuse(c, "28000", "no user name in the startup message");
    }
    if (w.wrong != NULL) {
        return pg_refuse(c, "08P01", w.wrong);
    }
    const char *database =
        w.database != NULL && w.database[0] != '\0' ? w.database : w.user;
    if (strlen(w.user) >= NAME_MAX_SIZE || strlen(database) >= NAME_MAX_SIZE ||
        !client_set_database(c, database, strlen(database))) {
        return pg_refuse(c, "08P01",
                         "the name of user or database is too long");
    }
    c->user = client_find_user(c, w.user, strlen(w.user));
    if (version != VERSION_3_0 || w.extensions > 0) {
        put_version(c, pairs, pairs_size, w.extensions);
    }
    return pg_begin_scram(c, w.user);
}
