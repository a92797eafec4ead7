/* SPDX-License-Identifier: MIT */
/* The part of a check that is the same for every protocol: not started,
 * connecting, talking, over. Each phase has one deadline, and each way to fail
 * one reason. Input after the end is ignored. */
#include "internal.h"

#include "../base/internal.h"
#include "../base/secret.h"

#include <assert.h>
#include <string.h>

#define CONNECT_TIMEOUT_DEFAULT INFRA_SEC(1)
#define RESPONSE_TIMEOUT_DEFAULT INFRA_SEC(2)
#define SCALE_PLAIN 1000u

_Static_assert(sizeof(struct infra_probe_result) == 104,
               "results are 104 bytes");

static int take_timeouts(void *options)
{
    struct infra_probe_timeouts *t = options;

    t->connect_timeout =
        t->connect_timeout != 0 ? t->connect_timeout : CONNECT_TIMEOUT_DEFAULT;
    t->response_timeout = t->response_timeout != 0 ? t->response_timeout
                                                   : RESPONSE_TIMEOUT_DEFAULT;
    t->first_byte_timeout =
        t->first_byte_timeout != 0 ? t->first_byte_timeout : INFRA_TIME_NEVER;
    return INFRA_OK;
}

void *infra__probe_create(int *err, size_t bytes,
                          const struct infra__probe_kind *kind,
                          const void *options)
{
    struct infra_probe_timeouts timeouts = { .size = sizeof timeouts };
    struct infra__probe_options o;

    assert(bytes >= sizeof(struct infra_probe));
    memcpy(&o, options, sizeof o);
    if (*err == INFRA_OK) {
        *err = o.tls <= 1
                   ? infra__options_take(&timeouts, o.timeouts, take_timeouts)
                   : INFRA_EINVAL;
    }
    struct infra_probe *probe = infra__object_create(err, bytes, o.allocator);
    if (probe == NULL) {
        return NULL;
    }
    probe->bytes = bytes;
    probe->kind = kind;
    probe->timeouts = timeouts;
    probe->begins_with_tls = o.tls == 1 && kind->upgraded == NULL;
    probe->want = INFRA_WANT_IDLE;
    probe->deadline = INFRA_TIME_NEVER;
    return probe;
}

void infra_probe_destroy(struct infra_probe *probe)
{
    if (probe != NULL) {
        struct infra_allocator allocator = probe->allocator;
        size_t bytes = probe->bytes;
        infra__wipe(probe, bytes); /* It may hold passwords. */
        infra__free(&allocator, probe, 1, bytes);
    }
}

/* The deadline of a phase that begins now. */
static infra_time end_of(const struct infra_probe *probe, infra_time timeout)
{
    infra_time scaled = timeout > INFRA_TIME_NEVER / probe->timeout_scale
                            ? INFRA_TIME_NEVER
                            : timeout * probe->timeout_scale / SCALE_PLAIN;

    return infra__time_add(probe->now, scaled);
}

void infra_probe_start(struct infra_probe *probe, uint32_t timeout_scale,
                       infra_time now)
{
    probe->now = now;
    probe->started = now;
    probe->timeout_scale =
        timeout_scale > SCALE_PLAIN ? timeout_scale : SCALE_PLAIN;
    probe->deadline = end_of(probe, probe->timeouts.connect_timeout);
    probe->want = INFRA_WANT_CONNECT;
    probe->has_input = false;
    probe->is_talking = false;
    probe->is_leaving = false;
    probe->was_heard = false;
    probe->result = (struct infra_probe_result) { 0 };
}

void infra__probe_finish(struct infra_probe *probe, uint32_t reason)
{
    probe->want = INFRA_WANT_DONE;
    probe->deadline = INFRA_TIME_NEVER;
    probe->result.reason = reason;
    probe->result.outcome = infra__probe_outcome(reason);
    probe->result.duration = probe->now - probe->started;
}

void infra__probe_leave(struct infra_probe *probe, uint32_t reason)
{
    probe->is_leaving = true;
    probe->result.reason = reason;
}

void infra__probe_close(struct infra_probe *probe, uint32_t reason)
{
    assert(probe->want == INFRA_WANT_IO);
    probe->want = INFRA_WANT_CLOSE;
    probe->deadline = INFRA_TIME_NEVER;
    probe->result.reason = reason;
}

int infra_probe_result(const struct infra_probe *probe,
                       struct infra_probe_result *ret)
{
    if (probe == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (probe->want != INFRA_WANT_DONE) {
        return INFRA_EAGAIN;
    }
    *ret = probe->result;
    return INFRA_OK;
}

static void advance(struct infra_probe *probe, infra_time now)
{
    probe->now = now > probe->now ? now : probe->now;
}

static uint32_t want(const void *self)
{
    const struct infra_probe *probe = self;

    return probe->want;
}

static uint32_t endpoint(const void *self)
{
    (void)self;
    return 0;
}

static infra_time deadline(const void *self)
{
    const struct infra_probe *probe = self;

    return probe->deadline;
}

static infra_time linger(const void *self)
{
    const struct infra_probe *probe = self;

    return probe->kind->peer_closes && probe->was_heard
               ? probe->response_deadline
               : 0;
}

void infra__probe_send(struct infra_probe *probe, const void *bytes,
                       size_t size)
{
    probe->output = bytes;
    probe->output_size = size;
}

static size_t output(void *self, const void **ret)
{
    struct infra_probe *probe = self;

    *ret = probe->output;
    return probe->want == INFRA_WANT_IO ? probe->output_size : 0;
}

static void sent(void *self, size_t count, infra_time now)
{
    struct infra_probe *probe = self;

    if (probe->want != INFRA_WANT_IO || count == 0) {
        return;
    }
    advance(probe, now);
    assert(count <= probe->output_size);
    probe->output += count;
    probe->output_size -= count;
    if (probe->output_size == 0 && probe->is_leaving) {
        infra__probe_finish(probe, probe->result.reason);
    } else if (probe->output_size == 0 && probe->kind->written != NULL) {
        probe->kind->written(probe);
    }
}

static void input(void *self, const void *bytes, size_t count, infra_time now)
{
    struct infra_probe *probe = self;

    if (probe->want == INFRA_WANT_IO && count > 0) {
        advance(probe, now);
        probe->has_input = true;
        probe->deadline = probe->response_deadline;
        if (!probe->is_leaving) {
            probe->kind->input(probe, bytes, count);
        }
        probe->was_heard = probe->want == INFRA_WANT_DONE;
    }
}

static void handshake(struct infra_probe *probe)
{
    probe->want = INFRA_WANT_TLS;
    probe->deadline = end_of(probe, probe->timeouts.connect_timeout);
}

void infra__probe_upgrade(struct infra_probe *probe)
{
    assert(probe->want == INFRA_WANT_IO && probe->kind->upgraded != NULL);
    handshake(probe);
    if (probe->deadline > probe->response_deadline) {
        probe->deadline = probe->response_deadline;
    }
}

static void talk(struct infra_probe *probe)
{
    infra_time first = end_of(probe, probe->timeouts.first_byte_timeout);

    for (size_t i = 0; i < INFRA__PROBE_TEXTS; i++) {
        if (probe->texts[i] != NULL) {
            probe->texts[i][0] = '\0';
        }
    }
    infra__probe_send(probe, probe->request.at, probe->request.size);
    probe->want = INFRA_WANT_IO;
    probe->is_talking = true;
    probe->response_deadline = end_of(probe, probe->timeouts.response_timeout);
    probe->deadline =
        first < probe->response_deadline ? first : probe->response_deadline;
    if (probe->kind->connected != NULL) {
        probe->kind->connected(probe);
    }
}

static void connected(struct infra_probe *probe)
{
    if (probe->want != INFRA_WANT_CONNECT) {
        return;
    }
    if (probe->begins_with_tls) {
        handshake(probe);
    } else {
        talk(probe);
    }
}

static void secured(struct infra_probe *probe)
{
    if (probe->want != INFRA_WANT_TLS) {
        return;
    }
    if (probe->is_talking) { /* It was an upgrade. */
        probe->want = INFRA_WANT_IO;
        probe->deadline = probe->response_deadline;
        probe->kind->upgraded(probe);
    } else {
        talk(probe);
    }
}

static uint32_t reason_of_timeout(const struct infra_probe *probe)
{
    if (probe->want == INFRA_WANT_CONNECT) {
        return INFRA_PROBE_REASON_CONNECT_TIMEOUT;
    }
    if (probe->want == INFRA_WANT_TLS) {
        return INFRA_PROBE_REASON_TLS_TIMEOUT;
    }
    return probe->has_input ? INFRA_PROBE_REASON_SLOW_REPLY
                            : INFRA_PROBE_REASON_NO_REPLY;
}

static uint32_t reason_of_failure(const struct infra_probe *probe,
                                  uint32_t outcome)
{
    switch (outcome) {
    case INFRA_OUTCOME_REFUSED:
        return INFRA_PROBE_REASON_REFUSED;
    case INFRA_OUTCOME_UNREACHABLE:
        return INFRA_PROBE_REASON_UNREACHABLE;
    case INFRA_OUTCOME_TIMEOUT: /* The system's own timeout came first. */
        return reason_of_timeout(probe);
    case INFRA_OUTCOME_RESET:
    case INFRA_OUTCOME_ERROR: /* The peer's fault, as in a TLS handshake. */
        return probe->want == INFRA_WANT_TLS ? INFRA_PROBE_REASON_TLS
                                             : INFRA_PROBE_REASON_RESET;
    default: /* Unexplained, so not counted against the backend. */
        return INFRA_PROBE_REASON_LOCAL;
    }
}

static void ended(struct infra_probe *probe)
{
    if (probe->is_leaving) {
        infra__probe_finish(probe, probe->result.reason);
    } else if (probe->want == INFRA_WANT_IO && probe->kind->ended != NULL) {
        probe->kind->ended(probe);
    } else {
        infra__probe_finish(probe, INFRA_PROBE_REASON_CLOSED_EARLY);
    }
}

static void note(void *self, uint32_t kind, uint32_t detail, infra_time now)
{
    struct infra_probe *probe = self;

    if (probe->want == INFRA_WANT_CLOSE && kind == INFRA_NOTE_CLOSED) {
        advance(probe, now);
        infra__probe_finish(probe, probe->result.reason);
        return;
    }
    if (probe->want != INFRA_WANT_CONNECT && probe->want != INFRA_WANT_TLS &&
        probe->want != INFRA_WANT_IO) {
        return;
    }
    advance(probe, now);
    switch (kind) {
    case INFRA_NOTE_CONNECTED:
        connected(probe);
        break;
    case INFRA_NOTE_TLS_UP:
        secured(probe);
        break;
    case INFRA_NOTE_EOF:
        ended(probe);
        break;
    case INFRA_NOTE_TRUNCATED:
        infra__probe_finish(probe, INFRA_PROBE_REASON_CLOSED_EARLY);
        break;
    case INFRA_NOTE_FAILED:
        infra__probe_finish(probe, reason_of_failure(probe, detail));
        break;
    case INFRA_NOTE_DEADLINE:
        if (probe->now >= probe->deadline) {
            infra__probe_finish(probe, reason_of_timeout(probe));
        }
        break;
    default: /* CLOSED without INFRA_WANT_CLOSE. */
        break;
    }
}

static const struct infra_exchange_ops ops = { .size = sizeof ops,
                                               .want = want,
                                               .endpoint = endpoint,
                                               .output = output,
                                               .sent = sent,
                                               .input = input,
                                               .note = note,
                                               .deadline = deadline,
                                               .linger = linger };

struct infra_exchange infra_probe_exchange(struct infra_probe *probe)
{
    return (struct infra_exchange) { .ops = &ops, .self = probe };
}

/* A text that goes with a field of the result is there with that field only. */
static bool is_told(const struct infra_probe *probe, uint32_t kind)
{
    uint32_t has = probe->result.has;

    switch (kind) {
    case INFRA_PROBE_TEXT_POSITION:
        return (has & INFRA_PROBE_HAS_POSITION) != 0;
    case INFRA_PROBE_TEXT_SOURCE:
        return (has & INFRA_PROBE_HAS_ROLE) != 0;
    default:
        return true;
    }
}

const char *infra_probe_text(const struct infra_probe *probe, uint32_t kind)
{
    /* Before it talks the texts are those of the previous check. */
    if (probe == NULL || probe->want != INFRA_WANT_DONE || !probe->is_talking ||
        kind >= INFRA__PROBE_TEXTS || probe->texts[kind] == NULL ||
        !is_told(probe, kind)) {
        return "";
    }
    return probe->texts[kind];
}
