/* SPDX-License-Identifier: MIT */
#include "rise_fall.h"

#include <assert.h>

uint32_t infra__rise_fall_top(const struct infra_health_options *o)
{
    return o->rise + o->fall - 1;
}

bool infra__rise_fall_is_up(const struct infra_health_options *o,
                            uint32_t counter)
{
    return counter >= o->rise;
}

uint32_t infra__rise_fall_start(const struct infra_health_options *o,
                                uint32_t initial)
{
    switch (initial) {
    case INFRA_HEALTH_INITIAL_FULLY_UP:
        return infra__rise_fall_top(o);
    case INFRA_HEALTH_INITIAL_DOWN:
        return o->rise - 1;
    case INFRA_HEALTH_INITIAL_FULLY_DOWN:
        return 0;
    default:
        return o->rise;
    }
}

uint32_t infra__rise_fall_pass(const struct infra_health_options *o,
                               uint32_t counter)
{
    assert(counter <= infra__rise_fall_top(o));
    return counter + 1 >= o->rise ? infra__rise_fall_top(o) : counter + 1;
}

uint32_t infra__rise_fall_fail(const struct infra_health_options *o,
                               uint32_t counter)
{
    assert(counter <= infra__rise_fall_top(o));
    return counter <= o->rise ? 0 : counter - 1;
}
