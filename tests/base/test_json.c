/* The JSON reader of the etcd lease: valid texts and their parts. */
#include "support.h"

#include "base/internal.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

static struct infra__json parsed(const char *text)
{
    struct infra__json v = { .at = NULL };

    ck_assert_msg(infra__json_parse(&v, text, strlen(text)), "%s", text);
    return v;
}

static const char *const good_rows[] = {
    "{}",
    "[]",
    "\"\"",
    "true",
    "false",
    "null",
    "{\"a\":1}",
    "{\"a\" : {\"b\":[1,2,{}]} , \"c\":\"d\"}",
    "[1,-0,0.5,-1.25e+10,1E5,2e-3,0e0]",
    "[[[[]]],[]]",
    "\"\\u00e9\\uABCD\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\xc3\xa9\"",
    "[ \"a\" ,\r\n\t\"b\" ]",
    "{\"\":{}}",
    "{\"a\":[],\"a\":{}}",
};

/* Every valid text, also with blanks around it; none is valid if it is cut. */
START_TEST(good_texts)
{
    const char *text = good_rows[_i];
    char spaced[128];
    struct infra__json v;

    (void)parsed(text);
    (void)snprintf(spaced, sizeof spaced, " \t\r\n%s\n ", text);
    v = parsed(spaced);
    ck_assert_ptr_eq(v.at, spaced + 4);
    ck_assert_uint_eq(v.size, strlen(text));
    for (size_t cut = 0; cut < strlen(text); cut++) {
        ck_assert_msg(!infra__json_parse(&v, text, cut), "%.*s", (int)cut,
                      text);
    }
}
END_TEST

static const char *const bad_rows[] = {
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "{}{}",
    "[] []",
    "1 2",
    "{,}",
    "[,]",
    "[1,]",
    "{\"a\":1,}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "{\"a\"=1}",
    "{1:1}",
    "[1 2]",
    "{\"a\":1 \"b\":2}",
    "[1}",
    "{\"a\":1]",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e1",
    "1e",
    "1e+",
    "0x1",
    "NaN",
    "-01",
    "True",
    "tru",
    "truee",
    "nul",
    "'a'",
    "\"\\x\"",
    "\"\\u12g4\"",
    "\"\\u123\"",
    "\"\n\"",
    "\"\x1f\"",
    "\"\\\"",
    "{\"a\":1}}",
    "[[]",
    "/**/1",
    "{\"a\":,}",
    "[:]",
    "\"a",
    "\f1",
};

/* Extensions that RFC 8259 does not have. */
START_TEST(bad_texts)
{
    struct infra__json v = { .size = 7 };

    ck_assert_msg(!infra__json_parse(&v, bad_rows[_i], strlen(bad_rows[_i])),
                  "%s", bad_rows[_i]);
    ck_assert_uint_eq(v.size, 7);
}
END_TEST

/* Nesting up to the bound is valid, one level more is not. */
START_TEST(depth_is_bounded)
{
    char text[2 * (INFRA__JSON_DEPTH_MAX + 1)];
    struct infra__json v;

    for (size_t depth = 1; depth <= INFRA__JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        ck_assert_int_eq(infra__json_parse(&v, text, 2 * depth),
                         depth <= INFRA__JSON_DEPTH_MAX);
    }
    /* The right bracket closes each level. */
    ck_assert(infra__json_parse(&v, "[{\"a\":[{\"b\":[]}]}]", 18));
    ck_assert(!infra__json_parse(&v, "[{\"a\":[{\"b\":[}]}]}]", 19));
}
END_TEST

static bool is_text(struct infra__json v, const char *text)
{
    return v.size == strlen(text) && memcmp(v.at, text, v.size) == 0;
}

/* Members by their whole name, in their own object, the first with that
 * name. */
START_TEST(members_are_found)
{
    struct infra__json v = parsed("{\"x\":{\"b\":0}, \"ab\":[\"b\"] ,\n"
                                  "\"b\" : {\"c\":\"d\\\"\"},\"b\":2,"
                                  "\"\\u0062\":3}");
    struct infra__json m;

    ck_assert(infra__json_member(&m, v, "b"));
    ck_assert(is_text(m, "{\"c\":\"d\\\"\"}"));
    ck_assert(infra__json_member(&m, m, "c"));
    ck_assert(is_text(m, "\"d\\\"\""));
    ck_assert(infra__json_member(&m, v, "ab"));
    ck_assert(is_text(m, "[\"b\"]"));
    ck_assert(!infra__json_member(&m, v, "a"));
    ck_assert(!infra__json_member(&m, v, "c"));
    ck_assert(!infra__json_member(&m, v, ""));
    ck_assert(!infra__json_member(&m, v, "abc"));
    ck_assert(!infra__json_member(&m, parsed("[]"), "a"));
    ck_assert(!infra__json_member(&m, parsed("{ }"), "a"));
    ck_assert(!infra__json_member(&m, parsed("\"a\""), "a"));
}
END_TEST

/* Elements by their index. */
START_TEST(elements_are_found)
{
    struct infra__json v = parsed("[ 1, [2,3] ,{\"a\":4},\"5,6\"]");
    static const char *const rows[] = { "1", "[2,3]", "{\"a\":4}", "\"5,6\"" };
    struct infra__json e;
    struct infra__json all = v;
    uint32_t taken = 0;

    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(infra__json_element(&e, v, i));
        ck_assert(is_text(e, rows[i]));
    }
    ck_assert(!infra__json_element(&e, v, 4));
    ck_assert(!infra__json_element(&e, parsed("[ ]"), 0));
    ck_assert(!infra__json_element(&e, parsed("{\"a\":1}"), 0));
    for (uint32_t i = 0; infra__json_take(&e, &v); i++) {
        struct infra__json same;
        ck_assert(infra__json_element(&same, all, i));
        ck_assert_ptr_eq(e.at, same.at);
        ck_assert_uint_eq(e.size, same.size);
        taken++;
    }
    ck_assert_uint_eq(taken, 4);
    static const char *const others[] = { "[]", "[ ]", "{\"a\":1}", "7" };
    for (size_t i = 0; i < 4; i++) {
        v = parsed(others[i]);
        ck_assert(!infra__json_take(&e, &v));
    }
}
END_TEST

/* Numbers of 64 bits, as numbers and as strings, and near misses. */
START_TEST(numbers_are_exact)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t number;
    } rows[] = {
        { "0", true, 0 },
        { "\"0\"", true, 0 },
        { "7", true, 7 },
        { "\"2324035507759435782\"", true, 2324035507759435782u },
        { "18446744073709551615", true, UINT64_MAX },
        { "\"18446744073709551615\"", true, UINT64_MAX },
        { "18446744073709551616", false, 0 },
        { "\"99999999999999999999\"", false, 0 },
        { "\"\"", false, 0 },
        { "\"01\"", false, 0 },
        { "-1", false, 0 },
        { "\"-1\"", false, 0 },
        { "\"+1\"", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "\"1 \"", false, 0 },
        { "\"\\u0031\"", false, 0 },
        { "[1]", false, 0 },
        { "true", false, 0 },
    };
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        uint64_t number = 77;
        bool good = infra__json_uint64(&number, parsed(rows[i].text));
        ck_assert_msg(good == rows[i].good, "%s", rows[i].text);
        ck_assert_uint_eq(number, good ? rows[i].number : 77);
    }
    ck_assert(infra__json_is_true(parsed("true")));
    ck_assert(!infra__json_is_true(parsed("\"true\"")));
    ck_assert(!infra__json_is_true(parsed("null")));
    struct infra__json s;
    ck_assert(infra__json_string(&s, parsed("\"abc\"")));
    ck_assert(is_text(s, "abc"));
    ck_assert(!infra__json_string(&s, parsed("\"a\\n\"")));
    ck_assert(!infra__json_string(&s, parsed("12")));
}
END_TEST

static Suite *json_suite(void)
{
    Suite *s = suite_create("json");
    TCase *tc = tcase_create("texts");
    tcase_add_loop_test(tc, good_texts, 0, (int)INFRA__COUNT_OF(good_rows));
    tcase_add_loop_test(tc, bad_texts, 0, (int)INFRA__COUNT_OF(bad_rows));
    tcase_add_test(tc, depth_is_bounded);
    suite_add_tcase(s, tc);

    tc = tcase_create("parts");
    tcase_add_test(tc, members_are_found);
    tcase_add_test(tc, elements_are_found);
    tcase_add_test(tc, numbers_are_exact);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(json_suite());
}
