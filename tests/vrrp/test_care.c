/* SPDX-License-Identifier: MIT */
/* VRRP, what is not in the RFC: faults, delays, the witness, announcing again,
 * and hints. */
#include "vrrp.h"

#define ONCE INFRA_TIME_NEVER
#define ANNOUNCED "announce .100, announce .101"

static void create_started(struct infra_vrrp_options o)
{
    create(o);
    start(0);
    ck_assert_str_eq(events(0), "backup by start");
}

/* Active at the time answered, and everything told. */
static infra_time create_active(struct infra_vrrp_options o)
{
    create_started(o);
    infra_time now = infra_vrrp_deadline(vrrp);
    (void)events(now);
    ck_assert_uint_eq(inspect().state, INFRA_VRRP_STATE_ACTIVE);
    return now;
}

static void fit(int is_fit, infra_time now)
{
    ck_assert_int_eq(infra_vrrp_fit(vrrp, is_fit, now), INFRA_OK);
}

/* The next event is a WITNESS at @now; answers its number. */
static uint64_t ask_at(infra_time now)
{
    struct infra_vrrp_event e;

    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), now);
    ck_assert_int_eq(infra_vrrp_next(vrrp, now, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_WITNESS);
    ck_assert_uint_eq(e.state, INFRA_VRRP_STATE_BACKUP);
    ck_assert_uint_gt(e.deadline, now);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), e.deadline);
    ck_assert_uint_eq(inspect().is_asking, 1);
    return e.call;
}

static int reply(uint64_t ask, uint32_t answer, infra_time now)
{
    return infra_vrrp_answer(vrrp, ask, answer, now);
}

/* An Active node that becomes unfit resigns at once, and does nothing until it
 * is fit; then it starts as if it had just come. */
START_TEST(unfit_active_resigns)
{
    infra_time now = create_active((struct infra_vrrp_options) { .size = 0 });

    fit(0, now + 1);
    ck_assert_str_eq(events(now + 1), "fault by unfit, send 0");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_TIME_NEVER);
    ck_assert_uint_eq(inspect().fit, 0);
    hear(0, 2, now + 2);
    hear(200, 2, now + 2);
    ck_assert_str_eq(events(now + INFRA_SEC(60)), "");
    now += INFRA_SEC(60);
    fit(1, now);
    ck_assert_str_eq(events(now), "backup by fit");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), now + US(3609375));
    ck_assert_uint_eq(inspect().fit, 1);
}
END_TEST

/* An unfit Backup leaves in silence, an unfit node does not begin, and the
 * owner comes back as Active. */
START_TEST(unfit_nodes_do_not_take_part)
{
    create((struct infra_vrrp_options) { .priority = 255 });
    fit(0, 0);
    ck_assert_str_eq(events(0), "");
    start(1);
    ck_assert_str_eq(events(1), "fault by unfit");
    fit(1, 2);
    ck_assert_str_eq(events(2), "send 255, active by owner, " ANNOUNCED);
    hear(255, 9, 3);
    ck_assert_str_eq(events(3), "send 255, backup by address, hint owners");
    fit(0, 4);
    ck_assert_str_eq(events(4), "fault by unfit");
    ck_assert_int_eq(infra_vrrp_stop(vrrp, 5), INFRA_OK);
    ck_assert_str_eq(events(5), "initialize by stop");
    fit(1, 6); /* Known, but it has to be started. */
    ck_assert_str_eq(events(INFRA_SEC(9)), "");
}
END_TEST

/* With a debounce the host's word counts when it has stayed. */
START_TEST(flapping_is_debounced)
{
    create_started((struct infra_vrrp_options) { .interval = INFRA_SEC(10),
                                                 .debounce = INFRA_MS(200) });
    for (uint32_t i = 0; i < 5; i++) { /* Never for 200 ms. */
        fit(0, INFRA_MS(200 * i + 1));
        fit(0, INFRA_MS(200 * i + 100)); /* Says nothing new. */
        fit(1, INFRA_MS(200 * i + 200));
        ck_assert_str_eq(events(INFRA_MS(200 * i + 200)), "");
    }
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_SEC(30) + US(6093750));
    fit(0, INFRA_SEC(2));
    fit(0, INFRA_MS(2100)); /* Does not start it over. */
    expect_at(INFRA_MS(2200), "fault by unfit");
    fit(1, INFRA_SEC(3));
    ck_assert_uint_eq(inspect().fit, 0);
    expect_at(INFRA_MS(3200), "backup by fit");
}
END_TEST

/* A change of state in the meantime changes nothing about that. */
START_TEST(debounce_outlives_a_change)
{
    create_started((struct infra_vrrp_options) { .debounce = INFRA_MS(200) });
    fit(0, INFRA_MS(3500));
    expect_at(US(3609375), "send 100, active by silence, " ANNOUNCED);
    expect_at(INFRA_MS(3700), "fault by unfit, send 0");
}
END_TEST

/* In the start delay the node neither hears nor speaks, not even the owner. */
START_TEST(start_may_be_delayed)
{
    create((struct infra_vrrp_options) { .priority = 255,
                                         .start_delay = INFRA_SEC(5) });
    start(INFRA_SEC(1));
    hear(0, 2, INFRA_SEC(2));
    expect_at(INFRA_SEC(6), "send 255, active by owner, " ANNOUNCED);
    ck_assert_int_eq(infra_vrrp_stop(vrrp, INFRA_SEC(7)), INFRA_OK);
    (void)events(INFRA_SEC(7));
    start(INFRA_SEC(8)); /* And stopped before it was over. */
    ck_assert_int_eq(infra_vrrp_stop(vrrp, INFRA_SEC(9)), INFRA_OK);
    ck_assert_str_eq(events(INFRA_SEC(20)), "");
    start(INFRA_SEC(20)); /* Unfit when it is over. */
    fit(0, INFRA_SEC(21));
    expect_at(INFRA_SEC(25), "fault by unfit");
}
END_TEST

/* keepalived's preempt_delay of 2 s at priority 128: about 5.5 s from the first
 * message of a lower priority to the take-over. */
START_TEST(preemption_may_be_delayed)
{
    create_started((struct infra_vrrp_options) {
        .priority = 128, .preempt_delay = INFRA_SEC(2) });
    for (uint32_t i = 0; i < 6; i++) {
        hear(100, 2, INFRA_SEC(10 + i));
        ck_assert_str_eq(events(INFRA_SEC(10 + i)), "");
    }
    expect_at(INFRA_MS(15500), "send 128, active by preempt, " ANNOUNCED);
}
END_TEST

/* It counts anew after a node of equal priority was heard, or a resignation; a
 * node that dies meanwhile is followed after the down interval. */
START_TEST(preemption_delay_starts_over)
{
    create_started((struct infra_vrrp_options) {
        .priority = 128, .preempt_delay = INFRA_SEC(2) });
    hear(100, 2, INFRA_SEC(1));
    hear(128, 3, INFRA_SEC(2));
    hear(100, 2, INFRA_SEC(4)); /* From here: to 6 s. */
    hear(100, 2, INFRA_SEC(6));
    hear(100, 2, INFRA_SEC(7)); /* Does not count. */
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_MS(9500));
    hear(0, 2, INFRA_SEC(8));
    hear(100, 4, INFRA_MS(8100)); /* From here: to 10.1 s. */
    hear(100, 4, INFRA_MS(10100));
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_MS(13600));
    expect_at(INFRA_MS(13600), "send 128, active by silence, " ANNOUNCED);
}
END_TEST

/* And anew each time that the node is Backup. */
START_TEST(preemption_delay_ends_with_the_state)
{
    infra_time now = create_active((struct infra_vrrp_options) {
        .priority = 128, .preempt_delay = INFRA_SEC(2) });

    ck_assert_int_eq(infra_vrrp_stop(vrrp, now), INFRA_OK);
    start(now);
    hear(100, 2, now);
    ck_assert_int_eq(infra_vrrp_stop(vrrp, now), INFRA_OK);
    start(now);
    hear(100, 2, now + INFRA_SEC(2) + 1); /* From here. */
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), 0);
    (void)events(now + INFRA_SEC(2) + 1);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), now + INFRA_MS(5500) + 1);
}
END_TEST

/* A priority that is lowered makes the Active node yield, and one that is
 * raised makes a Backup preempt. */
START_TEST(priority_may_change)
{
    infra_time now = create_active((struct infra_vrrp_options) { .size = 0 });

    ck_assert_int_eq(infra_vrrp_set_priority(vrrp, 50), INFRA_OK);
    ck_assert_str_eq(events(now + INFRA_SEC(1)), "send 50");
    hear(80, 2, now + INFRA_SEC(1));
    ck_assert_str_eq(events(now + INFRA_SEC(1)), "send 50, backup by priority");
    ck_assert_int_eq(infra_vrrp_set_priority(vrrp, 128), INFRA_OK);
    ck_assert_uint_eq(inspect().priority, 128);
    hear(80, 2, now + INFRA_SEC(2));
    hear(0, 2, now + INFRA_SEC(3));
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), now + INFRA_MS(3500));
}
END_TEST

/* With a witness the node asks before it takes over, until the timeout; the
 * result of each answer. */
static const struct {
    uint32_t witness;
    uint32_t answer; /* 9: none. */
    int takes_over;
} witnesses[] = {
    { INFRA_VRRP_WITNESS_CONSULT, INFRA_VRRP_ANSWER_YES, 1 },
    { INFRA_VRRP_WITNESS_CONSULT, INFRA_VRRP_ANSWER_NO, 0 },
    { INFRA_VRRP_WITNESS_CONSULT, INFRA_VRRP_ANSWER_UNKNOWN, 1 },
    { INFRA_VRRP_WITNESS_CONSULT, 9, 1 },
    { INFRA_VRRP_WITNESS_REQUIRE, INFRA_VRRP_ANSWER_YES, 1 },
    { INFRA_VRRP_WITNESS_REQUIRE, INFRA_VRRP_ANSWER_NO, 0 },
    { INFRA_VRRP_WITNESS_REQUIRE, INFRA_VRRP_ANSWER_UNKNOWN, 0 },
    { INFRA_VRRP_WITNESS_REQUIRE, 9, 0 },
};

START_TEST(witness_is_asked_before_a_take_over)
{
    create_started(
        (struct infra_vrrp_options) { .priority = 128,
                                      .witness = witnesses[_i].witness,
                                      .witness_timeout = INFRA_MS(300) });
    infra_time now = INFRA_MS(3500);
    uint64_t ask = ask_at(now);

    ck_assert_str_eq(events(now), "");
    if (witnesses[_i].answer == 9) {
        now += INFRA_MS(300);
        ck_assert_uint_eq(infra_vrrp_deadline(vrrp), now);
    } else {
        now += INFRA_MS(10);
        ck_assert_int_eq(reply(ask, witnesses[_i].answer, now), INFRA_OK);
    }
    ck_assert_str_eq(events(now),
                     witnesses[_i].takes_over
                         ? "send 128, active by silence, " ANNOUNCED
                         : "");
    ck_assert_int_eq(reply(ask, INFRA_VRRP_ANSWER_YES, now), INFRA_ESTALE);
    ck_assert_uint_eq(inspect().is_asking, 0);
    if (!witnesses[_i].takes_over) { /* Asked again, as a new question. */
        now += INFRA_MS(3500);
        ck_assert_uint_ne(ask_at(now), ask);
        ck_assert_int_eq(reply(ask, INFRA_VRRP_ANSWER_YES, now), INFRA_ESTALE);
    }
}
END_TEST

/* The owner asks as well, before it begins. */
START_TEST(owner_asks_the_witness)
{
    struct infra_vrrp_event e;

    create((struct infra_vrrp_options) {
        .priority = 255, .witness = INFRA_VRRP_WITNESS_REQUIRE });
    start(0);
    ck_assert_int_eq(infra_vrrp_next(vrrp, 0, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_CHANGE);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), 0);
    ck_assert_str_eq(events(0), "ask by owner");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_SEC(1)); /* Default. */
    ck_assert_int_eq(reply(1, INFRA_VRRP_ANSWER_YES, 5), INFRA_OK);
    ck_assert_str_eq(events(5), "send 255, active by owner, " ANNOUNCED);
}
END_TEST

/* A question that is off before it was told is not told. */
START_TEST(witness_is_not_asked_too_late)
{
    create((struct infra_vrrp_options) {
        .priority = 255, .witness = INFRA_VRRP_WITNESS_REQUIRE });
    start(0);
    hear(255, 2, 0);
    ck_assert_str_eq(events(0), "backup by start, hint owners");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), US(3003906) + 250);
}
END_TEST

/* A question is off when one is heard that may stay Active, or the node leaves;
 * a lower one and a resignation change nothing. */
START_TEST(witness_is_not_asked_in_vain)
{
    create_started((struct infra_vrrp_options) {
        .priority = 128, .witness = INFRA_VRRP_WITNESS_REQUIRE });
    uint64_t ask = ask_at(INFRA_MS(3500));

    hear(100, 2, INFRA_MS(3600));
    hear(0, 2, INFRA_MS(3700));
    ck_assert_str_eq(events(INFRA_MS(3700)), "");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_MS(4500));
    hear(128, 2, INFRA_SEC(4));
    ck_assert_uint_eq(inspect().is_asking, 0);
    ck_assert_int_eq(reply(ask, INFRA_VRRP_ANSWER_YES, INFRA_SEC(4)),
                     INFRA_ESTALE);
    ck_assert_str_eq(events(INFRA_SEC(4)), "");

    ask = ask_at(INFRA_MS(7500));
    fit(0, INFRA_SEC(8));
    ck_assert_int_eq(reply(ask, INFRA_VRRP_ANSWER_YES, INFRA_SEC(8)),
                     INFRA_ESTALE);
    ck_assert_str_eq(events(INFRA_SEC(8)), "fault by unfit");
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_TIME_NEVER);
}
END_TEST

/* Announcements are made at once, after 2 s, and then every minute or as
 * configured; after the first 2 s at most. */
START_TEST(announcements_are_repeated)
{
    static const uint32_t rows[][4] = {
        { 0, 2, 62, 122 }, { 4, 2, 6, 10 }, { 1, 1, 2, 3 }, { 2, 2, 4, 6 }
    };
    infra_time now = create_active((struct infra_vrrp_options) {
        .interval = INFRA_SEC(40),
        .announce_interval = INFRA_SEC(rows[_i][0]) });

    for (int i = 1; i < 4; i++) {
        infra_time then = now + INFRA_SEC(rows[_i][i]);
        while (infra_vrrp_deadline(vrrp) < then) {
            ck_assert_str_eq(events(infra_vrrp_deadline(vrrp)), "send 100");
        }
        expect_at(then, ANNOUNCED);
    }
}
END_TEST

/* Against a rival they are made again, but once an interval at most. */
START_TEST(rival_is_answered_with_an_announcement)
{
    infra_time now = create_active((struct infra_vrrp_options) { .size = 0 });

    hear(50, 2, now + INFRA_MS(10)); /* It has just announced. */
    ck_assert_str_eq(events(now + INFRA_MS(10)), "send 100, hint rival");
    hear(50, 2, now + INFRA_SEC(1) - 1);
    ck_assert_str_eq(events(now + INFRA_SEC(1) - 1), "send 100");
    hear(50, 2, now + INFRA_SEC(1));
    ck_assert_str_eq(events(now + INFRA_SEC(1)),
                     "send 100, " ANNOUNCED ", send 100");
    hear(50, 2, now + INFRA_MS(1500));
    ck_assert_str_eq(events(now + INFRA_MS(1500)), "send 100");
    ck_assert_uint_eq(inspect().rivals, 4);
    expect_at(now + INFRA_SEC(2), "send 100"); /* The first repeat is moved. */
    expect_at(now + INFRA_SEC(3), "send 100, " ANNOUNCED);
}
END_TEST

/* A hint is given once, and again after a minute without its cause, or in
 * another state. */
START_TEST(hints_are_not_repeated)
{
    create_started((struct infra_vrrp_options) { .no_preempt = 1 });
    struct infra_vrrp_advert a = test_advert(50, 2);
    infra_time now = 0;

    a.addresses_count = 1;
    for (int i = 0; i < 100; i++) {
        now += INFRA_SEC(1);
        ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, now), 0);
        ck_assert_str_eq(events(now), i == 0 ? "hint addresses" : "");
    }
    for (int i = 0; i < 60; i++) {
        hear(50, 2, now + INFRA_SEC(i)); /* Right. */
    }
    now += INFRA_SEC(60);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, now), 0);
    ck_assert_str_eq(events(now), "hint addresses");
    ck_assert_int_eq(infra_vrrp_stop(vrrp, now), INFRA_OK);
    ck_assert_str_eq(events(now), "initialize by stop");
    start(now);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, now), 0);
    ck_assert_str_eq(events(now), "backup by start, hint addresses");
}
END_TEST

/* Reason and node of a hint. */
START_TEST(hints_name_the_sender)
{
    struct infra_vrrp_advert a = test_advert(255, 7);
    struct infra_vrrp_event e;
    static const uint8_t others[8] = { 10, 0, 0, 100, 10, 0, 0, 102 };

    create(
        (struct infra_vrrp_options) { .priority = 255, .local = test_ipv4(8) });
    start(0);
    (void)events(0);
    a.interval = INFRA_SEC(2);
    a.addresses = others;
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 0), 0);
    ck_assert_int_eq(infra_vrrp_next(vrrp, 0, &e), INFRA_OK); /* ADVERTISE */
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(infra_vrrp_next(vrrp, 0, &e), INFRA_OK);
        ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_HINT);
        ck_assert_uint_eq(e.reason, INFRA_VRRP_REASON_RIVAL + i);
        ck_assert_uint_eq(e.priority, 255);
        ck_assert_uint_eq(e.address.bytes[3], 7);
        ck_assert_uint_eq(infra_vrrp_deadline(vrrp), i < 3 ? 0 : INFRA_SEC(1));
    }
    ck_assert_int_eq(infra_vrrp_next(vrrp, 0, &e), INFRA_EAGAIN);
}
END_TEST

/* An Active node that stood still long enough for another to have taken over
 * hints at it and announces: the other node's announcements count until
 * then. */
START_TEST(active_node_knows_that_it_was_late)
{
    infra_time now = create_active(
        (struct infra_vrrp_options) { .announce_interval = ONCE });

    ck_assert_str_eq(events(now + INFRA_SEC(3) - 1), "send 100");
    now += INFRA_SEC(4) - 1; /* The next one is due. */
    ck_assert_str_eq(events(now + INFRA_SEC(2)),
                     "send 100, " ANNOUNCED ", hint late");
}
END_TEST

/* What came is read before the clock: a Backup that stood still hears first
 * that another is Active. */
START_TEST(late_backup_hears_before_it_takes_over)
{
    create_started((struct infra_vrrp_options) { .size = 0 });
    hear(200, 2, INFRA_SEC(100));
    ck_assert_str_eq(events(INFRA_SEC(100)), "");
    ck_assert_uint_eq(inspect().state, INFRA_VRRP_STATE_BACKUP);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vrrp_care");
    TCase *tc = tcase_create("care");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, unfit_active_resigns);
    tcase_add_test(tc, unfit_nodes_do_not_take_part);
    tcase_add_test(tc, flapping_is_debounced);
    tcase_add_test(tc, debounce_outlives_a_change);
    tcase_add_test(tc, start_may_be_delayed);
    tcase_add_test(tc, preemption_may_be_delayed);
    tcase_add_test(tc, preemption_delay_starts_over);
    tcase_add_test(tc, preemption_delay_ends_with_the_state);
    tcase_add_test(tc, priority_may_change);
    tcase_add_loop_test(tc, witness_is_asked_before_a_take_over, 0,
                        sizeof witnesses / sizeof witnesses[0]);
    tcase_add_test(tc, owner_asks_the_witness);
    tcase_add_test(tc, witness_is_not_asked_too_late);
    tcase_add_test(tc, witness_is_not_asked_in_vain);
    tcase_add_loop_test(tc, announcements_are_repeated, 0, 4);
    tcase_add_test(tc, rival_is_answered_with_an_announcement);
    tcase_add_test(tc, hints_are_not_repeated);
    tcase_add_test(tc, hints_name_the_sender);
    tcase_add_test(tc, active_node_knows_that_it_was_late);
    tcase_add_test(tc, late_backup_hears_before_it_takes_over);
    suite_add_tcase(s, tc);
    return test_main(s);
}
