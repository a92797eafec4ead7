/* SPDX-License-Identifier: MIT */
/* What all probes have in common: the phases, their deadlines, and the result.
 * A kind of probe is the head of a larger struct and a few functions; they are
 * called only where the phase allows it, so that no kind has to look. */
#ifndef INFRA_PROBE_INTERNAL_H
#define INFRA_PROBE_INTERNAL_H

#include <infra/probe.h>
#include <stdbool.h>

struct infra__probe_kind {
    /* The connection stands, with TLS if that was asked for, or the TLS that
     * infra__probe_upgrade() wants: infra__probe_finish(), or go on to talk. */
    void (*connected)(struct infra_probe *probe);
    /* The rest is for kinds that talk. Bytes to send, as in the exchange. */
    size_t (*output)(struct infra_probe *probe, const void **ret);
    void (*sent)(struct infra_probe *probe, size_t count);
    void (*input)(struct infra_probe *probe, const void *bytes, size_t count);
    /* The stream ended in order: finish. */
    void (*ended)(struct infra_probe *probe);
    /* NULL: it never asks for an upgrade. */
    void (*upgraded)(struct infra_probe *probe);
    /* Printable; NULL, or answering NULL: there is none. */
    const char *(*text)(const struct infra_probe *probe, uint32_t kind);
    /* The peer closes the connection when it has said all, which may be after
     * the check is decided. */
    bool peer_closes;
};

/* How long each phase may take; zeroes are the defaults. */
struct infra__probe_limits {
    infra_time connect_timeout;
    infra_time response_timeout;
    infra_time first_byte_timeout;
    bool tls; /* From the start. */
};

struct infra_probe {
    const struct infra__probe_kind *kind;
    struct infra_allocator allocator;
    size_t bytes; /* Of the allocation, of which this is the head. */
    struct infra__probe_limits limits;
    infra_time now; /* The greatest since the start. */
    infra_time started;
    infra_time deadline;
    infra_time response_deadline;
    uint32_t timeout_scale; /* Of the limits, in thousandths. */
    uint32_t want;          /* enum infra_exchange_want */
    bool has_input;
    bool is_talking; /* connected() was called. */
    bool was_heard;  /* It is over by what the peer said. */
    struct infra_probe_result result;
};

/* A probe of @bytes bytes that was not started, or NULL. @ret points to it on
 * success. INFRA_ENOMEM. */
int infra__probe_create(struct infra_probe **ret, size_t bytes,
                        const struct infra__probe_kind *kind,
                        const struct infra_allocator *allocator,
                        const struct infra__probe_limits *limits);

/* Both sides agreed to go on over TLS: upgraded() says when it stands. What
 * came in clear after the agreement is the kind's to refuse. */
void infra__probe_upgrade(struct infra_probe *probe);

/* It is over, for this enum infra_probe_reason. */
void infra__probe_finish(struct infra_probe *probe, uint32_t reason);

/* The same, where the peer would hold a reset against us: the connection is
 * closed in order first. */
void infra__probe_close(struct infra_probe *probe, uint32_t reason);

#endif
