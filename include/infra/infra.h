/* SPDX-License-Identifier: MIT */
/**
 * @file infra.h
 * All public headers.
 *
 * @mainpage
 * libinfra is load balancing, health checking and failover as state machines
 * without sockets, clocks or threads.  Each header is the manual of its module;
 * base.h has what holds for all of them.
 *
 * - base.h: results, time, memory, sets, outcomes, exchanges
 * - address.h: IP addresses and prefixes
 * - balancer.h, policy.h: which backend takes this request
 * - health.h, outlier.h: which backends work
 * - probe.h, probe_database.h: how to ask a backend
 * - gate.h, failover.h, lease.h, vrrp.h: which node is active
 * - promotion.h: which replica follows a dead primary
 * - statement.h, sql.h: which node may run this statement
 * - login.h: logins at databases, both sides
 * - router.h, session.h: which node takes this client's statement
 * - position.h: what a replica must have for a client to read its own writes
 * - access.h: which sources may connect
 * - limit.h: rates and connections of sources
 * - proxy_protocol.h, client_hello.h: the first bytes of a connection
 * - http.h: where a message of HTTP/1.x ends, and how it is passed on
 * - metrics.h: counters, and the text that Prometheus reads
 * - collect.h: metrics of the modules above, ready
 * - driver.h, apply.h: all of this over sockets
 */
#ifndef INFRA_INFRA_H
#define INFRA_INFRA_H

#include <infra/access.h>
#include <infra/address.h>
#include <infra/apply.h>
#include <infra/balancer.h>
#include <infra/base.h>
#include <infra/client_hello.h>
#include <infra/collect.h>
#include <infra/driver.h>
#include <infra/failover.h>
#include <infra/gate.h>
#include <infra/health.h>
#include <infra/http.h>
#include <infra/lease.h>
#include <infra/limit.h>
#include <infra/login.h>
#include <infra/metrics.h>
#include <infra/outlier.h>
#include <infra/policy.h>
#include <infra/position.h>
#include <infra/probe.h>
#include <infra/probe_database.h>
#include <infra/promotion.h>
#include <infra/proxy_protocol.h>
#include <infra/router.h>
#include <infra/session.h>
#include <infra/sql.h>
#include <infra/statement.h>
#include <infra/vrrp.h>

#endif /* INFRA_INFRA_H */
