/* SPDX-License-Identifier: MIT */
/* A host that repeats itself, all day: in another order, under other ids, after
 * a removal. No check is put off by that. */
#include "prober_host.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define OFTEN INFRA_MS(500)
#define FASTINTER INFRA_MS(700)
#define TIMEOUT INFRA_SEC(2)
#define FALL 3u
#define KEYS 3u

/* "hung" never answers, the others do at once. */
static const char *const keys[KEYS] = { "hung", "good", "well" };
static int listeners[KEYS];
static struct test_endpoint endpoints[KEYS];
static struct infra_probe *probes[KEYS];

static void create(uint32_t rate_max_per_s)
{
    const struct infra_health_options schedule = {
        .size = sizeof schedule,
        .inter = INFRA_SEC(1),
        .fastinter = FASTINTER,
        .fall = FALL,
        .initial = INFRA_HEALTH_INITIAL_FULLY_UP
    };

    ck_assert_int_eq(create_prober(&schedule, 0, rate_max_per_s), INFRA_OK);
}

static void setup(void)
{
    open_driver();
    for (uint32_t i = 0; i < KEYS; i++) {
        listeners[i] = test_listen(AF_UNIX, 1024, &endpoints[i]);
    }
}

static void teardown(void)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        (void)close(listeners[i]);
    }
    close_all();
}

static struct infra_probe *new_probe(bool hangs)
{
    return hangs ? http_probe(TIMEOUT) : tcp_probe();
}

static void set(uint32_t id, uint32_t key, struct infra_probe *probe)
{
    probes[key] = probe;
    ck_assert_int_eq(set_target(id, keys[key], &endpoints[key].storage,
                                endpoints[key].size, probe),
                     INFRA_OK);
}

/* Where each key is at its n-th time. */
static uint32_t id_of(uint32_t key, uint32_t round)
{
    return (key + round) % KEYS;
}

enum way {
    NEVER,      /* It is said once. */
    SAME_PROBE, /* Word for word. */
    NEW_PROBE,
    REMOVED, /* And set again at once. */
    REORDERED,
    REMOVED_AND_REORDERED,
    ROTATED, /* Everybody has another id, without a removal. */
    LATER,   /* Removed, and set again after some turns. */
    WAYS
};

static void remove_all(uint32_t round)
{
    for (uint32_t key = 0; key < KEYS; key++) {
        ck_assert_int_eq(infra_prober_remove(prober, id_of(key, round)),
                         INFRA_OK);
    }
}

static void say_again(enum way way, uint32_t *round)
{
    bool moves = way == REMOVED_AND_REORDERED || way == ROTATED;
    bool removes =
        way == REMOVED || way == REMOVED_AND_REORDERED || way == LATER;

    if (removes) {
        remove_all(*round);
    }
    if (way == LATER) {
        for (int i = 0; i < 3; i++) {
            now += INFRA_MS(20);
            step();
        }
    }
    *round += moves;
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t key = way == REORDERED || moves ? KEYS - 1 - i : i;
        set(id_of(key, *round), key,
            way == SAME_PROBE ? probes[key] : new_probe(key == 0));
    }
}

struct heard {
    infra_time down_at; /* 0: never. */
    uint32_t others;    /* Of them. */
};

/* Live for @time, and say it again each half second. */
static struct heard live(enum way way, infra_time time)
{
    struct heard heard = { 0 };
    uint32_t round = 0;
    infra_time until = now + time;
    infra_time again = now + OFTEN;

    while (now < until) {
        infra_time due = infra_driver_deadline(driver);
        due = due < again ? due : again;
        now = due > now ? due : now;
        step();
        if (now >= again) {
            again += OFTEN;
            if (way != NEVER) {
                say_again(way, &round);
            }
        }
        struct infra_health_event e;
        while (infra_prober_next(prober, now, &e) == INFRA_OK) {
            bool is_hung = e.id == id_of(0, round);
            if (is_hung && e.kind == INFRA_HEALTH_EVENT_DOWN &&
                heard.down_at == 0) {
                heard.down_at = now;
            }
            heard.others += !is_hung;
        }
    }
    return heard;
}

static infra_time next_of(uint32_t id)
{
    struct infra_health_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_prober_inspect(prober, id, &stats, NULL), INFRA_OK);
    return stats.next;
}

/* A server that never answers goes down as if nothing had been said. */
START_TEST(a_hung_server_goes_down_all_the_same)
{
    create(0);
    for (uint32_t key = 0; key < KEYS; key++) {
        set(id_of(key, 0), key, new_probe(key == 0));
    }
    infra_time first = next_of(0);
    struct heard heard = live((enum way)_i, INFRA_SEC(60));
    infra_time limit = (FALL - 1) * 3 * FASTINTER + TIMEOUT;
    ck_assert_msg(heard.down_at != 0, "way %d: never down", _i);
    ck_assert_msg(heard.down_at - first <= limit, "way %d: %g", _i,
                  (double)(heard.down_at - first) / 1e9);
    ck_assert_msg(heard.others == 0, "way %d: %u", _i, heard.others);
}
END_TEST

/* A check that waits for a turn keeps it after a removal. */
START_TEST(the_line_is_not_begun_anew)
{
    struct infra_prober_status load = { .size = sizeof load };

    create(1); /* Three seconds for three checks. */
    for (uint32_t key = 0; key < KEYS; key++) {
        set(key, key, new_probe(false));
    }
    uint64_t checks[KEYS] = { 0 };
    for (int i = 0; i < 40; i++) {
        for (uint32_t key = 0; key < KEYS; key++) {
            ck_assert_int_eq(infra_prober_remove(prober, key), INFRA_OK);
        }
        for (uint32_t key = 0; key < KEYS; key++) {
            set(key, key, new_probe(false));
            struct infra_health_status stats = { .size = sizeof stats };
            ck_assert_int_eq(infra_prober_inspect(prober, key, &stats, NULL),
                             INFRA_OK);
            checks[key] = stats.checks;
        }
        now += OFTEN;
        step();
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        ck_assert_msg(checks[key] >= 4, "%s: %u", keys[key],
                      (unsigned)checks[key]);
    }
    ck_assert_int_eq(infra_prober_inspect_load(prober, &load), INFRA_OK);
    ck_assert_uint_le(load.waiting, KEYS);
}
END_TEST

/* A removed target that does not come back is forgotten, and counts for
 * nothing. */
START_TEST(what_is_gone_is_forgotten)
{
    struct infra_prober_status load = { .size = sizeof load };
    struct infra_health_event e;

    create(0);
    set(0, 0, new_probe(true));
    long live_before = heap.live;
    now = next_of(0);
    step();
    ck_assert_int_eq(infra_prober_inspect_load(prober, &load), INFRA_OK);
    ck_assert_uint_eq(load.running, 1);
    ck_assert_int_eq(infra_prober_remove(prober, 0), INFRA_OK);
    ck_assert_int_eq(infra_prober_inspect_load(prober, &load), INFRA_OK);
    ck_assert_uint_eq(load.running, 0);
    ck_assert_uint_eq(infra_driver_deadline(driver), INFRA_TIME_NEVER);
    now += INFRA_SEC(10);
    step();
    ck_assert_int_lt(heap.live, live_before);
    ck_assert_int_eq(infra_prober_next(prober, now, &e), INFRA_EAGAIN);
}
END_TEST

/* Another key at the id hears nothing of the check that was running. */
START_TEST(another_key_starts_afresh)
{
    create(0);
    set(0, 0, new_probe(true));
    now = next_of(0);
    step();
    struct infra_probe *probe = new_probe(false);
    heap.countdown = _i == 0 ? -1 : 0; /* No memory: the check is cut short. */
    set(0, 1, probe);
    heap.countdown = -1;
    struct infra_health_status stats = { .size = sizeof stats };
    struct infra_probe_result result;
    ck_assert_int_eq(infra_prober_inspect(prober, 0, &stats, &result),
                     INFRA_OK);
    ck_assert_uint_eq(stats.checks, 0);
    ck_assert_uint_eq(result.reason, 0);
    now += INFRA_SEC(9);
    step();
    step();
    ck_assert_int_eq(infra_prober_inspect(prober, 0, &stats, &result),
                     INFRA_OK);
    ck_assert_uint_eq(stats.failures, 0);
    ck_assert_uint_eq(stats.up, 1);
}
END_TEST

static Suite *again_suite(void)
{
    Suite *s = suite_create("prober_again");
    TCase *tc = tcase_create("again");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_hung_server_goes_down_all_the_same, 0, WAYS);
    tcase_add_test(tc, the_line_is_not_begun_anew);
    tcase_add_test(tc, what_is_gone_is_forgotten);
    tcase_add_loop_test(tc, another_key_starts_afresh, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(again_suite());
}
