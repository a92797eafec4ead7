/* The lease in memory: the contract, and failing on demand. */
#include "lease_contract.h"
#include "support.h"

#include "base/internal.h"
#include "base/random.h"
#include "lease/memory.h"

#include <stdbool.h>

static struct test_heap heap;
static struct infra_lease_cell cell;

static int open_way(struct infra_lease **ret, uint64_t incarnation)
{
    const struct infra_lease_memory_options o = { .size = sizeof o,
                                                  .allocator = &heap.allocator,
                                                  .cell = &cell,
                                                  .incarnation = incarnation,
                                                  .ttl = CONTRACT_TTL };

    return infra_lease_memory(ret, &o);
}

static void setup(void)
{
    test_heap_init(&heap, -1);
    contract_now = INFRA_SEC(100);
    cell = (struct infra_lease_cell) { 0 };
    ck_assert_int_eq(open_way(&contract_a, 17), INFRA_OK);
    ck_assert_int_eq(open_way(&contract_b, 18), INFRA_OK);
}

static void teardown(void)
{
    infra_lease_destroy(contract_a);
    infra_lease_destroy(contract_b);
    ck_assert_int_eq(heap.live, 0);
}

static struct infra_lease_call acquire_call(void)
{
    return (struct infra_lease_call) { .id = 77,
                                       .op = INFRA_LEASE_OP_ACQUIRE,
                                       .deadline =
                                           contract_now + INFRA_MS(500) };
}

/* The token is greater than the asker's floor, and all later ones are. */
START_TEST(tokens_are_greater_than_the_floor)
{
    struct infra_lease_answer a =
        contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 41);

    ck_assert_uint_eq(a.token, 42);
    (void)contract_do(contract_a, INFRA_LEASE_OP_RELEASE, 42);
    ck_assert_uint_eq(contract_acquire(contract_b), 43);
}
END_TEST

/* A lost reply, a lost call: nothing until the deadline, then UNKNOWN; the one
 * was carried out and the other not. */
START_TEST(what_is_lost_is_unknown_at_its_deadline)
{
    static const struct {
        enum infra__lease_fault fault;
        uint32_t found;
    } rows[] = {
        { INFRA__LEASE_FAULT_LOSE_REPLY, INFRA_LEASE_OUTCOME_GRANTED },
        { INFRA__LEASE_FAULT_LOSE_CALL, INFRA_LEASE_OUTCOME_LOST },
    };
    struct infra_lease_call call = acquire_call();
    struct infra_lease_reply r;

    infra__lease_memory_fault(&cell, rows[_i].fault);
    ck_assert_int_eq(infra_lease_begin(contract_a, &call, contract_now),
                     INFRA_OK);
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r),
                     INFRA_EAGAIN);
    ck_assert_uint_eq(infra_lease_deadline(contract_a), call.deadline);
    contract_now = call.deadline - 1;
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r),
                     INFRA_EAGAIN);
    contract_now++;
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r), INFRA_OK);
    ck_assert_uint_eq(r.call, call.id);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_TIMEOUT);
    ck_assert_uint_eq(infra_lease_deadline(contract_a), INFRA_TIME_NEVER);
    /* Once only. */
    ck_assert_uint_eq(contract_do(contract_a, INFRA_LEASE_OP_READ, 0).outcome,
                      rows[_i].found);
}
END_TEST

/* The same of the record; and one that is asked anew has one answer. */
START_TEST(a_lost_record_is_unknown_at_its_deadline)
{
    uint64_t token = contract_acquire(contract_a);
    infra_time deadline = contract_now + INFRA_MS(500);
    struct infra_lease_record r;

    infra__lease_memory_fault(&cell, (enum infra__lease_fault)_i);
    ck_assert_int_eq(infra_lease_write_record(contract_a, token, "x", 1,
                                              deadline, contract_now),
                     INFRA_OK);
    ck_assert_uint_eq(infra_lease_deadline(contract_a), deadline);
    contract_now = deadline - 1;
    ck_assert_int_eq(infra_lease_take_record(contract_a, contract_now, &r),
                     INFRA_EAGAIN);
    contract_now++;
    ck_assert_int_eq(infra_lease_take_record(contract_a, contract_now, &r),
                     INFRA_OK);
    ck_assert_uint_eq(r.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_TIMEOUT);
    ck_assert_uint_eq(r.count, 0);
    ck_assert_uint_eq(infra_lease_deadline(contract_a), INFRA_TIME_NEVER);
    ck_assert_uint_eq(contract_record(contract_a, token, NULL).count,
                      _i == INFRA__LEASE_FAULT_LOSE_REPLY ? 1 : 0);
    ck_assert_int_eq(
        infra_lease_read_record(contract_a, token, deadline, contract_now),
        INFRA_OK);
    ck_assert_uint_eq(contract_record(contract_a, token, "yz").count, 2);
}
END_TEST

/* An answer that was not taken is not the answer to the next call. */
START_TEST(an_old_answer_is_dropped)
{
    struct infra_lease_call call = acquire_call();
    struct infra_lease_reply r;

    ck_assert_int_eq(infra_lease_begin(contract_a, &call, contract_now),
                     INFRA_OK);
    infra__lease_memory_fault(&cell, INFRA__LEASE_FAULT_LOSE_CALL);
    ck_assert_int_eq(infra_lease_begin(contract_a, &call, contract_now),
                     INFRA_OK);
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r),
                     INFRA_EAGAIN);
}
END_TEST

/* Revoked, it is free at once, but not clean. */
START_TEST(expired_on_demand)
{
    infra__lease_memory_fault(&cell, INFRA__LEASE_FAULT_EXPIRE);
    ck_assert_uint_eq(contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 0).clean,
                      1);
    infra__lease_memory_fault(&cell, INFRA__LEASE_FAULT_EXPIRE);
    struct infra_lease_answer a =
        contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(a.clean, 0);
}
END_TEST

/* After a regress tokens are old ones, whatever the asker knows. */
START_TEST(regressed_on_demand)
{
    for (int i = 0; i < 5; i++) {
        uint64_t token = contract_acquire(contract_a);
        (void)contract_do(contract_a, INFRA_LEASE_OP_RELEASE, token);
    }
    infra__lease_memory_fault(&cell, INFRA__LEASE_FAULT_REGRESS);
    ck_assert_uint_eq(contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 5).token,
                      1);
}
END_TEST

/* Whatever two nodes ask, at any times: one holds it, tokens grow, and what was
 * granted holds for its ttl. */
START_TEST(one_holder_whatever_is_asked)
{
    uint64_t random = (uint64_t)_i;
    uint64_t greatest = 0;
    uint64_t held[2] = { 0, 0 };
    infra_time until[2] = { 0, 0 };
    struct infra_lease *const way[2] = { contract_a, contract_b };

    for (int i = 0; i < 2000; i++) {
        uint32_t who = infra__below(infra__random(&random), 2);
        uint32_t op = infra__below(infra__random(&random), 5);
        contract_now +=
            infra__below(infra__random(&random), (uint32_t)CONTRACT_TTL / 2);
        uint64_t token = op == INFRA_LEASE_OP_ACQUIRE ? 0 : held[who];
        struct infra_lease_answer a = contract_do(way[who], op, token);
        bool others = until[!who] > contract_now;
        if (op == INFRA_LEASE_OP_RELEASE) {
            until[who] = 0;
        } else if (op != INFRA_LEASE_OP_REQUEST && op != INFRA_LEASE_OP_READ &&
                   a.outcome == INFRA_LEASE_OUTCOME_GRANTED) {
            ck_assert(!others);
            ck_assert(op != INFRA_LEASE_OP_ACQUIRE || a.token > greatest);
            greatest = a.token;
            held[who] = a.token;
            until[who] = contract_now + a.ttl;
        } else if (a.outcome == INFRA_LEASE_OUTCOME_LOST) {
            ck_assert(!others && until[who] <= contract_now);
        } else if (a.outcome == INFRA_LEASE_OUTCOME_CONFLICT) {
            ck_assert(others);
        }
    }
    ck_assert_uint_gt(greatest, 20);
}
END_TEST

/* One allocation, which may fail. */
START_TEST(every_allocation_may_fail)
{
    struct infra_lease *lease = NULL;

    teardown();
    test_heap_init(&heap, 0);
    ck_assert_int_eq(open_way(&lease, 17), INFRA_ENOMEM);
    ck_assert_ptr_null(lease);
    heap.countdown = 1;
    ck_assert_int_eq(open_way(&lease, 17), INFRA_OK);
    contract_a = lease;
    contract_b = NULL;
    (void)contract_acquire(contract_a);
}
END_TEST

/* What is missing, and structs of the past and the future. */
START_TEST(options_are_looked_at)
{
    struct {
        struct infra_lease_memory_options known;
        uint64_t unknown;
    } o = { .known = { .size = sizeof o, .cell = &cell, .incarnation = 1 } };
    struct infra_lease *lease = NULL;

    ck_assert_int_eq(infra_lease_memory(NULL, &o.known), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_memory(&lease, NULL), INFRA_EINVAL);
    o.unknown = 1;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_ESTRUCT);
    o.known.size = 8;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_EINVAL);
    o.known.size = sizeof o.known;
    o.known.cell = NULL;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_EINVAL);
    o.known.cell = &cell;
    o.known.incarnation = 0;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_EINVAL);
    o.known.incarnation = 1;
    o.known.ttl = INFRA_MS(100) - 1;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_EINVAL);
    o.known.ttl = INFRA_SEC(3600) + 1;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_EINVAL);
    ck_assert_ptr_null(lease);
    o.known.ttl = 0;
    o.known.size = sizeof o;
    o.unknown = 0;
    ck_assert_int_eq(infra_lease_memory(&lease, &o.known), INFRA_OK);
    ck_assert_uint_eq(contract_do(lease, INFRA_LEASE_OP_ACQUIRE, 0).ttl,
                      INFRA_SEC(10));
    infra_lease_destroy(lease);
}
END_TEST

/* Each reason has a word of its own. */
START_TEST(reasons_have_names)
{
    for (uint32_t i = 0; i <= INFRA_LEASE_REASON_TLS; i++) {
        ck_assert_str_ne(infra_lease_reason_name(i), "unknown");
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_str_ne(infra_lease_reason_name(i),
                             infra_lease_reason_name(j));
        }
    }
    ck_assert_str_eq(infra_lease_reason_name(INFRA_LEASE_REASON_TLS + 1),
                     "unknown");
}
END_TEST

static Suite *lease_memory_suite(void)
{
    Suite *s = suite_create("lease_memory");
    TCase *tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, setup, teardown);
    contract_add_tests(tc);
    tcase_add_test(tc, tokens_are_greater_than_the_floor);
    tcase_add_loop_test(tc, one_holder_whatever_is_asked, 0, 20);
    suite_add_tcase(s, tc);

    tc = tcase_create("faults");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_is_lost_is_unknown_at_its_deadline, 0, 2);
    tcase_add_loop_test(tc, a_lost_record_is_unknown_at_its_deadline,
                        INFRA__LEASE_FAULT_LOSE_REPLY,
                        INFRA__LEASE_FAULT_LOSE_CALL + 1);
    tcase_add_test(tc, an_old_answer_is_dropped);
    tcase_add_test(tc, expired_on_demand);
    tcase_add_test(tc, regressed_on_demand);
    suite_add_tcase(s, tc);

    tc = tcase_create("create");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, options_are_looked_at);
    tcase_add_test(tc, reasons_have_names);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(lease_memory_suite());
}
