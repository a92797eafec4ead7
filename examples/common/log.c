/* SPDX-License-Identifier: MIT */
/* One log per process, behind a lock, under which nothing waits.  Terminals and
 * sockets may take a part of a line: the rest is kept and goes out first. */
#include "log.h"

#include "log_sink.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KINDS_MAX 128u /* Further kinds are not limited. */

/* Kept of the last line left out. */
#define LAST_MAX 256u

struct kind {
    const char *format; /* NULL: the slot is free. */
    infra_time since;   /* Begin of the window. */
    uint32_t written;
    uint32_t hidden;
    char last[LAST_MAX];
};

static struct {
    pthread_mutex_t lock;
    struct log_options options;
    struct log_sink sink;
    struct kind kinds[KINDS_MAX];
    char *rest; /* To be written first; NULL: nothing. */
    size_t rest_size;
    uint64_t dropped;
    bool is_open;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER, .sink = { .fd = -1 } };

static infra_time boot_time(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return INFRA_SEC(t.tv_sec) + (infra_time)t.tv_nsec;
}

/* True: nothing is left to flush. */
static bool flush_rest(void)
{
    if (the.rest == NULL) {
        return true;
    }
    ssize_t n = log_sink_write(&the.sink, the.rest, the.rest_size);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        n = (ssize_t)the.rest_size; /* Its reader has left. */
    }
    if (n > 0) {
        the.rest_size -= (size_t)n;
        memmove(the.rest, the.rest + n, the.rest_size);
    }
    if (the.rest_size > 0) {
        return false;
    }
    free(the.rest);
    the.rest = NULL;
    return true;
}

/* All, or the rest later, or nothing: false. */
static bool put(const char *text, size_t size)
{
    if (!flush_rest()) {
        return false;
    }
    ssize_t n = log_sink_write(&the.sink, text, size);
    if (n <= 0 || (size_t)n == size) {
        return n > 0;
    }
    the.rest = malloc(size - (size_t)n);
    if (the.rest != NULL) {
        the.rest_size = size - (size_t)n;
        memcpy(the.rest, text + n, the.rest_size);
    }
    return the.rest != NULL;
}

/* A line of @head and @text, shortened if need be.  False: dropped. */
static bool put_line(const char *head, const char *text)
{
    char line[LOG_LINE_MAX] = "";

    if (the.options.stamp != NULL) {
        the.options.stamp(line, sizeof line);
    }
    size_t size = strlen(line);
    size +=
        (size_t)snprintf(line + size, sizeof line - size, "%s%s", head, text);
    if (size >= sizeof line - 1) {
        memcpy(line + sizeof line - 5, "...", 3);
        size = sizeof line - 2;
    }
    line[size] = '\n';
    return put(line, size + 1);
}

/* First of all, report the lines missing here. */
static bool tell_dropped(void)
{
    char text[96];

    if (the.dropped == 0) {
        return true;
    }
    (void)snprintf(text, sizeof text, "%llu lines were dropped, unread",
                   (unsigned long long)the.dropped);
    if (!put_line(the.options.own, text)) {
        return false;
    }
    the.dropped = 0;
    return true;
}

static void put_or_drop(const char *head, const char *text)
{
    if (!tell_dropped() || !put_line(head, text)) {
        the.dropped++;
    }
}

/* The window of a kind has ended. */
static void tell_hidden(struct kind *kind)
{
    char head[LAST_MAX];

    if (kind->hidden > 0) {
        (void)snprintf(head, sizeof head,
                       "%s%u more of a kind, the last: ", the.options.own,
                       (unsigned)kind->hidden);
        put_or_drop(head, kind->last);
    }
    kind->hidden = 0;
    kind->written = 0;
}

static struct kind *find_kind(const char *format)
{
    for (uint32_t i = 0; i < KINDS_MAX; i++) {
        struct kind *kind = &the.kinds[i];
        if (kind->format == NULL) {
            kind->format = format;
        }
        if (kind->format == format) {
            return kind;
        }
    }
    return NULL;
}

/* May a line of this kind be written?  If not, it is counted. */
static bool is_wanted(const char *format, const char *text)
{
    struct kind *kind = the.options.repeats_max > 0 ? find_kind(format) : NULL;
    infra_time now = the.options.now();

    if (kind == NULL) {
        return true;
    }
    if (now - kind->since >= LOG_WINDOW) {
        tell_hidden(kind);
        kind->since = now;
    }
    if (kind->written < the.options.repeats_max) {
        kind->written++;
        return true;
    }
    kind->hidden++;
    (void)snprintf(kind->last, sizeof kind->last, "%.*s", (int)LAST_MAX - 1,
                   text);
    return false;
}

static void tend(bool is_last)
{
    infra_time now = the.options.now();

    for (uint32_t i = 0; i < KINDS_MAX && the.kinds[i].format != NULL; i++) {
        struct kind *kind = &the.kinds[i];
        if (kind->hidden > 0 && (is_last || now - kind->since >= LOG_WINDOW)) {
            tell_hidden(kind);
        }
    }
    (void)flush_rest();
    (void)tell_dropped();
}

void log_open(const struct log_options *options)
{
    (void)signal(SIGPIPE, SIG_IGN);
    log_close();
    (void)pthread_mutex_lock(&the.lock);
    the.options = *options;
    the.options.own = options->own != NULL ? options->own : "log: ";
    the.options.now = options->now != NULL ? options->now : boot_time;
    log_sink_open(&the.sink, options->fd);
    the.is_open = true;
    (void)pthread_mutex_unlock(&the.lock);
}

void log_line(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_vline(format, args);
    va_end(args);
}

void log_vline(const char *format, va_list args)
{
    char text[LOG_LINE_MAX];
    int error = errno;

    (void)vsnprintf(text, sizeof text, format, args);
    (void)pthread_mutex_lock(&the.lock);
    if (the.is_open && is_wanted(format, text)) {
        put_or_drop("", text);
    }
    (void)pthread_mutex_unlock(&the.lock);
    errno = error;
}

void log_block(const char *text, size_t size)
{
    (void)pthread_mutex_lock(&the.lock);
    if (the.is_open) {
        (void)put(text, size);
    }
    (void)pthread_mutex_unlock(&the.lock);
}

void log_lines(const char *text, size_t size)
{
    (void)pthread_mutex_lock(&the.lock);
    if (the.is_open && (!tell_dropped() || !put(text, size))) {
        for (size_t i = 0; i < size; i++) {
            the.dropped += text[i] == '\n';
        }
    }
    (void)pthread_mutex_unlock(&the.lock);
}

void log_tend(void)
{
    (void)pthread_mutex_lock(&the.lock);
    if (the.is_open) {
        tend(false);
    }
    (void)pthread_mutex_unlock(&the.lock);
}

void log_close(void)
{
    (void)pthread_mutex_lock(&the.lock);
    if (the.is_open) {
        tend(true);
        log_sink_close(&the.sink);
    }
    free(the.rest);
    the.rest = NULL;
    the.rest_size = 0;
    the.dropped = 0;
    memset(the.kinds, 0, sizeof the.kinds);
    the.is_open = false;
    (void)pthread_mutex_unlock(&the.lock);
}

bool log_say(int fd, const char *line)
{
    struct log_sink sink;
    char text[LOG_LINE_MAX];

    int size = snprintf(text, sizeof text - 1, "%s", line);
    if (size < 0) {
        return false;
    }
    size_t used =
        (size_t)size < sizeof text - 2 ? (size_t)size : sizeof text - 2;
    text[used] = '\n';
    log_sink_open(&sink, fd);
    bool is_out = log_sink_write(&sink, text, used + 1) == (ssize_t)used + 1;
    log_sink_close(&sink);
    return is_out;
}
