/* SPDX-License-Identifier: MIT */
/** @file infra.h  Everything. */
#ifndef INFRA_INFRA_H
#define INFRA_INFRA_H

#include <infra/balancer.h>
#include <infra/base.h>
#include <infra/driver.h>
#include <infra/failover.h>
#include <infra/health.h>
#include <infra/probe.h>
#include <infra/promotion.h>

#endif /* INFRA_INFRA_H */
