#include "lease_contract.h"

#include "base/internal.h"

#include <string.h>

struct infra_lease *contract_a;
struct infra_lease *contract_b;
infra_time contract_now;

static uint64_t calls_count;

static struct infra_lease_call call_of(uint32_t op, uint64_t token,
                                       uint64_t request)
{
    return (struct infra_lease_call) {
        .id = ++calls_count,
        .token = token,
        .deadline = contract_now + INFRA_MS(500),
        .op = op,
        .handover_request = request,
    };
}

struct infra_lease_reply contract_call(struct infra_lease *lease, uint32_t op,
                                       uint64_t token, uint64_t request)
{
    struct infra_lease_call call = call_of(op, token, request);
    struct infra_lease_reply reply;

    ck_assert_int_eq(infra_lease_begin(lease, &call, contract_now), INFRA_OK);
    do {
        ck_assert_uint_eq(infra_lease_deadline(lease), 0);
        ck_assert_int_eq(infra_lease_next(lease, contract_now, &reply),
                         INFRA_OK);
    } while (reply.call == 0);
    ck_assert_uint_eq(reply.call, call.id);
    return reply;
}

struct infra_lease_answer contract_do(struct infra_lease *lease, uint32_t op,
                                      uint64_t token)
{
    return contract_call(lease, op, token, 0).answer;
}

uint64_t contract_acquire(struct infra_lease *lease)
{
    struct infra_lease_answer a = contract_do(lease, INFRA_LEASE_OP_ACQUIRE, 0);

    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_ge(a.ttl, CONTRACT_TTL);
    return a.token;
}

struct infra_lease_record contract_record(struct infra_lease *lease,
                                          uint64_t token, const char *text)
{
    infra_time deadline = contract_now + INFRA_MS(500);
    struct infra_lease_record r;
    int err =
        text == NULL
            ? infra_lease_read_record(lease, token, deadline, contract_now)
            : infra_lease_write_record(lease, token, text, strlen(text),
                                       deadline, contract_now);

    ck_assert_int_eq(err, INFRA_OK);
    ck_assert_uint_eq(infra_lease_deadline(lease), 0);
    ck_assert_int_eq(infra_lease_take_record(lease, contract_now, &r),
                     INFRA_OK);
    ck_assert_int_eq(infra_lease_take_record(lease, contract_now, &r),
                     INFRA_EAGAIN);
    return r;
}

static void expect(struct infra_lease *lease, uint32_t op, uint64_t token,
                   uint32_t outcome)
{
    struct infra_lease_answer a = contract_do(lease, op, token);

    ck_assert_msg(a.outcome == outcome, "%s: %s, not %s",
                  infra_lease_op_name(op), infra_lease_outcome_name(a.outcome),
                  infra_lease_outcome_name(outcome));
}

/* The holder keeps the lease for a ttl from the last renewal; then another
 * node takes it with a greater token. */
START_TEST(one_holds_it_until_it_runs_out)
{
    expect(contract_a, INFRA_LEASE_OP_READ, 0, INFRA_LEASE_OUTCOME_LOST);
    uint64_t token = contract_acquire(contract_a);
    ck_assert_uint_gt(token, 0);
    expect(contract_a, INFRA_LEASE_OP_READ, 0, INFRA_LEASE_OUTCOME_GRANTED);
    contract_now += CONTRACT_TTL - 1;
    struct infra_lease_answer a =
        contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(a.token, token);
    a = contract_do(contract_a, INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(a.ttl, CONTRACT_TTL); /* As it was given. */
    a = contract_do(contract_a, INFRA_LEASE_OP_RENEW, token);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(a.token, token);
    ck_assert_uint_ge(a.ttl, CONTRACT_TTL);
    contract_now += CONTRACT_TTL - 1;
    expect(contract_b, INFRA_LEASE_OP_READ, 0, INFRA_LEASE_OUTCOME_CONFLICT);
    contract_now += 1;
    expect(contract_b, INFRA_LEASE_OP_READ, 0, INFRA_LEASE_OUTCOME_LOST);
    a = contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_gt(a.token, token);
    ck_assert_uint_eq(a.clean, 0);
    expect(contract_a, INFRA_LEASE_OP_RENEW, token,
           INFRA_LEASE_OUTCOME_CONFLICT);
}
END_TEST

/* Clean: nobody ever held it, or the holder released it. Not clean: it ran
 * out, until a holder releases it. */
START_TEST(clean_is_what_was_released)
{
    struct infra_lease_answer a =
        contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.clean, 1);
    expect(contract_a, INFRA_LEASE_OP_RELEASE, a.token,
           INFRA_LEASE_OUTCOME_GRANTED);
    a = contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.clean, 1);
    contract_now += CONTRACT_TTL;
    for (int i = 0; i < 2; i++) {
        a = contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 0);
        ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
        ck_assert_uint_eq(a.clean, 0);
        contract_now += CONTRACT_TTL;
    }
    a = contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    expect(contract_b, INFRA_LEASE_OP_RELEASE, a.token,
           INFRA_LEASE_OUTCOME_GRANTED);
    a = contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.clean, 1);
}
END_TEST

/* An ACQUIRE that finds the lease to be the caller's tells nothing; a READ does
 * then, with its token. */
START_TEST(what_is_ours_already_is_unknown)
{
    uint64_t token = contract_acquire(contract_a);

    struct infra_lease_reply r =
        contract_call(contract_a, INFRA_LEASE_OP_ACQUIRE, token, 0);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_OURS);
    struct infra_lease_answer a =
        contract_do(contract_a, INFRA_LEASE_OP_READ, token);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(a.token, token);
    struct infra_lease_status stats = { .size = sizeof stats };
    ck_assert_int_eq(infra_lease_inspect(contract_a, &stats), INFRA_OK);
    ck_assert_uint_eq(stats.calls, 3);
    ck_assert_uint_eq(stats.unknowns, 1);
    ck_assert_uint_eq(stats.reason, INFRA_LEASE_REASON_OURS);
}
END_TEST

/* RENEW and RELEASE mean one token: of another they change nothing. */
START_TEST(late_calls_do_no_harm)
{
    uint64_t first = contract_acquire(contract_a);
    expect(contract_a, INFRA_LEASE_OP_RELEASE, first,
           INFRA_LEASE_OUTCOME_GRANTED);
    expect(contract_a, INFRA_LEASE_OP_RENEW, first, INFRA_LEASE_OUTCOME_LOST);
    uint64_t second = contract_acquire(contract_a);
    ck_assert_uint_gt(second, first);
    expect(contract_a, INFRA_LEASE_OP_RELEASE, first,
           INFRA_LEASE_OUTCOME_GRANTED);
    expect(contract_a, INFRA_LEASE_OP_RENEW, first, INFRA_LEASE_OUTCOME_LOST);
    expect(contract_b, INFRA_LEASE_OP_RELEASE, second,
           INFRA_LEASE_OUTCOME_GRANTED);
    struct infra_lease_answer a =
        contract_do(contract_b, INFRA_LEASE_OP_RENEW, second);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(a.token, second);
    expect(contract_a, INFRA_LEASE_OP_RENEW, second,
           INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* Holder and standbys read the greatest request; an ACQUIRE ends it, and so
 * does time. */
START_TEST(a_request_is_told)
{
    uint64_t token = contract_acquire(contract_a);
    struct infra_lease_reply r =
        contract_call(contract_b, INFRA_LEASE_OP_REQUEST, token, 7);

    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_ne(r.answer.token, 0);
    (void)contract_call(contract_b, INFRA_LEASE_OP_REQUEST, token, 6);
    struct infra_lease_answer a =
        contract_do(contract_a, INFRA_LEASE_OP_RENEW, token);
    ck_assert_uint_eq(a.handover_request, 7);
    contract_now += CONTRACT_TTL - 1;
    a = contract_do(contract_a, INFRA_LEASE_OP_RENEW, token);
    ck_assert_uint_eq(a.handover_request, 7);
    contract_now += 1;
    a = contract_do(contract_a, INFRA_LEASE_OP_RENEW, token);
    ck_assert_uint_eq(a.handover_request, 0);
    (void)contract_call(contract_b, INFRA_LEASE_OP_REQUEST, token, 6);
    expect(contract_a, INFRA_LEASE_OP_RELEASE, token,
           INFRA_LEASE_OUTCOME_GRANTED);
    a = contract_do(contract_a, INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_eq(a.handover_request, 6);
    (void)contract_acquire(contract_b);
    a = contract_do(contract_b, INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(a.handover_request, 0);
    (void)contract_call(contract_a, INFRA_LEASE_OP_REQUEST, a.token, 256);
    (void)contract_call(contract_a, INFRA_LEASE_OP_REQUEST, a.token, 10);
    a = contract_do(contract_b, INFRA_LEASE_OP_RENEW, a.token);
    ck_assert_uint_eq(a.handover_request, 256);
}
END_TEST

/* A new call replaces the one whose answer was not taken. */
START_TEST(a_new_call_replaces_the_old_one)
{
    struct infra_lease_call first = call_of(INFRA_LEASE_OP_READ, 0, 0);
    struct infra_lease_call second = call_of(INFRA_LEASE_OP_READ, 0, 0);
    struct infra_lease_reply reply;

    ck_assert_int_eq(infra_lease_begin(contract_a, &first, contract_now),
                     INFRA_OK);
    ck_assert_int_eq(infra_lease_begin(contract_a, &second, contract_now),
                     INFRA_OK);
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &reply),
                     INFRA_OK);
    ck_assert_uint_eq(reply.call, second.id);
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &reply),
                     INFRA_EAGAIN);
}
END_TEST

/* What is no call is refused, and nothing is asked then. */
START_TEST(arguments_are_looked_at)
{
    struct infra_lease_call good = call_of(INFRA_LEASE_OP_READ, 0, 0);
    struct infra_lease_call bad = good;
    struct infra_lease_reply reply;
    struct infra_lease_status stats = { .size = 1 };
    struct infra_exchange x;

    ck_assert_int_eq(infra_lease_begin(NULL, &good, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_begin(contract_a, NULL, 0), INFRA_EINVAL);
    bad.id = 0;
    ck_assert_int_eq(infra_lease_begin(contract_a, &bad, 0), INFRA_EINVAL);
    bad = good;
    bad.op = INFRA_LEASE_OP_REQUEST + 1;
    ck_assert_int_eq(infra_lease_begin(contract_a, &bad, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &reply),
                     INFRA_EAGAIN);
    ck_assert_int_eq(infra_lease_next(NULL, 0, &reply), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_next(contract_a, 0, NULL), INFRA_EINVAL);
    ck_assert_uint_eq(infra_lease_deadline(NULL), INFRA_TIME_NEVER);
    ck_assert_int_eq(infra_lease_inspect(contract_a, &stats), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_inspect(contract_a, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_inspect(NULL, &stats), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_exchange(NULL, 0, &x), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_exchange(contract_a, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_exchange(contract_a, 99, &x), INFRA_ENOENT);
    infra_lease_destroy(NULL);
}
END_TEST

static void expect_record(struct infra_lease *lease, uint64_t token,
                          uint32_t outcome, const char *text)
{
    struct infra_lease_record r = contract_record(lease, token, NULL);

    ck_assert_uint_eq(r.outcome, outcome);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_NONE);
    ck_assert_uint_eq(r.count, strlen(text));
    ck_assert_int_eq(memcmp(r.bytes, text, r.count), 0);
}

static void expect_write(struct infra_lease *lease, uint64_t token,
                         const char *text, uint32_t outcome)
{
    struct infra_lease_record r = contract_record(lease, token, text);

    ck_assert_msg(r.outcome == outcome, "%s, not %s",
                  infra_lease_outcome_name(r.outcome),
                  infra_lease_outcome_name(outcome));
    ck_assert_uint_eq(
        r.count, outcome == INFRA_LEASE_OUTCOME_GRANTED ? strlen(text) : 0);
}

/* Only the holder writes the record, and the next holder reads it. */
START_TEST(the_record_is_the_holders)
{
    expect_record(contract_b, 0, INFRA_LEASE_OUTCOME_GRANTED, "");
    expect_write(contract_a, 1, "nobody", INFRA_LEASE_OUTCOME_LOST);
    uint64_t first = contract_acquire(contract_a);
    expect_record(contract_a, first, INFRA_LEASE_OUTCOME_GRANTED, "");
    expect_write(contract_a, first, "one", INFRA_LEASE_OUTCOME_GRANTED);
    expect_write(contract_a, first + 1, "two", INFRA_LEASE_OUTCOME_LOST);
    expect_write(contract_b, first, "two", INFRA_LEASE_OUTCOME_CONFLICT);
    expect_record(contract_b, first, INFRA_LEASE_OUTCOME_CONFLICT, "");
    expect_record(contract_b, 0, INFRA_LEASE_OUTCOME_GRANTED, "one");
    expect_write(contract_a, first, "t", INFRA_LEASE_OUTCOME_GRANTED);

    (void)contract_do(contract_a, INFRA_LEASE_OP_RELEASE, first);
    expect_write(contract_a, first, "two", INFRA_LEASE_OUTCOME_LOST);
    uint64_t second = contract_acquire(contract_b);
    expect_write(contract_a, first, "two", INFRA_LEASE_OUTCOME_CONFLICT);
    expect_record(contract_b, second, INFRA_LEASE_OUTCOME_GRANTED, "t");
}
END_TEST

/* A lease that has run out gives no right to write. */
START_TEST(a_record_is_not_written_late)
{
    uint64_t token = contract_acquire(contract_a);

    expect_write(contract_a, token, "one", INFRA_LEASE_OUTCOME_GRANTED);
    contract_now += 2 * CONTRACT_TTL;
    expect_write(contract_a, token, "two", INFRA_LEASE_OUTCOME_LOST);
    expect_record(contract_a, 0, INFRA_LEASE_OUTCOME_GRANTED, "one");
}
END_TEST

/* As long as it may be, and no longer; and nothing else is refused. */
START_TEST(records_are_bounded)
{
    char text[INFRA_LEASE_RECORD_MAX + 2];
    struct infra_lease_record r;
    uint64_t token = contract_acquire(contract_a);

    memset(text, 0xff, sizeof text);
    ck_assert_int_eq(infra_lease_write_record(contract_a, token, text,
                                              INFRA_LEASE_RECORD_MAX + 1, 0, 0),
                     INFRA_EINVAL);
    text[INFRA_LEASE_RECORD_MAX] = '\0';
    expect_write(contract_a, token, text, INFRA_LEASE_OUTCOME_GRANTED);
    expect_record(contract_a, token, INFRA_LEASE_OUTCOME_GRANTED, text);
    ck_assert_int_eq(infra_lease_write_record(contract_a, token, text, 0, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_write_record(contract_a, 0, text, 1, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_write_record(contract_a, 1, NULL, 1, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_write_record(NULL, 1, text, 1, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_read_record(NULL, 1, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_take_record(NULL, 0, &r), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_take_record(contract_a, 0, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_take_record(contract_a, 0, &r), INFRA_EAGAIN);
}
END_TEST

void contract_add_tests(TCase *tc)
{
    tcase_add_test(tc, one_holds_it_until_it_runs_out);
    tcase_add_test(tc, clean_is_what_was_released);
    tcase_add_test(tc, what_is_ours_already_is_unknown);
    tcase_add_test(tc, late_calls_do_no_harm);
    tcase_add_test(tc, a_request_is_told);
    tcase_add_test(tc, a_new_call_replaces_the_old_one);
    tcase_add_test(tc, the_record_is_the_holders);
    tcase_add_test(tc, a_record_is_not_written_late);
    tcase_add_test(tc, records_are_bounded);
    tcase_add_test(tc, arguments_are_looked_at);
}
