/* SPDX-License-Identifier: MIT */
/* A check of Redis: AUTH, PING, ROLE and the host's question go out together.
 * The replies are judged in order, and the first bad one decides. A server that
 * is full or in protected mode sends its error unasked, in place of the first
 * reply; the error's text tells which. */
#include "../database.h"
#include "request.h"
#include "resp.h"

#include "../../base/characters.h"
#include "../../base/internal.h"
#include "../../base/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OFFSET_SIZE sizeof "9223372036854775807"

INFRA__NO_TAIL_PADDING(struct infra_probe_redis_options, reserved);

enum question { AUTH, PING, ROLE, OF_HOST };

struct redis {
    struct infra_probe probe; /* First: it is a probe. */
    struct infra__resp resp;
    struct infra__database_limits limits;
    uint32_t question; /* The one whose reply comes next. */
    bool has_login;
    bool asks_role;
    bool asks_for_host;
    bool is_linked;   /* A replica that is connected to its primary. */
    uint32_t verdict; /* While the host's question is asked. */
    char message[INFRA__RESP_TEXT_MAX + 1];
    char offset[OFFSET_SIZE];
    char source[INFRA__SOURCE_SIZE]; /* "" while it is not linked. */
    uint32_t host_size;
    unsigned char host[INFRA__SOURCE_HOST_MAX];
    uint64_t port;
    char request[];
};

/* Errors by their first words (redis 2.8 to 7.0: server.c, networking.c, acl.c;
 * those after "ERR" vary between versions). */
static const struct {
    const char *start;
    uint32_t reason;
} errors[] = {
    { "LOADING", INFRA_PROBE_REASON_STARTING },
    { "MASTERDOWN", INFRA_PROBE_REASON_NOT_REPLICATING },
    { "READONLY", INFRA_PROBE_REASON_READ_ONLY }, /* To a write. */
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
    r->host_size = 0;
    r->port = 0;
}

static void keep_message(struct redis *r, const struct infra__resp_value *v)
{
    infra__copy_printable(r->message, sizeof r->message, v->text, v->text_size);
}

/* @error: the reason of the error that came as the answer, or PASSED. */
static void judge_answer(struct redis *r, uint32_t error)
{
    uint32_t reason = r->verdict;

    if (reason == INFRA_PROBE_REASON_PASSED &&
        (error == INFRA_PROBE_REASON_STARTING ||
         error == INFRA_PROBE_REASON_NOT_REPLICATING)) {
        reason = error; /* The server serves nothing. */
    } else if (reason == INFRA_PROBE_REASON_PASSED) {
        reason =
            infra__database_judge_answer(&r->limits, &r->probe.result, error);
    }
    infra__probe_finish(&r->probe, reason);
}

/* The library's questions are answered: finish, or go on to the host's. */
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

/* A replica without its primary reports -1. */
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

/* The first element names the role, and with it the other elements. */
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

/* The state of the link: "connected", or what it does instead. */
static bool take_link(struct redis *r, const struct infra__resp_value *v)
{
    r->is_linked = infra__resp_is(v, "connected");
    if (!r->is_linked) {
        keep_message(r, v);
    }
    return is_text(v);
}

/* Host and port are the primary's, also while the link to it is down. */
static bool take_of_replica(struct redis *r, const struct infra__resp_value *v)
{
    bool is_whole = v->text_size < INFRA__RESP_TEXT_MAX;

    switch (v->index) {
    case 1: /* A host that was cut names another host. */
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
    uint32_t reason;

    if ((role == INFRA_PROBE_ROLE_PRIMARY && elements_count < 2) ||
        (role == INFRA_PROBE_ROLE_REPLICA && elements_count < 5)) {
        infra__probe_finish(&r->probe, INFRA_PROBE_REASON_BAD_REPLY);
        return;
    }
    if (role == INFRA_PROBE_ROLE_REPLICA && r->is_linked) {
        infra__database_source(r->source, r->host, r->host_size, r->port);
    }
    reason = infra__database_judge_role(&r->limits, &r->probe.result);
    if (reason == INFRA_PROBE_REASON_PASSED &&
        r->limits.expect == INFRA_PROBE_ROLE_REPLICA && !r->is_linked) {
        reason = INFRA_PROBE_REASON_NOT_REPLICATING;
    }
    conclude(r, reason);
}

/* An integer, or a text that is one. Elements of a list are no answer. */
static void take_answer(struct redis *r, const struct infra__resp_value *v)
{
    uint64_t number = (uint64_t)v->number;

    if (v->depth > 0) {
        return;
    }
    if ((v->type == ':' && v->number >= 0) ||
        (is_text(v) && infra__read_number(&number, v->text, v->text_size))) {
        r->probe.result.has |= INFRA_PROBE_HAS_ANSWER;
        r->probe.result.answer = number;
    }
}

/* A value of a reply other than an error. False: it is malformed. */
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

static const struct infra__probe_kind redis = { .connected = redis_connected,
                                                .input = redis_input };

static int complete(void *options)
{
    struct infra_probe_redis_options *o = options;

    if (!infra__redis_options_are_allowed(o)) {
        return INFRA_EINVAL;
    }
    o->ask |= o->expect != INFRA_PROBE_ROLE_UNKNOWN;
    return INFRA_OK;
}

int infra_probe_redis(struct infra_probe **ret,
                      const struct infra_probe_redis_options *options)
{
    struct infra_probe_redis_options o = { .size = sizeof o };
    struct infra__request size = { .at = NULL };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;

    if (err == INFRA_OK) {
        infra__redis_request_write(&size, &o);
    }
    struct redis *r =
        infra__probe_create(&err, sizeof *r + size.size, &redis, &o);
    if (r == NULL) {
        return err;
    }
    r->probe.request.at = r->request;
    infra__redis_request_write(&r->probe.request, &o);
    r->probe.texts[INFRA_PROBE_TEXT_MESSAGE] = r->message;
    r->probe.texts[INFRA_PROBE_TEXT_POSITION] = r->offset;
    r->probe.texts[INFRA_PROBE_TEXT_SOURCE] = r->source;
    r->limits = infra__database_limits(&o);
    r->has_login = o.password != NULL;
    r->asks_role = o.ask == 1;
    r->asks_for_host = o.question != NULL;
    *ret = &r->probe;
    return INFRA_OK;
}
