/* SPDX-License-Identifier: MIT */
#include "pair_state.h"

#include "pair_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE (INFRA_FAILOVER_NAME_MAX + 1)

static bool read_line(FILE *file, char *ret_name, uint64_t *ret_token,
                      bool *ret_is_end)
{
    char line[128];
    char rest[2];

    *ret_is_end = fgets(line, sizeof line, file) == NULL;
    return *ret_is_end ||
           sscanf(line, "%63s %" SCNu64 " %1s", ret_name, ret_token, rest) == 2;
}

bool pair_state_read(const struct pair_options *options, uint64_t *ret_tokens)
{
    FILE *file = fopen(options->state, "re");
    char name[NAME_SIZE];
    uint64_t token;
    bool is_end = false;
    bool ok = true;

    if (file == NULL && errno == ENOENT) {
        return true;
    }
    if (file == NULL) {
        pair_say("--state %s: %s", options->state, strerror(errno));
        return false;
    }
    while (ok && !is_end) {
        ok = read_line(file, name, &token, &is_end);
        for (uint32_t i = 0; ok && !is_end && i < options->groups_count; i++) {
            if (strcmp(name, options->groups[i].name) == 0) {
                ret_tokens[i] = token;
            }
        }
    }
    if (ferror(file) != 0) {
        pair_say("--state %s: %s", options->state, strerror(errno));
        (void)fclose(file);
        return false;
    }
    (void)fclose(file);
    if (!ok) {
        pair_say("--state %s: a line is not GROUP TOKEN: repair it, or remove "
                 "it to believe the store",
                 options->state);
    }
    return ok;
}

static bool write_all(FILE *file, const struct pair_options *options,
                      const uint64_t *tokens)
{
    for (uint32_t i = 0; i < options->groups_count; i++) {
        if (fprintf(file, "%s %" PRIu64 "\n", options->groups[i].name,
                    tokens[i]) < 0) {
            return false;
        }
    }
    return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

void pair_state_write(const struct pair_options *options,
                      const uint64_t *tokens)
{
    char path[4096];
    int size = snprintf(path, sizeof path, "%s.new", options->state);
    FILE *file = (size_t)size < sizeof path ? fopen(path, "we") : NULL;
    bool ok = file != NULL && write_all(file, options, tokens);

    if (file != NULL && fclose(file) != 0) {
        ok = false;
    }
    if (!ok || rename(path, options->state) != 0) {
        pair_say("--state %s: %s", options->state, strerror(errno));
    }
}
