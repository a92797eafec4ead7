/* SPDX-License-Identifier: MIT */
#include "failing_malloc.h"

#include <stddef.h>

_Thread_local long malloc_countdown = -1;
bool malloc_fails_once;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
    if (malloc_countdown > 0) {
        malloc_countdown--;
    }
    bool is_now = malloc_countdown == 0;
    if (is_now && malloc_fails_once) {
        malloc_countdown = -1;
    }
    return is_now;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return fails() ? NULL : __real_realloc(at, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}
