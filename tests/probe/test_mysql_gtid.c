/* SPDX-License-Identifier: MIT */
/* The position from global transaction ids, and malformed ids. */
#include "support.h"

#include "base/internal.h"
#include "base/random.h"
#include "probe/mysql/gtid.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SET INFRA__MYSQL_GTID_SET
#define LIST INFRA__MARIADB_GTID_LIST
#define UUID "3E11fa47-71ca-11e1-9e33-c80aa9429562"
#define MOST "18446744073709551615" /* 2^64 - 1 */

static bool read(enum infra__mysql_gtid_kind kind, const char *text,
                 uint64_t *ret)
{
    struct infra__mysql_gtid g;

    infra__mysql_gtid_start(&g, kind);
    for (const char *c = text; *c != '\0'; c++) {
        infra__mysql_gtid_byte(&g, (unsigned char)*c);
    }
    return infra__mysql_gtid_end(&g, ret);
}

static const struct {
    enum infra__mysql_gtid_kind kind;
    const char *text;
    uint64_t sum;
} good[] = {
    { LIST, "0-1-42", 42 },
    { LIST, "0-1-0", 0 },
    { LIST, "0-1-42,1-2-3,4294967295-4294967295-100", 145 },
    { LIST, "0-1-" MOST, UINT64_MAX },
    { LIST, "0-1-18446744073709551614,1-1-1", UINT64_MAX },
    { SET, UUID ":1", 1 },
    { SET, UUID ":1-5", 5 },
    { SET, UUID ":5-5", 1 },
    { SET, UUID ":1-5:7:9-10", 8 },
    { SET, UUID ":1-5," UUID ":3", 6 },
    { SET, UUID ":tag:1-5", 5 },
    { SET, UUID ":_t4g_:1-5:7:other:1", 7 },
    { SET, UUID ":1-5:tag:7-9," UUID ":2", 9 },
    { SET, UUID ":1-" MOST, UINT64_MAX },
    { SET, UUID ":" MOST, 1 },
};

/* Sets in the servers' format have their number. */
START_TEST(ids_have_a_number)
{
    uint64_t sum = 99;

    ck_assert_msg(read(good[_i].kind, good[_i].text, &sum), "%s",
                  good[_i].text);
    ck_assert_msg(sum == good[_i].sum, "%s: %" PRIu64, good[_i].text, sum);
}
END_TEST

static const struct {
    enum infra__mysql_gtid_kind kind;
    const char *text;
} bad[] = {
    { LIST, "" },
    { LIST, "0" },
    { LIST, "0-1" },
    { LIST, "0-1-" },
    { LIST, "0--1" },
    { LIST, "-1-1" },
    { LIST, "0-1-2-3" },
    { LIST, "0-1,2" },
    { LIST, "0-1,1-2-3" },
    { LIST, "5,1-2-3" },
    { LIST, "0-1-2," },
    { LIST, ",0-1-2" },
    { LIST, "0-1-2,,0-1-2" },
    { LIST, "0-1-,1-1-1" },
    { LIST, "0-1-2 " },
    { LIST, "a-1-2" },
    { LIST, "0-1-18446744073709551616" },
    { LIST, "0-1-99999999999999999999" },
    { LIST, "0-18446744073709551616-1" },
    { LIST, "0-1-" MOST ",1-1-1" },
    { LIST, UUID ":1" },
    { SET, "" },
    { SET, ":1" },
    { SET, UUID ":1,:1" },
    { SET, UUID },
    { SET, UUID ":" },
    { SET, UUID ":0" },
    { SET, UUID ":0-5" },
    { SET, UUID ":5-4" },
    { SET, UUID ":1-" },
    { SET, UUID ":1-0" },
    { SET, UUID ":-5" },
    { SET, UUID ":1-2-3" },
    { SET, UUID ":1::2" },
    { SET, UUID ":1:" },
    { SET, UUID ":1," },
    { SET, UUID ":1,," UUID ":1" },
    { SET, UUID "," UUID ":1" },
    { SET, UUID ":tag" },
    { SET, UUID ":tag:" },
    { SET, UUID ":tag," UUID ":1" },
    { SET, UUID ":t-g:1" },
    { SET, UUID ":1a" },
    { SET, UUID ":1-2a" },
    { SET, UUID ":\xc3:1" },
    { SET, "3g:1" },
    { SET, UUID ":18446744073709551616" },
    { SET, UUID ":1-18446744073709551616" },
    { SET, UUID ":1-" MOST "," UUID ":1" },
    { SET, "0-1-42" },
};

/* Malformed sets, and sums above 64 bits, are refused. */
START_TEST(others_are_none)
{
    uint64_t sum;

    ck_assert_msg(!read(bad[_i].kind, bad[_i].text, &sum), "%s", bad[_i].text);
}
END_TEST

/* A server that has executed more has a greater number: sets grow at the end or
 * close a gap. */
START_TEST(more_is_greater)
{
    uint64_t random = 1;

    for (int round = 0; round < 1000; round++) {
        uint32_t a = 1 + infra__below(infra__random(&random), 100);
        uint32_t gap = 2 + infra__below(infra__random(&random), 100);
        uint32_t b = a + gap + infra__below(infra__random(&random), 100);
        const struct {
            uint32_t first;
            uint32_t last;
        } pairs[] = { { 1, a }, { a + gap, b } };
        char before[256], grown[256], closed[256];
        uint64_t sums[3];
        (void)snprintf(before, sizeof before, UUID ":%u-%u:%u-%u",
                       pairs[0].first, pairs[0].last, pairs[1].first,
                       pairs[1].last);
        (void)snprintf(grown, sizeof grown, UUID ":%u-%u:%u-%u", pairs[0].first,
                       pairs[0].last, pairs[1].first, pairs[1].last + 1);
        (void)snprintf(closed, sizeof closed, UUID ":%u-%u", pairs[0].first,
                       pairs[1].last);
        ck_assert(read(SET, before, &sums[0]));
        ck_assert(read(SET, grown, &sums[1]));
        ck_assert(read(SET, closed, &sums[2]));
        ck_assert_uint_eq(sums[1], sums[0] + 1);
        ck_assert_uint_eq(sums[2], sums[0] + gap - 1);
    }
}
END_TEST

static Suite *gtid_suite(void)
{
    Suite *s = suite_create("mysql_gtid");
    TCase *tc = tcase_create("gtid");
    tcase_add_loop_test(tc, ids_have_a_number, 0, INFRA__COUNT_OF(good));
    tcase_add_loop_test(tc, others_are_none, 0, INFRA__COUNT_OF(bad));
    tcase_add_test(tc, more_is_greater);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(gtid_suite());
}
