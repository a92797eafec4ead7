/* SPDX-License-Identifier: MIT */
/** @file infra.h  Everything. */
#ifndef INFRA_INFRA_H
#define INFRA_INFRA_H

#include <infra/apply.h>
#include <infra/balancer.h>
#include <infra/base.h>
#include <infra/driver.h>
#include <infra/failover.h>
#include <infra/health.h>
#include <infra/lease.h>
#include <infra/outlier.h>
#include <infra/policy.h>
#include <infra/probe.h>
#include <infra/probe_database.h>
#include <infra/promotion.h>
#include <infra/vrrp.h>

#endif /* INFRA_INFRA_H */
