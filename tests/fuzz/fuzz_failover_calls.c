/* SPDX-License-Identifier: MIT */
/* The bytes are calls of one machine, in any order and at any time, beside a
 * model of what has to hold whatever comes: the gate is open only while a lease
 * that was granted certainly holds, tokens only grow, an answer to a call that
 * is not the last one is stale, a fence and the grace come before a take-over,
 * nothing is released that is served under, the deadline and the next event
 * agree, and bad input and failing allocators change nothing. */
#include "fuzz.h"

#include <infra/failover.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define START INFRA_SEC(1000)
#define PPM 10000u /* The default drift of clocks. */
#define EVENTS_MAX 64

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

struct model {
    struct infra_failover *machine;
    struct infra_failover_options options; /* With the defaults filled in. */
    struct infra_gate gate;
    infra_time now;
    bool is_back; /* The clock went back: no deadline foresees that. */
    /* The calls. */
    uint64_t call; /* The last id that was told. */
    infra_time issue;
    infra_time deadline;
    uint64_t call_token;
    uint32_t op;
    bool is_answered;
    /* The lease, as the store granted it. */
    uint64_t token;   /* The last that a GRANTED told. */
    infra_time until; /* Until then it certainly holds. */
    infra_time taken_at;
    infra_time
        unseen; /* Since then, while it stood still or the clock jumped. */
    bool is_clean;
    bool is_fenced;         /* Since it was taken, */
    infra_time fence_tried; /* or it was tried then; 0: not yet. */
    /* The host. */
    uint64_t active;
    bool is_draining;
    bool is_unfit;
    infra_time progress; /* The last that its workers made. */
    uint64_t served;     /* The greatest token ever. */
    uint64_t floor;
    uint64_t fence;
};

static struct infra_failover_status status_of(const struct model *m)
{
    struct infra_failover_status s = { .size = sizeof s };

    check(infra_failover_inspect(m->machine, &s) == INFRA_OK);
    return s;
}

static void *no_memory(void *user, void *old, size_t old_size, size_t size)
{
    (void)user;
    (void)old;
    (void)old_size;
    (void)size;
    return NULL;
}

static void create(struct model *m, struct input *in)
{
    static const infra_time ttls[] = { INFRA_MS(600), INFRA_SEC(3),
                                       INFRA_SEC(10) };
    const struct infra_allocator failing = { .realloc = no_memory };
    struct infra_failover_options *o = &m->options;
    uint32_t bits = byte(in);

    *o = (struct infra_failover_options) {
        .size = sizeof *o,
        .allocator = &failing,
        .group = "group",
        .node = "node",
        .gate = &m->gate,
        .incarnation = 1,
        .ttl = ttls[bits % 3],
        .attest_age_max = bits & 4 ? INFRA_SEC(1) : 0,
        .hold_down = bits & 16 ? INFRA_MS(100) : 0,
        .penalty_half_life = bits & 32 ? INFRA_SEC(1) : 0,
        .preference = byte(in),
        .preempt = bits >> 6 & 1,
        .fence_policy = byte(in) % 3,
    };
    o->drain_timeout = bits & 8 ? o->ttl / 10 : 0;
    m->floor = o->token_floor = bits & 128 ? 3 : 0;
    memset(&m->gate, 0xff, sizeof m->gate); /* Not touched by what fails. */
    check(infra_failover_create(&m->machine, o) == INFRA_ENOMEM);
    check(m->machine == NULL);
    for (size_t i = 0; i < sizeof m->gate / sizeof m->gate.opaque[0]; i++) {
        check(m->gate.opaque[i] == UINT64_MAX);
    }
    memset(&m->gate, 0, sizeof m->gate);
    o->allocator = NULL;
    check(infra_failover_create(&m->machine, o) == INFRA_OK);
    o->guard = o->ttl / 6 < INFRA_MS(500) ? o->ttl / 6 : INFRA_MS(500);
    o->grace = o->guard;
}

/* As validity.c has it, by the header's words. */
static infra_time certain(const struct model *m, infra_time ttl)
{
    infra_time t = ttl < m->options.ttl ? ttl : m->options.ttl;

    t = t * (1000000u - PPM) / (1000000u + PPM);
    return m->issue + (t > m->options.guard ? t - m->options.guard : 0);
}

/* What has to hold after every call, also if the host never comes again. */
static void look(const struct model *m)
{
    uint64_t token = 0;
    struct infra_failover_status s = status_of(m);

    check(s.token_floor >= m->floor);
    check((s.token != 0) == (s.role >= INFRA_FAILOVER_ROLE_GRACE &&
                             s.role <= INFRA_FAILOVER_ROLE_DRAINING));
    if (infra_gate_is_open(&m->gate, m->now, &token)) {
        check(token == m->active && token == m->token);
        check(m->now < m->until);
        check(s.role >= INFRA_FAILOVER_ROLE_ACTIVE &&
              s.role <= INFRA_FAILOVER_ROLE_DRAINING);
    }
    if (infra_gate_admits(&m->gate, m->now, NULL)) {
        check(infra_gate_is_open(&m->gate, m->now, NULL));
        check(!m->is_draining);
    }
    check(!infra_gate_is_open(&m->gate, m->until, NULL));
}

static void on_activate(struct model *m, const struct infra_failover_event *e)
{
    bool needs_fence =
        !m->is_clean && m->options.fence_policy != INFRA_FAILOVER_FENCE_WAIT;
    infra_time waited = m->options.ttl + m->options.grace;

    check(m->active == 0 && e->token > m->served && e->token == m->token);
    check(e->valid_until > m->now && e->valid_until <= m->until);
    check(!m->is_unfit);
    check(m->is_clean || m->now >= m->taken_at + m->options.grace + m->unseen);
    check(!needs_fence || m->is_fenced ||
          (m->options.fence_policy == INFRA_FAILOVER_FENCE_TRY &&
           m->fence_tried != 0 && m->now >= m->fence_tried + waited));
    m->active = m->served = e->token;
    m->is_draining = false;
    m->progress = m->now;
    check(infra_gate_is_open(&m->gate, m->now, NULL));
}

static void on_call(struct model *m, const struct infra_lease_call *c)
{
    check(c->id > m->call && c->id > m->fence);
    check(c->op <= INFRA_LEASE_OP_REQUEST && c->deadline > m->now);
    check(c->op != INFRA_LEASE_OP_RELEASE || c->token != m->active);
    check((c->handover_request != 0) <= (c->op == INFRA_LEASE_OP_REQUEST));
    check(c->op != INFRA_LEASE_OP_ACQUIRE || m->active == 0);
    m->call = c->id;
    /* It was issued when it was made, which may be before it is told. */
    m->issue = m->now;
    m->deadline = c->deadline;
    m->call_token = c->token;
    m->op = c->op;
    m->is_answered = false;
}

static void take(struct model *m, const struct infra_failover_event *e)
{
    switch (e->kind) {
    case INFRA_FAILOVER_EVENT_CALL:
        on_call(m, &e->call);
        break;
    case INFRA_FAILOVER_EVENT_FENCE:
        check(m->options.fence_policy != INFRA_FAILOVER_FENCE_WAIT);
        check(e->call.id > m->call && e->call.id > m->fence);
        m->fence = e->call.id;
        break;
    case INFRA_FAILOVER_EVENT_ACTIVATE:
        on_activate(m, e);
        break;
    case INFRA_FAILOVER_EVENT_DRAIN:
        check(m->active == e->token && m->active != 0 && !m->is_draining);
        m->is_draining = true;
        break;
    case INFRA_FAILOVER_EVENT_DEACTIVATE:
        check(m->active == e->token && m->active != 0);
        check(!infra_gate_is_open(&m->gate, m->now, NULL));
        m->active = 0;
        break;
    default:
        check(e->kind == INFRA_FAILOVER_EVENT_ROLE);
        check(strcmp(infra_failover_reason_name(e->reason), "unknown") != 0);
        break;
    }
}

/* All there is; then nothing before the deadline. */
static void take_all(struct model *m)
{
    struct infra_failover_event e;

    for (int i = 0;; i++) {
        infra_time due = infra_failover_deadline(m->machine);
        int err = infra_failover_next(m->machine, m->now, &e);
        check(err == INFRA_OK || err == INFRA_EAGAIN);
        if (err == INFRA_EAGAIN) {
            break;
        }
        check(i < EVENTS_MAX);
        check(due <= m->now || m->is_back);
        m->is_back = false;
        take(m, &e);
        look(m);
    }
    m->is_back = false;
    check(infra_failover_deadline(m->machine) > m->now);
    check(m->options.attest_age_max == 0 || m->active == 0 || m->is_draining ||
          m->now < m->progress + m->options.attest_age_max);
}

/* What the store says. It gives tokens that grow, and once in a while old
 * ones. */
static struct infra_lease_answer answer_of(const struct model *m,
                                           struct input *in)
{
    uint32_t bits = byte(in);
    uint64_t newest = status_of(m).token_floor;
    struct infra_lease_answer a = { .outcome = bits % 4,
                                    .clean = bits >> 2 & 1,
                                    .handover_request =
                                        bits & 128 ? byte(in) + 2 : 0 };

    if (m->op == INFRA_LEASE_OP_RENEW) {
        a.token = bits & 8 ? newest + 1 : m->call_token;
    } else {
        a.token = bits & 8 ? bits >> 4 & 3 : newest + 1;
    }
    a.ttl = bits & 64 ? m->options.ttl * byte(in) / 64 : m->options.ttl;
    return a;
}

static void on_granted(struct model *m, const struct infra_lease_answer *a)
{
    infra_time until = certain(m, a->ttl);
    bool is_taken = m->op == INFRA_LEASE_OP_ACQUIRE;

    if (m->op != INFRA_LEASE_OP_ACQUIRE && m->op != INFRA_LEASE_OP_RENEW) {
        return;
    }
    struct infra_failover_status s = status_of(m);
    if (s.token != a->token || s.token == 0) {
        return; /* It was not used. */
    }
    if (s.token != m->token) {
        is_taken = true;
    }
    m->token = a->token;
    m->until = until;
    if (is_taken) {
        m->taken_at = m->now;
        m->unseen = 0;
        m->is_clean = m->op == INFRA_LEASE_OP_ACQUIRE && a->clean != 0;
        m->is_fenced = false;
        m->fence_tried = 0;
    }
    check(s.valid_until <= m->until);
}

static void reply(struct model *m, struct input *in)
{
    uint32_t which = byte(in);
    struct infra_lease_answer a = answer_of(m, in);
    uint64_t call = which % 4 == 3 ? m->call - which / 4 % 4 : m->call;
    bool is_dead = call != m->call || m->is_answered || m->now >= m->deadline;
    int err = infra_failover_answer(m->machine, call, &a, m->now);

    if (err == INFRA_EINVAL) {
        check(a.outcome == INFRA_LEASE_OUTCOME_GRANTED && a.token == 0);
        return;
    }
    check(err == INFRA_OK || err == INFRA_ESTALE);
    check(!is_dead || err == INFRA_ESTALE);
    if (err == INFRA_OK) {
        m->is_answered = true;
        if (a.outcome == INFRA_LEASE_OUTCOME_GRANTED) {
            on_granted(m, &a);
        }
        bool is_gone = a.outcome == INFRA_LEASE_OUTCOME_LOST ||
                       a.outcome == INFRA_LEASE_OUTCOME_CONFLICT;
        check(!is_gone || m->op != INFRA_LEASE_OP_RENEW ||
              !infra_gate_is_open(&m->gate, m->now, NULL));
    }
}

static void fenced(struct model *m, struct input *in)
{
    uint32_t bits = byte(in);
    uint32_t outcome = bits % 3;
    uint64_t call = m->fence - (bits >> 7);

    int err = infra_failover_answer_fence(m->machine, call, outcome, m->now);
    check(err == INFRA_OK || err == INFRA_ESTALE);
    check(err == INFRA_ESTALE || (call == m->fence && call != 0));
    if (err == INFRA_OK) {
        m->is_fenced = outcome == INFRA_ORDER_DONE;
        m->fence_tried = m->now;
    }
}

static void bad_input(struct model *m)
{
    struct infra_failover_status before = status_of(m);
    const struct infra_lease_answer nonsense = { .outcome = 9, .token = 99 };
    const struct infra_lease_answer tokenless = {
        .outcome = INFRA_LEASE_OUTCOME_GRANTED
    };
    infra_time due = infra_failover_deadline(m->machine);

    check(infra_failover_command(m->machine, 99, m->now) == INFRA_EINVAL);
    check(infra_failover_answer(m->machine, m->call, &nonsense, m->now) ==
          INFRA_EINVAL);
    check(infra_failover_answer_fence(m->machine, m->fence, 9, m->now) ==
          INFRA_EINVAL);
    if (m->call != 0 && m->op < INFRA_LEASE_OP_RELEASE) {
        check(infra_failover_answer(m->machine, m->call, &tokenless, m->now) ==
              INFRA_EINVAL);
    }
    struct infra_failover_status after = status_of(m);
    check(memcmp(&before, &after, sizeof after) == 0);
    check(infra_failover_deadline(m->machine) == due);
}

static void command(struct model *m, struct input *in)
{
    uint32_t what = byte(in) % 5;
    int err = infra_failover_command(m->machine, what, m->now);

    check(err == INFRA_OK || err == INFRA_EBUSY);
    check(err == INFRA_OK || what == INFRA_FAILOVER_COMMAND_STEP_DOWN ||
          what == INFRA_FAILOVER_COMMAND_TAKE_OVER ||
          what == INFRA_FAILOVER_COMMAND_FAIL);
}

/* To the deadline, or by up to 13 seconds; once in a while back. */
static void pass_time(struct model *m, struct input *in)
{
    uint32_t bits = byte(in);
    infra_time due = infra_failover_deadline(m->machine);
    infra_time last = m->now;

    if (bits < 128) {
        m->now = due != INFRA_TIME_NEVER && due > m->now ? due : m->now;
    } else if (bits < 248) {
        uint32_t step = bits - 127;
        m->now += INFRA_MS(1) * step * (bits & 1 ? 1 : step);
    } else {
        m->now -= INFRA_MS(700) * (bits - 247);
        m->is_back = true;
    }
    due = due > last ? due : last;
    if (m->now > due && m->now - due > m->options.ttl / 4) {
        m->unseen += m->now - last;
    }
}

/* Its workers make progress, of which the gate keeps the time, to a ms. */
static void attest(struct model *m)
{
    infra_gate_attest(&m->gate, m->now);
    m->progress = m->now > m->progress ? m->now : m->progress;
}

static void fit(struct model *m, struct input *in)
{
    m->is_unfit = byte(in) % 4 == 0;
    check(infra_failover_fit(m->machine, !m->is_unfit, m->now) == INFRA_OK);
}

static void call(struct model *m, struct input *in, uint32_t what)
{
    switch (what) {
    case 0:
    case 1:
        pass_time(m, in);
        break;
    case 2:
    case 3:
        reply(m, in);
        break;
    case 4:
        fenced(m, in);
        break;
    case 5:
        (void)infra_failover_drained(m->machine, m->now);
        break;
    case 6:
        fit(m, in);
        break;
    case 7:
        check(infra_failover_hint(m->machine, m->now) == INFRA_OK);
        break;
    case 8:
        command(m, in);
        break;
    case 9:
        bad_input(m);
        break;
    default:
        attest(m);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .at = data, .end = data + size };
    static struct model m;

    memset(&m, 0, sizeof m);
    m.now = START;
    create(&m, &in);
    take_all(&m);
    while (in.at < in.end) {
        uint32_t what = byte(&in);
        call(&m, &in, what % 11);
        /* A host may be slow: it takes all, one event, or none for now. A clock
         * that went on or back is seen by the machine at once. */
        if (what < 200 || what % 11 < 2) {
            take_all(&m);
        }
        look(&m);
        m.floor = status_of(&m).token_floor;
    }
    infra_failover_destroy(m.machine);
    check(!infra_gate_is_open(&m.gate, m.now, NULL));
    return 0;
}
