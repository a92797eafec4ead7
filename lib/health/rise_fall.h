/* SPDX-License-Identifier: MIT */
/* The counter that turns outcomes into up and down (HAProxy, src/check.c,
 * set_server_check_status). One integer from 0 to rise + fall - 1; up from
 * `rise` on. A pass adds one, and jumps to the top once the result is up; a
 * failure subtracts one, and drops to 0 once the result is down. So an
 * interrupted streak starts over. */
#ifndef INFRA_HEALTH_RISE_FALL_H
#define INFRA_HEALTH_RISE_FALL_H

#include <infra/health.h>
#include <stdbool.h>

/* The first value of the counter; @initial: an enum infra_health_initial. */
uint32_t infra__rise_fall_start(const struct infra_health_options *o,
                                uint32_t initial);

/* The counter after a pass, and after a failure. */
uint32_t infra__rise_fall_pass(const struct infra_health_options *o,
                               uint32_t counter);
uint32_t infra__rise_fall_fail(const struct infra_health_options *o,
                               uint32_t counter);

bool infra__rise_fall_is_up(const struct infra_health_options *o,
                            uint32_t counter);
uint32_t infra__rise_fall_top(const struct infra_health_options *o);

#endif
