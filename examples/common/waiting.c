/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <infra/driver.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

int signals_open(const int *numbers, size_t count)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    for (size_t i = 0; i < count; i++) {
        (void)sigaddset(&signals, numbers[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

void wait_until(struct pollfd *fds, size_t count, infra_time until)
{
    infra_time now = infra_driver_now();
    infra_time wait = until > now ? until - now : 0;
    struct timespec timeout = { (time_t)(wait / INFRA_SEC(1)),
                                (long)(wait % INFRA_SEC(1)) };

    (void)ppoll(fds, count, until == INFRA_TIME_NEVER ? NULL : &timeout, NULL);
}
