/* SPDX-License-Identifier: MIT */
/* Names of processes. PIDs are reused, so the start time, in ticks since the
 * boot, is part of the name. It needs Linux's /proc, which a pure module must
 * not read; so it stands here. */
#include <errno.h>
#include <fcntl.h>
#include <infra/driver.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PID_BITS 22u /* Linux: PID_MAX_LIMIT. */
#define PID_MASK ((1u << PID_BITS) - 1)
#define STAT_MAX 1024u

/* Fields of /proc/PID/stat, counted from the state, which follows the name. */
#define FIELD_START 19u

static int read_stat(unsigned pid, char text[STAT_MAX])
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t length = read(fd, text, STAT_MAX - 1);
    int err = length < 0 ? -errno : length == 0 ? -ESRCH : 0;
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return err;
}

/* The start time; 0: a zombie, dead, or malformed. */
static uint64_t start_in(const char *text)
{
    const char *field = strrchr(text, ')'); /* A name may have any byte. */

    if (field == NULL || field[1] != ' ' || field[2] == 'Z' ||
        field[2] == 'X') {
        return 0;
    }
    field += 2;
    for (unsigned i = 0; i < FIELD_START && field != NULL; i++) {
        field = strchr(field, ' ');
        field = field != NULL ? field + 1 : NULL;
    }
    return field != NULL ? strtoull(field, NULL, 10) : 0;
}

uint64_t infra_process_self(void)
{
    char text[STAT_MAX];
    unsigned pid = (unsigned)getpid();

    if (pid > PID_MASK || read_stat(pid, text) != 0) {
        return 0;
    }
    return start_in(text) << PID_BITS | pid;
}

int infra_process_is_alive(void *user, uint64_t process)
{
    char text[STAT_MAX];
    unsigned pid = (unsigned)process & PID_MASK;

    (void)user;
    int err = read_stat(pid, text);
    if (err == 0) {
        return start_in(text) == process >> PID_BITS;
    }
    /* /proc may hide it, or no descriptor be left: only kill() proves death. */
    return (err == -ENOENT || err == -ESRCH) && kill((pid_t)pid, 0) != 0 &&
                   errno == ESRCH
               ? 0
               : 1;
}
