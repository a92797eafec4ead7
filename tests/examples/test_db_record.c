/* SPDX-License-Identifier: MIT */
/* What db_failover writes beside the lease, and reads there. */
#include "support.h"

#include "../../examples/common/arguments.h"
#include "../../examples/db_failover/db_record.h"

#include <stdio.h>
#include <string.h>

static struct db_failover_options o;
static char keys[DBS_MAX][DB_KEY_MAX + 1];

/* As many databases as there may be, with the longest keys. */
static void setup(void)
{
    arguments_begin("test_db_record");
    memset(&o, 0, sizeof o);
    o.dbs_count = DBS_MAX;
    for (uint32_t i = 0; i < DBS_MAX; i++) {
        memset(keys[i], 'k', DB_KEY_MAX);
        keys[i][0] = (char)('a' + i);
        o.dbs[i].key = keys[i];
    }
}

static void check_same(const struct db_named *n)
{
    char text[DB_RECORD_SIZE];
    struct db_named read;

    size_t size = db_record_write(&o, n, text);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_uint_le(size, INFRA_LEASE_RECORD_MAX);
    ck_assert_msg(db_record_read(&o, text, &read), "%s", text);
    ck_assert_msg(read.db == n->db && read.former == n->former &&
                      read.token == n->token && read.timeline == n->timeline &&
                      read.former_token == n->former_token &&
                      read.former_timeline == n->former_timeline &&
                      read.apart == n->apart &&
                      read.is_unfinished == n->is_unfinished,
                  "%s", text);
}

/* What is written is read, and fits, also at its longest. */
START_TEST(record_is_read_as_written)
{
    static const uint32_t aparts[] = { 0, 1, 1u << 15, 0xffff };

    for (size_t i = 0; i < sizeof aparts / sizeof aparts[0]; i++) {
        check_same(&(struct db_named) {
            .db = DBS_MAX, .former = DBS_MAX, .apart = aparts[i] });
        check_same(&(struct db_named) { .db = 15,
                                        .former = DBS_MAX,
                                        .token = UINT64_MAX,
                                        .timeline = UINT64_MAX,
                                        .apart = aparts[i] });
        check_same(&(struct db_named) { .db = 3,
                                        .former = DBS_MAX,
                                        .token = 1,
                                        .apart = aparts[i],
                                        .is_unfinished = true });
        check_same(&(struct db_named) { .db = 3,
                                        .former = 15,
                                        .token = UINT64_MAX,
                                        .former_token = UINT64_MAX,
                                        .former_timeline = UINT64_MAX,
                                        .apart = aparts[i],
                                        .is_unfinished = true });
    }
}
END_TEST

static const struct {
    const char *text; /* "%s" is the key of the first. */
    bool good;
} records[] = {
    { "", true },
    { "none", true },
    { "done %s 5 7", true }, /* As it was before there were marks. */
    { "begun %s 5", true },
    { "done %s 5 7 apart 00000", true }, /* Of a database that has gone. */
    { "begun %s 5 after 00000 4 4", true },
    { "done %s 5", false },
    { "done %s 0 7", false },
    { "done %s -5 7", false },
    { "done %s 5x 7", false },
    { "done %s 99999999999999999999 7", false },
    { "done nobody 5 7", false },
    { "done %s 5 7 after 00000 4 4", false },
    { "begun %s 5 after 00000 4", false },
    { "begun %s 5 part 00000", false },
    { "gone %s 5 7", false },
    { "none of them", false },
};

/* What is not understood is refused: nobody knows who is primary then. */
START_TEST(bad_record_is_refused)
{
    char text[DB_RECORD_SIZE];
    const char *percent = strchr(records[_i].text, '%');
    int before = percent != NULL ? (int)(percent - records[_i].text) : 0;
    struct db_named n;

    (void)snprintf(text, sizeof text, "%.*s%s%s", before, records[_i].text,
                   percent != NULL ? keys[0] : "",
                   percent != NULL ? percent + 2 : records[_i].text);
    ck_assert_msg(db_record_read(&o, text, &n) == records[_i].good, "%s", text);
}
END_TEST

static Suite *record_suite(void)
{
    Suite *s = suite_create("db_record");
    TCase *t = tcase_create("record");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, record_is_read_as_written);
    tcase_add_loop_test(t, bad_record_is_refused, 0,
                        (int)(sizeof records / sizeof records[0]));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(record_suite());
}
