/* SPDX-License-Identifier: MIT */
/* The replies. A reply that is not exactly of etcd's form is refused; the call
 * is UNKNOWN then. */
#include "text.h"

#include "../../base/characters.h"

#include <string.h>

#define TTL_SECONDS_MAX 86400u

static bool member_uint64(uint64_t *ret, struct infra__json value,
                          const char *name)
{
    struct infra__json m;

    return infra__json_member(&m, value, name) && infra__json_uint64(ret, m);
}

/* The same of a member that is left out when it is zero. */
static bool optional_uint64(uint64_t *ret, struct infra__json value,
                            const char *name)
{
    struct infra__json m;

    *ret = 0;
    return !infra__json_member(&m, value, name) || infra__json_uint64(ret, m);
}

bool infra__etcd_read(struct infra__etcd_reply *ret, const char *body,
                      size_t size)
{
    struct infra__etcd_reply r;
    struct infra__json m;

    if (!infra__json_parse(&r.whole, body, size) ||
        !infra__json_member(&m, r.whole, "header") ||
        !member_uint64(&r.revision, m, "revision") || r.revision == 0 ||
        !optional_uint64(&r.term, m, "raft_term")) {
        return false;
    }
    r.succeeded =
        infra__json_member(&m, r.whole, "succeeded") && infra__json_is_true(m);
    *ret = r;
    return true;
}

bool infra__etcd_read_key(struct infra__etcd_key *ret,
                          const struct infra__etcd_reply *reply, uint32_t index)
{
    struct infra__etcd_key key = { .is_there = false };
    struct infra__json m;

    if (!infra__json_member(&m, reply->whole, "responses") ||
        !infra__json_element(&m, m, index) ||
        !infra__json_member(&m, m, "response_range")) {
        return false;
    }
    if (infra__json_member(&m, m, "kvs")) {
        key.is_there = true;
        if (!infra__json_element(&m, m, 0) ||
            !member_uint64(&key.token, m, "create_revision") ||
            key.token == 0 ||
            !optional_uint64(&key.changed, m, "mod_revision") ||
            !optional_uint64(&key.lease, m, "lease")) {
            return false;
        }
        if (!infra__json_member(&key.value, m, "value") ||
            !infra__json_string(&key.value, key.value)) {
            key.value = (struct infra__json) { .at = "", .size = 0 };
        }
    }
    *ret = key;
    return true;
}

bool infra__etcd_is_ours(const struct infra__etcd_names *n,
                         const struct infra__etcd_key *key)
{
    return key->is_there && key->value.size == strlen(n->value) &&
           memcmp(key->value.at, n->value, key->value.size) == 0;
}

int infra__etcd_record_of(unsigned char *ret, const struct infra__etcd_key *key)
{
    if (!key->is_there) {
        return 0;
    }
    int count = infra__base64_decode(ret, INFRA_LEASE_RECORD_MAX, key->value.at,
                                     key->value.size);
    return key->changed != 0 && count > 0 ? count : -1;
}

uint64_t infra__etcd_handover_of(const struct infra__etcd_key *key)
{
    char digits[INFRA__ETCD_DIGITS];
    uint64_t handover = 0;

    if (!key->is_there ||
        infra__base64_decode(digits, sizeof digits, key->value.at,
                             key->value.size) != (int)INFRA__ETCD_DIGITS) {
        return 0;
    }
    (void)infra__read_number(&handover, digits, INFRA__ETCD_DIGITS);
    return handover;
}

/* A ttl beyond a day is not believed: no node asks for one. */
static infra_time ttl_of(uint64_t seconds)
{
    return INFRA_SEC(seconds < TTL_SECONDS_MAX ? seconds : TTL_SECONDS_MAX);
}

bool infra__etcd_read_grant(uint64_t *ret_lease, infra_time *ret_ttl,
                            const struct infra__etcd_reply *reply)
{
    uint64_t lease;
    uint64_t seconds;

    if (!member_uint64(&lease, reply->whole, "ID") || lease == 0 ||
        lease > INT64_MAX || !member_uint64(&seconds, reply->whole, "TTL") ||
        seconds == 0) {
        return false;
    }
    *ret_lease = lease;
    *ret_ttl = ttl_of(seconds);
    return true;
}

bool infra__etcd_read_keepalive(infra_time *ret_ttl, uint64_t *ret_term,
                                const char *body, size_t size, uint64_t lease)
{
    struct infra__json m;
    struct infra__json header;
    uint64_t id;
    uint64_t seconds;
    uint64_t term = 0;

    if (!infra__json_parse(&m, body, size) ||
        !infra__json_member(&m, m, "result") || !member_uint64(&id, m, "ID") ||
        id != lease || !optional_uint64(&seconds, m, "TTL") ||
        (infra__json_member(&header, m, "header") &&
         !optional_uint64(&term, header, "raft_term"))) {
        return false;
    }
    *ret_term = term;
    *ret_ttl = ttl_of(seconds);
    return true;
}

bool infra__etcd_read_login(char ret[INFRA__ETCD_TOKEN_MAX + 1],
                            const char *body, size_t size)
{
    struct infra__json m;

    if (!infra__json_parse(&m, body, size) ||
        !infra__json_member(&m, m, "token") || !infra__json_string(&m, m) ||
        m.size == 0 || m.size > INFRA__ETCD_TOKEN_MAX) {
        return false;
    }
    for (size_t i = 0; i < m.size; i++) {
        if (m.at[i] <= ' ' || m.at[i] >= 0x7f) { /* Not in a header. */
            return false;
        }
    }
    memcpy(ret, m.at, m.size);
    ret[m.size] = '\0';
    return true;
}

uint64_t infra__etcd_read_error(const char *body, size_t size)
{
    struct infra__json m;
    struct infra__json error;
    uint64_t code = 0;

    if (infra__json_parse(&m, body, size) && !member_uint64(&code, m, "code") &&
        infra__json_member(&error, m, "error")) {
        /* In a stream the error is an object. */
        (void)member_uint64(&code, error, "grpc_code");
    }
    return code;
}

static bool is_deletion(struct infra__json event)
{
    struct infra__json m;

    return infra__json_member(&m, event, "type") && infra__json_string(&m, m) &&
           m.size == 6 && memcmp(m.at, "DELETE", 6) == 0;
}

enum infra__etcd_watch infra__etcd_read_watch(const char *line, size_t size)
{
    struct infra__json result;
    struct infra__json m;
    struct infra__json event;

    if (!infra__json_parse(&m, line, size) ||
        !infra__json_member(&result, m, "result")) {
        return INFRA__ETCD_WATCH_OVER;
    }
    if (infra__json_member(&m, result, "canceled") && infra__json_is_true(m)) {
        return INFRA__ETCD_WATCH_OVER;
    }
    /* Deletions before the watch began are not reported. */
    if (infra__json_member(&m, result, "created") && infra__json_is_true(m)) {
        return INFRA__ETCD_WATCH_LOOK;
    }
    if (infra__json_member(&m, result, "events")) {
        while (infra__json_take(&event, &m)) {
            if (is_deletion(event)) {
                return INFRA__ETCD_WATCH_LOOK;
            }
        }
    }
    return INFRA__ETCD_WATCH_NOTHING;
}
