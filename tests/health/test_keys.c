/* SPDX-License-Identifier: MIT */
/* Health: a backend is its key. What moves with the key from id to id, how long
 * it is kept, and which events follow. */
#include "health_machine.h"

#include "base/internal.h"
#include "base/keys.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

static void create(struct infra_health_options o)
{
    o.inter = o.inter != 0 ? o.inter : INFRA_SEC(1);
    health_create(o);
}

static void remove_id(uint32_t id)
{
    ck_assert_int_eq(infra_health_remove(health, id), INFRA_OK);
}

/* Check @id until it has had @times outcomes, and take the changes. No other
 * backend is due in between. */
static infra_time check(uint32_t id, uint32_t outcome, int times)
{
    infra_time now = 0;

    while (times > 0) {
        now = infra_health_deadline(health) > now
                  ? infra_health_deadline(health)
                  : now;
        struct infra_health_event e = health_next(now);
        if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
            ck_assert_uint_eq(e.id, id);
            ck_assert_int_eq(
                infra_health_answer(health, e.call, outcome, 7, now), 0);
            times--;
        }
    }
    while (health_next(now).kind != HEALTH_NOTHING) {
    }
    return now;
}

static void expect_kept(uint32_t id, uint32_t kind, infra_time now)
{
    struct infra_health_event e = health_next(now);
    struct infra_health_status s = health_inspect(id);

    ck_assert_uint_eq(e.kind, kind);
    ck_assert_uint_eq(e.id, id);
    ck_assert_uint_eq(e.reason, INFRA_HEALTH_REASON_KEPT);
    ck_assert_uint_eq(e.at, s.since);
    ck_assert_uint_eq(e.outcome, s.outcome);
    ck_assert_uint_eq(e.detail, 7);
    ck_assert_uint_eq(e.counter, s.counter);
    ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
}

/* Ways in which a key comes to its next id. */
enum { REMOVED_FIRST, REMOVED_LATER, TAKEN_OVER, SAME_ID, WAYS };

static void move(int way, infra_time now)
{
    switch (way) {
    case REMOVED_FIRST:
        remove_id(0);
        health_set(3, "a", now);
        break;
    case REMOVED_LATER:
        health_set(3, "a", now);
        remove_id(0);
        break;
    case TAKEN_OVER:
        health_set(0, "stranger", now);
        health_set(3, "a", now);
        remove_id(0);
        break;
    default:
        remove_id(0);
        health_set(0, "a", now);
    }
}

/* A key that moves, in any way, takes counter, history and next check along. An
 * event follows if the state differs from `initial` (haproxy#51: a new
 * resolution brings no backend up). */
START_TEST(state_goes_with_the_key)
{
    static const struct {
        uint32_t outcome;
        int times;
        uint32_t initial;
        uint32_t told; /* HEALTH_NOTHING, or the kind. */
    } rows[] = {
        { INFRA_OUTCOME_OK, 3, INFRA_HEALTH_INITIAL_UP, HEALTH_NOTHING },
        { INFRA_OUTCOME_OK, 3, INFRA_HEALTH_INITIAL_FULLY_DOWN,
          INFRA_HEALTH_EVENT_UP },
        { INFRA_OUTCOME_OK, 1, INFRA_HEALTH_INITIAL_FULLY_DOWN,
          HEALTH_NOTHING },
        { INFRA_OUTCOME_DEGRADED, 1, INFRA_HEALTH_INITIAL_UP,
          INFRA_HEALTH_EVENT_DEGRADED },
        { INFRA_OUTCOME_DEGRADED, 2, INFRA_HEALTH_INITIAL_FULLY_DOWN,
          INFRA_HEALTH_EVENT_DEGRADED },
        { INFRA_OUTCOME_REFUSED, 1, INFRA_HEALTH_INITIAL_UP,
          INFRA_HEALTH_EVENT_DOWN },
        { INFRA_OUTCOME_REFUSED, 1, INFRA_HEALTH_INITIAL_DOWN, HEALTH_NOTHING },
        { INFRA_OUTCOME_REFUSED, 2, INFRA_HEALTH_INITIAL_FULLY_UP,
          HEALTH_NOTHING },
        { INFRA_OUTCOME_REFUSED, 5, INFRA_HEALTH_INITIAL_FULLY_UP,
          INFRA_HEALTH_EVENT_DOWN },
    };
    int way = _i % WAYS;
    uint32_t to = way == SAME_ID ? 0 : 3;

    _i /= WAYS;
    create((struct infra_health_options) { .fastinter = INFRA_MS(300),
                                           .initial = rows[_i].initial });
    health_set(0, "a", 0);
    infra_time now = check(0, rows[_i].outcome, rows[_i].times);
    struct infra_health_status before = health_inspect(0);
    now += INFRA_MS(50);
    move(way, now);
    struct infra_health_status after = health_inspect(to);
    ck_assert_mem_eq(&before, &after, sizeof before);
    if (rows[_i].told == HEALTH_NOTHING) {
        ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
    } else {
        expect_kept(to, rows[_i].told, now);
    }
    ck_assert_uint_eq(infra_health_deadline(health), before.next);
    /* The next check follows as if the key had not moved. */
    check(to, rows[_i].outcome, 1);
    ck_assert_uint_eq(health_inspect(to).checks, before.checks + 1);
}
END_TEST

/* The outcome of a check that was running when its key moved counts for the
 * key. If it does not come, the check is repeated after fastinter, and the late
 * outcome is stale. */
START_TEST(a_running_check_moves_too)
{
    int way = _i % WAYS;
    int answers = _i < WAYS;
    uint32_t to = way == SAME_ID ? 0 : 3;

    create((struct infra_health_options) { .fastinter = INFRA_MS(300),
                                           .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    struct infra_health_event e = health_next(infra_health_deadline(health));
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    move(way, e.at + INFRA_MS(10));
    ck_assert_uint_eq(health_inspect(to).next, e.at + INFRA_MS(300));
    ck_assert_uint_eq(health_inspect(to).checks, 0);
    if (answers) {
        infra_time at = e.at + INFRA_MS(200);
        ck_assert_int_eq(infra_health_answer(health, e.call, 0, 0, at),
                         INFRA_OK);
        ck_assert_int_eq(infra_health_answer(health, e.call, 0, 0, at),
                         INFRA_ESTALE);
        ck_assert_uint_eq(health_inspect(to).checks, 1);
        ck_assert_uint_eq(health_inspect(to).next, e.at + INFRA_SEC(1));
        return;
    }
    struct infra_health_event again = health_next(e.at + INFRA_MS(300));
    ck_assert_uint_eq(again.kind, INFRA_HEALTH_EVENT_CHECK);
    ck_assert_uint_eq(again.id, to);
    ck_assert_uint_eq(again.reason, INFRA_HEALTH_REASON_FASTINTER);
    ck_assert_int_eq(infra_health_answer(health, e.call, 0, 0, e.at),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_health_answer(health, again.call, 0, 0, again.at),
                     INFRA_OK);
    ck_assert_uint_eq(infra_health_deadline(health), health_inspect(to).next);
}
END_TEST

/* Two keys swap ids while their checks run: both outcomes count. */
START_TEST(running_checks_change_places)
{
    uint64_t checks[2] = { 0 };

    create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    health_set(1, "b", 0);
    struct infra_health_event e = health_next(INFRA_SEC(1));
    checks[e.id] = e.call;
    e = health_next(INFRA_SEC(1));
    checks[e.id] = e.call;
    health_set(0, "b", INFRA_SEC(1));
    health_set(1, "a", INFRA_SEC(1));
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(infra_health_answer(health, checks[i],
                                             INFRA_OUTCOME_REFUSED, 10 + i,
                                             INFRA_SEC(1)),
                         INFRA_OK);
        ck_assert_uint_eq(health_inspect(1 - i).detail, 10 + i);
    }
}
END_TEST

/* However often a host resolves anew, to other ids or the same, every backend
 * is checked once per interval, neither less nor more often. */
START_TEST(resolving_again_puts_no_check_off)
{
    const infra_time every = INFRA_MS(30) + INFRA_MS(170) * (infra_time)_i;
    infra_time resolve_at = every;
    uint32_t checks = 0;
    uint32_t id = 0;
    infra_time last = 0;

    create((struct infra_health_options) { .inter = INFRA_SEC(2) });
    health_set(id, "a", 0);
    for (infra_time now = 0; now < INFRA_SEC(60); now += INFRA_MS(10)) {
        if (now >= resolve_at) {
            remove_id(id);
            id = (id + 7) % 64;
            health_set(id, "a", now);
            resolve_at = now + every;
        }
        struct infra_health_event e = health_next(now);
        if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
            ck_assert_uint_eq(e.id, id);
            ck_assert(checks == 0 || now - last == INFRA_SEC(2));
            last = now;
            checks++;
            ck_assert_int_eq(infra_health_answer(health, e.call, 0, 0, now),
                             INFRA_OK);
        }
    }
    ck_assert_uint_ge(checks, 29);
}
END_TEST

/* After an absence of several intervals a key resumes its phase; after less it
 * is due at once. */
START_TEST(a_key_that_was_away_comes_back_in_phase)
{
    create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    infra_time now = check(0, INFRA_OUTCOME_OK, 2);
    infra_time due = health_inspect(0).next;
    ck_assert_uint_eq(due, now + INFRA_SEC(1));
    remove_id(0);
    health_set(0, "a", due + INFRA_MS(999));
    ck_assert_uint_eq(health_inspect(0).next, due);
    remove_id(0);
    health_set(0, "a", due + INFRA_MS(4300));
    ck_assert_uint_eq(health_inspect(0).next, due + INFRA_SEC(5));
    remove_id(0);
    health_set(0, "a", due + INFRA_MS(6000));
    ck_assert_uint_eq(health_inspect(0).next, due + INFRA_SEC(6));
}
END_TEST

/* State is kept for five minutes after the removal, and no longer. */
START_TEST(what_is_kept_expires)
{
    create(
        (struct infra_health_options) { .initial = INFRA_HEALTH_INITIAL_UP });
    health_set(0, "a", 0);
    infra_time now = check(0, INFRA_OUTCOME_REFUSED, 1);
    remove_id(0);
    health_set(1, "a", now + INFRA_HEALTH_KEPT_FOR - 1);
    ck_assert_uint_eq(health_inspect(1).up, 0);
    now += INFRA_HEALTH_KEPT_FOR - 1;
    expect_kept(1, INFRA_HEALTH_EVENT_DOWN, now);
    remove_id(1);
    now += INFRA_HEALTH_KEPT_FOR;
    health_set(2, "a", now);
    ck_assert_uint_eq(health_inspect(2).up, 1);
    ck_assert_uint_eq(health_inspect(2).counter, 2);
    ck_assert_uint_eq(health_inspect(2).checks, 0);
    ck_assert_uint_eq(health_inspect(2).since, now);
    ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
}
END_TEST

/* The last ids_max removed keys are kept, not the one before them; nothing is
 * allocated. */
START_TEST(the_last_ids_max_are_kept)
{
    char key[16];

    create((struct infra_health_options) { .ids_max = 4 });
    long calls = health_heap.calls;
    for (int round = 0; round < 5; round++) {
        health_set(0, "a", 0);
        if (health_inspect(0).checks == 0) {
            (void)check(0, INFRA_OUTCOME_OK, 1);
        }
        remove_id(0);
        uint32_t others = round % 2 == 0 ? 3 : 4;
        for (uint32_t i = 0; i < others; i++) {
            (void)snprintf(key, sizeof key, "%d %u", round, i);
            health_set(i % 4, key, 0);
            remove_id(i % 4);
        }
        health_set(3, "a", 0);
        ck_assert_uint_eq(health_inspect(3).checks, others == 3);
        remove_id(3);
        (void)snprintf(key, sizeof key, "%d 0", round);
        health_set(2, key, 0);
        remove_id(2);
    }
    ck_assert_int_eq(health_heap.calls, calls);
}
END_TEST

/* Two ids with one key are two backends. A third inherits from the one that was
 * set last; the state is kept when the last of them is removed. */
START_TEST(two_ids_may_have_one_key)
{
    create((struct infra_health_options) { .start_spread = 1 });
    health_set(0, "a", 0);
    health_set(1, "a", 0);
    struct infra_health_event e[2];
    for (int i = 0; i < 2; i++) {
        e[i] = health_next(1);
        ck_assert_uint_eq(e[i].kind, INFRA_HEALTH_EVENT_CHECK);
    }
    ck_assert_uint_ne(e[0].id, e[1].id);
    uint32_t of_0 = e[0].id == 0 ? 0 : 1;
    ck_assert_int_eq(
        infra_health_answer(health, e[of_0].call, INFRA_OUTCOME_REFUSED, 7, 1),
        INFRA_OK);
    ck_assert_int_eq(
        infra_health_answer(health, e[1 - of_0].call, INFRA_OUTCOME_OK, 7, 1),
        INFRA_OK);
    ck_assert_uint_eq(health_inspect(0).up, 0);
    ck_assert_uint_eq(health_inspect(1).up, 1);
    ck_assert_uint_eq(health_next(1).kind, INFRA_HEALTH_EVENT_DOWN);
    health_set(2, "a", 1);
    ck_assert_uint_eq(health_inspect(2).up, 1);
    remove_id(1);
    remove_id(2);
    health_set(2, "a", 1);
    ck_assert_uint_eq(health_inspect(2).up, 0);
    expect_kept(2, INFRA_HEALTH_EVENT_DOWN, 1);
    remove_id(2);
    remove_id(0);
    health_set(1, "a", 1);
    expect_kept(1, INFRA_HEALTH_EVENT_DOWN, 1);
    ck_assert_int_eq(
        infra_health_inspect(health, 0,
                             &(struct infra_health_status) {
                                 .size = sizeof(struct infra_health_status) }),
        INFRA_ENOENT);
}
END_TEST

/* The list shifts by one: each id takes over from its neighbour, the first key
 * is gone, a new one is at the end. */
START_TEST(a_shifted_list_keeps_every_state)
{
    enum { COUNT = 50 };
    char key[16];
    infra_time nexts[COUNT + 1];

    create((struct infra_health_options) { .ids_max = COUNT });
    for (uint32_t id = 0; id < COUNT; id++) {
        (void)snprintf(key, sizeof key, "key %u", id);
        health_set(id, key, 0);
    }
    for (infra_time now = 0; now < INFRA_SEC(3); now += INFRA_MS(20)) {
        for (struct infra_health_event e = health_next(now);
             e.kind != HEALTH_NOTHING; e = health_next(now)) {
            if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
                ck_assert_int_eq(
                    infra_health_answer(health, e.call,
                                        e.id % 2 ? INFRA_OUTCOME_OK
                                                 : INFRA_OUTCOME_REFUSED,
                                        7, now),
                    INFRA_OK);
            }
        }
    }
    for (uint32_t id = 0; id < COUNT; id++) {
        nexts[id] = health_inspect(id).next;
    }
    for (uint32_t id = 0; id < COUNT; id++) {
        (void)snprintf(key, sizeof key, "key %u", id + 1);
        health_set(id, key, INFRA_SEC(3));
    }
    for (uint32_t id = 0; id + 1 < COUNT; id++) {
        ck_assert_uint_eq(health_inspect(id).up, (id + 1) % 2);
        ck_assert_uint_eq(health_inspect(id).next, nexts[id + 1]);
    }
    ck_assert_uint_eq(health_inspect(COUNT - 1).checks, 0);
}
END_TEST

/* A plain model of the index: the key at each place, and since when. */
enum { IDS = 19 };
static struct {
    uint64_t hash; /* 0: empty. */
    uint64_t order;
    infra_time until;
} model[2 * IDS];

static uint32_t model_find(uint64_t hash)
{
    uint32_t found = INFRA__NOWHERE;

    for (uint32_t i = 0; i < 2 * IDS; i++) {
        if (model[i].hash == hash &&
            (found == INFRA__NOWHERE || model[i].order > model[found].order)) {
            found = i;
        }
    }
    return found;
}

static void leave(struct infra__keys *k, uint32_t id, uint64_t step)
{
    uint64_t hash = model[id].hash;
    uint32_t place = infra__keys_leave(k, id, step + 30);

    model[id].hash = 0;
    uint32_t other = model_find(hash);
    if (other != INFRA__NOWHERE) {
        ck_assert_uint_eq(place, other);
        return;
    }
    ck_assert(place >= IDS && place < 2 * IDS);
    for (uint32_t i = IDS; model[place].hash != 0 && i < 2 * IDS; i++) {
        ck_assert(model[i].hash != 0 && model[i].order >= model[place].order);
    }
    model[place].hash = hash;
    model[place].order = step;
    model[place].until = step + 30;
}

static void enter(struct infra__keys *k, uint32_t id, uint64_t hash,
                  uint64_t step)
{
    uint32_t place = model_find(hash);
    uint32_t expected = place;

    if (place != INFRA__NOWHERE && place >= IDS) {
        model[place].hash = 0;
        expected = step < model[place].until ? place : INFRA__NOWHERE;
    }
    ck_assert_uint_eq(infra__keys_recall(k, hash, step), expected);
    infra__keys_add(k, id, hash);
    model[id].hash = hash;
    model[id].order = step;
}

/* The index of keys agrees with the model, also on hashes that collide, and
 * only the key that was removed longest ago is evicted. */
START_TEST(keys_are_found)
{
    struct infra__keys k;
    uint64_t random = (uint64_t)_i;

    memset(model, 0, sizeof model); /* Tests may share a process. */
    ck_assert_int_eq(infra__keys_init(&k, IDS, &health_heap.allocator),
                     INFRA_OK);
    for (uint64_t step = 1; step < 20000; step++) {
        uint32_t id = infra__below(infra__random(&random), IDS);
        uint64_t r = 1 + infra__random(&random) % 40;
        /* Some are equal in the low bits, and differ in the high ones. */
        uint64_t hash = r % 8 | r << 60 | r << 32;
        if (model[id].hash != 0) {
            leave(&k, id, step);
        } else {
            enter(&k, id, hash, step);
        }
    }
    infra__keys_finish(&k, &health_heap.allocator);
}
END_TEST

/* One key that comes and goes evicts none of the others that are kept. */
START_TEST(one_key_that_comes_and_goes_evicts_no_other)
{
    create((struct infra_health_options) { .ids_max = 4, .fall = 1 });
    health_set(0, "away", 0);
    infra_time now = check(0, INFRA_OUTCOME_RESET, 1);
    remove_id(0);
    for (int i = 0; i < 20; i++) {
        health_set(1, i % 3 == 0 ? "here" : "there", now);
        remove_id(1);
    }
    health_set(0, "away", now);
    ck_assert_uint_eq(health_inspect(0).up, 0);
    ck_assert_uint_eq(health_inspect(0).checks, 1);
}
END_TEST

static Suite *keys_suite(void)
{
    Suite *s = suite_create("health_keys");
    TCase *tc = tcase_create("move");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_loop_test(tc, state_goes_with_the_key, 0, 9 * WAYS);
    tcase_add_loop_test(tc, a_running_check_moves_too, 0, 2 * WAYS);
    tcase_add_test(tc, running_checks_change_places);
    tcase_add_loop_test(tc, resolving_again_puts_no_check_off, 0, 30);
    tcase_add_test(tc, a_key_that_was_away_comes_back_in_phase);
    tcase_add_test(tc, a_shifted_list_keeps_every_state);
    suite_add_tcase(s, tc);

    tc = tcase_create("memory");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_test(tc, what_is_kept_expires);
    tcase_add_test(tc, the_last_ids_max_are_kept);
    tcase_add_test(tc, two_ids_may_have_one_key);
    tcase_add_loop_test(tc, keys_are_found, 0, 4);
    tcase_add_test(tc, one_key_that_comes_and_goes_evicts_no_other);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(keys_suite());
}
