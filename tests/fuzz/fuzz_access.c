/* SPDX-License-Identifier: MIT */
/* A text of rules, and the addresses in it. What is read is published, and the
 * table says for each prefix's ends what a search through the text's rules
 * says. A flaw has a place inside the text. Each word that is an address or a
 * prefix comes back from its print. */
#include "fuzz.h"

#include <infra/access.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 64u

static void check(int good)
{
    if (!good) {
        abort();
    }
}

static void check_prefix(const struct infra_prefix *p)
{
    char text[INFRA_PREFIX_TEXT_MAX];
    struct infra_prefix again;
    size_t length = infra_prefix_print(p, text);

    check(length > 0 && length < sizeof text && text[length] == '\0');
    check(infra_prefix_parse(text, length, &again) == INFRA_OK);
    check(memcmp(p, &again, sizeof again) == 0);
    check(infra_prefix_contains(p, &p->address));
}

static size_t words(const char *text, size_t size,
                    struct infra_prefix ret[RULES_MAX])
{
    size_t count = 0;

    for (size_t at = 0; at < size && count < RULES_MAX;) {
        size_t begin = at;
        while (at < size && strchr(" \t\r\n#", text[at]) == NULL) {
            at++;
        }
        if (infra_prefix_parse(text + begin, at - begin, &ret[count]) ==
            INFRA_OK) {
            check_prefix(&ret[count++]);
        }
        at++;
    }
    return count;
}

/* The words of check() and of explain() agree. */
static void check_answer(struct infra_access *access,
                         struct infra_access_reader *reader,
                         const struct infra_address *address)
{
    char said[128];
    uint32_t rule;
    int allowed = infra_access_check(reader, address, &rule);

    check(infra_access_explain(access, address, said, sizeof said) > 0);
    check(strncmp(said, allowed ? "allow" : "deny ", 5) == 0);
    const char *id = strstr(said, " by rule ");
    check((id == NULL) == (rule == INFRA_ACCESS_RULE_NONE));
    check(id == NULL || strtoul(id + 9, NULL, 10) == rule);
}

static void check_flaw(const struct infra_access_problem *p, size_t size)
{
    check(p->line >= 1 && p->line <= size + 1);
    check(p->column >= 1 && p->column <= size + 1);
    check(strcmp(infra_access_flaw_name(p->flaw), "unknown") != 0);
    check((p->other_line != 0) == (p->flaw == INFRA_ACCESS_FLAW_CONFLICT ||
                                   p->flaw == INFRA_ACCESS_FLAW_DEFAULT));
    check(p->other_line < p->line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_prefix prefixes[RULES_MAX];
    struct infra_access_problem problem = { .flaw = 0 };
    struct infra_access_reader *reader = NULL;
    struct infra_access *access = NULL;
    const char *text = (const char *)data;
    size_t count = words(text, size, prefixes);

    check(infra_access_create(&access, NULL) == INFRA_OK);
    check(infra_access_reader_create(&reader, access) == INFRA_OK);
    if (infra_access_load(access, text, size, &problem) == INFRA_OK) {
        check(infra_access_publish(access) == INFRA_OK);
        for (size_t i = 0; i < count; i++) {
            struct infra_address last = prefixes[i].address;
            for (uint32_t bit = prefixes[i].length; bit < 128; bit++) {
                last.bytes[bit / 8] |= (unsigned char)(0x80u >> bit % 8);
            }
            check_answer(access, reader, &prefixes[i].address);
            check_answer(access, reader, &last);
        }
    } else {
        check_flaw(&problem, size);
    }
    infra_access_reader_destroy(reader);
    infra_access_destroy(access);
    return 0;
}
