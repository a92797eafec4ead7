/* SPDX-License-Identifier: MIT */
/* The requests. Lengths are bounded by the bounds of names, so that all fits;
 * what would not is cut off and refused by the server. */
#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HANDOVER_DIGITS \
    "%020" PRIu64 /* Of one length, to be compared as text. */
#define HANDOVER_SIZE 20u

static void encode(char *ret, const char *text)
{
    size_t size = strlen(text);

    infra__base64_encode(ret, text, size);
    ret[INFRA__BASE64_SIZE(size)] = '\0';
}

void infra__etcd_names_init(struct infra__etcd_names *n, const char *prefix,
                            const char *group, const char *node,
                            uint64_t incarnation)
{
    char text[INFRA__ETCD_PREFIX_MAX + INFRA_LEASE_NAME_MAX + 8u];

    (void)snprintf(text, sizeof text, "%s%s/holder", prefix, group);
    encode(n->holder, text);
    (void)snprintf(text, sizeof text, "%s%s/dirty", prefix, group);
    encode(n->dirty, text);
    (void)snprintf(text, sizeof text, "%s%s/handover", prefix, group);
    encode(n->handover, text);
    (void)snprintf(text, sizeof text, "%s%s/record", prefix, group);
    encode(n->record, text);
    (void)snprintf(text, sizeof text, "%s%s/none", prefix, group);
    encode(n->none, text);
    (void)snprintf(text, sizeof text, "%s %016" PRIx64, node, incarnation);
    encode(n->value, text);
}

static void begin(struct infra__etcd_request *r)
{
    r->body_size = 0;
}

__attribute__((format(printf, 2, 3))) static void say(
    struct infra__etcd_request *r, const char *format, ...)
{
    size_t room = sizeof r->body - r->body_size;
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(r->body + r->body_size, room, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < room);
    r->body_size += (size_t)size < room ? (size_t)size : room - 1;
}

/* A string of JSON: what may not stand in one is escaped. */
static void say_string(struct infra__etcd_request *r, const char *text)
{
    say(r, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c < ' ') {
            say(r, "\\u%04x", c);
        } else {
            say(r, "%c", c);
        }
    }
    say(r, "\"");
}

static void finish(struct infra__etcd_request *r, const char *path,
                   const char *login)
{
    int size = snprintf(r->text, sizeof r->text,
                        "POST /v3/%s HTTP/1.1\r\n"
                        "Host: localhost\r\n"
                        "Content-Type: application/json\r\n"
                        "%s%s%s"
                        "Content-Length: %zu\r\n"
                        "\r\n"
                        "%.*s",
                        path, login[0] != '\0' ? "Authorization: " : "", login,
                        login[0] != '\0' ? "\r\n" : "", r->body_size,
                        (int)r->body_size, r->body);

    assert(size > 0 && (size_t)size < sizeof r->text);
    r->size = (size_t)size;
}

void infra__etcd_ask_login(struct infra__etcd_request *r, const char *user,
                           const char *password)
{
    begin(r);
    say(r, "{\"name\":");
    say_string(r, user);
    say(r, ",\"password\":");
    say_string(r, password);
    say(r, "}");
    finish(r, "auth/authenticate", "");
}

void infra__etcd_ask_grant(struct infra__etcd_request *r, const char *login,
                           uint64_t seconds)
{
    begin(r);
    say(r, "{\"TTL\":\"%" PRIu64 "\"}", seconds);
    finish(r, "lease/grant", login);
}

static void ask_lease(struct infra__etcd_request *r, const char *path,
                      const char *login, uint64_t lease)
{
    begin(r);
    say(r, "{\"ID\":\"%" PRIu64 "\"}", lease);
    finish(r, path, login);
}

void infra__etcd_ask_keepalive(struct infra__etcd_request *r, const char *login,
                               uint64_t lease)
{
    ask_lease(r, "lease/keepalive", login, lease);
}

void infra__etcd_ask_revoke(struct infra__etcd_request *r, const char *login,
                            uint64_t lease)
{
    ask_lease(r, "lease/revoke", login, lease);
}

/* The pieces of transactions. */

static void say_created(struct infra__etcd_request *r,
                        const struct infra__etcd_names *n, uint64_t token)
{
    say(r,
        "{\"compare\":[{\"key\":\"%s\",\"target\":\"CREATE\","
        "\"result\":\"EQUAL\",\"create_revision\":\"%" PRIu64 "\"}",
        n->holder, token);
}

/* It is there, with this token and our value. */
static void say_ours(struct infra__etcd_request *r,
                     const struct infra__etcd_names *n, uint64_t token)
{
    say_created(r, n, token);
    say(r,
        ",{\"key\":\"%s\",\"target\":\"VALUE\",\"result\":\"EQUAL\","
        "\"value\":\"%s\"}",
        n->holder, n->value);
}

static void say_range(struct infra__etcd_request *r, const char *key)
{
    say(r, "{\"request_range\":{\"key\":\"%s\"}}", key);
}

static void say_delete(struct infra__etcd_request *r, const char *key)
{
    say(r, "{\"request_delete_range\":{\"key\":\"%s\"}}", key);
}

static void say_put(struct infra__etcd_request *r, const char *key,
                    const char *value, uint64_t lease)
{
    say(r, "{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"", key, value);
    if (lease != 0) {
        say(r, ",\"lease\":\"%" PRIu64 "\"", lease);
    }
    say(r, "}}");
}

static void say_else_range(struct infra__etcd_request *r, const char *key)
{
    say(r, "],\"failure\":[");
    say_range(r, key);
    say(r, "]}");
}

void infra__etcd_ask_take(struct infra__etcd_request *r, const char *login,
                          const struct infra__etcd_names *n, uint64_t lease)
{
    begin(r);
    say_created(r, n, 0); /* That is: it is not there. */
    say(r, "],\"success\":[");
    say_range(r, n->dirty); /* As it was before the next. */
    say(r, ",");
    say_put(r, n->holder, n->value, lease);
    say(r, ",");
    say_put(r, n->dirty, n->value, 0);
    say(r, ",");
    say_delete(r, n->handover);
    say_else_range(r, n->holder);
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_verify(struct infra__etcd_request *r, const char *login,
                            const struct infra__etcd_names *n, uint64_t token,
                            uint64_t lease)
{
    begin(r);
    say_created(r, n, token);
    say(r,
        ",{\"key\":\"%s\",\"target\":\"LEASE\",\"result\":\"EQUAL\","
        "\"lease\":\"%" PRIu64 "\"}],\"success\":[",
        n->holder, lease);
    say_delete(r, n->none);
    say(r, ",");
    say_range(r, n->handover);
    say_else_range(r, n->holder);
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_look(struct infra__etcd_request *r, const char *login,
                          const struct infra__etcd_names *n)
{
    begin(r);
    say(r, "{\"success\":[");
    say_range(r, n->holder);
    say(r, ",");
    say_range(r, n->handover);
    say(r, "]}");
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_give(struct infra__etcd_request *r, const char *login,
                          const struct infra__etcd_names *n, uint64_t token)
{
    begin(r);
    say_ours(r, n, token);
    say(r, "],\"success\":[");
    say_delete(r, n->holder);
    say(r, ",");
    say_delete(r, n->dirty);
    say(r, "]}");
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_handover(struct infra__etcd_request *r, const char *login,
                              const struct infra__etcd_names *n,
                              uint64_t handover, uint64_t lease)
{
    char digits[HANDOVER_SIZE + 1];
    char value[INFRA__BASE64_SIZE(HANDOVER_SIZE) + 1];

    (void)snprintf(digits, sizeof digits, HANDOVER_DIGITS, handover);
    encode(value, digits);
    begin(r);
    say(r,
        "{\"compare\":[{\"key\":\"%s\",\"target\":\"VALUE\","
        "\"result\":\"GREATER\",\"value\":\"%s\"}],\"failure\":[",
        n->handover, value);
    say_put(r, n->handover, value, lease);
    say(r, "]}");
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_record(struct infra__etcd_request *r, const char *login,
                            const struct infra__etcd_names *n, uint64_t token)
{
    begin(r);
    if (token == 0) {
        say(r, "{\"success\":[");
        say_range(r, n->record);
        say(r, "]}");
    } else {
        say_ours(r, n, token);
        say(r, "],\"success\":[");
        say_range(r, n->record);
        say(r, ",");
        say_delete(r, n->none);
        say_else_range(r, n->holder);
    }
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_put_record(struct infra__etcd_request *r,
                                const char *login,
                                const struct infra__etcd_names *n,
                                uint64_t token, uint64_t changed,
                                const void *bytes, size_t count)
{
    char value[INFRA__BASE64_SIZE(INFRA_LEASE_RECORD_MAX) + 1];

    infra__base64_encode(value, bytes, count);
    value[INFRA__BASE64_SIZE(count)] = '\0';
    begin(r);
    say_ours(r, n, token);
    say(r,
        ",{\"key\":\"%s\",\"target\":\"MOD\",\"result\":\"EQUAL\","
        "\"mod_revision\":\"%" PRIu64 "\"}],\"success\":[",
        n->record, changed);
    say_put(r, n->record, value, 0);
    say(r, "],\"failure\":[");
    say_range(r, n->holder);
    say(r, ",");
    say_range(r, n->record);
    say(r, "]}");
    finish(r, "kv/txn", login);
}

void infra__etcd_ask_watch(struct infra__etcd_request *r, const char *login,
                           const struct infra__etcd_names *n)
{
    begin(r);
    say(r, "{\"create_request\":{\"key\":\"%s\",\"filters\":[\"NOPUT\"]}}",
        n->holder);
    finish(r, "watch", login);
}
