/* SPDX-License-Identifier: MIT */
/* What db_router reads beside db_failover's lease, in a file that the test
 * writes as the holder of the lease. */
#include "support.h"

#include "../../examples/common/arguments.h"
#include "../../examples/db_router/primary_record.h"

#include <infra/driver.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READERS 2u

static char directory[64];
static char path[96];
static struct infra_lease *holder;
static uint64_t held; /* Its token. */
static struct failover_spec specs[READERS];
static struct infra_driver *drivers[READERS];
static struct primary_record *records[READERS];
static const char *const keys[] = { "db1", "db2", "db3" };

static struct infra_lease_answer call(uint32_t op)
{
    static uint64_t id;
    struct infra_lease_reply reply = { .call = 0 };
    const struct infra_lease_call c = { .id = ++id,
                                        .token = held,
                                        .deadline =
                                            infra_driver_now() + INFRA_SEC(60),
                                        .op = op };

    ck_assert_int_eq(infra_lease_begin(holder, &c, infra_driver_now()), 0);
    while (infra_lease_next(holder, infra_driver_now(), &reply) != INFRA_OK ||
           reply.call == 0) {
        /* A reader has the lock. */
    }
    return reply.answer;
}

static void acquire(void)
{
    struct infra_lease_answer a = call(INFRA_LEASE_OP_ACQUIRE);

    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    held = a.token;
}

static void record(const char *text)
{
    struct infra_lease_record r;
    infra_time now = infra_driver_now();

    ck_assert_int_eq(infra_lease_write_record(holder, held, text, strlen(text),
                                              now + INFRA_SEC(60), now),
                     0);
    while (infra_lease_take_record(holder, infra_driver_now(), &r) != 0) {
        /* A reader has the lock. */
    }
    ck_assert_uint_eq(r.outcome, INFRA_LEASE_OUTCOME_GRANTED);
}

static struct primary_record *open_reader(uint32_t i)
{
    static char leases[READERS][128];
    const struct primary_record_options options = {
        .spec = &specs[i], .keys = keys, .keys_count = 3, .interval = 1
    };

    specs[i] = failover_spec_default();
    (void)snprintf(leases[i], sizeof leases[i], "file:%s", path);
    ck_assert(failover_spec_read(
        &specs[i], FAILOVER_SPEC_CODE(LEASE_SPEC_LEASE), leases[i]));
    ck_assert_int_eq(infra_driver_create(&drivers[i], NULL), 0);
    return primary_record_open(drivers[i], &options);
}

/* Let each of them read; how many have news? */
static uint32_t read_all(void)
{
    uint32_t news = 0;

    for (uint32_t i = 0; i < READERS; i++) {
        /* A read begins with a step, and may be answered in a later one. */
        for (int n = 0; n < 3; n++) {
            (void)infra_driver_step(drivers[i], infra_driver_now());
            news += primary_record_step(records[i], infra_driver_now());
        }
    }
    return news;
}

/* Both name this node, or with 0 none. */
static void check_named(uint32_t id, uint64_t token)
{
    for (uint32_t i = 0; i < READERS; i++) {
        for (uint32_t node = 0; node < 3; node++) {
            uint64_t got = 0;
            bool is_named = primary_record_names(records[i], node, &got);
            ck_assert_int_eq(is_named, token != 0 && node == id);
            ck_assert_uint_eq(got, is_named ? token : 0);
        }
    }
}

static void setup(void)
{
    const struct infra_lease_file_options o = { .size = sizeof o,
                                                .path = path,
                                                .node = "w1",
                                                .incarnation = 1,
                                                .ttl = INFRA_SEC(600) };

    arguments_begin("test_primary_record");
    (void)snprintf(directory, sizeof directory, "/tmp/infra-record-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/lease", directory);
    held = 0;
    ck_assert_int_eq(infra_lease_file(&holder, &o), 0);
    for (uint32_t i = 0; i < READERS; i++) {
        records[i] = open_reader(i);
        ck_assert_ptr_nonnull(records[i]);
    }
}

static void teardown(void)
{
    char moved[128];

    for (uint32_t i = 0; i < READERS; i++) {
        primary_record_close(records[i]);
        infra_driver_destroy(drivers[i]);
    }
    infra_lease_destroy(holder);
    (void)snprintf(moved, sizeof moved, "%s.moved", path);
    (void)unlink(path);
    (void)unlink(moved);
    ck_assert_int_eq(rmdir(directory), 0);
}

/* Two routers name the node that is recorded, with its token, and hear of it
 * once. */
START_TEST(recorded_primary_is_named_by_each_router)
{
    acquire();
    record("done db2 7 3");
    ck_assert_uint_eq(read_all(), READERS);
    check_named(1, 7);
    ck_assert_uint_eq(read_all(), 0);
    record("done db2 7 3 apart 00000");
    (void)read_all();
    check_named(1, 7);
}
END_TEST

/* From the begin of a promotion to its end no node is named. */
START_TEST(promotion_under_way_names_none)
{
    acquire();
    record("done db1 3 2");
    (void)read_all();
    check_named(0, 3);
    record("begun db3 4 after 00000 3 2");
    ck_assert_uint_eq(read_all(), READERS);
    check_named(0, 0);
    record("done db3 4 5");
    ck_assert_uint_eq(read_all(), READERS);
    check_named(2, 4);
}
END_TEST

static const char *const useless[] = {
    "none",         "done db9 8 3",       "done db1 8",
    "done db1 0 3", "begun db1 8 before", "DONE db1 8 3",
};

/* A record that names no primary, is malformed, or names a node that this
 * router does not have, names none; and a good one after it counts. */
START_TEST(useless_record_names_none)
{
    ck_assert_uint_eq(read_all(), READERS); /* There is no record yet. */
    check_named(0, 0);
    acquire();
    record(useless[_i]);
    (void)read_all();
    check_named(0, 0);
    record("done db1 8 3");
    (void)read_all();
    check_named(0, 8);
}
END_TEST

/* A malformed record after a good one names none, too: what it wanted to say is
 * not known. */
START_TEST(malformed_record_ends_the_one_before)
{
    acquire();
    record("done db1 8 3");
    (void)read_all();
    check_named(0, 8);
    record("done db1 9");
    ck_assert_uint_eq(read_all(), READERS);
    check_named(0, 0);
}
END_TEST

static const char *const older[] = {
    "done db1 6 2",
    "begun db1 6",
    "begun db2 7 after 00000 6 2",
    "none",
};

/* A record with an older token is not taken, since a read may be out of date;
 * nor is the begin of a promotion that has ended. */
START_TEST(older_record_is_not_taken)
{
    acquire();
    record("done db2 7 3");
    (void)read_all();
    record(older[_i]);
    (void)read_all();
    check_named(1, 7);
    record("done db3 8 4");
    (void)read_all();
    check_named(2, 8);
}
END_TEST

/* A router never takes the lease, and does not keep a node from it. */
START_TEST(router_leaves_the_lease_alone)
{
    (void)read_all();
    ck_assert_uint_eq(call(INFRA_LEASE_OP_READ).outcome,
                      INFRA_LEASE_OUTCOME_LOST);
    acquire();
    (void)read_all();
    ck_assert_uint_eq(call(INFRA_LEASE_OP_RELEASE).outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    (void)read_all();
    (void)read_all();
    ck_assert_uint_eq(call(INFRA_LEASE_OP_READ).outcome,
                      INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

/* While the record cannot be read, what it last said stays; it is old five
 * seconds after it was read. */
START_TEST(unreadable_record_stays_and_grows_old)
{
    char moved[128];

    acquire();
    record("done db2 7 3");
    (void)read_all();
    infra_time read_by = infra_driver_now();
    ck_assert(!primary_record_is_old(records[0], read_by));
    (void)snprintf(moved, sizeof moved, "%s.moved", path);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_uint_eq(read_all(), 0);
    check_named(1, 7);
    ck_assert(primary_record_is_old(records[0], read_by + INFRA_SEC(6)));
}
END_TEST

static Suite *primary_record_suite(void)
{
    Suite *s = suite_create("primary_record");
    TCase *t = tcase_create("record");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, recorded_primary_is_named_by_each_router);
    tcase_add_test(t, promotion_under_way_names_none);
    tcase_add_loop_test(t, useless_record_names_none, 0,
                        (int)(sizeof useless / sizeof useless[0]));
    tcase_add_test(t, malformed_record_ends_the_one_before);
    tcase_add_loop_test(t, older_record_is_not_taken, 0,
                        (int)(sizeof older / sizeof older[0]));
    tcase_add_test(t, router_leaves_the_lease_alone);
    tcase_add_test(t, unreadable_record_stays_and_grows_old);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(primary_record_suite());
}
