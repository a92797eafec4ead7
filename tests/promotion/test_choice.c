/* SPDX-License-Identifier: MIT */
/* Promotion: the choice of a candidate, and when there is none. */
#include "promotion_host.h"

#include <string.h>

#define S INFRA_PROMOTION_FLAG_SYNC
#define N INFRA_PROMOTION_FLAG_NEVER
#define Q INFRA_PROMOTION_FLAG_QUARANTINED
#define KEEP INFRA_PROMOTION_LOSS_REFUSE
#define LOSE INFRA_PROMOTION_LOSS_ACCEPT

/* What a replica is and has; position 0: it does not report. */
struct replica {
    uint32_t flags;
    uint32_t priority;
    uint64_t timeline;
    uint64_t position;
};

/* Node a is the primary, SYNC too, last seen at position 1000 of timeline 5. */
static const struct {
    const char *name;
    uint32_t acks;
    uint32_t loss;
    uint64_t behind_max;
    struct replica replicas[4];
    const char *told;
} rows[] = {
    /* Each write is on one other of five: four have to be asked. */
    { "the greatest position",
      1,
      KEEP,
      0,
      { { S, 0, 5, 10 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 9, 5, 29 } },
      "record-intent-c [recording: reported]" },
    { "then the priority",
      1,
      KEEP,
      0,
      { { S, 1, 5, 30 }, { S, 0, 5, 30 }, { S, 2, 5, 30 }, { S, 1, 5, 30 } },
      "record-intent-d [recording: reported]" },
    { "then the id",
      1,
      KEEP,
      0,
      { { S, 1, 5, 30 }, { S, 1, 5, 30 }, { S, 1, 5, 30 }, { S, 1, 5, 30 } },
      "record-intent-b [recording: reported]" },
    { "the newest timeline",
      1,
      KEEP,
      0,
      { { S, 9, 4, 99 }, { S, 0, 5, 10 }, { S, 0, 5, 9 }, { S, 0, 4, 98 } },
      "record-intent-c [recording: reported]" },
    { "one does not report",
      1,
      KEEP,
      0,
      { { S, 0, 5, 10 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 0, 0 } },
      "[held: missing] detach-e" },
    { "one does not report, of which two have it",
      2,
      KEEP,
      0,
      { { S, 0, 5, 10 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 0, 0 } },
      "record-intent-c [recording: reported]" },
    { "two do not report, of which two have it",
      2,
      KEEP,
      0,
      { { S, 0, 5, 10 }, { S, 0, 5, 30 }, { S, 0, 0, 0 }, { S, 0, 0, 0 } },
      "[held: missing] detach-d detach-e" },
    { "all have it, one suffices",
      4,
      KEEP,
      0,
      { { S, 0, 5, 10 }, { S, 0, 0, 0 }, { S, 0, 0, 0 }, { S, 0, 0, 0 } },
      "record-intent-b [recording: reported]" },
    { "an async node is not promoted",
      1,
      KEEP,
      0,
      { { 0, 9, 5, 99 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 5, 10 } },
      "record-intent-c [recording: reported]" },
    { "an async node need not report",
      1,
      KEEP,
      0,
      { { 0, 9, 0, 0 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 5, 10 } },
      "record-intent-c [recording: reported]" },
    { "no sync node may be promoted",
      1,
      KEEP,
      0,
      { { S | N, 0, 5, 10 }, { 0, 0, 5, 30 }, { S | N, 0, 5, 9 }, { 0 } },
      "[held: ahead] detach-e" },
    { "no node may be promoted",
      1,
      KEEP,
      0,
      { { S | N, 0, 5, 10 }, { S | N, 0, 5, 30 }, { 0 }, { 0 } },
      "[held: no-candidate] detach-d detach-e" },
    { "a node that may not be promoted is ahead",
      1,
      KEEP,
      0,
      { { S | N, 0, 5, 31 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 5, 9 } },
      "[held: ahead]" },
    { "or is not",
      1,
      KEEP,
      0,
      { { S | N, 0, 5, 30 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 5, 9 } },
      "record-intent-c [recording: reported]" },
    { "a quarantined node does not report",
      1,
      KEEP,
      0,
      { { S | Q, 0, 5, 31 }, { S, 0, 5, 30 }, { S, 0, 5, 20 }, { S, 0, 5, 9 } },
      "[held: missing]" },
    { "by order of the options it is lost",
      1,
      LOSE,
      0,
      { { S, 0, 5, 10 }, { 0, 0, 5, 40 }, { S, 0, 5, 20 }, { S, 0, 0, 0 } },
      "record-intent-d [recording: reported]" },
    { "and then an async node may lead",
      1,
      LOSE,
      0,
      { { S | N, 0, 5, 10 }, { 0, 0, 5, 40 }, { S, 0, 0, 0 }, { 0, 0, 5, 9 } },
      "record-intent-c [recording: reported]" },

    /* Asynchronous: everybody reports, and is not too far behind. */
    { "not behind at all",
      0,
      KEEP,
      0,
      { { 0, 0, 5, 1000 }, { 0, 1, 5, 1000 }, { 0, 0, 5, 9 }, { S, 9, 5, 8 } },
      "record-intent-c [recording: reported]" },
    { "behind",
      0,
      KEEP,
      0,
      { { 0, 0, 5, 999 }, { 0, 1, 5, 999 }, { 0, 0, 5, 9 }, { 0, 9, 5, 8 } },
      "[held: ahead]" },
    { "behind by the most that may be",
      0,
      KEEP,
      100,
      { { 0, 0, 5, 900 }, { 0, 1, 5, 9 }, { 0, 0, 5, 9 }, { 0, 9, 5, 8 } },
      "record-intent-b [recording: reported]" },
    { "behind by one more",
      0,
      KEEP,
      100,
      { { 0, 0, 5, 899 }, { 0, 1, 5, 9 }, { 0, 0, 5, 9 }, { 0, 9, 5, 8 } },
      "[held: ahead]" },
    { "behind by any number",
      0,
      KEEP,
      UINT64_MAX,
      { { 0, 0, 5, 899 }, { 0, 1, 5, 9 }, { 0, 0, 5, 9 }, { 0, 9, 5, 8 } },
      "record-intent-b [recording: reported]" },
    { "on an older timeline",
      0,
      KEEP,
      UINT64_MAX,
      { { 0, 0, 4, 2000 }, { 0, 1, 4, 9 }, { 0, 0, 4, 9 }, { 0, 9, 4, 8 } },
      "[held: ahead]" },
    { "one does not report",
      0,
      KEEP,
      0,
      { { 0, 0, 5, 1000 }, { 0, 0, 5, 1000 }, { 0, 0, 5, 9 }, { 0 } },
      "[held: missing] detach-e" },
    { "one is quarantined",
      0,
      KEEP,
      0,
      { { 0, 0, 5, 1000 }, { 0, 0, 5, 1000 }, { 0, 0, 5, 9 }, { Q, 0, 0, 0 } },
      "record-intent-b [recording: reported]" },
    { "behind, and lost by order",
      0,
      LOSE,
      0,
      { { 0, 0, 5, 9 }, { 0, 0, 5, 10 }, { 0, 0, 4, 99 }, { 0, 0, 5, 8 } },
      "record-intent-c [recording: reported]" },
    { "a silent node is fenced first",
      0,
      LOSE,
      0,
      { { 0, 0, 5, 9 }, { 0, 0, 5, 10 }, { 0, 0, 4, 99 }, { 0 } },
      "hold-a [fencing: conflict] fence-e" },
};

static void set_nodes(int row)
{
    const struct replica *replicas = rows[row].replicas;

    host_set(0, 0, S);
    for (uint32_t i = 1; i < NODES; i++) {
        host_set(i, replicas[i - 1].priority, replicas[i - 1].flags);
    }
}

/* The primary is out, and all that were told to report do so. */
static void collect(int row)
{
    const struct replica *replicas = rows[row].replicas;

    host_primary(0, 5, 1000);
    host_wait(INFRA_SEC(6));
    host_dead(0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    (void)host_take();
    for (uint32_t i = 1; i < NODES; i++) {
        if (replicas[i - 1].position != 0 && (replicas[i - 1].flags & Q) == 0) {
            host_done(INFRA_PROMOTION_EVENT_DETACH, i);
        }
    }
    (void)host_take();
    for (uint32_t i = 1; i < NODES; i++) {
        if (replicas[i - 1].position != 0) {
            host_replica(i, NO_NODE, replicas[i - 1].timeline,
                         replicas[i - 1].position);
        }
    }
}

/* Drop the repeated orders to the dead node, a. */
static const char *without_a(const char *told)
{
    static char text[256];
    char *to = text;

    for (const char *at = told; *at != '\0';) {
        if (strncmp(at, "detach-a", 8) == 0) {
            at += at[8] == ' ' ? 9 : 8;
        } else {
            *to++ = *at++;
        }
    }
    while (to > text && to[-1] == ' ') {
        to--;
    }
    *to = '\0';
    return text;
}

/* The best of the nodes that reported and may be promoted, if enough did. */
START_TEST(best_is_promoted)
{
    host_create(
        (struct infra_promotion_options) { .sync_acks = rows[_i].acks,
                                           .loss = rows[_i].loss,
                                           .behind_max = rows[_i].behind_max,
                                           .order_timeout = INFRA_SEC(2) },
        NODES);
    (void)infra_promotion_adopt(host.p, 0, 1, 5, 0, host.now);
    host_lead(2);
    set_nodes(_i);
    collect(_i);
    const char *told = without_a(host_take());
    if (told[0] == '\0') { /* It waits for the others. */
        host_wait(INFRA_SEC(2) - 8);
        for (uint32_t i = 1; i < NODES; i++) { /* They are still there. */
            const struct replica *r = &rows[_i].replicas[i - 1];
            if (r->position != 0) {
                host_replica(i, NO_NODE, r->timeline, r->position);
            }
        }
        ck_assert_str_eq(without_a(host_take()), "");
        host_wait(8);
        told = without_a(host_take());
    }
    ck_assert_msg(strcmp(told, rows[_i].told) == 0, "%s: %s", rows[_i].name,
                  told);
}
END_TEST

static Suite *choice_suite(void)
{
    Suite *s = suite_create("promotion_choice");
    TCase *t = tcase_create("choice");

    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_loop_test(t, best_is_promoted, 0,
                        (int)(sizeof rows / sizeof rows[0]));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(choice_suite());
}
