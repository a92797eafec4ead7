/* SPDX-License-Identifier: MIT */
#include "probing.h"

#include <string.h>

struct probing probing;

void probing_setup(void)
{
    test_heap_init(&probing.heap, -1);
    probing.probe = NULL;
}

void probing_teardown(void)
{
    infra_probe_destroy(probing.probe);
    ck_assert_int_eq(probing.heap.live, 0);
}

struct infra_probe_result probing_run(struct test_transport *t)
{
    struct infra_probe_result r;

    infra_probe_start(probing.probe, 0, t->now);
    test_transport_run(t, infra_probe_exchange(probing.probe));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    return r;
}

static bool is_late(uint32_t reason)
{
    return reason == INFRA_PROBE_REASON_NO_REPLY ||
           reason == INFRA_PROBE_REASON_SLOW_REPLY;
}

static void check_result(const struct test_reply *reply,
                         const struct infra_probe_result *r)
{
    const struct infra_probe_result *e = &reply->expected;

    ck_assert_msg(r->reason == e->reason, "%s: %s", reply->name,
                  infra_probe_reason_name(r->reason));
    ck_assert_msg(r->has == e->has && r->status == e->status &&
                      r->role == e->role && r->writable == e->writable &&
                      r->position == e->position && r->lag == e->lag,
                  "%s: told %x, status %u, role %u, writable %u, at %llu",
                  reply->name, r->has, r->status, r->role, r->writable,
                  (unsigned long long)r->position);
    ck_assert_msg(
        r->weight == e->weight && r->weight_percent == e->weight_percent &&
            r->in_flight_max == e->in_flight_max && r->admin == e->admin,
        "%s: weight %u, %u %%, %u in flight, admin %u", reply->name, r->weight,
        r->weight_percent, r->in_flight_max, r->admin);
    ck_assert_msg((r->outcome == INFRA_OUTCOME_OK) ==
                      (r->reason == INFRA_PROBE_REASON_PASSED),
                  "%s: outcome %u", reply->name, r->outcome);
    ck_assert_msg(r->duration == (is_late(r->reason) ? INFRA_SEC(2) : 0),
                  "%s: took %llu ns", reply->name,
                  (unsigned long long)r->duration);
}

void test_probe_reply(struct infra_probe *probe, const struct test_reply *reply,
                      enum test_split split, uint64_t number)
{
    const char *request = reply->request != NULL ? reply->request : "";
    const char *message = reply->message != NULL ? reply->message : "";
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        { .kind = TEST_STEP_EXPECT, .bytes = request, .size = strlen(request) },
        { .kind = TEST_STEP_SEND, .bytes = reply->text, .size = reply->size },
        { .kind = reply->end, .number = INFRA_OUTCOME_RESET },
    };
    struct test_transport t = TEST_TRANSPORT(script);
    struct infra_probe_result r;

    t.steps_count -= reply->end == 0;
    t.split = split;
    t.split_number = number;
    infra_probe_start(probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    check_result(reply, &r);
    const char *text = infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE);
    ck_assert_msg(strcmp(text, message) == 0, "%s: '%s'", reply->name, text);
    ck_assert_msg(t.heard_count == 0, "%s: it says more", reply->name);
}

void test_probe_reply_in_every_split(struct infra_probe *probe,
                                     const struct test_reply *reply)
{
    test_probe_reply(probe, reply, TEST_SPLIT_NONE, 0);
    test_probe_reply(probe, reply, TEST_SPLIT_BYTES, 0);
    for (uint64_t at = 1; at < reply->size; at++) {
        test_probe_reply(probe, reply, TEST_SPLIT_AT, at);
    }
    for (uint64_t seed = 0; seed < 8; seed++) {
        test_probe_reply(probe, reply, TEST_SPLIT_RANDOM, seed);
    }
}
