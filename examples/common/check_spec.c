/* SPDX-License-Identifier: MIT */
/* From words to a probe.  A setting that the kind does not have is an error, so
 * that a misspelt one is not lost. */
#include "check_spec.h"

#include "arguments.h"
#include "check_kinds.h"
#include "entropy.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_MAX 4096u

struct check_spec {
    const struct check_kind *kind;
    struct check_settings settings;
};

const char *check_spec_help(void)
{
    static char help[HELP_MAX];
    size_t size = (size_t)snprintf(
        help, sizeof help, "%s",
        "CHECK is a kind of check and its settings, separated by commas.  The "
        "settings\n"
        "have the names of the options in infra/probe.h.\n");

    for (size_t i = 0; i < check_kinds_count; i++) {
        size += (size_t)snprintf(help + size, sizeof help - size, "%s",
                                 check_kinds[i].help);
    }
    (void)snprintf(
        help + size, sizeof help - size, "%s",
        "question=SQL or COMMAND returns a number; answer_min=N and "
        "answer_max=N are\n"
        "limits for it.  All kinds take connect_timeout=TIME and "
        "response_timeout=TIME.\n"
        "In a value write \\, for a comma and \\\\ for a backslash.  Any "
        "setting may come\n"
        "from a file (password-file=PATH) or from an environment variable\n"
        "(password-env=NAME), which is then wiped.  password=TEXT is "
        "overwritten in the\n"
        "process list at once, but is visible there for a moment.\n");
    return help;
}

/* What is wrong, a sentence in @place; NULL: nothing. */
static const char *find_wrong(struct check_spec *spec, char *place, size_t size)
{
    struct check_making making = { .settings = &spec->settings, .seed = 1 };
    struct infra_probe *probe = NULL;
    int err = check_kind_create(&probe, spec->kind, &making);

    infra_probe_destroy(probe);
    if (making.wrong != NULL) {
        (void)snprintf(place, size, "bad %s", making.wrong);
        return place;
    }
    for (uint32_t i = 0; i < spec->settings.count; i++) {
        if (!spec->settings.at[i].is_used) {
            bool is_secret = check_settings_have_secret(&spec->settings, i);
            (void)snprintf(place, size, "setting %u%s%s is not known",
                           (unsigned)i + 1, is_secret ? "" : ", ",
                           is_secret ? "" : spec->settings.at[i].name);
            return place;
        }
    }
    return err != INFRA_OK ? infra_strerror(err) : NULL;
}

/* Only letters of the kind, and no value: any of them may be a secret in the
 * wrong place. */
static bool complain(const char *name, const char *kind, const char *wrong)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    char names[128] = "";
    size_t size = 0;

    for (size_t i = 0; i < check_kinds_count; i++) {
        size += (size_t)snprintf(names + size, sizeof names - size, " %s",
                                 check_kinds[i].name);
    }
    return arguments_wrong("%s \"%.*s\": %s (kinds:%s)", name,
                           (int)strspn(kind, letters), kind, wrong, names);
}

static bool read_spec(struct check_spec *spec, const char *name,
                      const char *text)
{
    struct check_settings *s = &spec->settings;
    char place[128];

    if (!check_settings_begin(s, text)) {
        return false;
    }
    for (size_t i = 0; i < check_kinds_count; i++) {
        if (strcmp(check_kinds[i].name, s->kind) == 0) {
            spec->kind = &check_kinds[i];
        }
    }
    if (spec->kind == NULL) {
        return complain(name, s->kind, "no such kind");
    }
    if (!check_settings_split(s)) {
        return complain(name, s->kind, "a setting is NAME=VALUE");
    }
    if (!check_settings_fetch(s, name)) {
        return false;
    }
    const char *wrong = find_wrong(spec, place, sizeof place);
    return wrong == NULL || complain(name, s->kind, wrong);
}

struct check_spec *check_spec_read(const char *name, char *text)
{
    struct check_spec *spec = calloc(1, sizeof *spec);
    char *comma = strchr(text, ',');

    if (spec == NULL) {
        (void)arguments_wrong("out of memory");
        return NULL;
    }
    bool good = read_spec(spec, name, text);
    if (comma != NULL &&
        check_settings_have_secret(&spec->settings, spec->settings.count)) {
        secret_hide(comma + 1);
    }
    if (!good) {
        check_spec_free(spec);
        return NULL;
    }
    return spec;
}

void check_spec_free(struct check_spec *spec)
{
    if (spec != NULL) {
        check_settings_free(&spec->settings);
        free(spec);
    }
}

bool check_spec_tells_weight(const struct check_spec *spec)
{
    return strcmp(spec->kind->name, "agent") == 0;
}

static infra_time or_else(infra_time value, infra_time standard)
{
    return value != 0 ? value : standard;
}

infra_time check_spec_longest(const struct check_spec *spec)
{
    struct check_settings copy = spec->settings;
    struct check_making making = { .settings = &copy, .seed = 1 };
    struct infra_probe *probe = NULL;
    bool is_tls = false;

    (void)check_kind_create(&probe, spec->kind, &making);
    infra_probe_destroy(probe);
    for (uint32_t i = 0; i < copy.count; i++) {
        is_tls = is_tls || (strcmp(copy.at[i].name, "tls") == 0 &&
                            strcmp(copy.at[i].value, "1") == 0);
    }
    return (is_tls ? 2 : 1) *
               or_else(making.timeouts.connect_timeout, INFRA_SEC(1)) +
           or_else(making.timeouts.response_timeout, INFRA_SEC(2));
}

int check_spec_probe(const struct check_spec *spec, struct infra_probe **ret)
{
    struct check_settings copy =
        spec->settings; /* Making marks what it used. */
    struct check_making making = { .settings = &copy };

    /* For SCRAM's nonces, which must not be predictable. */
    if (!entropy_read(&making.seed)) {
        return INFRA_ESYSTEM;
    }
    return check_kind_create(ret, spec->kind, &making);
}
