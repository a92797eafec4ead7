/* SPDX-License-Identifier: MIT */
/* What all probes have in common: the phases, their deadlines, what is sent,
 * and the result. A kind of probe is the head of a larger struct and a few
 * functions, which are called only where the phase allows it. */
#ifndef INFRA_PROBE_INTERNAL_H
#define INFRA_PROBE_INTERNAL_H

#include <infra/probe.h>
#include <stdbool.h>
#include <string.h>

/* Bytes to send; @at is NULL while they are only counted. */
struct infra__request {
    char *at;
    size_t size;
};

static inline void infra__request_add(struct infra__request *r,
                                      const void *bytes, size_t size)
{
    if (r->at != NULL) {
        memcpy(r->at + r->size, bytes, size);
    }
    r->size += size;
}

static inline void infra__request_add_text(struct infra__request *r,
                                           const char *text)
{
    infra__request_add(r, text, strlen(text));
}

struct infra__probe_kind {
    /* The connection is up, with TLS if that is wanted from the start: reset
     * the kind's own state, set the output, or finish. NULL: nothing to do. */
    void (*connected)(struct infra_probe *probe);
    /* All of the output was sent. NULL: nothing to do. */
    void (*written)(struct infra_probe *probe);
    void (*input)(struct infra_probe *probe, const void *bytes, size_t count);
    /* The stream ended in order: finish. NULL: as CLOSED_EARLY. */
    void (*ended)(struct infra_probe *probe);
    /* TLS is up after infra__probe_upgrade(). NULL: the kind never upgrades,
     * and the option tls means TLS from the start. */
    void (*upgraded)(struct infra_probe *probe);
    /* The server closes the connection when it has sent everything, which may
     * be after the check is decided. */
    bool peer_closes;
};

#define INFRA__PROBE_TEXTS (INFRA_PROBE_TEXT_SOURCE + 1)

struct infra_probe {
    struct infra_allocator allocator;
    size_t bytes; /* Of the allocation, of which this is the head. */
    const struct infra__probe_kind *kind;
    struct infra_probe_timeouts timeouts;
    bool begins_with_tls;

    /* The kind sets these when it is created. */
    struct infra__request request; /* Output when connected. */
    char
        *texts[INFRA__PROBE_TEXTS]; /* Printable, "" when connected; or NULL. */

    /* The check. */
    const char *output; /* The kind's, still to be sent. */
    size_t output_size;
    infra_time now; /* The greatest since the start. */
    infra_time started;
    infra_time deadline;
    infra_time response_deadline;
    uint32_t timeout_scale; /* Of the timeouts, in thousandths. */
    uint32_t want;          /* enum infra_exchange_want */
    bool has_input;
    bool is_talking; /* connected() was called. */
    bool was_heard;  /* Finished by input. */
    bool is_leaving; /* The output is a farewell. */
    struct infra_probe_result result;
};

/* The first members of the options of every kind. */
struct infra__probe_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts;
    uint32_t tls;
    uint32_t kinds_own;
};

/* A probe of @bytes bytes that was not started, from options of the kind that
 * are complete. NULL, also if *@err is an error already: return *@err, which is
 * INFRA_EINVAL, INFRA_ESTRUCT or INFRA_ENOMEM then. */
void *infra__probe_create(int *err, size_t bytes,
                          const struct infra__probe_kind *kind,
                          const void *options);

/* The enum infra_outcome of an enum infra_probe_reason. */
uint32_t infra__probe_outcome(uint32_t reason);

/* Send these bytes, which stay where they are until that is done. */
void infra__probe_send(struct infra_probe *probe, const void *bytes,
                       size_t size);

/* Both sides agreed to go on over TLS. Input in clear after the agreement is
 * the kind's to refuse. */
void infra__probe_upgrade(struct infra_probe *probe);

/* The check is over, for this enum infra_probe_reason. */
void infra__probe_finish(struct infra_probe *probe, uint32_t reason);

/* Finish once the output, a farewell, is sent or the server has closed. Until
 * then input is ignored. */
void infra__probe_leave(struct infra_probe *probe, uint32_t reason);

/* Finish after an orderly close, where the server would log a reset. */
void infra__probe_close(struct infra_probe *probe, uint32_t reason);

#endif
