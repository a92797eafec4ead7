/* SPDX-License-Identifier: MIT */
#include "db_list.h"

#include "../common/arguments.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool read_attributes(const char *text, char *rest, struct db *db)
{
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        const char *p = word + strlen("priority=");
        if (strcmp(word, "never") == 0) {
            db->flags |= INFRA_PROMOTION_FLAG_NEVER;
        } else if (strcmp(word, "async") == 0) {
            db->flags &= ~INFRA_PROMOTION_FLAG_SYNC;
        } else if (strncmp(word, "priority=", strlen("priority=")) != 0) {
            return arguments_wrong("database \"%s\": \"%s\" is not priority=N, "
                                   "never or async",
                                   text, word);
        } else if (!read_number(&p, &db->priority) || *p != '\0') {
            return arguments_wrong("database \"%s\": priority must be a number",
                                   text);
        }
    }
    return true;
}

bool db_list_read(struct db_failover_options *o, char *text)
{
    char *whole = strdup(text);
    char *rest = text;
    struct db *db = &o->dbs[o->dbs_count];

    if (o->dbs_count == DBS_MAX || whole == NULL) {
        free(whole);
        return arguments_wrong("at most %u databases", DBS_MAX);
    }
    char *key = strsep(&rest, "=");
    db->flags = INFRA_PROMOTION_FLAG_SYNC;
    db->name = rest != NULL ? strsep(&rest, ",") : NULL;
    bool good = db->name != NULL || arguments_wrong("database \"%s\": must be "
                                                    "KEY=ADDR:PORT",
                                                    whole);
    good = good && read_name("database", key, &db->key) &&
           read_address("database", db->name, false, &db->address,
                        &db->address_size) &&
           read_attributes(whole, rest, db);
    if (good && (db_by_key(o, db->key) != DBS_MAX ||
                 db_by_address(o, db->name) != DBS_MAX)) {
        good = arguments_wrong("database \"%s\": given twice", whole);
    }
    free(whole);
    o->dbs_count++;
    return good;
}

const char *db_key(const struct db_failover_options *o, uint32_t db)
{
    return db < o->dbs_count ? o->dbs[db].key : "-";
}

uint32_t db_by_key(const struct db_failover_options *o, const char *key)
{
    for (uint32_t i = 0; i < o->dbs_count; i++) {
        if (strcmp(o->dbs[i].key, key) == 0) {
            return i;
        }
    }
    return DBS_MAX;
}

/* Does the database listen at this host and port? */
static bool is_at(const struct db *db, const char *host, const char *port)
{
    uint32_t number;
    const struct sockaddr_in6 *in6 = (const void *)&db->address;
    const struct sockaddr_in *in = (const void *)&db->address;
    bool is_v6 = db->address.ss_family == AF_INET6;
    unsigned char bytes[16];

    return read_number(&port, &number) && *port == '\0' &&
           inet_pton(db->address.ss_family, host, bytes) == 1 &&
           memcmp(bytes,
                  is_v6 ? (const void *)&in6->sin6_addr
                        : (const void *)&in->sin_addr,
                  is_v6 ? 16 : 4) == 0 &&
           number == ntohs(is_v6 ? in6->sin6_port : in->sin_port);
}

uint32_t db_by_address(const struct db_failover_options *o, const char *name)
{
    char host[INET6_ADDRSTRLEN] = "";
    const char *colon = strrchr(name, ':');
    size_t is_bracketed = name[0] == '[';

    if (colon == NULL || (size_t)(colon - name) >= sizeof host ||
        (size_t)(colon - name) < 2 * is_bracketed) {
        return DBS_MAX;
    }
    memcpy(host, name + is_bracketed,
           (size_t)(colon - name) - 2 * is_bracketed);
    for (uint32_t i = 0; i < o->dbs_count; i++) {
        if (is_at(&o->dbs[i], host, colon + 1)) {
            return i;
        }
    }
    return DBS_MAX;
}
