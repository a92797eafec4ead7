/* SPDX-License-Identifier: MIT */
/* The bytes are calls of two nodes to one lease in etcd, in any order and at
 * any times, and what goes wrong on the way: connections that fail before and
 * after a request was carried out, answers that are late, members that are cut
 * off, elections, a full etcd. The cluster is etcd_model.h. What lease.h
 * promises has to hold: what was granted holds for its ttl, counted from the
 * call; after CONFLICT or LOST the lease was not the caller's; tokens grow;
 * only the last call has an answer; the deadline and the next answer agree; a
 * failing allocator and bad input change nothing. */
#include "etcd_model.h"
#include "fuzz.h"

#include <infra/lease.h>
#include <stdlib.h>
#include <string.h>

#define START INFRA_SEC(1000)
#define NODES 2
#define TTL INFRA_SEC(5)
#define CALLS 0 /* The conversations that are run. */
#define RECORDS 2

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static uint32_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* A request on its way, or its answer. */
struct talk {
    char request[8192];
    size_t size;
    char answer[16384];
    size_t answer_size; /* 0: none. */
};

struct node {
    struct infra_lease *lease;
    struct talk talks[3];
    struct infra_lease_call call;
    infra_time issue;
    bool is_out;
    uint64_t token; /* Of the last grant. */
    bool is_record_out;
    uint64_t record_token;
};

struct world {
    struct etcd etcd;
    struct node nodes[NODES];
    uint64_t calls;
    uint64_t greatest;           /* Token that was granted. */
    uint8_t owners[ETCD_TOKENS]; /* Of tokens: 1 + the node. */
    infra_time promises[ETCD_TOKENS];
};

static struct world w;

static void *no_memory(void *user, void *old, size_t old_size, size_t size)
{
    (void)user;
    (void)old;
    (void)old_size;
    (void)size;
    return NULL;
}

static void create(struct node *n, uint64_t incarnation)
{
    const struct infra_allocator failing = { .realloc = no_memory };
    struct infra_lease_etcd_options o = { .size = sizeof o,
                                          .allocator = &failing,
                                          .group = "lb",
                                          .node = "n",
                                          .incarnation = incarnation,
                                          .ttl = TTL,
                                          .endpoints_count = ETCD_MEMBERS };

    check(infra_lease_etcd(&n->lease, &o) == INFRA_ENOMEM);
    check(n->lease == NULL);
    o.allocator = NULL;
    check(infra_lease_etcd(&n->lease, &o) == INFRA_OK);
}

/* "n 0000000000000001" and "n 0000000000000002" in base64. */
static bool is_of(const struct etcd_key *k, int node)
{
    static const char *const values[] = { "biAwMDAwMDAwMDAwMDAwMDAx",
                                          "biAwMDAwMDAwMDAwMDAwMDAy" };

    return strcmp(k->value, values[node]) == 0;
}

/* No lease ran out before its time. */
static void look_at_promises(void)
{
    for (uint32_t i = 0; i < ETCD_TOKENS && i <= w.greatest; i++) {
        check(w.etcd.ended[i] == 0 || w.etcd.ended[i] >= w.promises[i]);
    }
}

static void on_granted(struct node *n, int number,
                       const struct infra_lease_answer *a)
{
    uint32_t slot = (uint32_t)(a->token % ETCD_TOKENS);
    infra_time until = n->issue + a->ttl;

    if (n->call.op != INFRA_LEASE_OP_ACQUIRE &&
        n->call.op != INFRA_LEASE_OP_RENEW) {
        return;
    }
    check(a->token != 0 && a->ttl != 0 && a->ttl <= TTL);
    if (n->call.op == INFRA_LEASE_OP_ACQUIRE) {
        check(a->token > w.greatest);
        w.greatest = a->token;
        w.owners[slot] = (uint8_t)(number + 1);
    } else {
        check(a->token == n->call.token);
        check(w.owners[slot] == 0 || w.owners[slot] == number + 1);
        w.owners[slot] = (uint8_t)(number + 1);
        w.greatest = a->token > w.greatest ? a->token : w.greatest;
    }
    n->token = a->token;
    w.promises[slot] = until > w.promises[slot] ? until : w.promises[slot];
}

static void on_answer(struct node *n, int number,
                      const struct infra_lease_reply *r)
{
    const struct infra_lease_answer *a = &r->answer;
    const struct etcd_key *k = etcd_holder(&w.etcd);

    check(n->is_out && r->call == n->call.id);
    check((a->outcome == INFRA_LEASE_OUTCOME_UNKNOWN) ==
          (r->reason != INFRA_LEASE_REASON_NONE));
    n->is_out = false;
    if (a->outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        on_granted(n, number, a);
    }
    /* It was ours before we asked, and it still is. */
    bool is_ours = k != NULL && is_of(k, number) && k->since < n->issue;
    if (n->call.op == INFRA_LEASE_OP_RENEW) {
        is_ours = is_ours && k->created == n->call.token;
    }
    bool is_refused = a->outcome == INFRA_LEASE_OUTCOME_CONFLICT ||
                      a->outcome == INFRA_LEASE_OUTCOME_LOST;
    check(!is_ours || !is_refused);
    check(a->outcome != INFRA_LEASE_OUTCOME_CONFLICT ||
          w.owners[a->token % ETCD_TOKENS] != number + 1);
}

static void on_record(struct node *n, const struct infra_lease_record *r)
{
    check(n->is_record_out);
    check((r->outcome == INFRA_LEASE_OUTCOME_UNKNOWN) ==
          (r->reason != INFRA_LEASE_REASON_NONE));
    check(r->outcome == INFRA_LEASE_OUTCOME_GRANTED || r->count == 0);
    n->is_record_out = false;
}

static void take_answers(void)
{
    for (int i = 0; i < NODES; i++) {
        struct node *n = &w.nodes[i];
        struct infra_lease_reply r;
        struct infra_lease_record record;
        infra_time now = w.etcd.now;
        infra_time due = infra_lease_deadline(n->lease);
        while (infra_lease_next(n->lease, now, &r) == INFRA_OK) {
            check(due <= now);
            if (r.call != 0) {
                on_answer(n, i, &r);
            }
        }
        due = infra_lease_deadline(n->lease);
        if (infra_lease_take_record(n->lease, now, &record) == INFRA_OK) {
            check(due <= now);
            on_record(n, &record);
        }
        check(infra_lease_deadline(n->lease) > now);
        check(!n->is_out || infra_lease_deadline(n->lease) <= n->call.deadline);
    }
    look_at_promises();
}

static void begin(int number, struct input *in)
{
    struct node *n = &w.nodes[number];
    uint32_t bits = byte(in);
    uint32_t op = bits % 5;

    n->call = (struct infra_lease_call) {
        .id = ++w.calls,
        .op = op,
        .token = op == INFRA_LEASE_OP_ACQUIRE ? 0 : n->token,
        .deadline = w.etcd.now + INFRA_MS(100) * (1 + bits / 5 % 16),
        .handover_request = op == INFRA_LEASE_OP_REQUEST ? bits : 0,
    };
    n->issue = w.etcd.now;
    n->is_out = true;
    check(infra_lease_begin(n->lease, &n->call, w.etcd.now) == INFRA_OK);
}

static void begin_record(int number, struct input *in)
{
    struct node *n = &w.nodes[number];
    uint32_t bits = byte(in);
    infra_time deadline = w.etcd.now + INFRA_MS(500);

    n->record_token = n->token;
    if (bits % 2 == 0 && n->token != 0) {
        check(infra_lease_write_record(n->lease, n->token, &bits, 1, deadline,
                                       w.etcd.now) == INFRA_OK);
    } else {
        check(infra_lease_read_record(n->lease, n->token, deadline,
                                      w.etcd.now) == INFRA_OK);
    }
    n->is_record_out = true;
}

/* What has been said is a request when it is whole: its head names no length
 * that is not in it, since the lease says all of it at once. */
static void collect(struct infra_exchange x, struct talk *t)
{
    const void *bytes;
    size_t size = x.ops->output(x.self, &bytes);

    if (size > 0) {
        check(size <= sizeof t->request);
        memcpy(t->request, bytes, size);
        t->size = size;
        t->answer_size = 0;
        x.ops->sent(x.self, size, w.etcd.now);
    }
}

static void fail(struct infra_exchange x, struct talk *t, uint32_t what)
{
    t->size = t->answer_size = 0;
    x.ops->note(x.self, what, INFRA_OUTCOME_RESET, w.etcd.now);
}

/* The request is carried out, or lost; the answer comes, now or later, or
 * not. */
static void exchange(struct infra_exchange x, struct talk *t, uint32_t how)
{
    uint32_t member = x.ops->endpoint(x.self);

    if (t->size > 0 && how % 8 == 0) {
        fail(x, t, INFRA_NOTE_EOF);
        return;
    }
    if (t->size > 0) {
        t->answer_size = etcd_answer(&w.etcd, member, t->request, t->size,
                                     t->answer, sizeof t->answer);
        t->size = 0;
        if (how % 8 == 1) {
            fail(x, t, INFRA_NOTE_FAILED);
            return;
        }
        if (how % 8 == 2) {
            return; /* Later. */
        }
    }
    size_t size = t->answer_size;
    t->answer_size = 0;
    if (size > 0) {
        x.ops->input(x.self, t->answer, size, w.etcd.now);
    }
}

/* A step of a conversation. */
static void pump(int number, uint32_t index, struct input *in)
{
    struct talk *t = &w.nodes[number].talks[index];
    struct infra_exchange x;
    uint32_t how = byte(in);

    check(infra_lease_exchange(w.nodes[number].lease, index, &x) == INFRA_OK);
    if (w.etcd.now >= x.ops->deadline(x.self)) {
        x.ops->note(x.self, INFRA_NOTE_DEADLINE, 0, w.etcd.now);
    }
    switch (x.ops->want(x.self)) {
    case INFRA_WANT_CONNECT:
        t->size = t->answer_size = 0;
        x.ops->note(x.self,
                    how % 8 == 0 ? INFRA_NOTE_FAILED : INFRA_NOTE_CONNECTED,
                    INFRA_OUTCOME_REFUSED, w.etcd.now);
        break;
    case INFRA_WANT_CLOSE:
        t->size = t->answer_size = 0;
        x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, w.etcd.now);
        break;
    case INFRA_WANT_IO:
        collect(x, t);
        exchange(x, t, how);
        break;
    default:
        break;
    }
}

static void bad_input(struct node *n)
{
    infra_time before = infra_lease_deadline(n->lease);
    struct infra_lease_call e = n->call;

    e.id = w.calls + 1;
    e.op = 99;
    check(infra_lease_begin(n->lease, &e, w.etcd.now) == INFRA_EINVAL);
    check(infra_lease_write_record(n->lease, 0, "x", 1, 0, 0) == INFRA_EINVAL);
    check(infra_lease_deadline(n->lease) == before);
}

static void step(struct input *in)
{
    uint32_t what = byte(in);
    int number = (int)(what >> 7);

    switch (what % 16) {
    case 0:
    case 1:
        begin(number, in);
        break;
    case 2:
        begin_record(number, in);
        break;
    case 3:
        etcd_pass(&w.etcd, INFRA_MS(20) * byte(in));
        break;
    case 4:
        etcd_elect(&w.etcd, byte(in) % ETCD_MEMBERS);
        break;
    case 5:
        w.etcd.cut_off = ETCD_MEMBERS;
        break;
    case 6:
        w.etcd.is_full = byte(in) % 4 == 0;
        break;
    case 7:
        bad_input(&w.nodes[number]);
        break;
    case 8:
        pump(number, RECORDS, in);
        break;
    default:
        pump(number, CALLS, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .at = data, .end = data + size };

    memset(&w, 0, sizeof w);
    etcd_init(&w.etcd, START);
    for (int i = 0; i < NODES; i++) {
        create(&w.nodes[i], (uint64_t)i + 1);
    }
    while (in.at < in.end) {
        step(&in);
        take_answers();
    }
    for (int i = 0; i < NODES; i++) {
        infra_lease_destroy(w.nodes[i].lease);
    }
    return 0;
}
