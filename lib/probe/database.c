/* SPDX-License-Identifier: MIT */
#include "database.h"

#include "../base/characters.h"
#include "../base/internal.h"
#include "../base/printable.h"

#include <stdio.h>
#include <string.h>

#define QUESTION_MAX 511u

/* All members before expect have the same size. */
#define BEGINS_ALIKE(type)                                               \
    _Static_assert(offsetof(struct type, expect) ==                      \
                       offsetof(struct infra__database_options, expect), \
                   #type " begins alike")

BEGINS_ALIKE(infra_probe_mysql_options);
BEGINS_ALIKE(infra_probe_pgsql_options);
BEGINS_ALIKE(infra_probe_redis_options);

static struct infra__database_options head_of(const void *options)
{
    struct infra__database_options o;

    memcpy(&o, options, sizeof o);
    return o;
}

static bool has_answer_limits(uint64_t min, uint64_t max)
{
    return min != 0 || max != 0;
}

bool infra__database_options_are_allowed(const void *options, size_t user_max,
                                         size_t password_max)
{
    const struct infra__database_options o = head_of(options);

    return (o.user == NULL || infra__text_fits(o.user, 0, user_max)) &&
           (o.password == NULL ||
            infra__text_fits(o.password, 0, password_max)) &&
           (o.question != NULL
                ? infra__text_fits(o.question, 1, QUESTION_MAX)
                : !has_answer_limits(o.answer_min, o.answer_max)) &&
           (o.answer_max == 0 || o.answer_min <= o.answer_max) &&
           o.expect <= INFRA_PROBE_ROLE_REPLICA && o.ask <= 1;
}

struct infra__database_limits infra__database_limits(const void *options)
{
    const struct infra__database_options o = head_of(options);

    return (struct infra__database_limits) { .answer_min = o.answer_min,
                                             .answer_max = o.answer_max,
                                             .expect = o.expect };
}

uint32_t infra__database_judge_role(const struct infra__database_limits *limits,
                                    const struct infra_probe_result *result)
{
    if (limits->expect == INFRA_PROBE_ROLE_PRIMARY && result->writable == 0) {
        return INFRA_PROBE_REASON_READ_ONLY;
    }
    return limits->expect == INFRA_PROBE_ROLE_REPLICA &&
                   result->role != INFRA_PROBE_ROLE_REPLICA
               ? INFRA_PROBE_REASON_NOT_REPLICA
               : INFRA_PROBE_REASON_PASSED;
}

uint32_t infra__database_judge_answer(
    const struct infra__database_limits *limits,
    const struct infra_probe_result *result, uint32_t error)
{
    uint64_t min = limits->answer_min, max = limits->answer_max;

    if (!has_answer_limits(min, max)) {
        return INFRA_PROBE_REASON_PASSED;
    }
    if (error != INFRA_PROBE_REASON_PASSED) {
        return error;
    }
    return (result->has & INFRA_PROBE_HAS_ANSWER) != 0 &&
                   result->answer >= min && (max == 0 || result->answer <= max)
               ? INFRA_PROBE_REASON_PASSED
               : INFRA_PROBE_REASON_ANSWER;
}

void infra__database_source(char ret[INFRA__SOURCE_SIZE],
                            const unsigned char *host, size_t size,
                            uint64_t port)
{
    ret[0] = '\0';
    if (size > 0 && size <= INFRA__SOURCE_HOST_MAX && port > 0 &&
        port <= UINT16_MAX) {
        infra__copy_printable(ret, INFRA__SOURCE_SIZE, host, size);
        (void)snprintf(ret + size, sizeof ":65535", ":%u", (unsigned)port);
    }
}
