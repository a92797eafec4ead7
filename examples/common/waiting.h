/* SPDX-License-Identifier: MIT */
/* The wait of a program with one loop: for descriptors, signals and
 * deadlines. */
#ifndef EXAMPLES_WAITING_H
#define EXAMPLES_WAITING_H

#include <infra/base.h>
#include <poll.h>

/* Block these signals, before any thread starts, so that they come only to the
 * descriptor: a signalfd, which does not block; -1 with errno. */
int signals_open(const int *numbers, size_t count);

/* Wait until a descriptor is readable or infra_driver_now() is @until. */
void wait_until(struct pollfd *fds, size_t count, infra_time until);

#endif
