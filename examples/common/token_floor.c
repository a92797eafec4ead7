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
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 128  /* More than a name and a number need. */
#define GROUP_SIZE 96  /* More than a name needs. */
#define LINES_MAX 256u /* Groups of all programs. */
#define RETRY_AFTER INFRA_SEC(1)
#define LOCK_TRIES 40
#define LOCK_PAUSE 5000000L /* Nanoseconds between them. */

struct line {
    char group[GROUP_SIZE];
    uint64_t token;
};

struct lines {
    uint32_t count;
    struct line lines[LINES_MAX];
};

/* The directory, open and locked, and the file's name in it. */
struct place {
    int directory;
    char name[NAME_MAX + 1];
    char new_name[NAME_MAX + 1];
};

/* "GROUP TOKEN\n". */
static bool read_line(const char *text, struct line *ret)
{
    const char *blank = strchr(text, ' ');
    const char *digits = blank != NULL ? blank + 1 : "";
    size_t size = strspn(digits, "0123456789");
    size_t name = blank != NULL ? (size_t)(blank - text) : 0;

    if (name == 0 || name >= sizeof ret->group || size == 0 ||
        strcmp(digits + size, "\n") != 0) {
        return false;
    }
    memcpy(ret->group, text, name);
    ret->group[name] = '\0';
    errno = 0;
    ret->token = strtoull(digits, NULL, 10);
    return errno == 0;
}

static int read_lines(FILE *file, struct lines *ret)
{
    char text[LINE_SIZE];

    for (; fgets(text, sizeof text, file) != NULL; ret->count++) {
        if (ret->count == LINES_MAX ||
            !read_line(text, &ret->lines[ret->count])) {
            return EBADMSG;
        }
    }
    if (ferror(file) != 0) {
        return errno;
    }
    return ret->count > 0 ? 0 : EBADMSG; /* It is never empty. */
}

/* A missing file has no lines.  Only a regular file is read: a link could make
 * a program read and replace another file, and a pipe hangs. */
static int read_file(const struct place *p, struct lines *ret)
{
    struct stat st;
    int fd = openat(p->directory, p->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    ret->count = 0;
    if (fd < 0) {
        return errno == ENOENT ? 0 : errno;
    }
    int error = fstat(fd, &st) != 0    ? errno
                : S_ISDIR(st.st_mode)  ? EISDIR
                : !S_ISREG(st.st_mode) ? EINVAL
                                       : 0;
    FILE *file = error == 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL) {
        error = error != 0 ? error : errno;
        (void)close(fd);
        return error;
    }
    error = read_lines(file, ret);
    (void)fclose(file);
    return error;
}

/* Take the greater token of each group, in both. */
static int merge(struct lines *lines, struct token_floor *floors,
                 uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < lines->count &&
               strcmp(lines->lines[at].group, floors[i].group) != 0) {
            at++;
        }
        if (at == LINES_MAX || strlen(floors[i].group) >= GROUP_SIZE) {
            return E2BIG;
        }
        struct line *line = &lines->lines[at];
        if (at == lines->count) {
            lines->count++;
            line->token = 0;
            (void)strcpy(line->group, floors[i].group);
        }
        if (line->token < floors[i].token) {
            line->token = floors[i].token;
        }
        floors[i].token = line->token;
    }
    return 0;
}

static bool print_lines(FILE *file, const struct lines *lines)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        if (fprintf(file, "%s %" PRIu64 "\n", lines->lines[i].group,
                    lines->lines[i].token) < 0) {
            return false;
        }
    }
    return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

/* Write a new file, which replaces the old one.  A leftover of a killed
 * program, or a planted file, is removed first and not written through. */
static int write_file(const struct place *p, const struct lines *lines)
{
    int error = 0;

    (void)unlinkat(p->directory, p->new_name, 0);
    int fd = openat(p->directory, p->new_name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return error;
    }
    error = print_lines(file, lines) ? 0 : errno;
    if (fclose(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 &&
        renameat(p->directory, p->new_name, p->directory, p->name) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlinkat(p->directory, p->new_name, 0);
        return error;
    }
    /* Else a power failure may undo the rename. */
    return fsync(p->directory) == 0 ? 0 : errno;
}

/* Other programs lock it, too, none for long. */
static int lock(int fd)
{
    const struct timespec pause = { .tv_nsec = LOCK_PAUSE };

    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES) {
            return errno;
        }
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

/* Open and lock the directory; release it by closing. */
static int enter(struct place *ret, const char *path)
{
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    if (name[0] == '\0') {
        return EISDIR;
    }
    if (strlen(name) + sizeof ".new" > sizeof ret->new_name ||
        strlen(path) >= sizeof directory) {
        return ENAMETOOLONG;
    }
    if (slash != NULL) {
        (void)snprintf(directory, sizeof directory, "%.*s",
                       (int)(slash - path) + 1, path);
    }
    (void)strcpy(ret->name, name);
    (void)snprintf(ret->new_name, sizeof ret->new_name, "%.250s.new", name);
    ret->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ret->directory < 0) {
        return errno;
    }
    int error = lock(ret->directory);
    if (error != 0) {
        (void)close(ret->directory);
    }
    return error;
}

int token_floors_write(const char *path, struct token_floor *floors,
                       uint32_t count)
{
    static struct lines lines; /* Too large for the stack; one thread writes. */
    struct place place;
    int error = enter(&place, path);

    if (error != 0) {
        return error;
    }
    error = read_file(&place, &lines);
    if (error == 0) {
        error = merge(&lines, floors, count);
    }
    if (error == 0) {
        error = write_file(&place, &lines);
    }
    (void)close(place.directory);
    return error;
}

static const char *why(int error)
{
    return error == EBADMSG ? "a line is not GROUP TOKEN, or there is none: "
                              "repair it, or remove it to believe the store"
           : error == ELOOP ? "is a symbolic link"
                            : strerror(error);
}

bool token_floors_open(struct token_floors *ret, const char *path,
                       struct token_floor *floors, uint32_t count)
{
    *ret = (struct token_floors) { .path = path,
                                   .floors = floors,
                                   .count = count };
    int error = path != NULL ? token_floors_write(path, floors, count) : 0;
    return error == 0 || arguments_wrong("--floor %s: %s", path, why(error));
}

void token_floors_see(struct token_floors *f, uint32_t number, uint64_t token)
{
    if (token > f->floors[number].token) {
        f->floors[number].token = token;
        f->is_due = true;
    }
}

const char *token_floors_keep(struct token_floors *f, infra_time now)
{
    if (!f->is_due || f->path == NULL || now < f->retry_at) {
        return NULL;
    }
    int error = token_floors_write(f->path, f->floors, f->count);
    bool had_failed = f->has_failed;

    f->is_due = error != 0;
    f->has_failed = error != 0;
    f->retry_at = error != 0 ? now + RETRY_AFTER : 0;
    if (error != 0) {
        return had_failed ? NULL : why(error);
    }
    return had_failed ? "written again" : NULL;
}
