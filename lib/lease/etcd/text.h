/* SPDX-License-Identifier: MIT */
/* Requests to and replies of etcd's v3 JSON gateway (POST /v3/...). Keys and
 * values are base64, 64-bit numbers are strings, and zero values are left out,
 * as in protocol buffers.
 *
 * A lease of libinfra is four keys, and a fifth that never exists:
 *
 *   <prefix><group>/holder    the holder, bound to a lease of etcd; its
 *                             create_revision is the token
 *   <prefix><group>/dirty     exists unless the last holder released the lease
 *   <prefix><group>/handover  the greatest handover request, bound to another
 *                             lease of etcd
 *   <prefix><group>/record    what the next holder has to know
 *   <prefix><group>/none      what a proof deletes: a delete goes through raft,
 *                             and a full etcd takes it and has nothing to
 *                             keep */
#ifndef INFRA_LEASE_ETCD_TEXT_H
#define INFRA_LEASE_ETCD_TEXT_H

#include <infra/lease.h>

#include "../../base/base64.h"
#include "../../base/internal.h"
#include "../../base/json.h"

#include <stdbool.h>

#define INFRA__ETCD_PREFIX_MAX 127u
#define INFRA__ETCD_NAME_MAX 127u   /* User and password. */
#define INFRA__ETCD_TOKEN_MAX 1023u /* Of a login. */
#define INFRA__ETCD_REQUEST_MAX 8192u

#define INFRA__ETCD_KEY_SIZE                                                  \
    (INFRA__BASE64_SIZE(INFRA__ETCD_PREFIX_MAX + INFRA_LEASE_NAME_MAX + 7u) + \
     1u)
#define INFRA__ETCD_VALUE_SIZE \
    (INFRA__BASE64_SIZE(INFRA_LEASE_NAME_MAX + 17u) + 1u)

#define INFRA__ETCD_DIGITS 20u /* Of a handover request, compared as text. */

/* As base64, what every request is made of. */
struct infra__etcd_names {
    char holder[INFRA__ETCD_KEY_SIZE];
    char dirty[INFRA__ETCD_KEY_SIZE];
    char handover[INFRA__ETCD_KEY_SIZE];
    char record[INFRA__ETCD_KEY_SIZE];
    char none[INFRA__ETCD_KEY_SIZE];
    char value[INFRA__ETCD_VALUE_SIZE]; /* "<node> <incarnation>" */
};

struct infra__etcd_login {
    char user[INFRA__ETCD_NAME_MAX + 1]; /* Empty: none. */
    char password[INFRA__ETCD_NAME_MAX + 1];
    char token[INFRA__ETCD_TOKEN_MAX + 1]; /* Empty: none yet. */
    uint32_t refused;         /* HTTP status of a refusal; 0: none. */
    infra_time refused_until; /* No login before. */
};

/* Shared by the conversations of one lease. */
struct infra__etcd_site {
    struct infra__etcd_names names;
    struct infra__etcd_login login;
    uint64_t seconds; /* The ttl. */
    uint32_t endpoints_count;
    bool tls;
};

/* The gaps in a request that are the call's. */
struct infra__etcd_values {
    uint64_t token;
    uint64_t lease;   /* Of etcd. */
    uint64_t changed; /* The record's mod_revision; 0: it is not there. */
    /* As base64: the handover request or the record to put. */
    char payload[INFRA__BASE64_SIZE(INFRA_LEASE_RECORD_MAX) + 1u];
};

/* The requests, which are the steps of calls, too. A proof is a transaction
 * that deletes: one that only reads may be answered by a member that is cut
 * off from all others, or, after a pause, from the past (etcd issue 20418). */
enum infra__etcd_step {
    INFRA__ETCD_LOGIN,
    INFRA__ETCD_GRANT,     /* ACQUIRE: a lease of etcd, */
    INFRA__ETCD_TAKE,      /* then holder bound to it, if it is not there. */
    INFRA__ETCD_FIND,      /* RENEW without a known lease of etcd: look. */
    INFRA__ETCD_KEEPALIVE, /* RENEW, */
    INFRA__ETCD_VERIFY, /* then proof that holder has this token and lease. */
    INFRA__ETCD_LOOK,   /* READ: holder and handover. */
    INFRA__ETCD_GIVE,   /* RELEASE: delete holder, if it is ours, */
    INFRA__ETCD_REVOKE, /* then the lease of etcd. */
    INFRA__ETCD_HANDOVER_GRANT, /* REQUEST: a lease of etcd, */
    INFRA__ETCD_HANDOVER,    /* then the request, unless a greater is there. */
    INFRA__ETCD_RECORD_LOOK, /* Read the record. */
    INFRA__ETCD_RECORD_READ, /* With proof that holder is ours. */
    /* Put the record, if holder is ours and the record unchanged; else read
     * both. */
    INFRA__ETCD_RECORD_WRITE,
    INFRA__ETCD_WATCH, /* For deletions of holder. */
};

struct infra__etcd_request {
    size_t size;
    size_t body_size;
    char text[INFRA__ETCD_REQUEST_MAX];
    char body[INFRA__ETCD_REQUEST_MAX / 2];
};

void infra__etcd_names_init(struct infra__etcd_names *n, const char *prefix,
                            const char *group, const char *node,
                            uint64_t incarnation);

/* A handover request as payload. */
void infra__etcd_handover_init(char *ret, uint64_t request);

/* Write the request of @step. */
void infra__etcd_ask(struct infra__etcd_request *r, uint32_t step,
                     const struct infra__etcd_site *site,
                     const struct infra__etcd_values *v);

/* A reply to any request but KEEPALIVE and WATCH. */
struct infra__etcd_reply {
    struct infra__json whole;
    uint64_t revision;
    uint64_t term;  /* Of raft. */
    bool succeeded; /* Of a transaction. */
};
/* False: it is no reply. */
bool infra__etcd_read(struct infra__etcd_reply *ret, const char *body,
                      size_t size);

/* A key as a transaction read it. */
struct infra__etcd_key {
    bool is_there;
    uint64_t token;   /* Its create_revision. */
    uint64_t changed; /* Its mod_revision. */
    uint64_t lease;   /* 0: none. */
    struct infra__json value;
};
/* What the range that is @index of a transaction's operations found. False: the
 * reply makes no sense. */
bool infra__etcd_read_key(struct infra__etcd_key *ret,
                          const struct infra__etcd_reply *reply,
                          uint32_t index);
bool infra__etcd_is_ours(const struct infra__etcd_names *n,
                         const struct infra__etcd_key *key);
/* The bytes of a record, INFRA_LEASE_RECORD_MAX at most; 0: there is none. -1:
 * it makes no sense. */
int infra__etcd_record_of(unsigned char *ret,
                          const struct infra__etcd_key *key);
/* 0: there is none, or it makes no sense. */
uint64_t infra__etcd_handover_of(const struct infra__etcd_key *key);

bool infra__etcd_read_grant(uint64_t *ret_lease, infra_time *ret_ttl,
                            const struct infra__etcd_reply *reply);
/* @ret_ttl 0: the lease is gone. False: it makes no sense. */
bool infra__etcd_read_keepalive(infra_time *ret_ttl, uint64_t *ret_term,
                                const char *body, size_t size, uint64_t lease);
/* False: it makes no sense, or is too long. */
bool infra__etcd_read_login(char ret[INFRA__ETCD_TOKEN_MAX + 1],
                            const char *body, size_t size);
/* The number of gRPC (its statuscodes.md) in an error; 0: there is none. */
uint64_t infra__etcd_read_error(const char *body, size_t size);

/* What a line of a watch says. */
enum infra__etcd_watch {
    INFRA__ETCD_WATCH_NOTHING,
    INFRA__ETCD_WATCH_LOOK, /* It begins, or the key was deleted. */
    INFRA__ETCD_WATCH_OVER, /* It was canceled, or makes no sense. */
};
enum infra__etcd_watch infra__etcd_read_watch(const char *line, size_t size);

#endif
