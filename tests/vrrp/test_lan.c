/* SPDX-License-Identifier: MIT */
/* VRRP, several nodes on one LAN that speak to each other in bytes: the scripts
 * that everybody knows, and what holds for any priorities, losses and
 * starts. */
#include "support.h"

#include "base/random.h"

#include <infra/vrrp.h>
#include <stdbool.h>
#include <string.h>

#define NODES_MAX 4u
#define FLIGHT_MAX 64u

/* A message on its way. */
struct packet {
    uint8_t bytes[INFRA_VRRP_MESSAGE_MAX];
    size_t size;
    uint32_t from;
    infra_time arrives;
};

static struct {
    struct infra_vrrp *nodes[NODES_MAX];
    uint32_t nodes_count;
    bool deaf[NODES_MAX][NODES_MAX]; /* [to][from] */
    struct packet flight[FLIGHT_MAX];
    uint32_t flight_count;
    infra_time now;
    infra_time delay_max;
    uint32_t loss_percent;
    uint64_t random;
    infra_time active_at[NODES_MAX]; /* The last change to ACTIVE. */
    infra_time backup_at[NODES_MAX];
    bool has_addresses[NODES_MAX]; /* As the events said. */
    uint32_t sent[NODES_MAX];
    uint32_t announced[NODES_MAX];
} lan;

static struct infra_vrrp_address address_of(uint32_t node)
{
    return (struct infra_vrrp_address) { { 10, 0, 0, (uint8_t)(node + 1) } };
}

/* A node that is off: with @o's priority, on address .1, .2 and so on. */
static uint32_t add(struct infra_vrrp_options o)
{
    static const struct infra_vrrp_address shared = { { 10, 0, 0, 100 } };
    uint32_t node = lan.nodes_count++;

    o.size = sizeof o;
    o.vrid = 1;
    o.local = address_of(node);
    o.addresses = &shared;
    o.addresses_count = 1;
    ck_assert_int_eq(infra_vrrp_create(&lan.nodes[node], &o), INFRA_OK);
    return node;
}

static void setup(void)
{
    memset(&lan, 0, sizeof lan);
}

static void teardown(void)
{
    for (uint32_t i = 0; i < lan.nodes_count; i++) {
        infra_vrrp_destroy(lan.nodes[i]);
    }
}

static void send(uint32_t from, const struct infra_vrrp_event *e)
{
    struct packet *p = &lan.flight[lan.flight_count++];
    int size =
        infra_vrrp_message(lan.nodes[from], e, p->bytes, sizeof p->bytes);

    ck_assert_uint_lt(lan.flight_count, FLIGHT_MAX);
    ck_assert_int_gt(size, 0);
    p->size = (size_t)size;
    p->from = from;
    p->arrives = lan.now;
    if (lan.delay_max != 0) {
        p->arrives +=
            infra__below(infra__random(&lan.random), (uint32_t)lan.delay_max);
    }
    lan.sent[from]++;
}

static void pull(uint32_t node)
{
    struct infra_vrrp_event e;

    while (infra_vrrp_next(lan.nodes[node], lan.now, &e) == INFRA_OK) {
        if (e.kind == INFRA_VRRP_EVENT_ADVERTISE) {
            send(node, &e);
        } else if (e.kind == INFRA_VRRP_EVENT_CHANGE) {
            lan.has_addresses[node] = e.state == INFRA_VRRP_STATE_ACTIVE;
            *(lan.has_addresses[node] ? &lan.active_at[node]
                                      : &lan.backup_at[node]) = e.at;
        } else if (e.kind == INFRA_VRRP_EVENT_ANNOUNCE) {
            ck_assert(lan.has_addresses[node]);
            lan.announced[node]++;
        }
    }
    ck_assert_uint_gt(infra_vrrp_deadline(lan.nodes[node]), lan.now);
}

static void deliver(const struct packet *p, uint32_t to)
{
    struct infra_vrrp_datagram d = { .bytes = p->bytes,
                                     .bytes_count = p->size,
                                     .source = address_of(p->from),
                                     .destination = { { 224, 0, 0, 18 } },
                                     .hop_limit = 255 };
    struct infra_vrrp_advert a;

    ck_assert_int_eq(infra_vrrp_parse(&d, &a), 0);
    ck_assert_int_eq(infra_vrrp_hear(lan.nodes[to], &a, lan.now), 0);
}

/* Deliver what has arrived, in the order in which it was sent. */
static bool arrive(void)
{
    for (uint32_t i = 0; i < lan.flight_count; i++) {
        struct packet p = lan.flight[i];
        if (p.arrives > lan.now) {
            continue;
        }
        lan.flight_count--;
        memmove(&lan.flight[i], &lan.flight[i + 1],
                (lan.flight_count - i) * sizeof p);
        for (uint32_t to = 0; to < lan.nodes_count; to++) {
            if (to != p.from && !lan.deaf[to][p.from] &&
                infra__below(infra__random(&lan.random), 100) >=
                    lan.loss_percent) {
                deliver(&p, to);
            }
        }
        return true;
    }
    return false;
}

static infra_time next_time(void)
{
    infra_time next = INFRA_TIME_NEVER;

    for (uint32_t i = 0; i < lan.nodes_count; i++) {
        infra_time t = infra_vrrp_deadline(lan.nodes[i]);
        next = t < next ? t : next;
    }
    for (uint32_t i = 0; i < lan.flight_count; i++) {
        infra_time t = lan.flight[i].arrives;
        next = t < next ? t : next;
    }
    return next;
}

static void run_until(infra_time end)
{
    for (;;) {
        do { /* Messages before timers, as a host does. */
            while (arrive()) {
            }
            for (uint32_t i = 0; i < lan.nodes_count; i++) {
                pull(i);
            }
        } while (lan.flight_count != 0 && next_time() <= lan.now);
        infra_time next = next_time();
        if (next > end) {
            break;
        }
        lan.now = next;
    }
    lan.now = end;
}

static void start(uint32_t node)
{
    ck_assert_int_eq(infra_vrrp_start(lan.nodes[node], lan.now), INFRA_OK);
}

static void stop(uint32_t node)
{
    ck_assert_int_eq(infra_vrrp_stop(lan.nodes[node], lan.now), INFRA_OK);
    pull(node);
}

/* Neither hears the other any more, or both do again. */
static void split(uint32_t a, uint32_t b, bool is_split)
{
    lan.deaf[a][b] = is_split;
    lan.deaf[b][a] = is_split;
}

static struct infra_vrrp_status status(uint32_t node)
{
    struct infra_vrrp_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_vrrp_inspect(lan.nodes[node], &s), INFRA_OK);
    return s;
}

#define expect_state(node, want) ck_assert_uint_eq(status(node).state, (want))

/* B (100) and A (200), A Active; answers when it sent last. */
static infra_time start_pair(void)
{
    ck_assert_uint_eq(add((struct infra_vrrp_options) { .priority = 100 }), 0);
    ck_assert_uint_eq(add((struct infra_vrrp_options) { .priority = 200 }), 1);
    start(0);
    start(1);
    run_until(INFRA_MS(10218) + INFRA_US(750));
    expect_state(0, INFRA_VRRP_STATE_BACKUP);
    expect_state(1, INFRA_VRRP_STATE_ACTIVE);
    return lan.now;
}

/* Script 1: the Active node falls silent. */
START_TEST(silent_node_is_followed_after_the_down_interval)
{
    infra_time last = start_pair();

    lan.deaf[0][1] = true;
    run_until(last + INFRA_SEC(5));
    ck_assert_uint_eq(lan.active_at[0], last + INFRA_US(3609375));
}
END_TEST

/* Script 2: it resigns. */
START_TEST(resigned_node_is_followed_after_the_skew)
{
    infra_time now = start_pair();

    stop(1);
    run_until(now + INFRA_SEC(5));
    ck_assert_uint_eq(lan.active_at[0], now + INFRA_US(609375));
    ck_assert(!lan.has_addresses[1]);
}
END_TEST

/* Script 3: one with a higher priority boots and takes over when it has
 * listened for its down interval; the other yields at once. */
START_TEST(better_node_preempts)
{
    (void)start_pair();
    stop(1);
    run_until(INFRA_SEC(20));
    expect_state(0, INFRA_VRRP_STATE_ACTIVE);
    start(1);
    run_until(INFRA_SEC(25));
    ck_assert_uint_eq(lan.active_at[1], INFRA_SEC(20) + INFRA_US(3218750));
    ck_assert_uint_eq(lan.backup_at[0], lan.active_at[1]);
    ck_assert_uint_eq(status(1).reason, INFRA_VRRP_REASON_PREEMPT);
}
END_TEST

/* Script 4: without preemption it stays Backup while the other lives. */
START_TEST(better_node_waits_without_preemption)
{
    (void)add((struct infra_vrrp_options) { .priority = 100 });
    (void)add((struct infra_vrrp_options) { .priority = 200, .no_preempt = 1 });
    start(0);
    run_until(INFRA_SEC(10));
    start(1);
    run_until(INFRA_SEC(3600));
    expect_state(0, INFRA_VRRP_STATE_ACTIVE);
    expect_state(1, INFRA_VRRP_STATE_BACKUP);
}
END_TEST

/* Script 5: two that are Active with the same priority: the smaller address
 * yields, the greater one has said so at once. */
START_TEST(equal_nodes_part_by_address)
{
    (void)add((struct infra_vrrp_options) { .priority = 100 });
    (void)add((struct infra_vrrp_options) { .priority = 100 });
    split(0, 1, true);
    start(0);
    run_until(INFRA_MS(500));
    start(1);
    run_until(INFRA_SEC(10));
    run_until(INFRA_MS(10200));
    ck_assert(lan.has_addresses[0] && lan.has_addresses[1]);
    uint32_t sent = lan.sent[1];
    split(0, 1, false);
    run_until(INFRA_US(10609375)); /* The smaller one's turn. */
    expect_state(0, INFRA_VRRP_STATE_BACKUP);
    expect_state(1, INFRA_VRRP_STATE_ACTIVE);
    ck_assert_uint_eq(lan.sent[1], sent + 2); /* Twice: it has a last word. */
}
END_TEST

/* Script 7: a split LAN has two Active nodes; when it heals, the better one
 * stays, answers at once, and announces again. */
START_TEST(split_heals)
{
    (void)start_pair();
    split(0, 1, true);
    run_until(INFRA_SEC(30));
    ck_assert(lan.has_addresses[0] && lan.has_addresses[1]); /* No help. */
    uint32_t announced = lan.announced[1];
    split(0, 1, false);
    run_until(INFRA_SEC(32));
    ck_assert(!lan.has_addresses[0] && lan.has_addresses[1]);
    ck_assert_uint_gt(lan.announced[1], announced);
    ck_assert_uint_eq(status(1).activations, 1);
}
END_TEST

/* Script 9: three messages lost, the fourth comes in time. */
START_TEST(three_losses_are_survived)
{
    infra_time last = start_pair();

    lan.deaf[0][1] = true;
    run_until(last + INFRA_SEC(3) - 1);
    lan.deaf[0][1] = false;
    run_until(last + INFRA_SEC(60));
    ck_assert_uint_eq(status(0).activations, 0);
}
END_TEST

/* A witness that answers for the Active node keeps the other from taking over
 * while the LAN is split. */
START_TEST(witness_prevents_two_active_nodes)
{
    struct infra_vrrp_event e;
    struct infra_vrrp_options o = { .priority = 100,
                                    .witness = INFRA_VRRP_WITNESS_REQUIRE };

    (void)add(o);
    (void)add((struct infra_vrrp_options) { .priority = 200 });
    start(1);
    run_until(INFRA_SEC(10));
    start(0);
    split(0, 1, true);
    for (uint32_t i = 0; i < 100; i++) {
        run_until(lan.now + INFRA_MS(100));
        while (infra_vrrp_next(lan.nodes[0], lan.now, &e) == INFRA_OK) {
        }
        ck_assert(!lan.has_addresses[0]);
    }
}
END_TEST

/* Whatever the priorities and starts, with messages that take up to 50 ms and
 * get lost now and then: when the LAN is good again, exactly the best that is
 * on is Active, and all others know it. */
START_TEST(best_node_is_active_in_the_end)
{
    lan.random = (uint64_t)_i;
    lan.nodes_count = 0;
    uint32_t count = 2 + infra__below(infra__random(&lan.random), 3);
    bool is_on[NODES_MAX] = { false };
    uint32_t best = 0;

    for (uint32_t i = 0; i < count; i++) {
        (void)add((struct infra_vrrp_options) {
            .interval = INFRA_MS(200),
            .priority =
                100 + 50 * infra__below(infra__random(&lan.random), 3) });
    }
    lan.delay_max = INFRA_MS(50);
    lan.loss_percent = infra__below(infra__random(&lan.random), 60);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t n = infra__below(infra__random(&lan.random), count);
        is_on[n] ? stop(n) : start(n);
        is_on[n] = !is_on[n];
        run_until(lan.now +
                  infra__below(infra__random(&lan.random), 2000000000u));
    }
    if (!is_on[0]) {
        start(0);
        is_on[0] = true;
    }
    lan.loss_percent = 0;
    run_until(lan.now + INFRA_SEC(5));
    for (uint32_t i = 1; i < count; i++) {
        if (is_on[i] && status(i).priority >= status(best).priority) {
            best = i; /* Of equals one that is Active. */
        }
    }
    uint32_t active = NODES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(lan.has_addresses[i],
                         status(i).state == INFRA_VRRP_STATE_ACTIVE);
        if (lan.has_addresses[i]) {
            ck_assert_msg(active == NODES_MAX, "seed %d: two Active", _i);
            active = i;
        }
    }
    ck_assert_msg(active != NODES_MAX, "seed %d: none Active", _i);
    ck_assert_uint_eq(status(active).priority, status(best).priority);
    for (uint32_t i = 0; i < count; i++) {
        if (is_on[i]) {
            ck_assert_uint_eq(status(i).active.bytes[3], active + 1);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vrrp_lan");
    TCase *tc = tcase_create("lan");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, silent_node_is_followed_after_the_down_interval);
    tcase_add_test(tc, resigned_node_is_followed_after_the_skew);
    tcase_add_test(tc, better_node_preempts);
    tcase_add_test(tc, better_node_waits_without_preemption);
    tcase_add_test(tc, equal_nodes_part_by_address);
    tcase_add_test(tc, split_heals);
    tcase_add_test(tc, three_losses_are_survived);
    tcase_add_test(tc, witness_prevents_two_active_nodes);
    tcase_add_loop_test(tc, best_node_is_active_in_the_end, 0, 200);
    suite_add_tcase(s, tc);
    return test_main(s);
}
