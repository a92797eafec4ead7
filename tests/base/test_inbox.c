/* SPDX-License-Identifier: MIT */
/* Publication under every interleaving. The real inbox.c is compiled here with
 * a scheduler at each of its atomic steps; control and reader are coroutines,
 * and every order of their steps is run, from each state once. (What the memory
 * model allows beyond that is for ThreadSanitizer: test_balancer_threads.) */
#include "support.h"

static void step(void);
#define INFRA__STEP() step()
#include "base/inbox.c"

#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

/* ThreadSanitizer does not support coroutines. */
#ifdef __SANITIZE_THREAD__
#define HAS_COROUTINES 0
#else
#define HAS_COROUTINES 1
#endif

#define EDITIONS_MAX 8
#define STEPS_MAX 128
#define STATES_MAX (1u << 16) /* A power of two. */

struct tested {
    struct infra__edition edition;
    int freed;
};

static struct tested editions[EDITIONS_MAX];
static struct infra__inbox box;
static int live;
static int live_max;

/* Check's assertions write to a pipe each, which is too slow at every step. */
static void must(int holds, const char *what)
{
    if (!holds) {
        ck_abort_msg("%s", what);
    }
}

static void free_edition(void *owner, struct infra__edition *e)
{
    struct tested *t = (struct tested *)(void *)e;

    must(owner == &box, "freed for its owner");
    must(t->freed == 0, "freed once");
    t->freed = 1;
    live--;
}

/* Two coroutines, scheduled by `choices`; 1 is the reader. */
static ucontext_t scheduler, sides[2];
static unsigned char stacks[2][64 * 1024];
static int running; /* The side, or -1. */
static int posts, looks;

/* Where the two sides stand. Together with the box and the editions this
 * decides all that follows. */
static struct {
    int round[2]; /* Of its loop, */
    int steps[2]; /* and the steps taken in it. */
    int done[2];
    uint64_t seen; /* By the reader. */
} at;

static uint64_t states[STATES_MAX]; /* 0: empty. */
static uint32_t states_count;

static void step(void)
{
    if (running >= 0) {
        at.steps[running]++;
        swapcontext(&sides[running], &scheduler);
    }
}

static void begin_round(int side, int round)
{
    at.round[side] = round;
    at.steps[side] = 0;
}

static void control(void)
{
    for (int i = 0; i < posts; i++) {
        begin_round(0, i);
        struct tested *t = &editions[i];
        *t = (struct tested) { .edition = { (uint64_t)i + 1, 1, 0 } };
        live++;
        live_max = live > live_max ? live : live_max;
        infra__inbox_post(&box, &t->edition, free_edition, &box);
        infra__edition_unref(&t->edition, free_edition, &box);
        step();
        (void)infra__inbox_settle(&box, free_edition, &box);
    }
    at.done[0] = 1;
    swapcontext(&sides[0], &scheduler);
}

static void reader(void)
{
    for (int i = 0; i < looks; i++) {
        begin_round(1, i);
        step(); /* Before the relaxed load. */
        struct infra__edition *e = infra__inbox_look(&box);
        if (e == NULL) {
            must(at.seen == 0, "there is none before the first");
            continue;
        }
        must(e->version >= at.seen, "versions grow");
        at.seen = e->version;
        step(); /* The reader works with the table while control goes on. */
        must(((struct tested *)(void *)e)->freed == 0, "not freed in use");
    }
    at.done[1] = 1;
    swapcontext(&sides[1], &scheduler);
}

static void begin(void)
{
    static void (*const bodies[2])(void) = { control, reader };

    memset(&box, 0, sizeof box);
    memset(editions, 0, sizeof editions);
    memset(&at, 0, sizeof at);
    live = 0;
    for (int side = 0; side < 2; side++) {
        getcontext(&sides[side]);
        sides[side].uc_stack.ss_sp = stacks[side];
        sides[side].uc_stack.ss_size = sizeof stacks[side];
        sides[side].uc_link = &scheduler;
        makecontext(&sides[side], bodies[side], 0);
    }
}

/* Is this the first visit to this state? */
static bool is_new_state(void)
{
    uint64_t hash = infra_xxhash64(&at, sizeof at, 0);

    hash = infra_xxhash64(&box, sizeof box, hash);
    hash = infra_xxhash64(editions, sizeof editions, hash) | 1;
    uint32_t place = (uint32_t)(hash >> 32) % STATES_MAX;
    while (states[place] != 0 && states[place] != hash) {
        place = (place + 1) % STATES_MAX;
    }
    if (states[place] == hash) {
        return false;
    }
    must(++states_count < STATES_MAX, "room for all states");
    states[place] = hash;
    return true;
}

/* A choice at each step, and whether the reader could have been chosen. */
struct schedule {
    unsigned char choices[STEPS_MAX];
    bool could_read[STEPS_MAX];
    int steps;
};

/* Run one schedule: as chosen for the first `fixed` steps, then control first,
 * to the end or to a state that was visited before. */
static void run(struct schedule *s, int fixed, bool every_state_once)
{
    s->steps = 0;
    begin();
    while (!at.done[0] || !at.done[1]) {
        int i = s->steps;
        must(i < STEPS_MAX, "it ends");
        if (i >= fixed) {
            if (every_state_once && i > 0 && !is_new_state()) {
                return;
            }
            s->choices[i] = 0;
        }
        if (at.done[s->choices[i]]) {
            s->choices[i] = !s->choices[i];
        }
        s->could_read[i] = !at.done[1];
        s->steps++;
        running = s->choices[i];
        swapcontext(&scheduler, &sides[running]);
        running = -1;
    }
    infra__inbox_finish(&box, free_edition, &box);
    must(live == 0, "none is lost");
}

/* The next schedule in order: change the last step that control took and that
 * the reader could have taken. */
static int next_schedule(struct schedule *s)
{
    for (int i = s->steps - 1; i >= 0; i--) {
        if (s->choices[i] == 0 && s->could_read[i]) {
            s->choices[i] = 1;
            return i + 1;
        }
    }
    return 0;
}

static const struct {
    int posts;
    int looks;
    int live_max;
} sizes[] = { { 1, 2, 1 }, { 2, 2, 2 }, { 3, 2, 3 }, { 2, 3, 2 }, { 8, 8, 4 } };

/* No edition is freed in use, none is lost, and none waits beyond the bound. */
START_TEST(every_interleaving_is_safe)
{
    struct schedule s = { .steps = 0 };
    long schedules = 0;
    int fixed = 0;

    posts = sizes[_i].posts;
    looks = sizes[_i].looks;
    live_max = 0;
    memset(states, 0, sizeof states); /* Tests may share a process. */
    states_count = 0;
    do {
        run(&s, fixed, true);
        schedules++;
        fixed = next_schedule(&s);
    } while (fixed > 0);
    ck_assert_int_gt(schedules, 10);
    /* Two that the reader took, one that waits, one just made. */
    ck_assert_int_eq(live_max, sizes[_i].live_max);
}
END_TEST

/* A reader that never looks pins one edition, and delays no version. */
START_TEST(a_sleeping_reader_pins_one)
{
    running = -1;
    memset(&box, 0, sizeof box);
    live = 0;
    ck_assert_uint_eq(infra__inbox_settle(&box, free_edition, &box), 0);
    for (uint64_t i = 0; i < EDITIONS_MAX; i++) {
        editions[i] = (struct tested) { .edition = { i + 1, 1, 0 } };
        live++;
        infra__inbox_post(&box, &editions[i].edition, free_edition, &box);
        infra__edition_unref(&editions[i].edition, free_edition, &box);
        ck_assert_int_eq(live, 1);
        ck_assert_uint_eq(infra__inbox_settle(&box, free_edition, &box), i + 1);
    }
    infra__inbox_finish(&box, free_edition, &box);
    ck_assert_int_eq(live, 0);
}
END_TEST

/* Until the reader looks again it may still use the former edition. */
START_TEST(settle_tells_the_oldest_in_use)
{
    running = -1;
    memset(&box, 0, sizeof box);
    live = 2;
    for (uint64_t i = 0; i < 2; i++) {
        editions[i] = (struct tested) { .edition = { i + 1, 1, 0 } };
    }
    infra__inbox_post(&box, &editions[0].edition, free_edition, &box);
    ck_assert_ptr_eq(infra__inbox_look(&box), &editions[0].edition);
    infra__edition_unref(&editions[0].edition, free_edition, &box);
    infra__inbox_post(&box, &editions[1].edition, free_edition, &box);
    infra__edition_unref(&editions[1].edition, free_edition, &box);
    ck_assert_uint_eq(infra__inbox_settle(&box, free_edition, &box), 1);
    ck_assert_int_eq(editions[0].freed, 0);
    ck_assert_ptr_eq(infra__inbox_look(&box), &editions[1].edition);
    ck_assert_uint_eq(infra__inbox_settle(&box, free_edition, &box), 2);
    ck_assert_int_eq(editions[0].freed, 1);
    infra__inbox_finish(&box, free_edition, &box);
    ck_assert_int_eq(live, 0);
}
END_TEST

static Suite *inbox_suite(void)
{
    Suite *s = suite_create("inbox");
    TCase *tc = tcase_create("alone");
    tcase_add_test(tc, a_sleeping_reader_pins_one);
    tcase_add_test(tc, settle_tells_the_oldest_in_use);
    suite_add_tcase(s, tc);

    if (!HAS_COROUTINES) {
        return s;
    }
    tc = tcase_create("interleaved");
    tcase_add_loop_test(tc, every_interleaving_is_safe, 0,
                        sizeof sizes / sizeof sizes[0]);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(inbox_suite());
}
