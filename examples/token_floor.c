/* SPDX-License-Identifier: MIT */
#include "token_floor.h"

#include "arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 128 /* More than a name and a number need. */

/* "GROUP TOKEN\n", taken apart in place. */
static bool read_line(char *line, const char **ret_group, uint64_t *ret_token)
{
    char *blank = strchr(line, ' ');
    const char *digits = blank != NULL ? blank + 1 : "";
    size_t size = strspn(digits, "0123456789");

    if (blank == NULL || blank == line || size == 0 ||
        strcmp(digits + size, "\n") != 0) {
        return false;
    }
    *blank = '\0';
    errno = 0;
    *ret_group = line;
    *ret_token = strtoull(digits, NULL, 10);
    return errno == 0;
}

static bool read_lines(FILE *file, struct token_floor *floors, uint32_t count)
{
    char line[LINE_SIZE];
    uint32_t lines = 0;

    for (; fgets(line, sizeof line, file) != NULL; lines++) {
        const char *group;
        uint64_t token;
        if (!read_line(line, &group, &token)) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(floors[i].group, group) == 0 &&
                floors[i].token < token) {
                floors[i].token = token;
            }
        }
    }
    return lines > 0; /* It is never written empty. */
}

bool token_floors_read(const char *path, struct token_floor *floors,
                       uint32_t count)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return errno == ENOENT ||
               arguments_wrong("--floor %s: %s", path, strerror(errno));
    }
    bool ok = read_lines(file, floors, count);
    int error = ferror(file) != 0 ? errno : 0;
    (void)fclose(file);
    if (error != 0) {
        return arguments_wrong("--floor %s: %s", path, strerror(error));
    }
    return ok ||
           arguments_wrong("--floor %s: a line is not GROUP TOKEN, or there is "
                           "none: repair it, or remove it to believe the store",
                           path);
}

static bool write_lines(FILE *file, const struct token_floor *floors,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fprintf(file, "%s %" PRIu64 "\n", floors[i].group,
                    floors[i].token) < 0) {
            return false;
        }
    }
    return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

/* Or a rename may be lost with the power. */
static int sync_directory(const char *path)
{
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');

    if (slash != NULL) {
        (void)snprintf(directory, sizeof directory, "%.*s",
                       (int)(slash - path) + 1, path);
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int error = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return error;
}

int token_floors_write(const char *path, const struct token_floor *floors,
                       uint32_t count)
{
    char new[PATH_MAX];

    if ((size_t)snprintf(new, sizeof new, "%s.new", path) >= sizeof new) {
        return ENAMETOOLONG;
    }
    FILE *file = fopen(new, "we");
    if (file == NULL) {
        return errno;
    }
    int error = write_lines(file, floors, count) ? 0 : errno;
    if (fclose(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(new, path) != 0) {
        error = errno;
    }
    return error != 0 ? error : sync_directory(path);
}
