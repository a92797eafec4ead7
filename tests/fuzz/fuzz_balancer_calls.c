/* SPDX-License-Identifier: MIT */
/* The input is a policy, options, and a sequence of calls to one balancer and
 * its readers, some with an allocator that fails. A model of the members, their
 * marks and what is in flight says what the answers may be: a picked backend is
 * a member, eligible, untried, up or up as far as the operator knows; a mark is
 * visible after publish, whatever publish returns; counts are exact; every
 * result is a documented one; no byte is left in the end. */
#include "fuzz.h"

#include <infra/balancer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 12, KEYS = 16, READERS = 3, TICKETS = 40, TRIED_MAX = 4 };

struct place {
    bool present;
    uint32_t marks[3];
    uint32_t percent;
    uint32_t cap;
    int key; /* Also of the last one that was there; -1: none ever. */
};

static struct {
    const uint8_t *data;
    size_t left;
    struct infra_balancer *balancer;
    struct infra_balancer_reader *readers[READERS];
    struct infra_balancer_options options;
    struct place edited[IDS];
    struct place published[IDS];
    bool was_published; /* And all of that is what readers have. */
    struct infra_ticket tickets[TICKETS];
    int ticket_ids[TICKETS]; /* -1: none. */
    uint32_t in_flight[IDS];
    infra_time now;
    long live;
    long countdown; /* < 0: memory does not fail. */
    bool failed;
} w;

static void need(bool ok)
{
    if (!ok) {
        abort();
    }
}

static uint32_t next(uint32_t count)
{
    if (w.left == 0) {
        return 0;
    }
    w.left--;
    return *w.data++ % count;
}

static void *heap(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    if (new_size == 0) {
        memset(ptr, 0xdd, old_size);
        free(ptr);
        w.live--;
        return NULL;
    }
    if (w.countdown == 0) {
        w.failed = true;
        return NULL;
    }
    w.countdown -= w.countdown > 0;
    void *p = malloc(new_size);
    need(p != NULL);
    w.live++;
    return p;
}

/* Let memory fail in the next call, sometimes. */
static void arm(void)
{
    uint32_t n = next(24);

    w.failed = false;
    w.countdown = n < 8 ? (long)n : -1;
}

/* INFRA_ENOMEM is due to the heap and to nothing else. */
static int disarm(int err)
{
    w.countdown = -1;
    need(err != INFRA_ENOMEM || w.failed);
    return err;
}

static const char *key_name(uint32_t key)
{
    static const char *const names[KEYS] = {
        "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80",
        "a",           "b",           "c",           "unix:/d",
        "[::1]:1",     "[::1]:2",     "e:11211",     "f:11211",
        "g",           "h",           "i",           "j",
    };

    return names[key];
}

static uint32_t admin_of(const struct place *p)
{
    uint32_t admin = p->marks[INFRA_BALANCER_AXIS_ADMIN];

    return p->percent == 0 && admin < INFRA_BALANCER_STATE_DRAINING
               ? INFRA_BALANCER_STATE_DRAINING
               : admin;
}

static uint32_t state_of(const struct place *p)
{
    uint32_t worst = admin_of(p);

    worst = p->marks[0] > worst ? p->marks[0] : worst;
    return p->marks[1] > worst ? p->marks[1] : worst;
}

static bool is_up(const struct place *p)
{
    return p->present && state_of(p) <= INFRA_BALANCER_STATE_DEGRADED;
}

static int holder_of(int key)
{
    for (int id = 0; id < IDS; id++) {
        if (w.edited[id].present && w.edited[id].key == key) {
            return id;
        }
    }
    return -1;
}

static void become(uint32_t id, int key, uint32_t cap)
{
    struct place *p = &w.edited[id];

    if (!p->present) {
        *p = (struct place) { .present = true, .percent = 100 };
    }
    p->key = key;
    p->cap = cap;
}

static struct infra_backend any_backend(int *ret_key)
{
    static const uint32_t weights[] = { 0, 1, 1, 2, 3 };
    uint32_t id = next(IDS);
    int key = w.edited[id].key;

    if (key < 0 || next(4) == 0) {
        key = (int)next(KEYS);
    }
    *ret_key = key;
    return (struct infra_backend) {
        .size = sizeof(struct infra_backend),
        .key = key_name((uint32_t)key),
        .id = id,
        .weight = weights[next(5)],
        .tier = next(3),
        .in_flight_max = next(4) == 0 ? 1 + next(3) : 0,
    };
}

static void call_set(void)
{
    int key;
    struct infra_backend backend = any_backend(&key);
    int holder = holder_of(key);
    bool is_other = w.edited[backend.id].key != key;

    arm();
    int err = disarm(infra_balancer_set(w.balancer, &backend, 0));
    switch (err) {
    case INFRA_OK:
        need(holder < 0 || holder == (int)backend.id);
        become(backend.id, key, backend.in_flight_max);
        break;
    case INFRA_EEXIST:
        need(holder >= 0 && holder != (int)backend.id);
        break;
    case INFRA_EBUSY:
        need(is_other);
        break;
    default:
        need(err == INFRA_ENOMEM);
    }
}

static void call_sync(void)
{
    struct infra_backend list[IDS];
    int keys[IDS];
    uint32_t count = next(IDS);
    bool is_twice = false;
    bool same_id = false;

    for (uint32_t i = 0; i < count; i++) {
        list[i] = any_backend(&keys[i]);
        for (uint32_t k = 0; k < i; k++) {
            is_twice |= keys[k] == keys[i];
            same_id |= list[k].id == list[i].id;
        }
    }
    arm();
    int err = disarm(infra_balancer_sync(w.balancer, list, count, 0));
    if (err != INFRA_OK) {
        need(err == INFRA_ENOMEM || err == INFRA_EBUSY ||
             (err == INFRA_EEXIST && is_twice) ||
             (err == INFRA_EINVAL && same_id));
        return;
    }
    need(!is_twice && !same_id);
    for (uint32_t id = 0; id < IDS; id++) {
        bool named = false;
        for (uint32_t i = 0; i < count; i++) {
            named |= list[i].id == id;
        }
        w.edited[id].present &= named;
    }
    for (uint32_t i = 0; i < count; i++) {
        become(list[i].id, keys[i], list[i].in_flight_max);
    }
}

static void call_edit(void)
{
    uint32_t id = next(IDS);
    struct place *p = &w.edited[id];
    int err;

    switch (next(4)) {
    case 0:
        err = infra_balancer_remove(w.balancer, id);
        need(err == (p->present ? INFRA_OK : INFRA_ENOENT));
        p->present = false;
        return;
    case 1: {
        uint32_t percent = next(3) * 100;
        err = infra_balancer_set_share(w.balancer, id, percent);
        p->percent = err == INFRA_OK ? percent : p->percent;
        break;
    }
    default: {
        uint32_t axis = next(3);
        uint32_t state = next(4);
        err = infra_balancer_mark(w.balancer, id, axis, state);
        p->marks[axis] = err == INFRA_OK ? state : p->marks[axis];
        break;
    }
    }
    need(err == (p->present ? INFRA_OK : INFRA_ENOENT));
}

static void call_publish(void)
{
    arm();
    int err = disarm(infra_balancer_publish(w.balancer, w.now));
    need(err == INFRA_OK || err == INFRA_ENOMEM);
    w.was_published = err == INFRA_OK;
    memcpy(w.published, w.edited, sizeof w.edited);
}

static bool is_any(const struct place *places)
{
    for (uint32_t id = 0; id < IDS; id++) {
        if (is_up(&places[id])) {
            return true;
        }
    }
    return false;
}

/* May this id be the answer, by what was published last? Also where that
 * failed. */
static void check_choice(const struct infra_request *q, uint32_t id,
                         uint32_t why)
{
    const struct place *p = &w.published[id];

    need(p->present);
    if ((why & INFRA_TICKET_WHY_STICKY) != 0) {
        need(q->sticky == id && admin_of(p) <= INFRA_BALANCER_STATE_DRAINING);
        return;
    }
    need(admin_of(p) <= INFRA_BALANCER_STATE_DEGRADED);
    if ((why & INFRA_TICKET_WHY_OUTAGE) == 0 && is_any(w.published)) {
        need(state_of(p) <= INFRA_BALANCER_STATE_DEGRADED);
    }
}

static bool is_wanted(const struct infra_request *q, uint32_t id)
{
    for (uint32_t i = 0; i < q->tried_count; i++) {
        if (q->tried[i] == id) {
            return false;
        }
    }
    return q->eligible == NULL || infra_set_has(q->eligible, id);
}

/* The pick failed: correct only if none was usable. */
static void check_refusal(const struct infra_request *q, int err)
{
    const struct infra_balancer_options *o = &w.options;
    bool is_capped = o->tier_in_flight_max[0] > 0;

    need(err == INFRA_ENONE || err == INFRA_EINELIGIBLE ||
         err == INFRA_ETRIED || err == INFRA_EFULL || err == INFRA_ESHED ||
         err == INFRA_EBUDGET);
    need(err != INFRA_EBUDGET || (o->retry_percent > 0 && q->tried_count > 0));
    need(err != INFRA_ESHED || o->shed_until_up > 0);
    if (err == INFRA_EBUDGET || err == INFRA_ESHED || o->subset_size > 0 ||
        o->overprovision_percent > 0 || !w.was_published) {
        return;
    }
    for (uint32_t id = 0; id < IDS; id++) {
        const struct place *p = &w.published[id];
        is_capped |= p->present && p->cap > 0;
        if (is_up(p)) {
            need(err != INFRA_ENONE);
            need(!is_wanted(q, id) || err == INFRA_EFULL);
        }
    }
    need(err != INFRA_EFULL || is_capped);
}

static void keep(const struct infra_ticket *ticket, uint32_t id, uint32_t at)
{
    w.tickets[at] = *ticket;
    w.ticket_ids[at] = (int)id;
    w.in_flight[id]++;
}

static void call_pick(void)
{
    uint64_t word = (uint64_t)next(256) << 8 | next(256);
    struct infra_set eligible = { .words = &word, .ids_max = IDS };
    uint32_t tried[TRIED_MAX];
    struct infra_request q = { .tried = tried };
    struct infra_balancer_reader *reader = w.readers[next(READERS)];
    struct infra_ticket ticket;
    uint32_t at = next(TICKETS);
    uint32_t how = next(16);

    q.hash = (uint64_t)next(256) * 0x9e3779b97f4a7c15u;
    q.eligible = (how & 3) == 0 ? &eligible : NULL;
    q.tried_count = (how & 4) != 0 ? next(TRIED_MAX + 1) : 0;
    for (uint32_t i = 0; i < q.tried_count; i++) {
        tried[i] = next(IDS + 1);
    }
    if ((how & 8) != 0) {
        q.flags = INFRA_REQUEST_STICKY;
        q.sticky = next(IDS + 1);
    }
    if (reader == NULL || w.ticket_ids[at] >= 0) {
        return;
    }
    int id = infra_balancer_pick(reader, &q, w.now, &ticket);
    if (id < 0) {
        check_refusal(&q, id);
        return;
    }
    need(id < IDS && is_wanted(&q, (uint32_t)id));
    check_choice(&q, (uint32_t)id, infra_ticket_why(&ticket));
    keep(&ticket, (uint32_t)id, at);
}

static void release(uint32_t at, struct infra_balancer_reader *reader,
                    uint32_t outcome)
{
    int err = infra_balancer_release(reader, &w.tickets[at], outcome, w.now);

    need(err == (outcome <= INFRA_OUTCOME_STALE ? INFRA_OK : INFRA_EINVAL));
    need(infra_balancer_release(reader, &w.tickets[at], 0, w.now) ==
         INFRA_EINVAL);
    w.in_flight[w.ticket_ids[at]]--;
    w.ticket_ids[at] = -1;
}

static void call_ticket(void)
{
    uint32_t at = next(TICKETS);
    struct infra_balancer_reader *reader = w.readers[next(READERS)];
    uint32_t outcome = next(INFRA_OUTCOME_STALE + 3);

    if (reader == NULL || w.ticket_ids[at] < 0) {
        return;
    }
    if (next(3) == 0) {
        int err = infra_balancer_report(reader, &w.tickets[at], outcome,
                                        INFRA_MS(next(256)));
        need(err == (outcome <= INFRA_OUTCOME_STALE ? INFRA_OK : INFRA_EINVAL));
    } else {
        release(at, reader, outcome);
    }
}

static void call_reader(void)
{
    struct infra_balancer_reader **reader = &w.readers[next(READERS)];
    struct infra_balancer_probe probes[4];

    if (*reader == NULL) {
        arm();
        int err = disarm(infra_balancer_reader_create(reader, w.balancer));
        need(err == INFRA_OK || err == INFRA_ENOMEM);
        return;
    }
    switch (next(3)) {
    case 0:
        infra_balancer_refresh(*reader);
        break;
    case 1:
        infra_balancer_reader_destroy(*reader);
        *reader = NULL;
        break;
    default: {
        int count = infra_balancer_probes_next(*reader, w.now, probes, 4);
        need(count >= 0 && count <= 4);
        for (int i = 0; i < count; i++) {
            int err = infra_balancer_probe_answer(*reader, &probes[i], next(8),
                                                  INFRA_MS(next(64)), w.now);
            need(err == INFRA_OK || err == INFRA_ESTALE);
        }
    }
    }
}

static void check_counts(void)
{
    bool counts_all = w.options.policy->needs_load || w.options.bound_percent;

    for (uint32_t id = 0; id < IDS; id++) {
        struct infra_balancer_status stats = { .size = sizeof stats };
        int err = infra_balancer_inspect(w.balancer, id, &stats);
        need(err == (w.edited[id].present ? INFRA_OK : INFRA_ENOENT));
        if (err == INFRA_OK) {
            need(stats.in_flight == w.in_flight[id]);
            need(stats.state == state_of(&w.edited[id]) && stats.axis < 3);
            need(stats.load <= w.in_flight[id]);
            need(!counts_all || stats.load == w.in_flight[id]);
        }
    }
    uint32_t loads = 0;
    for (uint32_t tier = 0; tier < 3; tier++) {
        struct infra_balancer_tier_status stats = { .size = sizeof stats };
        int err = infra_balancer_inspect_tier(w.balancer, tier, &stats);
        need(err == INFRA_OK && stats.candidates <= IDS);
        loads += stats.load_percent;
    }
    need(loads == 0 || loads == 100);
}

static void call(void)
{
    switch (next(16)) {
    case 0:
    case 1:
        call_set();
        break;
    case 2:
        call_sync();
        break;
    case 3:
    case 4:
        call_edit();
        break;
    case 5:
    case 6:
        call_publish();
        break;
    case 7:
        call_reader();
        break;
    case 8:
        w.now += INFRA_MS(next(256) * 10);
        break;
    case 9:
    case 10:
    case 11:
        call_ticket();
        break;
    default:
        call_pick();
    }
}

static void open_balancer(void)
{
    static const struct infra_allocator allocator = { .realloc = heap };
    static const struct infra_maglev_options maglev = { .size = sizeof maglev,
                                                        .table_size = 101 };
    static const struct infra_ring_options ring = { .size = sizeof ring,
                                                    .points_min = 64 };
    struct infra_balancer_options *o = &w.options;
    uint32_t flags = next(256);

    *o = (struct infra_balancer_options) { .size = sizeof *o,
                                           .allocator = &allocator,
                                           .subset_key = "client",
                                           .ids_max = IDS };
    o->policy =
        infra_balancer_policy_by_name(infra_balancer_policy_name(next(16)));
    o->policy_options =
        o->policy == infra_balancer_maglev() ? (const void *)&maglev
        : o->policy == infra_balancer_ring() ? (const void *)&ring
                                             : NULL;
    o->spill = flags & 1;
    o->outage = next(3);
    o->overprovision_percent = (flags & 6) == 2 ? 140 : 0;
    o->panic_percent = (flags & 14) == 10 ? 50 : 0;
    o->shed_until_up = (flags & 48) == 16 ? 3 : 0;
    o->retry_percent = (flags & 64) != 0 ? 20 : 0;
    o->subset_size = (flags & 48) == 32 ? 3 : 0;
    o->slow_start_interval = (flags & 48) == 48 ? INFRA_SEC(1) : 0;
    o->bound_percent = (flags & 128) != 0 && o->policy->whole_tier ? 125 : 0;
    o->tier_in_flight_max[0] = next(4) == 0 ? 5 : 0;
    need(infra_balancer_create(&w.balancer, o) == INFRA_OK);
}

static void close_balancer(void)
{
    w.countdown = -1;
    if (w.readers[0] == NULL) {
        need(infra_balancer_reader_create(&w.readers[0], w.balancer) ==
             INFRA_OK);
    }
    for (uint32_t at = 0; at < TICKETS; at++) {
        if (w.ticket_ids[at] >= 0) {
            release(at, w.readers[0], INFRA_OUTCOME_OK);
        }
    }
    check_counts();
    need(infra_balancer_publish(w.balancer, w.now) == INFRA_OK);
    check_counts();
    for (uint32_t i = 0; i < READERS; i++) {
        infra_balancer_reader_destroy(w.readers[i]);
    }
    infra_balancer_destroy(w.balancer);
    need(w.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&w, 0, sizeof w);
    w.data = data;
    w.left = size;
    w.countdown = -1;
    for (uint32_t id = 0; id < IDS; id++) {
        w.edited[id].key = -1;
    }
    for (uint32_t at = 0; at < TICKETS; at++) {
        w.ticket_ids[at] = -1;
    }
    open_balancer();
    while (w.left > 0) {
        call();
        if (w.left % 8 == 0) {
            check_counts();
        }
    }
    close_balancer();
    return 0;
}
