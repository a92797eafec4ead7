/* SPDX-License-Identifier: MIT */
#include "etcd_model.h"

#include "../../lib/base/base64.h"
#include "../../lib/base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDER "L2luZnJhL2xiL2hvbGRlcg==" /* "/infra/lb/holder" */

struct text {
    char *at;
    size_t size;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t,
                                                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int size = vsnprintf(t->at + t->size, t->room - t->size, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= t->room - t->size) {
        abort();
    }
    t->size += (size_t)size;
}

static bool is_word(struct infra__json value, const char *word)
{
    struct infra__json s;

    return infra__json_string(&s, value) && s.size == strlen(word) &&
           memcmp(s.at, word, s.size) == 0;
}

static uint64_t number(struct infra__json value, const char *name)
{
    struct infra__json m;
    uint64_t n = 0;

    if (infra__json_member(&m, value, name) && !infra__json_uint64(&n, m)) {
        abort();
    }
    return n;
}

static void copy(char ret[ETCD_TEXT], struct infra__json value,
                 const char *name)
{
    struct infra__json m;

    ret[0] = '\0';
    if (infra__json_member(&m, value, name) && infra__json_string(&m, m)) {
        if (m.size >= ETCD_TEXT) {
            abort();
        }
        memcpy(ret, m.at, m.size);
        ret[m.size] = '\0';
    }
}

void etcd_init(struct etcd *e, infra_time now)
{
    memset(e, 0, sizeof *e);
    e->now = now;
    e->revision = 1;
    e->term = 2;
    e->cut_off = ETCD_MEMBERS;
}

static struct etcd_key *key_of(struct etcd *e, const char *name)
{
    struct etcd_key *k = NULL;

    for (uint32_t i = 0; i < ETCD_KEYS && k == NULL; i++) {
        if (e->keys[i].name[0] == '\0' || strcmp(e->keys[i].name, name) == 0) {
            k = &e->keys[i];
        }
    }
    if (k == NULL || name[0] == '\0') {
        abort();
    }
    (void)strcpy(k->name, name);
    return k;
}

const struct etcd_key *etcd_holder(const struct etcd *e)
{
    for (uint32_t i = 0; i < ETCD_KEYS; i++) {
        if (e->keys[i].is_there && strcmp(e->keys[i].name, HOLDER) == 0) {
            return &e->keys[i];
        }
    }
    return NULL;
}

static struct etcd_lease *lease_of(struct etcd *e, uint64_t id)
{
    for (uint32_t i = 0; i < ETCD_LEASES; i++) {
        if (id != 0 && e->leases[i].id == id) {
            return &e->leases[i];
        }
    }
    return NULL;
}

static void end_lease(struct etcd *e, struct etcd_lease *l, bool ran_out)
{
    for (uint32_t i = 0; i < ETCD_KEYS; i++) {
        struct etcd_key *k = &e->keys[i];
        if (k->is_there && k->lease == l->id) {
            k->is_there = false;
            e->revision++;
            if (ran_out && strcmp(k->name, HOLDER) == 0) {
                e->ended[k->created % ETCD_TOKENS] = e->now;
            }
        }
    }
    l->id = 0;
}

void etcd_pass(struct etcd *e, infra_time by)
{
    e->now += by;
    for (uint32_t i = 0; i < ETCD_LEASES; i++) {
        if (e->leases[i].id != 0 && e->leases[i].expires <= e->now) {
            end_lease(e, &e->leases[i], true);
        }
    }
}

void etcd_elect(struct etcd *e, uint32_t member)
{
    e->cut_off = member;
    e->old_term = e->term++;
    for (uint32_t i = 0; i < ETCD_LEASES; i++) {
        e->leases[i].expires = e->now + e->leases[i].ttl;
    }
}

static void grant(struct etcd *e, struct infra__json body, struct text *t)
{
    struct etcd_lease *l = &e->leases[e->leases_count++ % ETCD_LEASES];
    uint64_t seconds = number(body, "TTL");

    if (l->id != 0) {
        end_lease(e, l, false);
    }
    *l = (struct etcd_lease) { .id = 1000 + e->leases_count,
                               .ttl = INFRA_SEC(seconds),
                               .expires = e->now + INFRA_SEC(seconds) };
    say(t, ",\"ID\":\"%" PRIu64 "\",\"TTL\":\"%" PRIu64 "\"", l->id, seconds);
}

/* A value that is greater, as bytes. */
static bool is_greater(const char *value, const char *than)
{
    char a[ETCD_TEXT];
    char b[ETCD_TEXT];
    int a_size = infra__base64_decode(a, sizeof a, value, strlen(value));
    int b_size = infra__base64_decode(b, sizeof b, than, strlen(than));

    return a_size >= 0 && b_size == a_size && memcmp(a, b, (size_t)a_size) > 0;
}

static bool holds(struct etcd *e, struct infra__json compare)
{
    char name[ETCD_TEXT];
    char value[ETCD_TEXT];
    struct infra__json target;

    copy(name, compare, "key");
    copy(value, compare, "value");
    const struct etcd_key *k = key_of(e, name);
    if (!infra__json_member(&target, compare, "target")) {
        abort();
    }
    if (is_word(target, "CREATE")) {
        return (k->is_there ? k->created : 0) ==
               number(compare, "create_revision");
    }
    if (is_word(target, "MOD")) {
        return (k->is_there ? k->changed : 0) ==
               number(compare, "mod_revision");
    }
    if (is_word(target, "LEASE")) {
        return k->is_there && k->lease == number(compare, "lease");
    }
    struct infra__json result;
    bool greater = infra__json_member(&result, compare, "result") &&
                   is_word(result, "GREATER");
    return k->is_there && (greater ? is_greater(k->value, value)
                                   : strcmp(k->value, value) == 0);
}

static void range(const struct etcd_key *k, struct text *t)
{
    say(t, "{\"response_range\":{");
    if (k->is_there) {
        say(t,
            "\"kvs\":[{\"key\":\"%s\",\"create_revision\":\"%" PRIu64
            "\",\"mod_revision\":\"%" PRIu64 "\",\"value\":\"%s\"",
            k->name, k->created, k->changed, k->value);
        if (k->lease != 0) {
            say(t, ",\"lease\":\"%" PRIu64 "\"", k->lease);
        }
        say(t, "}],\"count\":\"1\"");
    }
    say(t, "}}");
}

static void put(struct etcd *e, struct infra__json op, uint64_t revision)
{
    char name[ETCD_TEXT];

    copy(name, op, "key");
    struct etcd_key *k = key_of(e, name);
    copy(k->value, op, "value");
    k->lease = number(op, "lease");
    k->changed = revision;
    if (!k->is_there) {
        k->created = revision;
        k->since = e->now;
    }
    k->is_there = true;
    e->revision = revision;
}

static void carry_out(struct etcd *e, struct infra__json ops, struct text *t)
{
    uint64_t revision = e->revision + 1;
    struct infra__json rest = ops;
    struct infra__json op;
    struct infra__json m;
    char name[ETCD_TEXT];
    const char *comma = "";

    say(t, ",\"responses\":[");
    for (; infra__json_take(&op, &rest); comma = ",") {
        say(t, "%s", comma);
        if (infra__json_member(&m, op, "request_range")) {
            copy(name, m, "key");
            range(key_of(e, name), t);
        } else if (infra__json_member(&m, op, "request_put")) {
            put(e, m, revision);
            say(t, "{\"response_put\":{}}");
        } else if (infra__json_member(&m, op, "request_delete_range")) {
            copy(name, m, "key");
            struct etcd_key *k = key_of(e, name);
            e->revision = k->is_there ? revision : e->revision;
            k->is_there = false;
            say(t, "{\"response_delete_range\":{}}");
        } else {
            abort();
        }
    }
    say(t, "]");
}

/* Does it need room, or a lease that is not there? The status, or 0. */
static unsigned obstacle(struct etcd *e, struct infra__json ops)
{
    struct infra__json rest = ops;
    struct infra__json op;
    struct infra__json m;

    while (infra__json_take(&op, &rest)) {
        if (infra__json_member(&m, op, "request_put")) {
            uint64_t lease = number(m, "lease");
            if (e->is_full) {
                return 429;
            }
            if (lease != 0 && lease_of(e, lease) == NULL) {
                return 404;
            }
        }
    }
    return 0;
}

static unsigned transact(struct etcd *e, struct infra__json body,
                         struct text *t)
{
    struct infra__json compares = { .at = "[]", .size = 2 };
    struct infra__json compare;
    struct infra__json ops = { .at = "[]", .size = 2 };
    bool good = true;

    (void)infra__json_member(&compares, body, "compare");
    while (infra__json_take(&compare, &compares)) {
        good &= holds(e, compare);
    }
    (void)infra__json_member(&ops, body, good ? "success" : "failure");
    unsigned status = obstacle(e, ops);
    if (status == 0) {
        say(t, "%s", good ? ",\"succeeded\":true" : "");
        carry_out(e, ops, t);
    }
    return status;
}

/* Where the lease of a renewal is known: at the leader, or at a former
 * leader. */
static void keep_alive(struct etcd *e, bool is_cut_off, struct infra__json body,
                       struct text *t)
{
    uint64_t id = number(body, "ID");
    struct etcd_lease *l = lease_of(e, id);

    say(t, ",\"ID\":\"%" PRIu64 "\"", id);
    if (is_cut_off) {
        say(t, ",\"TTL\":\"5\""); /* And no other member hears of it. */
    } else if (l != NULL) {
        l->expires = e->now + l->ttl;
        say(t, ",\"TTL\":\"%" PRIu64 "\"", l->ttl / INFRA_SEC(1));
    }
}

static unsigned serve(struct etcd *e, bool is_cut_off, const char *path,
                      struct infra__json body, struct text *t)
{
    if (strncmp(path, "lease/keepalive ", 16) == 0) {
        keep_alive(e, is_cut_off, body, t);
        return 0;
    }
    if (is_cut_off) {
        return 503;
    }
    if (strncmp(path, "kv/txn ", 7) == 0) {
        return transact(e, body, t);
    }
    if (strncmp(path, "lease/grant ", 12) == 0) {
        if (e->is_full) {
            return 429;
        }
        grant(e, body, t);
    } else if (strncmp(path, "lease/revoke ", 13) == 0) {
        struct etcd_lease *l = lease_of(e, number(body, "ID"));
        if (l == NULL) {
            return 404;
        }
        end_lease(e, l, false);
    } else {
        abort();
    }
    return 0;
}

size_t etcd_answer(struct etcd *e, uint32_t member, const char *request,
                   size_t size, char *ret, size_t ret_size)
{
    static char text[16384];
    static const char start[] = "POST /v3/";
    const char *end = memmem(request, size, "\r\n\r\n", 4);
    struct text t = { .at = text, .room = sizeof text };
    struct text reply = { .at = ret, .room = ret_size };
    bool is_cut_off = member == e->cut_off;
    struct infra__json body;

    if (end == NULL || memcmp(request, start, sizeof start - 1) != 0 ||
        !infra__json_parse(&body, end + 4,
                           size - (size_t)(end + 4 - request))) {
        abort();
    }
    const char *path = request + sizeof start - 1;
    unsigned status = serve(e, is_cut_off, path, body, &t);
    bool is_stream = strncmp(path, "lease/keepalive ", 16) == 0;
    t.at[t.size] = '\0';
    char whole[sizeof text + 256];
    int whole_size =
        status != 0 ? snprintf(whole, sizeof whole, "{\"code\":%d}",
                               status == 404   ? 5
                               : status == 429 ? 8
                                               : 14)
                    : snprintf(whole, sizeof whole,
                               "%s{\"header\":{\"revision\":\"%" PRIu64
                               "\",\"raft_term\":\"%" PRIu64 "\"}%s}%s",
                               is_stream ? "{\"result\":" : "", e->revision,
                               is_cut_off ? e->old_term : e->term, text,
                               is_stream ? "}" : "");
    say(&reply, "HTTP/1.1 %u X\r\nContent-Length: %d\r\n\r\n%s",
        status != 0 ? status : 200, whole_size, whole);
    return reply.size;
}
