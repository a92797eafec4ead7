/* SPDX-License-Identifier: MIT */
#include "mysql_check.h"

#include <check.h>

struct mysql_check mysql;

void mysql_setup_silent(void)
{
    test_heap_init(&mysql.heap, -1);
    mysql.probe = NULL;
    mysql.peer = (struct peer) { 0 };
}

void mysql_setup(void)
{
    mysql_setup_silent();
    peer_greet(&mysql.peer, PEER_MARIADB);
    peer_log_in(&mysql.peer);
}

void mysql_teardown(void)
{
    infra_probe_destroy(mysql.probe);
    ck_assert_int_eq(mysql.heap.live, 0);
}

void mysql_create_as(struct infra_probe_mysql_options options)
{
    options.size = sizeof options;
    options.allocator = &mysql.heap.allocator;
    ck_assert_int_eq(infra_probe_mysql(&mysql.probe, &options), INFRA_OK);
}

void mysql_create(struct infra_probe_mysql_options options)
{
    options.user = "check";
    options.password = "secret";
    mysql_create_as(options);
}

struct infra_probe_result mysql_run(void)
{
    struct infra_probe_result whole =
        peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct infra_probe_result r =
            peer_run(&mysql.peer, mysql.probe,
                     seed == 0 ? TEST_SPLIT_BYTES : TEST_SPLIT_RANDOM, seed);
        ck_assert_mem_eq(&r, &whole, sizeof r);
    }
    return whole;
}
