/* SPDX-License-Identifier: MIT */
/* VRRP, the states: what RFC 9568 section 6.4 says of each message and timer,
 * to the microsecond. Nodes are .1 (this one), .2 and .9 (greater addresses);
 * the announcement that is repeated after 2 s is told by other tests. */
#include "vrrp.h"

#define ONCE INFRA_TIME_NEVER

#define TOOK_OVER(priority, reason) \
    "send " #priority ", active by " reason ", announce .100, announce .101"

static void create_started(struct infra_vrrp_options o)
{
    o.announce_interval = ONCE;
    create(o);
    start(0);
    ck_assert_str_eq(events(0), "backup by start");
}

/* Active since its down timer fired; answers when. */
static infra_time create_active(uint32_t priority)
{
    char line[128];

    create_started((struct infra_vrrp_options) { .priority = priority });
    infra_time now = infra_vrrp_deadline(vrrp);
    (void)snprintf(line, sizeof line,
                   "send %u, active by silence, announce .100, announce .101",
                   priority);
    ck_assert_str_eq(events(now), line);
    return now;
}

/* Priority, interval, and when a node that hears nothing takes over, from
 * section 6.1 and keepalived. */
static const struct {
    uint32_t priority;
    infra_time interval;
    infra_time down;
} downs[] = {
    { 254, INFRA_SEC(1), US(3007812) + 500 },
    { 200, INFRA_SEC(1), US(3218750) },
    { 128, INFRA_SEC(1), US(3500000) },
    { 100, INFRA_SEC(1), US(3609375) },
    { 1, INFRA_SEC(1), US(3996093) + 750 },
    { 200, INFRA_MS(500), US(1609375) },
    { 100, INFRA_MS(100), US(360937) + 500 },
    { 100, INFRA_MS(10), US(36093) + 750 },
    { 1, INFRA_MS(40950), US(163640039) + 62 },
};

/* A Backup that hears nothing takes over after three intervals and a skew. */
START_TEST(silence_makes_active_after_the_down_interval)
{
    create_started((struct infra_vrrp_options) {
        .priority = downs[_i].priority, .interval = downs[_i].interval });
    ck_assert_uint_eq(inspect().down, downs[_i].down);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), downs[_i].down);
    ck_assert_str_eq(events(downs[_i].down - 1), "");
    ck_assert_uint_eq(inspect().state, INFRA_VRRP_STATE_BACKUP);
    (void)events(downs[_i].down);
    struct infra_vrrp_status s = inspect();
    ck_assert_uint_eq(s.state, INFRA_VRRP_STATE_ACTIVE);
    ck_assert_uint_eq(s.reason, INFRA_VRRP_REASON_SILENCE);
    ck_assert_uint_eq(s.since, downs[_i].down);
    ck_assert_uint_eq(s.activations, 1);
    ck_assert_uint_eq(s.active_priority, downs[_i].priority);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp),
                      downs[_i].down + downs[_i].interval);
}
END_TEST

/* A node that takes over sends a message, then has the addresses, then
 * announces them, and advertises at its interval from then on. */
START_TEST(active_advertises_at_its_interval)
{
    infra_time now = create_active(100);

    for (int i = 0; i < 5; i++) {
        now += INFRA_SEC(1);
        expect_at(now, "send 100");
    }
    ck_assert_uint_eq(inspect().advertised, 6);
}
END_TEST

/* The owner does not wait. */
START_TEST(owner_starts_as_active)
{
    create((struct infra_vrrp_options) { .priority = 255,
                                         .announce_interval = ONCE });
    start(7);
    ck_assert_str_eq(events(7), TOOK_OVER(255, "owner"));
    expect_at(7 + INFRA_SEC(1), "send 255");
}
END_TEST

/* A message of at least this node's priority starts the down timer again. */
START_TEST(as_good_is_left_active)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    hear(100, 2, INFRA_SEC(3)); /* Equal, whatever its address. */
    ck_assert_uint_eq(inspect().active_priority, 100);
    hear(100, 9, INFRA_SEC(6));
    hear(200, 2, INFRA_SEC(9));
    struct infra_vrrp_status s = inspect();
    ck_assert_uint_eq(s.active.bytes[3], 2);
    ck_assert_uint_eq(s.active_priority, 200);
    ck_assert_uint_eq(s.heard, 3);
    expect_at(INFRA_SEC(9) + US(3609375), TOOK_OVER(100, "silence"));
}
END_TEST

/* The interval that counts is the one that the Active node tells. */
START_TEST(interval_is_learned_from_the_active_node)
{
    struct infra_vrrp_advert a = test_advert(200, 2);

    create_started((struct infra_vrrp_options) { .priority = 128 });
    a.interval = INFRA_SEC(4);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, INFRA_SEC(1)), 0);
    ck_assert_str_eq(events(INFRA_SEC(1)), "hint interval");
    ck_assert_uint_eq(inspect().interval, INFRA_SEC(4));
    ck_assert_uint_eq(inspect().down, INFRA_SEC(14));
    /* Once Active, its own counts for what it sends. */
    expect_at(INFRA_SEC(15), TOOK_OVER(128, "silence"));
    expect_at(INFRA_SEC(16), "send 128");
    /* And from the node that takes its place. */
    a.interval = INFRA_SEC(2);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, INFRA_SEC(16)), 0);
    ck_assert_str_eq(events(INFRA_SEC(16)),
                     "send 128, backup by priority, hint interval");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_SEC(23));
    /* A new start knows nothing of it. */
    ck_assert_int_eq(infra_vrrp_stop(vrrp, INFRA_SEC(17)), INFRA_OK);
    start(INFRA_SEC(17));
    ck_assert_uint_eq(inspect().interval, INFRA_SEC(1));
}
END_TEST

/* A message of a lower priority does not keep a Backup that preempts. */
START_TEST(lower_is_preempted)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    for (uint32_t i = 1; i <= 3; i++) {
        hear(99, 9, INFRA_SEC(i));
    }
    ck_assert_uint_eq(inspect().active_priority, 99);
    expect_at(US(3609375), TOOK_OVER(100, "preempt"));
}
END_TEST

/* Without preemption any message keeps it, and teaches the interval. */
START_TEST(lower_is_left_active_without_preemption)
{
    struct infra_vrrp_advert a = test_advert(1, 2);

    create_started(
        (struct infra_vrrp_options) { .priority = 200, .no_preempt = 1 });
    hear(1, 2, INFRA_SEC(3));
    a.interval = INFRA_SEC(2);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, INFRA_SEC(6)), 0);
    ck_assert_str_eq(events(INFRA_SEC(6)), "hint interval");
    expect_at(INFRA_SEC(6) + US(6437500), TOOK_OVER(200, "silence"));
}
END_TEST

/* An owner among others is nothing odd. */
START_TEST(owner_is_no_oddity)
{
    create((struct infra_vrrp_options) { .priority = 255 });
    start(0);
    (void)events(0);
    hear(254, 2, 1);
    ck_assert_str_eq(events(1), "send 255, hint rival");
    infra_vrrp_destroy(vrrp);
    create_started((struct infra_vrrp_options) { .priority = 254 });
    hear(255, 2, 1);
    ck_assert_str_eq(events(1), "");
}
END_TEST

/* The owner preempts even then. */
START_TEST(owner_always_preempts)
{
    create((struct infra_vrrp_options) {
        .priority = 255, .no_preempt = 1, .announce_interval = ONCE });
    start(0);
    (void)events(0);
    hear(255, 2, 0); /* Another owner, with the greater address. */
    ck_assert_str_eq(events(0), "send 255, backup by address, hint owners");
    hear(254, 2, INFRA_SEC(3));
    expect_at(US(3003906) + 250, TOOK_OVER(255, "preempt"));
}
END_TEST

/* After a resignation only the skew passes, of the learned interval. */
START_TEST(resignation_is_followed_after_the_skew)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    hear(200, 2, INFRA_SEC(1));
    hear(0, 2, INFRA_SEC(2));
    ck_assert_uint_eq(inspect().active_priority, 0);
    ck_assert_uint_eq(inspect().active.bytes[3], 0);
    expect_at(INFRA_SEC(2) + US(609375), TOOK_OVER(100, "resigned"));
}
END_TEST

/* Unless another is heard in that time. */
START_TEST(resignation_may_be_followed_by_another)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    hear(0, 2, INFRA_SEC(2));
    hear(150, 3, INFRA_SEC(2) + US(429687));
    expect_at(INFRA_SEC(2) + US(429687) + US(3609375),
              TOOK_OVER(100, "silence"));
}
END_TEST

/* What an Active node that sent at 0 does on a message at 0.4 s. */
static const struct {
    uint32_t priority; /* Of this node, and then of the message. */
    uint32_t heard;
    uint8_t last; /* Of the sender's address. */
    const char *line;
    infra_time deadline; /* After it. */
} actives[] = {
    { 100, 0, 9, "send 100", US(1400000) },
    { 100, 101, 2, "send 100, backup by priority", US(400000) + US(3609375) },
    { 100, 255, 2, "send 100, backup by priority", US(400000) + US(3609375) },
    { 100, 100, 9, "send 100, backup by address", US(400000) + US(3609375) },
    { 254, 255, 2, "send 254, backup by priority",
      US(400000) + US(3007812) + 500 },
    { 100, 99, 9, "send 100, hint rival", US(1000000) },
    { 200, 1, 9, "send 200, hint rival", US(1000000) },
};

START_TEST(active_yields_or_asserts_itself)
{
    infra_time base = create_active(actives[_i].priority);

    hear(actives[_i].heard, actives[_i].last, base + US(400000));
    ck_assert_str_eq(events(base + US(400000)), actives[_i].line);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), base + actives[_i].deadline);
}
END_TEST

/* Of two with an equal priority the smaller address yields: a comparison of
 * bytes from the first on, without a sign. */
START_TEST(greater_address_wins_a_tie)
{
    static const struct {
        uint8_t other[4];
        int other_wins;
    } rows[] = {
        { { 10, 0, 0, 6 }, 1 },   { { 10, 0, 0, 4 }, 0 },
        { { 10, 0, 0, 200 }, 1 }, { { 9, 255, 255, 255 }, 0 },
        { { 192, 0, 0, 1 }, 1 },  { { 10, 0, 1, 1 }, 1 },
    };
    struct infra_vrrp_advert a = test_advert(100, 0);

    create((struct infra_vrrp_options) { .local = test_ipv4(5),
                                         .announce_interval = ONCE });
    start(0);
    infra_time now = US(3609375);
    (void)events(now);
    memcpy(a.source.bytes, rows[_i].other, 4);
    a.source.bytes[4] = 0xff; /* Not part of it. */
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, now), 0);
    ck_assert_str_eq(events(now), rows[_i].other_wins
                                      ? "send 100, backup by address"
                                      : "send 100, hint rival");
    ck_assert_uint_eq(inspect().active.bytes[4], 0);
}
END_TEST

/* The change to Backup names the new Active node. */
START_TEST(change_tells_who_is_active)
{
    infra_time now = create_active(100);
    struct infra_vrrp_event e;

    hear(180, 2, now + 5);
    ck_assert_int_eq(infra_vrrp_next(vrrp, now + 9, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_ADVERTISE); /* The last one. */
    ck_assert_int_eq(infra_vrrp_next(vrrp, now + 9, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_CHANGE);
    ck_assert_uint_eq(e.state, INFRA_VRRP_STATE_BACKUP);
    ck_assert_uint_eq(e.priority, 180);
    ck_assert_uint_eq(e.address.bytes[3], 2);
    ck_assert_uint_eq(e.at, now + 5);
    ck_assert_uint_eq(inspect().active_priority, 180);
}
END_TEST

/* A node that stops gives the addresses up before it invites another. */
START_TEST(stopping_resigns)
{
    infra_time now = create_active(100) + 1;

    ck_assert_int_eq(infra_vrrp_stop(vrrp, now), INFRA_OK);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), 0);
    ck_assert_str_eq(events(now), "initialize by stop, send 0");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_TIME_NEVER);
    ck_assert_int_eq(infra_vrrp_stop(vrrp, now), INFRA_OK);
    ck_assert_str_eq(events(INFRA_SEC(1000)), "");
}
END_TEST

/* A Backup that stops has nothing to say to others. */
START_TEST(stopping_a_backup_is_silent)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    ck_assert_int_eq(infra_vrrp_stop(vrrp, 1), INFRA_OK);
    ck_assert_str_eq(events(1), "initialize by stop");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_TIME_NEVER);
}
END_TEST

/* A node that has not started hears nothing; a second start changes nothing. */
START_TEST(only_a_start_starts)
{
    create((struct infra_vrrp_options) { .announce_interval = ONCE });
    hear(0, 2, 0);
    hear(200, 2, 0);
    ck_assert_str_eq(events(INFRA_SEC(9)), "");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_TIME_NEVER);
    start(INFRA_SEC(10));
    start(INFRA_SEC(11));
    ck_assert_str_eq(events(INFRA_SEC(11)), "backup by start");
    expect_at(INFRA_SEC(10) + US(3609375), TOOK_OVER(100, "silence"));
}
END_TEST

/* A change that is over before it was told is not told, nor what it brought. */
START_TEST(what_no_longer_holds_is_dropped)
{
    struct infra_vrrp_event e;

    create_started((struct infra_vrrp_options) { .priority = 100 });
    ck_assert_int_eq(infra_vrrp_next(vrrp, US(3609375), &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_ADVERTISE);
    hear(200, 2, US(3609375));
    ck_assert_str_eq(events(US(3609375)), "");
    ck_assert_uint_eq(inspect().state, INFRA_VRRP_STATE_BACKUP);
}
END_TEST

/* A message that was not sent before the state ended is never sent. */
START_TEST(stale_messages_are_dropped)
{
    infra_time now = create_active(100);

    hear(0, 2, now); /* Makes a message pending, which is not taken, */
    ck_assert_int_eq(infra_vrrp_fit(vrrp, 0, now), INFRA_OK);
    ck_assert_int_eq(infra_vrrp_fit(vrrp, 1, now), INFRA_OK);
    ck_assert_str_eq(events(now), "backup by fit"); /* and which would lie. */
}
END_TEST

/* A clock that goes back stands still, and one that is late skips messages
 * instead of sending them all. */
START_TEST(time_does_not_go_back_and_is_not_caught_up_with)
{
    infra_time now = create_active(100);

    ck_assert_str_eq(events(0), "");
    ck_assert_str_eq(events(now + US(1500000)), "send 100");
    expect_at(now + INFRA_SEC(2), "send 100"); /* In step again. */
    ck_assert_str_eq(events(now + INFRA_SEC(4)), "send 100"); /* Of 3 and 4. */
    ck_assert_str_eq(events(now + US(6500000)), "send 100");
    expect_at(now + US(7500000), "send 100"); /* Out of step. */
    hear(0, 2, 0);
    ck_assert_str_eq(events(0), "send 100");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), now + US(8500000));
}
END_TEST

/* Whatever tells the time makes the deadline come. */
START_TEST(deadline_that_has_passed_is_now)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    hear(50, 2, US(3609375) - 1);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), US(3609375));
    hear(50, 2, US(3609375));
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), 0);
    ck_assert_str_eq(events(0), TOOK_OVER(100, "preempt"));
}
END_TEST

/* At the end of time nothing fires for ever. */
START_TEST(end_of_time_is_harmless)
{
    create_started((struct infra_vrrp_options) { .priority = 100 });
    ck_assert_str_eq(events(INFRA_TIME_NEVER), TOOK_OVER(100, "silence"));
    ck_assert_str_eq(events(INFRA_TIME_NEVER), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vrrp");
    TCase *tc = tcase_create("states");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, silence_makes_active_after_the_down_interval, 0,
                        sizeof downs / sizeof downs[0]);
    tcase_add_test(tc, active_advertises_at_its_interval);
    tcase_add_test(tc, owner_starts_as_active);
    tcase_add_test(tc, as_good_is_left_active);
    tcase_add_test(tc, interval_is_learned_from_the_active_node);
    tcase_add_test(tc, lower_is_preempted);
    tcase_add_test(tc, lower_is_left_active_without_preemption);
    tcase_add_test(tc, owner_is_no_oddity);
    tcase_add_test(tc, owner_always_preempts);
    tcase_add_test(tc, resignation_is_followed_after_the_skew);
    tcase_add_test(tc, resignation_may_be_followed_by_another);
    tcase_add_loop_test(tc, active_yields_or_asserts_itself, 0,
                        sizeof actives / sizeof actives[0]);
    tcase_add_loop_test(tc, greater_address_wins_a_tie, 0, 6);
    tcase_add_test(tc, change_tells_who_is_active);
    tcase_add_test(tc, stopping_resigns);
    tcase_add_test(tc, stopping_a_backup_is_silent);
    tcase_add_test(tc, only_a_start_starts);
    tcase_add_test(tc, what_no_longer_holds_is_dropped);
    tcase_add_test(tc, stale_messages_are_dropped);
    tcase_add_test(tc, time_does_not_go_back_and_is_not_caught_up_with);
    tcase_add_test(tc, deadline_that_has_passed_is_now);
    tcase_add_test(tc, end_of_time_is_harmless);
    suite_add_tcase(s, tc);
    return test_main(s);
}
