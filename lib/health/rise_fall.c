/* SPDX-License-Identifier: MIT */
#include "rise_fall.h"

#include <assert.h>
#include <infra/health.h>

uint32_t infra__rise_fall_top(const struct infra__rise_fall *rf)
{
    return rf->rise + rf->fall - 1;
}

bool infra__rise_fall_is_up(const struct infra__rise_fall *rf, uint32_t counter)
{
    return counter >= rf->rise;
}

uint32_t infra__rise_fall_start(const struct infra__rise_fall *rf,
                                uint32_t initial)
{
    switch (initial) {
    case INFRA_HEALTH_INITIAL_FULLY_UP:
        return infra__rise_fall_top(rf);
    case INFRA_HEALTH_INITIAL_DOWN:
        return rf->rise - 1;
    case INFRA_HEALTH_INITIAL_FULLY_DOWN:
        return 0;
    default:
        return rf->rise;
    }
}

uint32_t infra__rise_fall_pass(const struct infra__rise_fall *rf,
                               uint32_t counter)
{
    assert(counter <= infra__rise_fall_top(rf));
    return counter + 1 >= rf->rise ? infra__rise_fall_top(rf) : counter + 1;
}

uint32_t infra__rise_fall_fail(const struct infra__rise_fall *rf,
                               uint32_t counter)
{
    assert(counter <= infra__rise_fall_top(rf));
    return counter <= rf->rise ? 0 : counter - 1;
}
