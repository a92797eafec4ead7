/* SPDX-License-Identifier: MIT */
/* Readers see the former rules or the new ones, never a mixture. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PUBLISHES = 2000, THREADS = 2 };

static atomic_int is_over;

/* Two rules have different actions in every table, so that with their ids they
 * name the edition: 1 and 2, or 3 and 4. */
static void *check_pairs(void *arg)
{
    struct infra_access_reader *r = arg;
    struct infra_address a = infra_address_ipv4(0x0a000001);
    uintptr_t mixed = 0;

    while (!atomic_load(&is_over)) {
        uint32_t rule = 0;
        int allowed = infra_access_check(r, &a, &rule);
        mixed += (rule == 1 && !allowed) || (rule == 3 && allowed) ||
                 (rule != 1 && rule != 3);
    }
    return (void *)mixed;
}

/* An edition is whole while another is published, again and again. */
START_TEST(readers_never_see_a_mixture)
{
    static const char *const texts[] = { "allow 10.0.0.0/8\ndeny 11.0.0.0/8",
                                         "\n\ndeny 10.0.0.0/8\n"
                                         "allow 11.0.0.0/8" };
    struct infra_access_reader *readers[THREADS];
    pthread_t threads[THREADS];

    publish_text(texts[0]);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(infra_access_reader_create(&readers[i], access_),
                         INFRA_OK);
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, check_pairs, readers[i]), 0);
    }
    for (int i = 0; i < PUBLISHES; i++) {
        publish_text(texts[i & 1]);
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < THREADS; i++) {
        void *mixed;
        ck_assert_int_eq(pthread_join(threads[i], &mixed), 0);
        ck_assert_ptr_null(mixed);
        infra_access_reader_destroy(readers[i]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_threads");
    TCase *tc = tcase_create("threads");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, readers_never_see_a_mixture);
    suite_add_tcase(s, tc);
    return test_main(s);
}
