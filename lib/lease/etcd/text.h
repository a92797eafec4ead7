/* SPDX-License-Identifier: MIT */
/* What the etcd lease says and hears: the requests of etcd's v3 JSON gateway
 * (POST /v3/...), and what is in the replies. Keys and values go as base64, 64-
 * bit numbers as strings, and what has its zero value is left out, as protocol
 * buffers have it.
 *
 * A lease of libinfra is four keys, and one that is never there:
 *
 *   <prefix><group>/holder  who has it, bound to a lease of etcd: its
 *                           create_revision is the token
 *   <prefix><group>/dirty   is there unless the last holder released it
 *   <prefix><group>/handover    what a standby asks for, bound to another lease
 *   <prefix><group>/record  what the next holder has to know
 *   <prefix><group>/none    what a proof deletes: it goes through raft, as all
 *                           that may write does, and etcd takes it when it is
 *                           full, and has nothing to keep of it */
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

/* As base64, what every request is made of. */
struct infra__etcd_names {
    char holder[INFRA__ETCD_KEY_SIZE];
    char dirty[INFRA__ETCD_KEY_SIZE];
    char handover[INFRA__ETCD_KEY_SIZE];
    char record[INFRA__ETCD_KEY_SIZE];
    char none[INFRA__ETCD_KEY_SIZE];
    char value[INFRA__ETCD_VALUE_SIZE]; /* "<node> <incarnation>" */
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

/* The requests. What is written depends on the arguments alone. @login: as
 * authenticate answered it, "" for none. */
void infra__etcd_ask_login(struct infra__etcd_request *r, const char *user,
                           const char *password);
void infra__etcd_ask_grant(struct infra__etcd_request *r, const char *login,
                           uint64_t seconds);
void infra__etcd_ask_keepalive(struct infra__etcd_request *r, const char *login,
                               uint64_t lease);
void infra__etcd_ask_revoke(struct infra__etcd_request *r, const char *login,
                            uint64_t lease);
/* Put holder, if it is not there. */
void infra__etcd_ask_take(struct infra__etcd_request *r, const char *login,
                          const struct infra__etcd_names *n, uint64_t lease);
/* Is it still there with this token and lease? By a transaction that deletes,
 * since one that only reads may be answered by a member that is cut off from
 * all others, or, after a pause, from the past (etcd issue 20418). */
void infra__etcd_ask_verify(struct infra__etcd_request *r, const char *login,
                            const struct infra__etcd_names *n, uint64_t token,
                            uint64_t lease);
/* Read holder and handover. */
void infra__etcd_ask_look(struct infra__etcd_request *r, const char *login,
                          const struct infra__etcd_names *n);
/* Delete holder, if it is ours with this token. */
void infra__etcd_ask_give(struct infra__etcd_request *r, const char *login,
                          const struct infra__etcd_names *n, uint64_t token);
/* Put a handover, unless there is a greater one. */
void infra__etcd_ask_handover(struct infra__etcd_request *r, const char *login,
                              const struct infra__etcd_names *n,
                              uint64_t handover, uint64_t lease);
/* Read record, if holder is ours with this token, by a transaction that
 * deletes; token 0: in any case. */
void infra__etcd_ask_record(struct infra__etcd_request *r, const char *login,
                            const struct infra__etcd_names *n, uint64_t token);
/* Put record, if holder is ours with this token and nobody has changed record
 * since revision @changed (0: it is not there); else read holder and record. */
void infra__etcd_ask_put_record(struct infra__etcd_request *r,
                                const char *login,
                                const struct infra__etcd_names *n,
                                uint64_t token, uint64_t changed,
                                const void *bytes, size_t count);
/* Be told when holder is deleted, until somebody hangs up. */
void infra__etcd_ask_watch(struct infra__etcd_request *r, const char *login,
                           const struct infra__etcd_names *n);

/* A reply to any of them but keepalive and watch. */
struct infra__etcd_reply {
    struct infra__json whole;
    uint64_t revision;
    uint64_t term;  /* Of raft. */
    bool succeeded; /* Of a transaction. */
};
/* False: it is not one. */
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
