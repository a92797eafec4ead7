/* SPDX-License-Identifier: MIT */
/* The fixture of a MySQL check, logged in or not, and its run in every
 * split. */
#ifndef TESTS_MYSQL_CHECK_H
#define TESTS_MYSQL_CHECK_H

#include "mysql_peer.h"
#include "support.h"

struct mysql_check {
    struct test_heap heap;
    struct infra_probe *probe;
    struct peer peer; /* It has logged "check" in. */
};

extern struct mysql_check mysql;

void mysql_setup(void);
void mysql_teardown(void);

/* The same with a peer that has said nothing yet. */
void mysql_setup_silent(void);

/* With the user that the peer knows. */
void mysql_create(struct infra_probe_mysql_options options);

/* With the user in the options. */
void mysql_create_as(struct infra_probe_mysql_options options);

/* Run the check; the result is the same in every split. */
struct infra_probe_result mysql_run(void);

#endif
