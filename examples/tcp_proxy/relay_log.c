/* SPDX-License-Identifier: MIT */
#include "relay_private.h"

#include "../common/log.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ADDRESS_MAX 64u
#define LINE_MAX 400u

/* ADDR:PORT, or "-". */
static void print_address(char ret[ADDRESS_MAX], const void *address,
                          socklen_t size)
{
    char host[48], port[8];
    bool is_known =
        size > 0 &&
        getnameinfo(address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0;

    if (!is_known) {
        strcpy(ret, "-");
    } else {
        bool is_six = strchr(host, ':') != NULL;
        (void)snprintf(ret, ADDRESS_MAX, "%s%s%s:%s", is_six ? "[" : "", host,
                       is_six ? "]" : "", port);
    }
}

static void print_time(char *ret, size_t size)
{
    struct timespec now;
    struct tm parts;
    char date[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret, size, "%s.%03dZ", date, (int)(now.tv_nsec / 1000000));
}

void relay_log_flush(struct relay *relay)
{
    struct relay_log *log = relay->log;

    if (log != NULL && log->size > 0) {
        log_lines(log->text, log->size);
        log->size = 0;
    }
}

void relay_log_end(struct relay *relay, const struct relay_session *s,
                   enum relay_end reason)
{
    char time[64], client[ADDRESS_MAX], backend[ADDRESS_MAX], connect[32];
    struct relay_log *log = relay->log;
    const struct relay_address *to =
        s->tried_count > 0
            ? &relay->options.backends[s->tried[s->tried_count - 1]]
            : NULL;

    if (log == NULL) {
        return;
    }
    if (log->size + LINE_MAX > sizeof log->text) {
        relay_log_flush(relay);
    }
    print_time(time, sizeof time);
    print_address(client, &s->address,
                  s->address.sin6_family == AF_INET6
                      ? sizeof(struct sockaddr_in6)
                      : sizeof(struct sockaddr_in));
    print_address(backend, to != NULL ? &to->storage : NULL,
                  to != NULL ? to->size : 0);
    strcpy(connect, "-");
    if (s->connect_time > 0) {
        (void)snprintf(connect, sizeof connect, "%.3f",
                       (double)s->connect_time / 1e6);
    }
    int size =
        snprintf(log->text + log->size, LINE_MAX,
                 "session time=%s client=%s backend=%s tries=%u connect_ms=%s "
                 "session_ms=%.3f in=%llu out=%llu end=%s\n",
                 time, client, backend, (unsigned)s->tried_count, connect,
                 (double)(relay->now - s->began) / 1e6,
                 (unsigned long long)s->backend.passed,
                 (unsigned long long)s->client.passed, relay_end_name(reason));
    log->size += size > 0 && (unsigned)size < LINE_MAX ? (size_t)size : 0;
}
