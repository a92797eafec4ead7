/* SPDX-License-Identifier: MIT */
/* An access with one reader, its rules given as text. */
#ifndef TESTS_ACCESS_FIXTURE_H
#define TESTS_ACCESS_FIXTURE_H

#include "support.h"

#include <infra/access.h>
#include <string.h>

static struct test_heap heap;
static struct infra_access *access_;
static struct infra_access_reader *reader;

static inline void setup_with(const struct infra_access_options *options)
{
    ck_assert_int_eq(infra_access_create(&access_, options), INFRA_OK);
    ck_assert_int_eq(infra_access_reader_create(&reader, access_), INFRA_OK);
}

static inline void setup(void)
{
    test_heap_init(&heap, -1);
    struct infra_access_options o = { .size = sizeof o,
                                      .allocator = &heap.allocator };
    setup_with(&o);
}

static inline void teardown(void)
{
    infra_access_reader_destroy(reader);
    infra_access_destroy(access_);
    ck_assert_int_eq(heap.live, 0);
}

static inline int load(const char *text, struct infra_access_problem *ret)
{
    return infra_access_load(access_, text, strlen(text), ret);
}

static inline void publish_text(const char *text)
{
    struct infra_access_problem p;

    ck_assert_msg(load(text, &p) == INFRA_OK, "%s", text);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
}

static inline struct infra_address address(const char *text)
{
    struct infra_address a = { { 0 } };

    ck_assert_msg(infra_address_parse(text, strlen(text), &a) == INFRA_OK, "%s",
                  text);
    return a;
}

/* The id of the rule that decides; @ret_allowed: NULL or the action. */
static inline uint32_t rule_for(const char *text, int *ret_allowed)
{
    struct infra_address a = address(text);
    uint32_t rule = 0;
    int allowed = infra_access_check(reader, &a, &rule);

    if (ret_allowed != NULL) {
        *ret_allowed = allowed;
    }
    return rule;
}

#endif
