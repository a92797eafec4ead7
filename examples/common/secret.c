/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include "arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLES_MAX 64u

static const char *variables[VARIABLES_MAX]; /* Those read. */
static size_t variables_count;

void secret_free(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void secret_hide(char *argument)
{
    memset(argument, 'x', strlen(argument));
}

/* The content of a file, up to one byte more than allowed; -1: errno. */
static ssize_t read_all(const char *path, char *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t n = 1;

    if (fd < 0) {
        return -1;
    }
    while (n > 0 && size <= SECRET_MAX) {
        n = read(fd, ret + size, SECRET_MAX + 1 - size);
        size += n > 0 ? (size_t)n : 0;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return n < 0 ? -1 : (ssize_t)size;
}

char *secret_from_file(const char *name, const char *path)
{
    char *secret = calloc(1, SECRET_MAX + 2);
    ssize_t size = secret != NULL ? read_all(path, secret) : -1;

    if (size < 0) {
        (void)arguments_wrong("%s %s: %s", name, path, strerror(errno));
        free(secret);
        return NULL;
    }
    if (size > 0 && secret[size - 1] == '\n') {
        secret[--size] = '\0';
    }
    if (size == 0 || size > SECRET_MAX || strlen(secret) != (size_t)size) {
        (void)arguments_wrong("%s %s: must be 1 to %u bytes without zeroes",
                              name, path, SECRET_MAX);
        explicit_bzero(secret, SECRET_MAX + 2);
        free(secret);
        return NULL;
    }
    return secret;
}

char *secret_from_environment(const char *name, const char *variable)
{
    const char *value = getenv(variable);

    if (value == NULL || value[0] == '\0' || strlen(value) > SECRET_MAX ||
        variables_count == VARIABLES_MAX) {
        (void)arguments_wrong("%s %s: the environment has to have it, with 1 "
                              "to %u bytes",
                              name, variable, SECRET_MAX);
        return NULL;
    }
    char *secret = strdup(value);
    if (secret == NULL) {
        (void)arguments_wrong("out of memory");
        return NULL;
    }
    /* Several options may read the same, so it stays until all are read. */
    variables[variables_count++] = variable;
    return secret;
}

void secret_forget_environment(void)
{
    while (variables_count > 0) {
        const char *variable = variables[--variables_count];
        char *value = getenv(variable);
        if (value != NULL) {
            explicit_bzero(value, strlen(value));
            (void)unsetenv(variable);
        }
    }
}
