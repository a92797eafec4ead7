/* SPDX-License-Identifier: MIT */
#include "lease_files.h"

#include <infra/driver.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct test_heap lease_heap;
char lease_directory[64];
char lease_path[96];
static int fds_before;

int lease_open_at(struct infra_lease **ret, const char *path,
                  uint64_t incarnation)
{
    const struct infra_lease_file_options o = { .size = sizeof o,
                                                .allocator =
                                                    &lease_heap.allocator,
                                                .path = path,
                                                .node = "node-a",
                                                .incarnation = incarnation,
                                                .ttl = CONTRACT_TTL };

    return infra_lease_file(ret, &o);
}

int lease_open(struct infra_lease **ret, uint64_t incarnation)
{
    return lease_open_at(ret, lease_path, incarnation);
}

void lease_files_setup(void)
{
    fds_before = test_open_fds();
    test_heap_init(&lease_heap, -1);
    contract_now = INFRA_SEC(100);
    (void)snprintf(lease_directory, sizeof lease_directory,
                   "/tmp/infra-lease-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(lease_directory));
    (void)snprintf(lease_path, sizeof lease_path, "%s/lease", lease_directory);
    ck_assert_int_eq(lease_open(&contract_a, 17), INFRA_OK);
    ck_assert_int_eq(lease_open(&contract_b, 18), INFRA_OK);
}

void lease_files_teardown(void)
{
    infra_lease_destroy(contract_a);
    infra_lease_destroy(contract_b);
    (void)unlink(lease_path);
    ck_assert_int_eq(rmdir(lease_directory), 0);
    ck_assert_int_eq(lease_heap.live, 0);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

struct infra_lease_reply lease_read(struct infra_lease *lease)
{
    return contract_call(lease, INFRA_LEASE_OP_READ, 0, 0);
}

bool lease_is_hinted(struct infra_lease *lease)
{
    struct infra_lease_reply r;

    return infra_lease_next(lease, contract_now, &r) == INFRA_OK && r.call == 0;
}
