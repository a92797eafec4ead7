/* A scripted etcd for the tests of its lease: what is expected and what is
 * answered, written one after the other, then run. */
#ifndef TESTS_ETCD_SCRIPT_H
#define TESTS_ETCD_SCRIPT_H

#include "support.h"
#include "transport.h"

#include <check.h>
#include <infra/lease.h>

/* "/infra/lb/holder", dirty, handover, none; "a 0000000000000011", "b
 * 0000000000000012"; and the handover request 7. */
#define K "L2luZnJhL2xiL2hvbGRlcg=="
#define D "L2luZnJhL2xiL2RpcnR5"
#define W "L2luZnJhL2xiL2hhbmRvdmVy"
#define NONE "L2luZnJhL2xiL25vbmU="
#define V "YSAwMDAwMDAwMDAwMDAwMDEx"
#define OTHER "YiAwMDAwMDAwMDAwMDAwMDEy"
#define HANDOVER_7 "MDAwMDAwMDAwMDAwMDAwMDAwMDc="

/* The bodies of requests, about etcd's lease 77 and the token 9. */
extern const char etcd_grant[], etcd_take[], etcd_keepalive[], etcd_verify[],
    etcd_look[], etcd_give[], etcd_revoke[], etcd_handover[], etcd_watch[];

/* Replies, as etcd 3.4.23 writes them. */
#define HEADER                                                           \
    "\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":" \
    "\"10276657743932975437\",\"revision\":\"9\",\"raft_term\":\"2\"}"
#define KEY(name, created, value, lease)                              \
    "\"kvs\":[{\"key\":\"" name "\",\"create_revision\":\"" created   \
    "\",\"mod_revision\":\"11\",\"version\":\"2\",\"value\":\"" value \
    "\",\"lease\":\"" lease "\"}],\"count\":\"1\""
#define RANGE(kvs) \
    "{\"response_range\":{\"header\":{\"revision\":\"9\"}" kvs "}}"
#define PUT "{\"response_put\":{\"header\":{\"revision\":\"9\"}}}"
#define DEL "{\"response_delete_range\":{\"header\":{\"revision\":\"9\"}}}"
#define WON(responses) \
    "{" HEADER ",\"succeeded\":true,\"responses\":[" responses "]}"
#define FAILED(responses) "{" HEADER ",\"responses\":[" responses "]}"
#define GRANTED_77 "{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"}"
#define ALIVE_77 "{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"}}\n"
#define GONE_77 "{\"result\":{" HEADER ",\"ID\":\"77\"}}\n"

extern struct infra_lease *etcd;
extern infra_time etcd_now;

/* Fixtures: node "a" of group "lb" with incarnation 17, two servers and a ttl
 * that etcd counts as 5 s; a user "me", whose password needs care. */
extern struct test_heap etcd_heap;
struct infra_lease_etcd_options etcd_options(void);
void etcd_setup(void);
void etcd_setup_with_user(void);
void etcd_teardown(void);
#define ETCD_LOGIN "{\"name\":\"me\",\"password\":\"p\\u0022\\u005c\\u000a\"}"

/* Another lease in place of it, with a new script. */
void etcd_create(const struct infra_lease_etcd_options *o);

/* The script: what the peer does and expects next. */
void etcd_begin_script(enum test_split split);
void etcd_step(struct test_step step);
void etcd_expect(const char *path, const char *body);
void etcd_expect_as(const char *login, const char *path, const char *body);
void etcd_reply(unsigned status, const char *body);
void etcd_reply_chunked(unsigned status, const char *body);
#define ETCD(step)                          \
    do {                                    \
        const struct test_step one_ = step; \
        etcd_step(one_);                    \
    } while (0)

/* Make this call, run the script, and take the answer. */
struct infra_lease_reply etcd_call(uint32_t op, uint64_t token);

/* The same of the record, on its own conversation. @text NULL: read. */
struct infra_lease_record etcd_record(uint64_t token, const char *text);

#endif
