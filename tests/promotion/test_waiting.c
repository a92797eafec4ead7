/* SPDX-License-Identifier: MIT */
/* Promotion: what is waited for, how long, and the orders meanwhile. */
#include "promotion_host.h"

static const struct infra_promotion_options proceed = {
    .sync_acks = 1,
    .fence_failed = INFRA_PROMOTION_UNFENCED_PROCEED,
    .fence_unknown = INFRA_PROMOTION_UNFENCED_PROCEED,
    .fence_timeout = INFRA_SEC(4),
};

/* The primary is dead, and its FENCE is not answered in time. */
static void leave_unfenced(void)
{
    host_wait(INFRA_SEC(6));
    host_replica(1, NO_NODE, 1, 120);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_dead(0);
    host_expect("hold-a [suspect: suspected] [fencing: dead] fence-a");
    host_wait(INFRA_SEC(5));
    host_replica(1, NO_NODE, 1, 120);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_dead(0);
}

/* A primary whose FENCE was given up is fenced as soon as that can be. */
START_TEST(unfenced_primary_is_fenced_again)
{
    host_start(proceed, 4);
    leave_unfenced();
    host_expect(
        "hold-a [collecting: unfenced] fence-a detach-b detach-c detach-d");
    host_answer(INFRA_PROMOTION_EVENT_FENCE, 0,
                _i == 0 ? INFRA_ORDER_UNKNOWN : INFRA_ORDER_FAILED);
    host_wait(INFRA_SEC(5) - 1);
    host_dead(0);
    host_expect("[held: missing] fence-a detach-b detach-c detach-d");
    host_wait(INFRA_SEC(5));
    host_dead(0);
    host_expect("fence-a detach-b detach-c detach-d");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    host_expect("detach-a");
    host_wait(INFRA_SEC(5));
    host_dead(0);
    host_expect("detach-a detach-b detach-c detach-d");
}
END_TEST

/* b was writable beside a, and its data is being replaced by that of a: b has
 * acknowledged nothing if a is fenced, and c has everything then. */
START_TEST(fence_releases_what_is_held)
{
    host_start(proceed, 4);
    host_primary(1, 1, 120);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_RECORD_APART, 1);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_FENCE, 1);
    host_wait(INFRA_SEC(6));
    host_primary(0, 1, 110);
    host_replica(1, NO_NODE, 1, 120);
    (void)host_take();
    host_wait(INFRA_SEC(5));
    host_primary(0, 1, 110);
    host_replica(1, NO_NODE, 1, 120);
    host_expect("repoint-b");
    leave_unfenced();
    host_expect(
        "hold-a [collecting: unfenced] fence-a detach-b detach-c detach-d");
    host_answer(INFRA_PROMOTION_EVENT_DETACH, 1, INFRA_ORDER_FAILED);
    host_report_c_and_d();
    host_wait(INFRA_SEC(2));
    host_expect("[held: missing]");
    host_wait(INFRA_SEC(3));
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_expect("fence-a");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* A primary that was not fenced and is seen again has its say: it is detached,
 * and has every write. */
START_TEST(unfenced_primary_may_come_back)
{
    host_start(proceed, 4);
    leave_unfenced();
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_wait(1);
    host_replica(0, NO_NODE, 1, 130);
    host_expect("detach-a");
    host_done(INFRA_PROMOTION_EVENT_DETACH, 0);
    host_replica(0, NO_NODE, 1, 130);
    host_replica(2, NO_NODE, 1, 110);
    host_wait(INFRA_SEC(2));
    host_dead(1);
    host_dead(3);
    host_expect("record-intent-a [recording: reported]");
}
END_TEST

/* Of b, c and d two have every write. c and d have reported; b has more. */
static void wait_for_b(void)
{
    host_start((struct infra_promotion_options) { .sync_acks = 2 }, 4);
    host_lose_primary();
    host_expect("hold-a [collecting: fenced] detach-a detach-b detach-c "
                "detach-d");
    host_report_c_and_d();
    host_expect("");
}

/* Time passes, and all are seen. */
static void see_all(infra_time duration)
{
    host_wait(duration);
    host_dead(0);
    host_replica(1, NO_NODE, 1, 120);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
}

/* A node that answers is waited for while its DETACH is on its way. */
START_TEST(slow_order_is_waited_for)
{
    wait_for_b();
    see_all(INFRA_SEC(2));
    host_expect("");
    see_all(INFRA_SEC(2));
    host_expect("");
    host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
    host_expect("");
    host_wait(INFRA_SEC(2));
    host_replica(3, NO_NODE, 1, 109);
    host_expect("detach-a"); /* What b has now is not seen yet. */
    host_replica(2, NO_NODE, 1, 110);
    host_replica(1, NO_NODE, 1, 120);
    host_expect("record-intent-b [recording: reported]");
}
END_TEST

/* But not longer than an order may take. */
START_TEST(slow_order_is_waited_for_until_its_timeout)
{
    wait_for_b();
    infra_time end = host_status().since + INFRA_SEC(5);
    see_all(INFRA_SEC(4));
    host_expect("");
    host.now = end - 1;
    host_expect("");
    ck_assert_uint_eq(infra_promotion_deadline(host.p), end);
    host.now = end;
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

/* A node that does not answer is left behind at collect_timeout, or once it
 * does not answer. */
START_TEST(silent_node_is_left_behind)
{
    wait_for_b();
    infra_time end = host_status().since + INFRA_SEC(2);
    if (_i == 0) { /* At once. */
        host_view(0, 1, INFRA_PROMOTION_VIEW_DOWN);
    }
    host.now = end - 1;
    host_expect("");
    ck_assert_uint_eq(infra_promotion_deadline(host.p), end);
    host.now = end;
    if (_i == 1) { /* Later. */
        see_all(0);
        host_expect("");
        host_wait(INFRA_SEC(1));
        host_view(0, 1, INFRA_PROMOTION_VIEW_STALLED);
    } else if (_i == 2) { /* Its order is done, and it is not seen since. */
        host_done(INFRA_PROMOTION_EVENT_DETACH, 1);
        end = host.now + INFRA_SEC(5);
        host_wait(INFRA_SEC(4));
        host_dead(0);
        host_replica(2, NO_NODE, 1, 110);
        host_replica(3, NO_NODE, 1, 109);
        host_expect("detach-a");
        host.now = end;
        host_expect("");
        host_wait(1);
    }
    host_expect("record-intent-c [recording: reported]");
}
END_TEST

static Suite *waiting_suite(void)
{
    Suite *s = suite_create("promotion_waiting");
    TCase *t = tcase_create("waiting");

    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_loop_test(t, unfenced_primary_is_fenced_again, 0, 2);
    tcase_add_test(t, fence_releases_what_is_held);
    tcase_add_test(t, unfenced_primary_may_come_back);
    tcase_add_test(t, slow_order_is_waited_for);
    tcase_add_test(t, slow_order_is_waited_for_until_its_timeout);
    tcase_add_loop_test(t, silent_node_is_left_behind, 0, 3);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(waiting_suite());
}
