/* SPDX-License-Identifier: MIT */
/* Positions as texts for a cookie, and back. */
#include "support.h"

#include "base/internal.h"
#include "base/random.h"
#include "router/position.h"

#include <string.h>

#define U1 "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define U2 "4e11fa47-71ca-11e1-9e33-c80aa9429562"
#define CHARACTERS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static const struct {
    uint32_t kind;
    uint64_t epoch;
    const char *text;
    int length; /* Of what is printed. */
} rows[] = {
    { INFRA_POSITION_NUMBER, 0, "", 7 },
    { INFRA_POSITION_NUMBER, 0, "0", 10 },
    { INFRA_POSITION_NUMBER, 41, "1234", 12 },
    { INFRA_POSITION_LSN, 41, "3:16/B374D848", 19 },
    { INFRA_POSITION_LSN, UINT64_MAX, "4294967295:FFFFFFFF/FFFFFFFF", 42 },
    { INFRA_POSITION_MARIADB, 41, "0-1-270,5-3-11", 16 },
    { INFRA_POSITION_MYSQL, 41, U1 ":1-123456", 36 },
    { INFRA_POSITION_MYSQL, 41, U1 ":1-5:7:tag:9," U2 ":tag:1-9", 78 },
    { INFRA_POSITION_MYSQL, 41, U1 ":1:3:5:7:9:11:13:15:17:19", 62 },
};

static struct infra_position position(int row)
{
    struct infra_position p;

    ck_assert_int_eq(infra_position_parse(rows[row].kind, rows[row].epoch,
                                          rows[row].text,
                                          strlen(rows[row].text), &p),
                     INFRA_OK);
    return p;
}

/* What is printed is scanned again, as the same position. */
START_TEST(a_position_comes_back)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position p = position(_i);
    struct infra_position back;
    int length = infra_position_print(&p, text, sizeof text);

    ck_assert_int_eq(length, rows[_i].length);
    ck_assert_uint_eq(strlen(text), (size_t)length);
    ck_assert_uint_eq(strspn(text, CHARACTERS), (size_t)length);
    memset(&back, 0xa5, sizeof back);
    ck_assert_int_eq(infra_position_scan(text, (size_t)length, &back),
                     INFRA_OK);
    ck_assert_mem_eq(&back, &p, sizeof p);
}
END_TEST

/* The format does not change from release to release. */
START_TEST(the_text_is_stable)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position p = position(3);

    (void)infra_position_print(&p, text, sizeof text);
    ck_assert_str_eq(text, "AgMpA8iw05vrAnJ8ec4");
}
END_TEST

/* A text that was cut at either end, or has one other character, is refused,
 * and nothing is set. */
START_TEST(a_damaged_text_is_refused)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position p = position(_i);
    struct infra_position back;
    struct infra_position before;
    size_t length = (size_t)infra_position_print(&p, text, sizeof text);

    memset(&back, 0xa5, sizeof back);
    before = back;
    for (size_t cut = 0; cut < length; cut++) {
        ck_assert_int_eq(infra_position_scan(text, cut, &back), INFRA_EINVAL);
        ck_assert_int_eq(infra_position_scan(text + length - cut, cut, &back),
                         INFRA_EINVAL);
    }
    for (size_t i = 0; i < length; i++) {
        char was = text[i];
        for (unsigned c = 0; c < 256; c++) {
            text[i] = (char)c;
            if (text[i] != was) {
                ck_assert_int_eq(infra_position_scan(text, length, &back),
                                 INFRA_EINVAL);
            }
        }
        text[i] = was;
    }
    for (unsigned c = 0; c < 256; c++) {
        text[length] = (char)c;
        ck_assert_int_eq(infra_position_scan(text, length + 1, &back),
                         INFRA_EINVAL);
    }
    ck_assert_mem_eq(&back, &before, sizeof back);
}
END_TEST

/* The buffer holds the text and its NUL, or nothing is written. */
START_TEST(the_buffer_is_kept)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position p = position(_i);
    int length = infra_position_print(&p, text, sizeof text);

    for (size_t size = 0; size <= (size_t)length + 2; size++) {
        char buffer[INFRA_POSITION_TEXT_MAX];
        memset(buffer, '#', sizeof buffer);
        int result = infra_position_print(&p, buffer, size);
        if (size <= (size_t)length) {
            ck_assert_int_eq(result, INFRA_EFULL);
            ck_assert_int_eq(buffer[0], '#');
        } else {
            ck_assert_int_eq(result, length);
            ck_assert_str_eq(buffer, text);
            ck_assert_int_eq(buffer[length + 1], '#');
        }
    }
}
END_TEST

/* The longest position of all fits into INFRA_POSITION_TEXT_MAX. */
START_TEST(the_longest_position_fits)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position back;
    struct infra_position p = { .kind = INFRA_POSITION_MYSQL,
                                .count = 8,
                                .is_filled = 1 };

    for (uint32_t i = 0; i < 8; i++) {
        memset(p.parts[i].source, 0xf0 + (int)i, sizeof p.parts[i].source);
        p.parts[i].tag = UINT64_MAX - i;
        p.parts[i].epoch = UINT64_MAX - i;
        p.parts[i].first = (uint64_t)1 << 63;
        p.parts[i].last = UINT64_MAX;
    }
    int length = infra_position_print(&p, text, sizeof text);
    ck_assert_int_gt(length, 500);
    ck_assert_int_eq(infra_position_scan(text, (size_t)length, &back),
                     INFRA_OK);
    ck_assert_mem_eq(&back, &p, sizeof p);
}
END_TEST

/* Random texts of the right characters, of any length, are refused. */
START_TEST(noise_is_refused)
{
    char text[1200];
    uint64_t state = 7;
    struct infra_position p;

    for (int round = 0; round < 200000; round++) {
        size_t length = infra__below(infra__random(&state),
                                     round % 100 == 0 ? sizeof text : 40);
        for (size_t i = 0; i < length; i++) {
            text[i] = CHARACTERS[infra__random(&state) >> 58];
        }
        ck_assert_int_eq(infra_position_scan(text, length, &p), INFRA_EINVAL);
    }
}
END_TEST

/* NULL is refused everywhere. */
START_TEST(arguments_are_checked)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position p = { 0 };

    ck_assert_int_eq(infra_position_print(NULL, text, sizeof text),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_position_print(&p, NULL, 99), INFRA_EINVAL);
    ck_assert_int_eq(infra_position_scan(NULL, 5, &p), INFRA_EINVAL);
    ck_assert_int_eq(infra_position_scan("AAAAAAA", 7, NULL), INFRA_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("position_print");
    TCase *print = tcase_create("print");

    tcase_add_loop_test(print, a_position_comes_back, 0,
                        (int)INFRA__COUNT_OF(rows));
    tcase_add_test(print, the_text_is_stable);
    tcase_add_loop_test(print, a_damaged_text_is_refused, 0,
                        (int)INFRA__COUNT_OF(rows));
    tcase_add_loop_test(print, the_buffer_is_kept, 0,
                        (int)INFRA__COUNT_OF(rows));
    tcase_add_test(print, the_longest_position_fits);
    tcase_add_test(print, noise_is_refused);
    tcase_add_test(print, arguments_are_checked);
    suite_add_tcase(suite, print);
    return test_main(suite);
}
