/* What lease.h promises, held against any store: two nodes, A and B, with the
 * ways to one lease that the store's own test opens for them. */
#ifndef TESTS_LEASE_CONTRACT_H
#define TESTS_LEASE_CONTRACT_H

#include <check.h>
#include <infra/lease.h>

#define CONTRACT_TTL INFRA_SEC(4)

/* The ways, opened by the fixture of the store's test. */
extern struct infra_lease *contract_a;
extern struct infra_lease *contract_b;

/* The time, which the calls below are made at. */
extern infra_time contract_now;

/* Ask and take the answer. */
struct infra_lease_reply contract_call(struct infra_lease *lease, uint32_t op,
                                       uint64_t token, uint64_t request);

/* The same with neither, and nothing but the answer. */
struct infra_lease_answer contract_do(struct infra_lease *lease, uint32_t op,
                                      uint64_t token);

/* ACQUIRE, and it is granted. */
uint64_t contract_acquire(struct infra_lease *lease);

/* Read or write the record, and take the answer. @text NULL: read. */
struct infra_lease_record contract_record(struct infra_lease *lease,
                                          uint64_t token, const char *text);

/* The tests of it all. */
void contract_add_tests(TCase *tc);

#endif
