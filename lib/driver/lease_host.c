/* SPDX-License-Identifier: MIT */
/* What a lease in a file needs of the host: the boot, the clock's offset, the
 * identity of the file, locks. */
#include "lease_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 256u
#define NS_PER_SEC 1000000000
#define LOCKS_AT ((off_t)INFRA__LEASE_LOCKS) /* Behind any end of the file. */

/* Read a small file of proc(5) as text. 0 or an errno. */
static int read_text(const char *path, char *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno;
    }
    ssize_t count = read(fd, ret, size - 1);
    int error = count < 0 ? errno : count == 0 ? ENODATA : 0;
    (void)close(fd);
    ret[count > 0 ? count : 0] = '\0';
    return error;
}

int infra__lease_origin_init(struct infra__lease_origin *o, const char *node)
{
    *o = (struct infra__lease_origin) { .node = "" };
    int error = read_text("/proc/sys/kernel/random/boot_id", o->boot_id,
                          sizeof o->boot_id);

    strncpy(o->node, node, sizeof o->node - 1);
    errno = error;
    return error == 0 ? INFRA_OK : INFRA_ESYSTEM;
}

bool infra__lease_is_of_boot(const struct infra__lease_state *r,
                             const struct infra__lease_origin *o)
{
    return memcmp(r->origin.boot_id, o->boot_id, sizeof o->boot_id) == 0;
}

/* time_namespaces(7): each line has a clock, seconds and nanoseconds. 0: no
 * line for the boot's clock. */
int64_t infra__lease_clock_offset(const char *text)
{
    static const char name[] = "boottime";

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, sizeof name - 1) == 0) {
            char *end;
            int64_t seconds = strtoll(line + sizeof name - 1, &end, 10);
            return seconds * NS_PER_SEC + strtoll(end, NULL, 10);
        }
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return 0;
}

/* Are the offsets for children those of this process? Not after unshare(2)
 * alone, which moves only later children. */
static bool is_as_children(void)
{
    struct stat ours;
    struct stat theirs;

    return stat("/proc/self/ns/time", &ours) == 0 &&
           stat("/proc/self/ns/time_for_children", &theirs) == 0 &&
           ours.st_ino == theirs.st_ino;
}

int infra__lease_clock_init(int64_t *ret_offset)
{
    char text[TEXT_SIZE];
    int error = read_text("/proc/self/timens_offsets", text, sizeof text);

    *ret_offset = 0;
    if (error == ENOENT) {
        return INFRA_OK; /* A kernel without them. */
    }
    if (error == 0 && !is_as_children()) {
        error = EXDEV;
    }
    if (error != 0) {
        errno = error;
        return INFRA_ESYSTEM;
    }
    *ret_offset = infra__lease_clock_offset(text);
    return INFRA_OK;
}

int infra__lease_path_init(char ret[PATH_MAX], const char *path)
{
    if (path[0] == '/') {
        ret[0] = '\0';
    } else if (getcwd(ret, PATH_MAX) == NULL) {
        return INFRA_ESYSTEM;
    }
    size_t size = strlen(ret);
    int more = snprintf(ret + size, PATH_MAX - size, "%s%s",
                        path[0] == '/' ? "" : "/", path);
    if (more < 0 || (size_t)more >= PATH_MAX - size) {
        errno = ENAMETOOLONG;
        return INFRA_ESYSTEM;
    }
    return INFRA_OK;
}

int infra__lease_file_find(int fd, const char *path)
{
    struct stat ours;
    struct stat there;

    if (fstat(fd, &ours) != 0) {
        return errno;
    }
    if (stat(path, &there) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? EBADMSG : errno;
    }
    return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino ? 0
                                                                      : EBADMSG;
}

int infra__lease_lock(int fd, short type, uint64_t byte)
{
    struct flock l = { .l_type = type,
                       .l_whence = SEEK_SET,
                       .l_start = LOCKS_AT + (off_t)byte,
                       .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &l) == 0 ? 0 : errno;
}

bool infra__lease_is_unlocked(int fd, uint64_t byte)
{
    struct flock l = { .l_type = F_WRLCK,
                       .l_whence = SEEK_SET,
                       .l_start = LOCKS_AT + (off_t)byte,
                       .l_len = 1 };

    return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type == F_UNLCK;
}
