/* SPDX-License-Identifier: MIT */
/* A probe against one reply, in every split. */
#ifndef TESTS_PROBING_H
#define TESTS_PROBING_H

#include "support.h"
#include "transport.h"

#include <infra/probe.h>

/* A server's reply, the end of the connection, and the result. */
struct test_reply {
    const char *name;
    const char *request; /* The expected request; NULL: none. */
    const char *text;
    size_t size;
    enum test_step_kind end; /* EOF, TRUNCATED, FAIL; 0: nothing more. */
    /* Reason, has, and the fields of has. */
    struct infra_probe_result expected;
    const char *message; /* NULL: "". */
};

#define TEST_TEXT(t) .text = (t), .size = sizeof(t) - 1

/* The probe of the running test, and its heap.  Nothing may be left of both. */
struct probing {
    struct test_heap heap;
    struct infra_probe *probe;
};
extern struct probing probing;
void probing_setup(void);
void probing_teardown(void);

/* Run a check of that probe. */
struct infra_probe_result probing_run(struct test_transport *t);

/* Check that the result is the expected one, at the default deadline if the
 * reply was late. */
void test_probe_reply(struct infra_probe *probe, const struct test_reply *reply,
                      enum test_split split, uint64_t number);

/* The same in every split of the reply. */
void test_probe_reply_in_every_split(struct infra_probe *probe,
                                     const struct test_reply *reply);

#endif
