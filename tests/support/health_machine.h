/* SPDX-License-Identifier: MIT */
/* One health machine on a counting heap, and short words for its calls: what
 * the tests of health have in common. */
#ifndef TESTS_HEALTH_MACHINE_H
#define TESTS_HEALTH_MACHINE_H

#include "support.h"

#include <infra/health.h>

#define HEALTH_NOTHING 99u /* No kind of event. */

extern struct infra_health *health;
extern struct test_heap health_heap;

/* The fixture: no machine yet; destroyed, with no memory left. */
void health_setup(void);
void health_teardown(void);

void health_create(struct infra_health_options o);
void health_set(uint32_t id, const char *key, infra_time now);
void health_answer(uint64_t call, uint32_t outcome, infra_time now);
struct infra_health_status health_inspect(uint32_t id);

/* The next event, of kind HEALTH_NOTHING if there is none. */
struct infra_health_event health_next(infra_time now);

/* The next event at the deadline, which must be a check. */
struct infra_health_event health_next_check(void);

#endif
