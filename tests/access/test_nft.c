/* SPDX-License-Identifier: MIT */
/* The rules as a text for nftables: what it says, that it goes on in any
 * pieces, and that the real nft takes it, in a network namespace of its own. */
#include "fixture.h"

#include "base/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 200000, SHAPES = 6 };

static const uint16_t ports[] = { 80, 443 };
static char text[TEXT_MAX];

/* The whole text, in parts of @size. */
static const char *print(size_t size)
{
    struct infra_access_nft nft = { .size = sizeof nft,
                                    .ports = ports,
                                    .ports_count = 2 };
    struct infra_access_nft_cursor cursor = { .part = 0 };
    char *part = malloc(size);
    size_t length = 0;
    int n;

    ck_assert_ptr_nonnull(part);
    while ((n = infra_access_print_nft(access_, &nft, &cursor, part, size)) >
           0) {
        ck_assert_uint_le((size_t)n, size);
        ck_assert_int_eq(part[n - 1], '\n');
        ck_assert_uint_lt(length + (size_t)n, sizeof text);
        memcpy(text + length, part, (size_t)n);
        length += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    text[length] = '\0';
    free(part);
    return text;
}

/* Ranges in which the longest prefix has decided, joined where they meet. */
START_TEST(ranges_need_no_order)
{
    publish_text("allow 10.0.0.0/8\n"
                 "deny 10.66.0.0/16\n"
                 "allow 10.66.1.1\n"
                 "allow 11.0.0.0/8\n"
                 "allow 2001:db8::/32\n"
                 "deny 2001:db8::/33\n");
    ck_assert_str_eq(print(TEXT_MAX),
                     "table inet infra\n"
                     "delete table inet infra\n"
                     "table inet infra {\n"
                     "\tset sources4 {\n"
                     "\t\ttype ipv4_addr\n"
                     "\t\tflags interval\n"
                     "\t\telements = {\n"
                     "\t\t\t10.0.0.0-10.65.255.255,\n"
                     "\t\t\t10.66.1.1,\n"
                     "\t\t\t10.67.0.0-11.255.255.255,\n"
                     "\t\t}\n"
                     "\t}\n"
                     "\tset sources6 {\n"
                     "\t\ttype ipv6_addr\n"
                     "\t\tflags interval\n"
                     "\t\telements = {\n"
                     "\t\t\t2001:db8:8000::-"
                     "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,\n"
                     "\t\t}\n"
                     "\t}\n"
                     "\tchain input {\n"
                     "\t\ttype filter hook input priority filter; "
                     "policy accept;\n"
                     "\t\ttcp dport { 80, 443 } meta nfproto ipv4 ip saddr "
                     "!= @sources4 counter drop\n"
                     "\t\ttcp dport { 80, 443 } meta nfproto ipv6 ip6 saddr "
                     "!= @sources6 counter drop\n"
                     "\t}\n"
                     "}\n");
}
END_TEST

/* Texts with all shapes of sets: empty, whole, many. */
static void publish_shape(int shape)
{
    static char many[TEXT_MAX];
    static const char *const few[] = {
        "default allow\n",
        "default deny\n",
        "default deny\nallow 0.0.0.0/0\nallow ::/0\n",
        "default allow\ndeny 0.0.0.0/0\ndeny ::/0\nallow 127.0.0.1\n",
        "default allow\ndeny 255.255.255.255\ndeny 0.0.0.0\ndeny ::\n",
    };
    size_t length = 0;

    if (shape < (int)INFRA__COUNT_OF(few)) {
        publish_text(few[shape]);
        return;
    }
    many[0] = '\0';
    for (unsigned i = 0; i < 1000; i++) {
        length += (size_t)snprintf(
            many + length, sizeof many - length,
            "allow 10.%u.%u.0/24\ndeny 10.%u.%u.8/29\nallow 2001:db8:%x::/48\n",
            i / 250, i % 250, i / 250, i % 250, 2 * i);
    }
    publish_text(many);
}

/* The text is the same in parts of any size. */
START_TEST(parts_make_the_same_text)
{
    static char whole[TEXT_MAX];

    publish_shape(_i);
    strcpy(whole, print(TEXT_MAX));
    ck_assert_str_eq(print(INFRA_ACCESS_NFT_LINE_MAX), whole);
    ck_assert_str_eq(print(INFRA_ACCESS_NFT_LINE_MAX + 77), whole);
}
END_TEST

/* The exit status of a shell command. */
static int run(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The real nft takes each shape after the other, each replacing the one before,
 * where there are an nft and the right to a network namespace. */
START_TEST(nft_takes_it)
{
    char path[] = "/tmp/infra-nft-XXXXXX", command[200];

    if (run("{ command -v nft && unshare -n true; } >/dev/null 2>&1") != 0) {
        return;
    }
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    for (int shape = 0; shape < SHAPES; shape++) {
        publish_shape(shape);
        ck_assert_int_ge(fputs(print(TEXT_MAX), file), 0);
    }
    ck_assert_int_eq(fclose(file), 0);
    snprintf(command, sizeof command, "unshare -n nft -f %s", path);
    int status = run(command);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* After a publish the text is to be begun again; before one there is none. */
START_TEST(a_publish_ends_a_text)
{
    struct infra_access_nft nft = { .size = sizeof nft,
                                    .ports = ports,
                                    .ports_count = 2 };
    struct infra_access_nft_cursor cursor = { .part = 0 };
    char part[INFRA_ACCESS_NFT_LINE_MAX];

    ck_assert_int_eq(
        infra_access_print_nft(access_, &nft, &cursor, part, sizeof part),
        INFRA_EAGAIN);
    publish_shape(5);
    ck_assert_int_gt(
        infra_access_print_nft(access_, &nft, &cursor, part, sizeof part), 0);
    publish_shape(5);
    ck_assert_int_eq(
        infra_access_print_nft(access_, &nft, &cursor, part, sizeof part),
        INFRA_ESTALE);
}
END_TEST

/* Names and ports that are none, which might be other commands. */
START_TEST(bad_names_are_refused)
{
    static const char *const names[] = {
        "",    "1a",  "a b", "a;flush",
        "a\n", "a-b", "_a",  "a2345678901234567890123456789012"
    };
    static const uint16_t zero[] = { 0 };
    struct infra_access_nft good = { .size = sizeof good,
                                     .table = "my_table4",
                                     .ports = ports,
                                     .ports_count = 2 };
    struct infra_access_nft_cursor c = { .part = 0 };
    static char part[2 * INFRA_ACCESS_NFT_LINE_MAX];
    struct infra_access_nft nft = good;

    publish_shape(0);
    for (size_t i = 0; i < INFRA__COUNT_OF(names); i++) {
        nft.table = names[i];
        ck_assert_int_eq(
            infra_access_print_nft(access_, &nft, &c, part, sizeof part),
            INFRA_EINVAL);
    }
    nft = good;
    nft.ports = zero;
    nft.ports_count = 1;
    ck_assert_int_eq(
        infra_access_print_nft(access_, &nft, &c, part, sizeof part),
        INFRA_EINVAL);
    nft = good;
    nft.ports_count = 0;
    ck_assert_int_eq(
        infra_access_print_nft(access_, &nft, &c, part, sizeof part),
        INFRA_EINVAL);
    nft.ports_count = INFRA_ACCESS_NFT_PORTS_MAX + 1;
    ck_assert_int_eq(
        infra_access_print_nft(access_, &nft, &c, part, sizeof part),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_access_print_nft(NULL, &good, &c, part, sizeof part),
                     INFRA_EINVAL);
    ck_assert_int_eq(
        infra_access_print_nft(access_, NULL, &c, part, sizeof part),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_access_print_nft(access_, &good, NULL, part, sizeof part),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_access_print_nft(access_, &good, &c, NULL, sizeof part),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_access_print_nft(access_, &good, &c, part, 1023),
                     INFRA_EINVAL);
    ck_assert_int_gt(
        infra_access_print_nft(access_, &good, &c, part, sizeof part), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_nft");
    TCase *tc = tcase_create("nft");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ranges_need_no_order);
    tcase_add_loop_test(tc, parts_make_the_same_text, 0, SHAPES);
    tcase_add_test(tc, nft_takes_it);
    tcase_add_test(tc, a_publish_ends_a_text);
    tcase_add_test(tc, bad_names_are_refused);
    suite_add_tcase(s, tc);
    return test_main(s);
}
