/* SPDX-License-Identifier: MIT */
/* A check of Redis: AUTH, PING, ROLE and the host's question go out together,
 * and the replies are judged in their order, so that the first that is not good
 * decides. A server that is full or protected speaks before it was asked: its
 * error stands where the first reply is expected, and is known by its text. */
#include "../../base/printable.h"
#include "../answer.h"
#include "../internal.h"
#include "../source.h"
#include "request.h"
#include "resp.h"

#include "../../base/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OFFSET_SIZE sizeof "9223372036854775807"

INFRA__NO_TAIL_PADDING(struct infra_probe_redis_options, answer_max);

enum question { AUTH, PING, ROLE, OF_HOST };

struct redis {
    struct infra_probe probe; /* First: it is a probe. */
    struct infra__resp resp;
    uint32_t question; /* Whose reply comes. */
    uint32_t expect;
    bool has_login;
    bool asks_role;
    bool asks_for_host;
    struct infra__answer_limits limits; /* For the answer to the host. */
    uint32_t verdict;                   /* While that is due. */
    bool is_linked;                     /* A replica, with its primary. */
    uint32_t request_size;
    uint32_t request_sent;
    char message[INFRA__RESP_TEXT_MAX + 1];
    char offset[OFFSET_SIZE];
    char source[INFRA__SOURCE_SIZE]; /* "" while it is not linked. */
    uint32_t host_size;
    unsigned char host[INFRA__SOURCE_HOST_MAX];
    uint64_t port;
    char request[];
};

/* Errors by how they begin (redis 2.8 to 7.0: server.c, networking.c, acl.c;
 * those of "ERR" have changed over the versions). */
static const struct {
    const char *start;
    uint32_t reason;
} errors[] = {
    { "LOADING", INFRA_PROBE_REASON_STARTING },
    { "MASTERDOWN", INFRA_PROBE_REASON_NOT_REPLICATING },
    { "READONLY", INFRA_PROBE_REASON_READ_ONLY }, /* To who writes. */
    { "NOAUTH", INFRA_PROBE_REASON_LOGIN_REFUSED },
    { "WRONGPASS", INFRA_PROBE_REASON_LOGIN_REFUSED },
    { "DENIED", INFRA_PROBE_REASON_LOGIN_REFUSED }, /* The protected mode. */
    { "ERR invalid password", INFRA_PROBE_REASON_LOGIN_REFUSED },
    { "ERR operation not permitted", INFRA_PROBE_REASON_LOGIN_REFUSED },
    { "ERR max number of clients", INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS },
};

static void redis_connected(struct infra_probe *probe)
{
    struct redis *r = (struct redis *)probe;

    infra__resp_start(&r->resp);
    r->question = r->has_login ? AUTH : PING;
    r->request_sent = 0;
    r->message[0] = '\0';
    r->offset[0] = '\0';
    r->source[0] = '\0';
    r->host_size = 0;
    r->port = 0;
}

static size_t redis_output(struct infra_probe *probe, const void **ret)
{
    struct redis *r = (struct redis *)probe;

    *ret = r->request + r->request_sent;
    return r->request_size - r->request_sent;
}

static void redis_sent(struct infra_probe *probe, size_t count)
{
    struct redis *r = (struct redis *)probe;

    assert(count <= r->request_size - r->request_sent);
    r->request_sent += (uint32_t)count;
}

static void keep_message(struct redis *r, const struct infra__resp_value *v)
{
    infra__copy_printable(r->message, sizeof r->message, v->text, v->text_size);
}

/* @error: what came in place of an answer, or PASSED. */
static void judge_answer(struct redis *r, uint32_t error)
{
    uint32_t reason = r->verdict;

    if (reason == INFRA_PROBE_REASON_PASSED &&
        (error == INFRA_PROBE_REASON_STARTING ||
         error == INFRA_PROBE_REASON_NOT_REPLICATING)) {
        reason = error; /* It serves nothing. */
    } else if (reason == INFRA_PROBE_REASON_PASSED) {
        reason = infra__answer_judge(&r->limits, &r->probe.result, error);
    }
    infra__probe_finish(&r->probe, reason);
}

/* Our own questions are answered: that is how it ends, but for the host's. */
static void conclude(struct redis *r, uint32_t reason)
{
    if (r->asks_for_host) {
        r->question = OF_HOST;
        r->verdict = reason;
    } else {
        infra__probe_finish(&r->probe, reason);
    }
}

static void judge_error(struct redis *r, const struct infra__resp_value *v)
{
    uint32_t reason = r->question == AUTH ? INFRA_PROBE_REASON_LOGIN_REFUSED
                                          : INFRA_PROBE_REASON_SERVER_ERROR;

    for (size_t i = 0; i < INFRA__COUNT_OF(errors); i++) {
        if (infra__resp_begins(v, errors[i].start)) {
            reason = errors[i].reason;
        }
    }
    keep_message(r, v);
    if (r->question == OF_HOST) {
        judge_answer(r, reason);
    } else {
        infra__probe_finish(&r->probe, reason);
    }
}

static void tell_role(struct redis *r, uint32_t role)
{
    r->probe.result.role = role;
    r->probe.result.writable = role == INFRA_PROBE_ROLE_PRIMARY;
    r->probe.result.has |= INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE;
}

/* A replica without its primary is at -1. */
static bool take_position(struct redis *r, const struct infra__resp_value *v)
{
    if (v->type == ':' && v->number >= 0) {
        r->probe.result.position = (uint64_t)v->number;
        r->probe.result.has |= INFRA_PROBE_HAS_POSITION;
        (void)snprintf(r->offset, sizeof r->offset, "%" PRId64, v->number);
    }
    return v->type == ':';
}

static bool is_text(const struct infra__resp_value *v)
{
    return v->type == '$' || v->type == '+';
}

/* The first element says what the others are. */
static bool take_role(struct redis *r, const struct infra__resp_value *v)
{
    if (!is_text(v)) {
        return false;
    }
    if (infra__resp_is(v, "master")) {
        tell_role(r, INFRA_PROBE_ROLE_PRIMARY);
    } else if (infra__resp_is(v, "slave")) {
        tell_role(r, INFRA_PROBE_ROLE_REPLICA);
    } else {
        keep_message(r, v);
        return infra__resp_is(v, "sentinel");
    }
    return true;
}

/* "connected", or what it is at instead. */
static bool take_link(struct redis *r, const struct infra__resp_value *v)
{
    r->is_linked = infra__resp_is(v, "connected");
    if (!r->is_linked) {
        keep_message(r, v);
    }
    return is_text(v);
}

/* Host and port are that of its primary, from which it receives only while the
 * link stands. */
static bool take_of_replica(struct redis *r, const struct infra__resp_value *v)
{
    bool is_whole = v->text_size < INFRA__RESP_TEXT_MAX;

    switch (v->index) {
    case 1: /* A host that was cut is another one. */
        r->host_size = is_text(v) && is_whole ? v->text_size : 0;
        memcpy(r->host, v->text, r->host_size);
        return true;
    case 2:
        r->port = v->type == ':' && v->number > 0 ? (uint64_t)v->number : 0;
        return true;
    case 3:
        return take_link(r, v);
    case 4:
        return take_position(r, v);
    default:
        return true;
    }
}

/* master, offset, [replicas] | slave, host, port, link, offset |
 * sentinel, [names] */
static bool take_role_value(struct redis *r, const struct infra__resp_value *v)
{
    uint32_t role = r->probe.result.role;

    if (v->depth == 0) {
        return v->type == '*' && v->number > 0;
    }
    if (v->depth > 1) {
        return true;
    }
    if (v->index == 0) {
        return take_role(r, v);
    }
    if (role == INFRA_PROBE_ROLE_REPLICA) {
        return take_of_replica(r, v);
    }
    return role != INFRA_PROBE_ROLE_PRIMARY || v->index != 1 ||
           take_position(r, v);
}

static void judge_role(struct redis *r, uint32_t elements_count)
{
    uint32_t role = r->probe.result.role;
    uint32_t reason = INFRA_PROBE_REASON_PASSED;

    if ((role == INFRA_PROBE_ROLE_PRIMARY && elements_count < 2) ||
        (role == INFRA_PROBE_ROLE_REPLICA && elements_count < 5)) {
        infra__probe_finish(&r->probe, INFRA_PROBE_REASON_BAD_REPLY);
        return;
    }
    if (role == INFRA_PROBE_ROLE_REPLICA && r->is_linked) {
        infra__source_write(r->source, r->host, r->host_size, r->port);
    }
    if (r->expect != INFRA_PROBE_ROLE_UNKNOWN && role != r->expect) {
        reason = r->expect == INFRA_PROBE_ROLE_PRIMARY
                     ? INFRA_PROBE_REASON_READ_ONLY
                     : INFRA_PROBE_REASON_NOT_REPLICA;
    } else if (r->expect == INFRA_PROBE_ROLE_REPLICA && !r->is_linked) {
        reason = INFRA_PROBE_REASON_NOT_REPLICATING;
    }
    conclude(r, reason);
}

/* A number, as such or as a text. Of lists nothing is an answer. */
static void take_answer(struct redis *r, const struct infra__resp_value *v)
{
    uint64_t number = (uint64_t)v->number;

    if (v->depth > 0) {
        return;
    }
    if ((v->type == ':' && v->number >= 0) ||
        (is_text(v) &&
         infra__answer_read(&number, (const char *)v->text, v->text_size))) {
        r->probe.result.has |= INFRA_PROBE_HAS_ANSWER;
        r->probe.result.answer = number;
    }
}

/* A value of a reply that is no error. */
static bool take_value(struct redis *r, const struct infra__resp_value *v)
{
    if (r->question == ROLE) {
        return take_role_value(r, v);
    }
    if (r->question == OF_HOST) {
        take_answer(r, v);
        return true;
    }
    return v->type == '+' &&
           infra__resp_is(v, r->question == AUTH ? "OK" : "PONG");
}

static void judge_value(struct redis *r, const struct infra__resp_value *v)
{
    if (v->depth == 0 && v->type == '-') {
        judge_error(r, v);
    } else if (!take_value(r, v)) {
        infra__probe_finish(&r->probe, INFRA_PROBE_REASON_BAD_REPLY);
    } else if (!v->ends_reply) {
        return;
    } else if (r->question == AUTH) {
        r->question = PING;
    } else if (r->question == PING && r->asks_role) {
        r->question = ROLE;
    } else if (r->question == ROLE) {
        judge_role(r, r->resp.index[0]);
    } else if (r->question == PING) {
        conclude(r, INFRA_PROBE_REASON_PASSED);
    } else {
        judge_answer(r, INFRA_PROBE_REASON_PASSED);
    }
}

static void redis_input(struct infra_probe *probe, const void *bytes,
                        size_t count)
{
    struct redis *r = (struct redis *)probe;
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count && probe->want == INFRA_WANT_IO; i++) {
        switch (infra__resp_byte(&r->resp, at[i])) {
        case INFRA__RESP_MORE:
            break;
        case INFRA__RESP_VALUE:
            judge_value(r, &r->resp.value);
            break;
        case INFRA__RESP_BAD:
            infra__probe_finish(probe, r->resp.reason);
            break;
        }
    }
}

static void redis_ended(struct infra_probe *probe)
{
    infra__probe_finish(probe, INFRA_PROBE_REASON_CLOSED_EARLY);
}

static const char *redis_text(const struct infra_probe *probe, uint32_t kind)
{
    const struct redis *r = (const struct redis *)probe;

    switch (kind) {
    case INFRA_PROBE_TEXT_MESSAGE:
        return r->message;
    case INFRA_PROBE_TEXT_POSITION:
        return r->offset;
    case INFRA_PROBE_TEXT_SOURCE:
        return r->source;
    default:
        return NULL;
    }
}

static const struct infra__probe_kind redis = { .connected = redis_connected,
                                                .output = redis_output,
                                                .sent = redis_sent,
                                                .input = redis_input,
                                                .ended = redis_ended,
                                                .text = redis_text };

int infra_probe_redis(struct infra_probe **ret,
                      const struct infra_probe_redis_options *options)
{
    struct infra_probe_redis_options o = { .size = sizeof o };
    struct infra_probe *probe;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    if (!infra__redis_options_are_allowed(&o)) {
        return INFRA_EINVAL;
    }
    o.ask |= o.expect != INFRA_PROBE_ROLE_UNKNOWN;
    size_t request_size = infra__redis_request_write(NULL, &o);
    const struct infra__probe_limits limits = {
        .connect_timeout = o.connect_timeout,
        .response_timeout = o.response_timeout,
        .first_byte_timeout = o.first_byte_timeout,
        .tls = o.tls == 1,
    };
    err = infra__probe_create(&probe, sizeof(struct redis) + request_size,
                              &redis, o.allocator, &limits);
    if (err != INFRA_OK) {
        return err;
    }
    struct redis *r = (struct redis *)probe;

    r->request_size = (uint32_t)request_size;
    (void)infra__redis_request_write(r->request, &o);
    r->expect = o.expect;
    r->has_login = o.password != NULL;
    r->asks_role = o.ask == 1;
    r->asks_for_host = o.question != NULL;
    r->limits = (struct infra__answer_limits) { o.answer_min, o.answer_max };
    *ret = probe;
    return INFRA_OK;
}
