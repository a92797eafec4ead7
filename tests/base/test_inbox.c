/* SPDX-License-Identifier: MIT */
/* Publication under every interleaving. The real inbox.c is compiled here with
 * a scheduler at each of its atomic steps; control and reader are coroutines,
 * and every order of their steps is run once. (What the memory model allows
 * beyond that is for ThreadSanitizer: test_balancer_threads.) */
#include "support.h"

static void step(void);
#define INFRA__STEP() step()
#include "base/inbox.c"

#include "base/random.h"

#include <string.h>
#include <ucontext.h>

/* ThreadSanitizer does not know coroutines. */
#ifdef __SANITIZE_THREAD__
#define HAS_COROUTINES 0
#else
#define HAS_COROUTINES 1
#endif

#define EDITIONS_MAX 8
#define STEPS_MAX 64

struct tested {
    struct infra__edition edition;
    int freed;
};

static struct tested editions[EDITIONS_MAX];
static struct infra__inbox box;
static int live;
static int live_max;

static void free_edition(void *owner, struct infra__edition *e)
{
    struct tested *t = (struct tested *)(void *)e;

    ck_assert_ptr_eq(owner, &box);
    ck_assert_int_eq(t->freed, 0);
    t->freed = 1;
    live--;
}

/* Two coroutines; `choices` says who runs next, 1 is the reader. */
static ucontext_t scheduler, sides[2];
static unsigned char stacks[2][64 * 1024];
static int running; /* The side, or -1. */
static int done[2];
static int posts, looks;

static void step(void)
{
    if (running >= 0) {
        swapcontext(&sides[running], &scheduler);
    }
}

static void control(void)
{
    for (int i = 0; i < posts; i++) {
        struct tested *t = &editions[i];
        *t = (struct tested) { .edition = { (uint64_t)i + 1, 1, 0 } };
        live++;
        live_max = live > live_max ? live : live_max;
        infra__inbox_post(&box, &t->edition, free_edition, &box);
        infra__edition_unref(&t->edition, free_edition, &box);
        step();
        (void)infra__inbox_settle(&box, free_edition, &box);
    }
    done[0] = 1;
    swapcontext(&sides[0], &scheduler);
}

static void reader(void)
{
    uint64_t seen = 0;

    for (int i = 0; i < looks; i++) {
        step(); /* Before the relaxed load. */
        struct infra__edition *e = infra__inbox_look(&box);
        if (e == NULL) {
            ck_assert_uint_eq(seen, 0);
            continue;
        }
        ck_assert_uint_ge(e->version, seen);
        seen = e->version;
        step(); /* The reader works with the table while control goes on. */
        ck_assert_int_eq(((struct tested *)(void *)e)->freed, 0);
    }
    done[1] = 1;
    swapcontext(&sides[1], &scheduler);
}

static void begin(void)
{
    static void (*const bodies[2])(void) = { control, reader };

    memset(&box, 0, sizeof box);
    live = 0;
    for (int side = 0; side < 2; side++) {
        done[side] = 0;
        getcontext(&sides[side]);
        sides[side].uc_stack.ss_sp = stacks[side];
        sides[side].uc_stack.ss_size = sizeof stacks[side];
        sides[side].uc_link = &scheduler;
        makecontext(&sides[side], bodies[side], 0);
    }
}

/* Run one schedule: `choices` for its first `fixed` steps, then control first.
 * Fills in what was chosen; answers the number of steps. */
static int run(unsigned char *choices, int fixed)
{
    int steps = 0;

    begin();
    while (!done[0] || !done[1]) {
        ck_assert_int_lt(steps, STEPS_MAX);
        if (steps >= fixed) {
            choices[steps] = 0;
        }
        if (done[choices[steps]]) {
            choices[steps] = 1;
            if (done[1]) {
                choices[steps] = 0;
            }
        }
        running = choices[steps++];
        swapcontext(&scheduler, &sides[running]);
        running = -1;
    }
    infra__inbox_finish(&box, free_edition, &box);
    ck_assert_int_eq(live, 0);
    return steps;
}

/* The next schedule in order: the last step that control took and that the
 * reader could have taken. */
static int next_schedule(unsigned char *choices, int steps)
{
    int reader_left = 0;

    for (int i = steps - 1; i >= 0; i--) {
        if (choices[i] == 0 && reader_left) {
            choices[i] = 1;
            return i + 1;
        }
        reader_left |= choices[i];
    }
    return 0;
}

static const struct {
    int posts;
    int looks;
} sizes[] = { { 1, 2 }, { 2, 2 }, { 3, 2 }, { 2, 3 }, { 3, 3 } };

/* No edition is freed in use, none is lost, and none waits beyond the bound. */
START_TEST(every_interleaving_is_safe)
{
    unsigned char choices[STEPS_MAX] = { 0 };
    long schedules = 0;
    int fixed = 0;

    posts = sizes[_i].posts;
    looks = sizes[_i].looks;
    live_max = 0;
    do {
        int steps = run(choices, fixed);
        schedules++;
        fixed = next_schedule(choices, steps);
    } while (fixed > 0);
    ck_assert_int_gt(schedules, 10);
    /* Two that the reader took, one that waits, one just made. */
    ck_assert_int_le(live_max, 4);
}
END_TEST

/* Longer runs than can be exhausted, in random order. */
START_TEST(random_interleavings_are_safe)
{
    unsigned char choices[STEPS_MAX];
    uint64_t random = 7;

    posts = EDITIONS_MAX;
    looks = 7;
    for (int i = 0; i < 4000; i++) {
        for (int k = 0; k < STEPS_MAX; k++) {
            choices[k] = infra__random(&random) & 1;
        }
        run(choices, STEPS_MAX);
    }
    ck_assert_int_le(live_max, 4);
}
END_TEST

/* A reader that never looks pins one edition, and holds back no version. */
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
    tcase_add_test(tc, random_interleavings_are_safe);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(inbox_suite());
}
