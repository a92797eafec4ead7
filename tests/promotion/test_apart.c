/* SPDX-License-Identifier: MIT */
/* Promotion: nodes that have a history of their own. */
#include "promotion_host.h"

/* b takes writes beside a, is shut out, and comes back read-only with a history
 * that is longer than that of the others. */
static void part_b(void)
{
    host_primary(1, 1, 120);
    host_expect("record-apart-b [conflict: conflict]");
    ck_assert_uint_eq(host.mark.flags,
                      INFRA_PROMOTION_FLAG_SYNC | INFRA_PROMOTION_FLAG_APART);
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    host_expect("fence-b");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
    host_expect("[watch: resolved]");
    host_wait(INFRA_SEC(1));
    host_primary(0, 1, 110);
    host_replica(1, NO_NODE, 1, 120);
    host_expect("");
}

/* A node that has taken writes beside the primary is not detached and has not
 * reported, whatever its position. It has acknowledged nothing since it was
 * fenced: so two of the other three have every write since then, and a node as
 * far as the primary was then has every write before. */
START_TEST(shut_out_node_is_one_less)
{
    host_start(sync_1, 4);
    part_b();
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
    host_report_c_and_d();
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* Not so if no node is as far, or if the primary was not seen since then. */
START_TEST(own_history_does_not_count)
{
    host_start(sync_1, 4);
    host_primary(1, 1, 120);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
    (void)host_take();
    if (_i == 0) {
        host_primary(0, 1, 111);
    }
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
    host_report_c_and_d();
    host_wait(INFRA_SEC(2));
    host_expect("[held: missing]");
    ck_assert_uint_eq(host_status().reported, 2);
    host_command(INFRA_PROMOTION_COMMAND_FORCE, 1, INFRA_EBUSY);
    host_wait(INFRA_SEC(3));
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH,
              0); /* The primary has everything. */
    host_replica(0, NO_NODE, 1, 112);
    host_replica(2, NO_NODE, 1, 110);
    host_expect("record-intent-a [recording: reported]");
}
END_TEST

/* A node that was pointed at the primary may have acknowledged something,
 * except if it answers that its data is still being replaced. */
START_TEST(clone_under_way_is_one_less)
{
    host_start(sync_1, 4);
    part_b();
    host_wait(INFRA_SEC(5));
    host_primary(0, 1, 110);
    host_replica(1, NO_NODE, 1, 120);
    host_expect("repoint-b");
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-b detach-c "
                "detach-d");
    host_report_c_and_d();
    host_wait(INFRA_SEC(2));
    host_expect("[held: missing]");
    if (_i == 0) {
        host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
        host_replica(1, NO_NODE, 1, 120);
        host_expect("");
    } else {
        host_answer(INFRA_PROMOTION_EVENT_DETACH, 1, INFRA_ORDER_FAILED);
        host_expect("record-intent-c [recording: reported]");
    }
}
END_TEST

/* A rival that is not seen any more is out when the order is answered; until
 * then it is given again, but not to one that is back. */
START_TEST(fence_is_waited_for)
{
    host_start(sync_1, 4);
    host_primary(1, 1, 120);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    host_expect("fence-b");
    host_wait(INFRA_SEC(4));
    host_primary(0, 1, 110);
    host_replica(2, 0, 1, 110);
    host_replica(3, 0, 1, 110);
    host_wait(INFRA_SEC(1) - 1);
    host_expect("fence-b");
    host_wait(2);
    host_expect("[watch: resolved]");
    if (_i == 0) {
        host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
        host_expect("");
        host_primary(0, 1, 110);
        host_wait(INFRA_SEC(5));
        host_expect("");
        host_lose_primary();
        host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
        host_report_c_and_d();
        host_expect("record-intent-c [recording: reported]");
    } else {
        host_replica(1, NO_NODE, 1, 120);
        host_expect("");
        host_wait(INFRA_SEC(1));
        host_expect("");
    }
}
END_TEST

/* Where the others are enough, one of them is promoted. */
START_TEST(other_has_every_write)
{
    host_start((struct infra_promotion_options) { .sync_acks = 2 }, 4);
    part_b();
    host_lose_primary();
    (void)host_take();
    host_report_c_and_d();
    host_wait(INFRA_SEC(2));
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* Asynchronous: what it has is not known of, and it is not waited for. */
START_TEST(own_history_is_not_waited_for)
{
    host_start((struct infra_promotion_options) { 0 }, 4);
    part_b();
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
    host_report_c_and_d();
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* Another process knows of it by the record, at whatever time it starts; what
 * it knew itself is forgotten then. */
START_TEST(next_process_is_told)
{
    host_start(sync_1, 4);
    if (_i == 0) {
        part_b();
    }
    host_lease(0);
    (void)host_take();
    host_lease(3);
    host_expect("read-record [reading: lease]");
    if (_i == 1) {
        host_set(1, 0, INFRA_PROMOTION_FLAG_SYNC | INFRA_PROMOTION_FLAG_APART);
    }
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
    host_lose_primary();
    host_expect(_i == 0 ? "hold-a [collecting: fenced] detach-a detach-b "
                          "detach-c detach-d"
                        : "hold-a [collecting: fenced] detach-a detach-c "
                          "detach-d");
}
END_TEST

/* The flag is not lost when a host says once more what a node is. */
START_TEST(flag_stays)
{
    host_start(sync_1, 4);
    part_b();
    host_set(1, 7, 0);
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
}
END_TEST

/* It is pointed at the primary even if it says that it follows, which proves
 * nothing; when that is done it counts again, and the record says so. */
START_TEST(repointed_node_counts_again)
{
    host_start(sync_1, 4);
    part_b();
    host_primary(0, 1, 111);
    host_replica(1, 0, 1, 111);
    host_expect("repoint-b");
    host_answer(INFRA_PROMOTION_EVENT_REPOINT, 1, INFRA_ORDER_UNKNOWN);
    host_wait(INFRA_SEC(5));
    host_primary(0, 1, 112);
    host_replica(1, 0, 1, 112);
    host_expect("repoint-b");
    host_done(INFRA_PROMOTION_EVENT_REPOINT, 1);
    host_expect("record-apart-b");
    ck_assert_uint_eq(host.mark.flags, INFRA_PROMOTION_FLAG_SYNC);
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-b detach-c "
                "detach-d");
}
END_TEST

/* It is shut out when it is written down, and not before. */
START_TEST(mark_comes_first)
{
    host_start(sync_1, 4);
    host_primary(1, 1, 120);
    host_expect("record-apart-b [conflict: conflict]");
    host_answer(INFRA_PROMOTION_EVENT_RECORD_APART, 1, INFRA_ORDER_UNKNOWN);
    host_expect("");
    host_wait(INFRA_SEC(5) - 1);
    host_primary(1, 1, 121);
    host_expect("record-apart-b");
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    host_expect("fence-b");
}
END_TEST

/* And what was seen, and is not written down, is not forgotten. */
START_TEST(unwritten_mark_outlives_the_lease)
{
    host_start(sync_1, 4);
    host_primary(1, 1, 120);
    host_expect("record-apart-b [conflict: conflict]");
    host_lease(0);
    host_expect("[standby: unleased]");
    host_lease(3);
    host_expect("read-record [reading: lease]");
    host_replica(1, NO_NODE, 1, 120);
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    host_expect("record-apart-b [watch: read]");
}
END_TEST

/* A replica that is made writable when the primary is dead already, in each
 * step up to the choice. */
START_TEST(writer_after_the_primary)
{
    host_start(sync_1, 4);
    host_wait(INFRA_SEC(6));
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_dead(0);
    (void)host_take();
    if (_i == 1) {
        host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
        (void)host_take();
        host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    }
    host_primary(1, 1, 120);
    host_expect(_i == 0 ? "record-apart-b"
                        : "record-apart-b hold-a [fencing: conflict]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    host_replica(1, NO_NODE, 1, 120); /* Read-only again, at once. */
    if (_i == 0) {
        host_expect("");
        host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
        host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
    } else {
        host_expect("fence-b");
        host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
        host_expect("hold-a [collecting: fenced] detach-a detach-c detach-d");
    }
    host_report_c_and_d();
    host_wait(INFRA_SEC(2));
    host_expect("[held: missing]");
}
END_TEST

/* Of two that are to be primary by an unfinished promotion the record knows; a
 * third has a history of its own. */
START_TEST(writer_in_an_unfinished_promotion)
{
    host_start(sync_1, 4);
    host_lease(0);
    (void)host_take();
    ck_assert_int_eq(infra_promotion_adopt(host.p, 2, 3, 0, 1, host.now),
                     INFRA_OK);
    host_lease(4);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
    for (uint32_t i = 0; i < 4; i++) {
        host_done(INFRA_PROMOTION_EVENT_DETACH, i);
    }
    switch (_i) {
    case 0: /* It was primary, and never out. */
        host_primary(0, 1, 130);
        host_replica(1, NO_NODE, 1, 120);
        host_replica(2, NO_NODE, 1, 120);
        host_replica(3, NO_NODE, 1, 120);
        host_expect("record-intent-a [recording: reported]");
        break;
    case 1: /* It was promoted. */
        host_replica(0, NO_NODE, 1, 130);
        host_replica(1, NO_NODE, 1, 120);
        host_replica(3, NO_NODE, 1, 120);
        host_primary(2, 3, 120);
        host_expect("record-intent-c [recording: reported]");
        break;
    case 2: /* Neither. */
        host_primary(1, 1, 130);
        host_expect("record-apart-b hold-c [fencing: conflict]");
        break;
    default: /* It was to be promoted, and was made writable otherwise. */
        host_primary(2, 1, 130);
        host_expect("record-apart-c hold-c [fencing: conflict]");
        break;
    }
}
END_TEST

/* Node a was promoted and died before any replica followed it, then b was
 * promoted: b never had what a wrote by its token. */
START_TEST(promotion_without_followers)
{
    host_start(sync_1, 4);
    host_wait(INFRA_SEC(6));
    host_replica(1, NO_NODE, 1, 110);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 110);
    host_primary(0, 1, 110);
    host_command(INFRA_PROMOTION_COMMAND_SWITCHOVER, 1,
                 INFRA_EBUSY); /* None of them follows. */
    host_dead(0);
    (void)host_take();
    host_wait(INFRA_SEC(6));
    host_replica(1, NO_NODE, 1, 110);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 110);
    host_dead(0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    (void)host_take();
    for (uint32_t i = 1; i < 4; i++) {
        host_done(INFRA_PROMOTION_EVENT_DETACH, i);
        host_replica(i, NO_NODE, 1, 110);
    }
    host_wait(INFRA_SEC(2));
    host_expect("record-intent-b [recording: reported]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 1);
    host_primary(1, 2, 112);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 1);
    (void)host_take();
    /* It was promoted by token 2 alone, and dies: c, by 3. */
    host_lease(3);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
    host_wait(INFRA_SEC(61));
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 110);
    host_dead(1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 0);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 3);
    host_replica(0, NO_NODE, 1, 110);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 110);
    host_wait(INFRA_SEC(2));
    host_expect("record-intent-a [recording: reported]");
    host_done(INFRA_PROMOTION_EVENT_RECORD_INTENT, 0);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_PROMOTE, 0);
    host_primary(0, 3, 111);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_PRIMARY, 0);
    host_expect("record-apart-b");
}
END_TEST

/* The operator may know better. */
START_TEST(operator_admits)
{
    host_start(sync_1, 4);
    host_command(INFRA_PROMOTION_COMMAND_ADMIT, 1, INFRA_EBUSY);
    host_command(INFRA_PROMOTION_COMMAND_ADMIT, 4, INFRA_ENOENT);
    part_b();
    host_command(INFRA_PROMOTION_COMMAND_ADMIT, 1, INFRA_OK);
    host_expect("record-apart-b");
    ck_assert_uint_eq(host.mark.flags, INFRA_PROMOTION_FLAG_SYNC);
}
END_TEST

static Suite *apart_suite(void)
{
    Suite *s = suite_create("promotion_apart");
    TCase *t = tcase_create("apart");

    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_test(t, shut_out_node_is_one_less);
    tcase_add_loop_test(t, own_history_does_not_count, 0, 2);
    tcase_add_loop_test(t, clone_under_way_is_one_less, 0, 2);
    tcase_add_loop_test(t, fence_is_waited_for, 0, 2);
    tcase_add_test(t, other_has_every_write);
    tcase_add_test(t, own_history_is_not_waited_for);
    tcase_add_loop_test(t, next_process_is_told, 0, 2);
    tcase_add_test(t, flag_stays);
    tcase_add_test(t, repointed_node_counts_again);
    tcase_add_test(t, mark_comes_first);
    tcase_add_test(t, unwritten_mark_outlives_the_lease);
    tcase_add_loop_test(t, writer_after_the_primary, 0, 2);
    tcase_add_loop_test(t, writer_in_an_unfinished_promotion, 0, 4);
    tcase_add_test(t, promotion_without_followers);
    tcase_add_test(t, operator_admits);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(apart_suite());
}
