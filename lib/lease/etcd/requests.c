/* SPDX-License-Identifier: MIT */
/* The requests: one table of paths and bodies. A '$' and a letter in a body is
 * a gap. All lengths are bounded by those of names, so that every body
 * fits. */
#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The pieces of transactions. */
#define READ(key) "{\"request_range\":{\"key\":\"" key "\"}}"
#define DELETE(key) "{\"request_delete_range\":{\"key\":\"" key "\"}}"
#define PUT(key, value, more) \
    "{\"request_put\":{\"key\":\"" key "\",\"value\":\"" value "\"" more "}}"
#define BOUND ",\"lease\":\"$l\""
#define WHERE(key, target, result, field, value)                          \
    "{\"key\":\"" key "\",\"target\":\"" target "\",\"result\":\"" result \
    "\",\"" field "\":\"" value "\"}"
#define TOKEN_IS(token) WHERE("$h", "CREATE", "EQUAL", "create_revision", token)
#define IS_OURS TOKEN_IS("$t"), WHERE("$h", "VALUE", "EQUAL", "value", "$v")

/* Most compares of a transaction, and most operations of each case. */
#define PARTS_MAX 4u

static const struct {
    const char *path;
    const char *body; /* NULL: a transaction. */
    const char *compare[PARTS_MAX];
    const char *success[PARTS_MAX];
    const char *failure[PARTS_MAX];
} requests[] = {
    [INFRA__ETCD_LOGIN] = { .path = "auth/authenticate",
                            .body = "{\"name\":\"$u\",\"password\":\"$w\"}" },
    [INFRA__ETCD_GRANT] = { .path = "lease/grant", .body = "{\"TTL\":\"$s\"}" },
    /* Token 0: the key is not there. Dirty is read as it was before. */
    [INFRA__ETCD_TAKE] = { .compare = { TOKEN_IS("0") },
                           .success = { READ("$d"), PUT("$h", "$v", BOUND),
                                        PUT("$d", "$v", ""), DELETE("$o") },
                           .failure = { READ("$h") } },
    [INFRA__ETCD_FIND] = { .success = { READ("$h"), READ("$o") } },
    [INFRA__ETCD_KEEPALIVE] = { .path = "lease/keepalive",
                                .body = "{\"ID\":\"$l\"}" },
    [INFRA__ETCD_VERIFY] = { .compare = { TOKEN_IS("$t"),
                                          WHERE("$h", "LEASE", "EQUAL", "lease",
                                                "$l") },
                             .success = { DELETE("$n"), READ("$o") },
                             .failure = { READ("$h") } },
    [INFRA__ETCD_LOOK] = { .success = { READ("$h"), READ("$o") } },
    [INFRA__ETCD_GIVE] = { .compare = { IS_OURS },
                           .success = { DELETE("$h"), DELETE("$d") } },
    [INFRA__ETCD_REVOKE] = { .path = "lease/revoke",
                             .body = "{\"ID\":\"$l\"}" },
    [INFRA__ETCD_HANDOVER_GRANT] = { .path = "lease/grant",
                                     .body = "{\"TTL\":\"$s\"}" },
    [INFRA__ETCD_HANDOVER] = { .compare = { WHERE("$o", "VALUE", "GREATER",
                                                  "value", "$p") },
                               .failure = { PUT("$o", "$p", BOUND) } },
    [INFRA__ETCD_RECORD_LOOK] = { .success = { READ("$r") } },
    [INFRA__ETCD_RECORD_READ] = { .compare = { IS_OURS },
                                  .success = { READ("$r"), DELETE("$n") },
                                  .failure = { READ("$h") } },
    [INFRA__ETCD_RECORD_WRITE] = { .compare = { IS_OURS,
                                                WHERE("$r", "MOD", "EQUAL",
                                                      "mod_revision", "$c") },
                                   .success = { PUT("$r", "$p", "") },
                                   .failure = { READ("$h"), READ("$r") } },
    [INFRA__ETCD_WATCH] = { .path = "watch",
                            .body = "{\"create_request\":{\"key\":\"$h\","
                                    "\"filters\":[\"NOPUT\"]}}" },
};

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
    char text[INFRA__ETCD_PREFIX_MAX + INFRA_LEASE_NAME_MAX + 10u];
    const struct {
        char *key;
        const char *word;
    } keys[] = {
        { n->holder, "holder" }, { n->dirty, "dirty" },
        { n->none, "none" },     { n->handover, "handover" },
        { n->record, "record" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(keys); i++) {
        (void)snprintf(text, sizeof text, "%s%s/%s", prefix, group,
                       keys[i].word);
        encode(keys[i].key, text);
    }
    (void)snprintf(text, sizeof text, "%s %016" PRIx64, node, incarnation);
    encode(n->value, text);
}

void infra__etcd_handover_init(char *ret, uint64_t request)
{
    char digits[INFRA__ETCD_DIGITS + 1];

    (void)snprintf(digits, sizeof digits, "%020" PRIu64, request);
    encode(ret, digits);
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

/* The inside of a string of JSON: what may not stand in one is escaped. */
static void say_escaped(struct infra__etcd_request *r, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        say(r, c == '"' || c == '\\' || c < ' ' ? "\\u%04x" : "%c", c);
    }
}

/* NULL: the gap is no text. */
static const char *text_of(char gap, const struct infra__etcd_site *site,
                           const struct infra__etcd_values *v)
{
    switch (gap) {
    case 'h':
        return site->names.holder;
    case 'd':
        return site->names.dirty;
    case 'o':
        return site->names.handover;
    case 'r':
        return site->names.record;
    case 'n':
        return site->names.none;
    case 'v':
        return site->names.value;
    case 'u':
        return site->login.user;
    case 'w':
        return site->login.password;
    case 'p':
        return v->payload;
    default:
        return NULL;
    }
}

static uint64_t number_of(char gap, const struct infra__etcd_site *site,
                          const struct infra__etcd_values *v)
{
    switch (gap) {
    case 's':
        return site->seconds;
    case 't':
        return v->token;
    case 'l':
        return v->lease;
    default:
        assert(gap == 'c');
        return v->changed;
    }
}

static void say_gap(struct infra__etcd_request *r, char gap,
                    const struct infra__etcd_site *site,
                    const struct infra__etcd_values *v)
{
    const char *text = text_of(gap, site, v);

    if (text != NULL) {
        say_escaped(r, text);
    } else {
        say(r, "%" PRIu64, number_of(gap, site, v));
    }
}

/* A text, its gaps filled. */
static void say_filled(struct infra__etcd_request *r, const char *text,
                       const struct infra__etcd_site *site,
                       const struct infra__etcd_values *v)
{
    while (*text != '\0') {
        int size = (int)strcspn(text, "$");
        say(r, "%.*s", size, text);
        text += size;
        if (*text == '$') {
            say_gap(r, text[1], site, v);
            text += 2;
        }
    }
}

/* A list of a transaction; nothing if it is empty. */
static void say_list(struct infra__etcd_request *r, const char *name,
                     const char *const parts[PARTS_MAX],
                     const struct infra__etcd_site *site,
                     const struct infra__etcd_values *v)
{
    if (parts[0] == NULL) {
        return;
    }
    say(r, "%s\"%s\":[", r->body_size == 0 ? "{" : ",", name);
    for (size_t i = 0; i < PARTS_MAX && parts[i] != NULL; i++) {
        say(r, "%s", i > 0 ? "," : "");
        say_filled(r, parts[i], site, v);
    }
    say(r, "]");
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

void infra__etcd_ask(struct infra__etcd_request *r, uint32_t step,
                     const struct infra__etcd_site *site,
                     const struct infra__etcd_values *v)
{
    const char *body = requests[step].body;

    r->body_size = 0;
    if (body != NULL) {
        say_filled(r, body, site, v);
    } else {
        say_list(r, "compare", requests[step].compare, site, v);
        say_list(r, "success", requests[step].success, site, v);
        say_list(r, "failure", requests[step].failure, site, v);
        say(r, "}");
    }
    /* The login token is empty before LOGIN. */
    finish(r, body != NULL ? requests[step].path : "kv/txn", site->login.token);
}
