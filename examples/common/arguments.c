/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <infra/failover.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program = "";

void arguments_begin(const char *name)
{
    program = name;
}

bool arguments_wrong(const char *format, ...)
{
    char line[LOG_LINE_MAX];
    int size = snprintf(line, sizeof line, "%s: ", program);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + size, sizeof line - (size_t)size, format, args);
    va_end(args);
    (void)log_say(STDERR_FILENO, line);
    return false;
}

const char *arguments_why(int err)
{
    return err == INFRA_ESYSTEM ? strerror(errno) : infra_strerror(err);
}

bool read_number(const char **at, uint32_t *ret)
{
    const char *p = *at;
    uint64_t n = 0;

    while (*p >= '0' && *p <= '9' && n <= UINT32_MAX) {
        n = n * 10 + (uint64_t)(*p++ - '0');
    }
    if (p == *at || n > UINT32_MAX) {
        return false;
    }
    *at = p;
    *ret = (uint32_t)n;
    return true;
}

bool read_range(const char *name, const char *text, uint32_t min, uint32_t max,
                uint32_t *ret)
{
    const char *p = text;
    uint32_t n;

    if (!read_number(&p, &n) || *p != '\0' || n < min || n > max) {
        return arguments_wrong("%s \"%s\": must be %u to %u", name, text,
                               (unsigned)min, (unsigned)max);
    }
    *ret = n;
    return true;
}

bool read_count(const char *name, const char *text, uint32_t max, uint32_t *ret)
{
    return read_range(name, text, 1, max, ret);
}

bool parse_time(const char *text, bool bare_ms, infra_time *ret)
{
    static const struct {
        const char *name;
        infra_time value;
    } units[] = {
        { "ms", INFRA_MS(1) },
        { "s", INFRA_SEC(1) },
        { "m", INFRA_SEC(60) },
    };
    uint32_t n;

    if (!read_number(&text, &n)) {
        return false;
    }
    if (*text == '\0' && bare_ms) {
        text = "ms";
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i].name) == 0) {
            *ret = n * units[i].value;
            return n <= ARGUMENTS_TIME_MAX / units[i].value;
        }
    }
    return false;
}

bool read_time(const char *name, const char *text, infra_time *ret)
{
    infra_time time;

    if (!parse_time(text, false, &time) || time == 0) {
        return arguments_wrong("%s \"%s\": must be a time such as 500ms, 2s or "
                               "10m, a year (525600m) at most",
                               name, text);
    }
    *ret = time;
    return true;
}

bool read_size(const char *name, const char *text, uint64_t *ret)
{
    static const char units[] = "kmg";
    const char *p = text;
    const char *unit;
    uint32_t n;

    if (!read_number(&p, &n) || n == 0 || *p == '\0' || p[1] != '\0' ||
        (unit = strchr(units, *p)) == NULL ||
        (uint64_t)n << 10 * (unit - units + 1) > ARGUMENTS_SIZE_MAX) {
        return arguments_wrong("%s \"%s\": must be a size such as 64k, 16m or "
                               "1g, 1024g at most",
                               name, text);
    }
    *ret = (uint64_t)n << 10 * (unit - units + 1);
    return true;
}

bool read_nonempty(const char *name, const char *text, const char **ret)
{
    *ret = text;
    return text[0] != '\0' || arguments_wrong("%s: must not be empty", name);
}

bool read_name(const char *name, const char *text, const char **ret)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(text);

    *ret = text;
    return (size > 0 && size <= INFRA_LEASE_NAME_MAX && text[0] != '-' &&
            text[0] != '.' && strspn(text, good) == size) ||
           arguments_wrong("%s \"%s\": must be 1 to %u letters, digits, dots, "
                           "dashes and underscores, no dot or dash first",
                           name, text, INFRA_LEASE_NAME_MAX);
}

bool read_address(const char *name, const char *text, bool any_port,
                  struct sockaddr_storage *ret, socklen_t *ret_size)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool v6 = text[0] == '[';

    if (colon == NULL || colon == text || (v6 && colon[-1] != ']')) {
        return arguments_wrong(
            "%s \"%s\": must be ADDR:PORT, with an IPv6 ADDR in "
            "brackets",
            name, text);
    }
    const char *start = text + v6;
    size_t size = (size_t)(colon - start) - v6;
    const char *p = colon + 1;
    uint32_t port;
    if (!read_number(&p, &port) || *p != '\0' || port > 65535 ||
        (port == 0 && !any_port)) {
        return arguments_wrong("%s \"%s\": port must be %d to 65535", name,
                               text, any_port ? 0 : 1);
    }
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                .sin6_port = htons((uint16_t)port) };
    if (size < sizeof host) {
        memcpy(host, start, size);
        host[size] = '\0';
    }
    if (size >= sizeof host ||
        inet_pton(v6 ? AF_INET6 : AF_INET, host,
                  v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1) {
        return arguments_wrong("%s \"%s\": not an IP%s address", name, text,
                               v6 ? "v6" : "v4");
    }
    memset(ret, 0, sizeof *ret);
    *ret_size = v6 ? sizeof in6 : sizeof in;
    memcpy(ret, v6 ? (void *)&in6 : (void *)&in, *ret_size);
    return true;
}

bool read_admin_address(const char *text, struct sockaddr_storage *ret,
                        socklen_t *ret_size)
{
    char local[64];

    if (strchr(text, ':') == NULL) {
        (void)snprintf(local, sizeof local, "127.0.0.1:%.32s", text);
        text = local;
    }
    return read_address("--admin", text, true, ret, ret_size);
}
