/* SPDX-License-Identifier: MIT */
/* VRRP, the contract: options, errors, memory, names, the senders that count,
 * and one message for each peer. */
#include "vrrp.h"

#include "base/internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int try_create(struct infra_vrrp_options o)
{
    int err = infra_vrrp_create(&vrrp, &o);

    ck_assert(err == INFRA_OK || vrrp == NULL);
    infra_vrrp_destroy(vrrp);
    vrrp = NULL;
    ck_assert_int_eq(heap.live, 0);
    return err;
}

/* Field by field: the last value that is good, and the first that is not. */
START_TEST(options_have_their_ranges)
{
    static const struct {
        size_t offset;
        uint32_t good;
        uint32_t bad;
    } rows[] = {
        { offsetof(struct infra_vrrp_options, vrid), 1, 0 },
        { offsetof(struct infra_vrrp_options, vrid), 255, 256 },
        { offsetof(struct infra_vrrp_options, priority), 255, 256 },
        { offsetof(struct infra_vrrp_options, no_preempt), 1, 2 },
        { offsetof(struct infra_vrrp_options, addresses_count), 1, 0 },
        { offsetof(struct infra_vrrp_options, addresses_count),
          INFRA_VRRP_ADDRESSES_MAX, INFRA_VRRP_ADDRESSES_MAX + 1 },
        { offsetof(struct infra_vrrp_options, witness),
          INFRA_VRRP_WITNESS_REQUIRE, INFRA_VRRP_WITNESS_REQUIRE + 1 },
        { offsetof(struct infra_vrrp_options, checksum),
          INFRA_VRRP_CHECKSUM_MESSAGE, INFRA_VRRP_CHECKSUM_MESSAGE + 1 },
        { offsetof(struct infra_vrrp_options, family), INFRA_VRRP_FAMILY_IPV4,
          2 },
        { offsetof(struct infra_vrrp_options, peers_count),
          INFRA_VRRP_PEERS_MAX, INFRA_VRRP_PEERS_MAX + 1 },
        { offsetof(struct infra_vrrp_options, peers_count), 1, 0 },
    };
    static struct infra_vrrp_address many[INFRA_VRRP_ADDRESSES_MAX + 1];
    struct infra_vrrp_options o = test_options(
        (struct infra_vrrp_options) { .peers = many, .peers_count = 1 });

    o.addresses = many;
    memcpy((char *)&o + rows[_i].offset, &rows[_i].good, 4);
    ck_assert_int_eq(try_create(o), INFRA_OK);
    memcpy((char *)&o + rows[_i].offset, &rows[_i].bad, 4);
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
}
END_TEST

/* The interval is a number of centiseconds that 12 bits hold. */
START_TEST(interval_is_what_a_message_can_say)
{
    static const struct {
        infra_time interval;
        int err;
    } rows[] = {
        { INFRA_MS(10), INFRA_OK },         { INFRA_MS(40950), INFRA_OK },
        { INFRA_MS(40960), INFRA_EINVAL },  { INFRA_MS(15), INFRA_EINVAL },
        { INFRA_MS(10) - 1, INFRA_EINVAL }, { 1, INFRA_EINVAL },
    };
    struct infra_vrrp_options o = test_options(
        (struct infra_vrrp_options) { .interval = rows[_i].interval });

    ck_assert_int_eq(try_create(o), rows[_i].err);
}
END_TEST

/* What contradicts itself is refused. */
START_TEST(options_must_make_sense)
{
    struct infra_vrrp_address peers[2] = { test_ipv4(2), test_ipv4(1) };
    struct infra_vrrp_address first[2] = { test_ipv6(9), { { 0x20, 1 } } };
    const struct infra_vrrp_options good = test_options(
        (struct infra_vrrp_options) { .peers = peers, .peers_count = 1 });
    struct infra_vrrp_options o = good;

    ck_assert_int_eq(try_create(o), INFRA_OK);
    o.peers_count = 2; /* This node is its own peer. */
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
    o = good;
    o.peers = NULL;
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
    o = good;
    o.local = (struct infra_vrrp_address) { { [4] = 1 } };
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
    o = good;
    o.addresses = NULL;
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
    o = good;
    o.announce_interval = INFRA_SEC(1);
    ck_assert_int_eq(try_create(o), INFRA_OK);
    o.announce_interval--;
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
    o = good;
    o.no_preempt = 1;
    ck_assert_int_eq(try_create(o), INFRA_OK);
    o.preempt_delay = 1;
    ck_assert_int_eq(try_create(o), INFRA_EINVAL);
    o = good;
    o.family = INFRA_VRRP_FAMILY_IPV6;
    o.local = test_ipv6(1);
    ck_assert_int_eq(try_create(o), INFRA_EINVAL); /* Not link-local. */
    o.addresses = first;
    ck_assert_int_eq(try_create(o), INFRA_OK);
    o.local = (struct infra_vrrp_address) { { [15] = 1 } };
    ck_assert_int_eq(try_create(o), INFRA_OK);
}
END_TEST

/* Zeroes are the defaults, and an object has a life without events. */
START_TEST(zeroes_are_defaults)
{
    create((struct infra_vrrp_options) { .size = 0 });
    struct infra_vrrp_status s = inspect();
    ck_assert_uint_eq(s.priority, 100);
    ck_assert_uint_eq(s.interval, INFRA_SEC(1));
    ck_assert_uint_eq(s.state, INFRA_VRRP_STATE_INITIALIZE);
    ck_assert_uint_eq(s.fit, 1);
    ck_assert_uint_eq(s.active_priority, 0);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), INFRA_TIME_NEVER);
    ck_assert_str_eq(events(0), "");
    infra_vrrp_destroy(NULL);
}
END_TEST

/* Every allocation may fail, and what the host gave is its own again. */
START_TEST(allocation_may_fail)
{
    struct infra_vrrp_address address = { { 10, 0, 0, 100, 7, [15] = 7 } };
    struct infra_vrrp_options o =
        test_options((struct infra_vrrp_options) { .size = 0 });
    struct infra_vrrp_event e;

    test_heap_init(&heap, 0);
    ck_assert_int_eq(infra_vrrp_create(&vrrp, &o), INFRA_ENOMEM);
    ck_assert_ptr_null(vrrp);
    test_heap_init(&heap, -1);
    o.addresses = &address;
    o.addresses_count = 1;
    ck_assert_int_eq(infra_vrrp_create(&vrrp, &o), INFRA_OK);
    ck_assert_int_eq(heap.calls, 1);
    address = test_ipv4(1);
    start(0);
    do {
        ck_assert_int_eq(infra_vrrp_next(vrrp, INFRA_SEC(4), &e), INFRA_OK);
    } while (e.kind != INFRA_VRRP_EVENT_ANNOUNCE);
    address = test_ipv4(100); /* Without what is no part of it. */
    ck_assert_mem_eq(e.address.bytes, address.bytes, 16);
    ck_assert_int_eq(heap.calls, 1);
}
END_TEST

/* Structs of the past and the future. */
START_TEST(options_grow)
{
    struct {
        struct infra_vrrp_options o;
        uint64_t future;
    } grown = { .o = test_options((struct infra_vrrp_options) { .size = 0 }) };
    struct {
        struct infra_vrrp_status s;
        uint64_t future;
    } status = { .s.size = sizeof status, .future = 7 };

    grown.o.size = sizeof grown;
    ck_assert_int_eq(infra_vrrp_create(&vrrp, &grown.o), INFRA_OK);
    ck_assert_int_eq(infra_vrrp_inspect(vrrp, &status.s), INFRA_OK);
    ck_assert_uint_eq(status.future, 0);
    ck_assert_uint_eq(status.s.size, sizeof status);
    status.s.size = sizeof status.s - 1;
    ck_assert_int_eq(infra_vrrp_inspect(vrrp, &status.s), INFRA_EINVAL);
    infra_vrrp_destroy(vrrp);
    vrrp = NULL;
    grown.future = 1;
    ck_assert_int_eq(infra_vrrp_create(&vrrp, &grown.o), INFRA_ESTRUCT);
    grown.o.size = sizeof grown.o - 1;
    ck_assert_int_eq(infra_vrrp_create(&vrrp, &grown.o), INFRA_EINVAL);
    ck_assert_ptr_null(vrrp);
}
END_TEST

/* Wrong arguments are named and change nothing. */
START_TEST(wrong_arguments_are_refused)
{
    struct infra_vrrp_event e = { .kind = INFRA_VRRP_EVENT_ADVERTISE };
    struct infra_vrrp_advert a = test_advert(100, 2);
    struct infra_vrrp_datagram d = { .bytes = &a, .bytes_count = 16 };
    struct infra_vrrp_status s = { .size = sizeof s };
    uint8_t b[INFRA_VRRP_FRAME_MAX];
    struct infra_vrrp_options o =
        test_options((struct infra_vrrp_options) { .size = 0 });

    create(o);
    const int errors[] = {
        infra_vrrp_create(NULL, &o),
        infra_vrrp_create(&(struct infra_vrrp *) { NULL }, NULL),
        infra_vrrp_start(NULL, 0),
        infra_vrrp_stop(NULL, 0),
        infra_vrrp_fit(NULL, 1, 0),
        infra_vrrp_next(NULL, 0, &e),
        infra_vrrp_next(vrrp, 0, NULL),
        infra_vrrp_hear(NULL, &a, 0),
        infra_vrrp_hear(vrrp, NULL, 0),
        infra_vrrp_set_priority(NULL, 1),
        infra_vrrp_set_priority(vrrp, 0),
        infra_vrrp_set_priority(vrrp, 255),
        infra_vrrp_answer(NULL, 0, INFRA_VRRP_ANSWER_YES, 0),
        infra_vrrp_answer(vrrp, 0, INFRA_VRRP_ANSWER_NO + 1, 0),
        infra_vrrp_inspect(NULL, &s),
        infra_vrrp_inspect(vrrp, NULL),
        infra_vrrp_mac(NULL, b),
        infra_vrrp_mac(vrrp, NULL),
        infra_vrrp_message(NULL, &e, b, sizeof b),
        infra_vrrp_message(vrrp, NULL, b, sizeof b),
        infra_vrrp_message(vrrp, &e, NULL, sizeof b),
        infra_vrrp_message(vrrp, &e, b, 15),        /* Of 16. */
        infra_vrrp_frame(vrrp, &e, b, b, sizeof b), /* Of the other kind. */
        infra_vrrp_unwrap(NULL, 0, &d),
        infra_vrrp_unwrap(b, 0, NULL),
        infra_vrrp_parse(NULL, &a),
        infra_vrrp_parse(&d, NULL),
    };
    for (size_t i = 0; i < COUNT(errors); i++) {
        ck_assert_msg(errors[i] == INFRA_EINVAL, "%zu: %d", i, errors[i]);
    }
    e.kind = INFRA_VRRP_EVENT_ANNOUNCE;
    ck_assert_int_eq(infra_vrrp_message(vrrp, &e, b, sizeof b), INFRA_EINVAL);
    ck_assert_int_eq(infra_vrrp_frame(NULL, &e, b, b, 86), INFRA_EINVAL);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, NULL, b, b, 86), INFRA_EINVAL);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, b, NULL, 86), INFRA_EINVAL);
    ck_assert_int_eq(infra_vrrp_frame(vrrp, &e, NULL, b, 41), INFRA_EINVAL);
    d.family = 2;
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_EINVAL);
    d = (struct infra_vrrp_datagram) { .hop_limit = 255 };
    ck_assert_int_eq(infra_vrrp_parse(&d, &a), INFRA_EINVAL);
    ck_assert_int_eq(infra_vrrp_answer(vrrp, 0, INFRA_VRRP_ANSWER_YES, 0),
                     INFRA_ESTALE);
    ck_assert_uint_eq(inspect().priority, 100);
}
END_TEST

/* An advertisement that no message can be is refused, too. */
START_TEST(impossible_advertisements_are_refused)
{
    struct infra_vrrp_advert a = test_advert(100, 2);

    create((struct infra_vrrp_options) { .size = 0 });
    a.interval = 0;
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 0), INFRA_EINVAL);
    a.interval = INFRA_MS(40950);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 0), 0);
    a.interval++;
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 0), INFRA_EINVAL);
    a = test_advert(256, 2);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 0), INFRA_EINVAL);
    a = test_advert(100, 2);
    a.addresses = NULL;
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 0), INFRA_EINVAL);
    ck_assert_uint_eq(inspect().heard, 1);
}
END_TEST

/* The owner's priority is what it is. */
START_TEST(owner_keeps_its_priority)
{
    create((struct infra_vrrp_options) { .priority = 255 });
    ck_assert_int_eq(infra_vrrp_set_priority(vrrp, 100), INFRA_EINVAL);
    ck_assert_uint_eq(inspect().priority, 255);
}
END_TEST

/* A message for another router, or of a sender that does not count, changes
 * nothing. */
START_TEST(messages_of_others_are_refused)
{
    struct infra_vrrp_address peers[2] = { test_ipv4(2), test_ipv4(3) };
    struct infra_vrrp_advert a = test_advert(200, 2);

    create((struct infra_vrrp_options) { .peers = peers, .peers_count = 2 });
    start(0);
    (void)events(0);
    a.vrid = 52;
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 9), INFRA_VRRP_FLAW_VRID);
    a = test_advert(200, 2);
    a.family = INFRA_VRRP_FAMILY_IPV6;
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 9), INFRA_VRRP_FLAW_FAMILY);
    a = test_advert(200, 1);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 9), INFRA_VRRP_FLAW_OURS);
    a = test_advert(200, 4);
    ck_assert_int_eq(infra_vrrp_hear(vrrp, &a, 9), INFRA_VRRP_FLAW_PEER);
    ck_assert_uint_eq(inspect().heard, 0);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), US(3609375));
    hear(200, 3, 9);
    ck_assert_uint_eq(inspect().heard, 1);
    ck_assert_uint_eq(infra_vrrp_deadline(vrrp), 9 + US(3609375));
}
END_TEST

/* Each peer gets its own message. */
START_TEST(every_peer_is_told)
{
    struct infra_vrrp_address peers[3] = { test_ipv4(7), test_ipv4(3),
                                           test_ipv4(5) };
    struct infra_vrrp_event e;

    create((struct infra_vrrp_options) { .peers = peers, .peers_count = 3 });
    start(0);
    (void)events(0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(infra_vrrp_next(vrrp, INFRA_SEC(4), &e), INFRA_OK);
        ck_assert_uint_eq(e.kind, INFRA_VRRP_EVENT_ADVERTISE);
        ck_assert_mem_eq(e.address.bytes, peers[i].bytes, 16);
        ck_assert_uint_eq(infra_vrrp_deadline(vrrp), 0);
    }
    ck_assert_str_eq(events(INFRA_SEC(4)),
                     "active by silence, announce .100, announce .101");
    ck_assert_uint_eq(inspect().advertised, 3);
}
END_TEST

/* A router's own hardware address has its family and its VRID in it. */
START_TEST(hardware_address_is_that_of_the_rfc)
{
    uint8_t mac[6];
    static const uint8_t ipv4[6] = { 0, 0, 0x5e, 0, 1, 200 };

    create((struct infra_vrrp_options) { .vrid = 200 });
    ck_assert_int_eq(infra_vrrp_mac(vrrp, mac), INFRA_OK);
    ck_assert_mem_eq(mac, ipv4, 6);
}
END_TEST

/* Everything has a name of its own. */
START_TEST(names_are_names)
{
    for (uint32_t i = 0; i <= INFRA_VRRP_STATE_FAULT; i++) {
        ck_assert_str_ne(infra_vrrp_state_name(i), "unknown");
    }
    for (uint32_t i = 0; i <= INFRA_VRRP_REASON_LATE; i++) {
        ck_assert_str_ne(infra_vrrp_reason_name(i), "unknown");
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_str_ne(infra_vrrp_reason_name(i),
                             infra_vrrp_reason_name(j));
        }
    }
    for (uint32_t i = 0; i <= INFRA_VRRP_FLAW_OURS; i++) {
        ck_assert_str_ne(infra_vrrp_flaw_name(i), "unknown");
    }
    ck_assert_str_eq(infra_vrrp_state_name(INFRA_VRRP_STATE_FAULT + 1),
                     "unknown");
    ck_assert_str_eq(infra_vrrp_reason_name(INFRA_VRRP_REASON_LATE + 1),
                     "unknown");
    ck_assert_str_eq(infra_vrrp_flaw_name(INFRA_VRRP_FLAW_OURS + 1), "unknown");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vrrp_contract");
    TCase *tc = tcase_create("contract");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, options_have_their_ranges, 0, 11);
    tcase_add_loop_test(tc, interval_is_what_a_message_can_say, 0, 6);
    tcase_add_test(tc, options_must_make_sense);
    tcase_add_test(tc, zeroes_are_defaults);
    tcase_add_test(tc, allocation_may_fail);
    tcase_add_test(tc, options_grow);
    tcase_add_test(tc, wrong_arguments_are_refused);
    tcase_add_test(tc, impossible_advertisements_are_refused);
    tcase_add_test(tc, owner_keeps_its_priority);
    tcase_add_test(tc, messages_of_others_are_refused);
    tcase_add_test(tc, every_peer_is_told);
    tcase_add_test(tc, hardware_address_is_that_of_the_rfc);
    tcase_add_test(tc, names_are_names);
    suite_add_tcase(s, tc);
    return test_main(s);
}
