/* SPDX-License-Identifier: MIT */
/* Leases in a file of a directory of their own: the lease clients A and B of
 * lease_contract.h, and more of them. */
#ifndef TESTS_LEASE_FILES_H
#define TESTS_LEASE_FILES_H

#include "lease_contract.h"
#include "support.h"

#include <stdbool.h>

extern struct test_heap lease_heap;
extern char lease_directory[64];
extern char lease_path[96];

/* Fixture: opens A and B. The teardown finds no memory and no descriptor
 * left. */
void lease_files_setup(void);
void lease_files_teardown(void);

/* Open a lease client at this path, or at the fixture's. */
int lease_open_at(struct infra_lease **ret, const char *path,
                  uint64_t incarnation);
int lease_open(struct infra_lease **ret, uint64_t incarnation);

struct infra_lease_reply lease_read(struct infra_lease *lease);

/* Take a hint, if there is one. */
bool lease_is_hinted(struct infra_lease *lease);

#endif
