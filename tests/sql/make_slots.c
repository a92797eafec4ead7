/* SPDX-License-Identifier: MIT */
/* Prints lib/sql/slots.c: where words and functions are found by their hash.
 * With the name of that file, it only tells whether the file is the same. */
#include "sql/functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char begin[] =
    "/* SPDX-License-Identifier: MIT */\n"
    "/* Where words and functions are found by their hash. Made by\n"
    " * tests/sql/make_slots.c, and compared with what that makes by a test. "
    "*/\n"
    "#include \"functions.h\"\n"
    "\n"
    "/* clang-format off */\n";

static void print(FILE *out, const char *type, const char *name,
                  const uint16_t *slots, uint32_t count)
{
    fprintf(out, "\nconst %s infra__sql_%s_slots[%u] = {", type, name, count);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, "%s%u,", i % 12 == 0 ? "\n    " : " ", slots[i]);
    }
    fprintf(out, "\n};\n");
}

enum { WORD_SLOTS = 1 << INFRA__SQL_WORD_BITS };

/* Does each word have a slot of its own? */
static int place_words(uint16_t *slots, uint64_t factor)
{
    memset(slots, 0, WORD_SLOTS * sizeof *slots);
    for (unsigned word = 1; word < WORDS_END; word++) {
        const char *text = infra__sql_entries[word].text;
        size_t length = strlen(text);
        uint64_t fold = INFRA__SQL_FOLD;
        if (length < 8) {
            fold &= ((uint64_t)1 << 8 * length) - 1;
        }
        uint32_t slot =
            infra__sql_word_slot(infra__sql_eight(text) | fold, length, factor);
        if (slots[slot] != 0) {
            return 0;
        }
        slots[slot] = (uint16_t)word;
    }
    return 1;
}

static void print_words(FILE *out)
{
    static uint16_t slots[WORD_SLOTS];
    uint64_t factor = 0x9e3779b97f4a7c15u;

    /* Some thousand of them have to be tried: each is the one before, times one
     * that is 5 modulo 8, so that all odd ones come before one comes again. */
    while (!place_words(slots, factor)) {
        factor *= 0x5851f42d4c957f2du;
    }
    fprintf(out, "const uint64_t infra__sql_word_factor = 0x%016llxu;\n",
            (unsigned long long)factor);
    print(out, "uint8_t", "word", slots, WORD_SLOTS);
}

static void place_function(uint16_t *slots, const char *name, unsigned place)
{
    uint32_t slot = infra__sql_slot(name, strlen(name));
    uint32_t steps = 0;

    while (slots[slot] != 0) {
        slot = (slot + 1) % INFRA__SQL_SLOTS;
        /* An empty one must be left, at which a search ends. */
        if (++steps == INFRA__SQL_SLOTS - 1) {
            fprintf(stderr, "make_slots: more names than slots\n");
            exit(EXIT_FAILURE);
        }
    }
    slots[slot] = (uint16_t)place;
}

static void print_functions(FILE *out, const char *name,
                            const struct infra__sql_functions *lists)
{
    uint16_t slots[INFRA__SQL_SLOTS] = { 0 };

    for (unsigned list = 0; lists[list].names != NULL; list++) {
        for (unsigned i = 0; i < lists[list].count; i++) {
            place_function(slots, lists[list].names[i],
                           (list + 1) << INFRA__SQL_PLACE_BITS | i);
        }
    }
    print(out, "uint16_t", name, slots, INFRA__SQL_SLOTS);
}

static int is_same(FILE *a, FILE *b)
{
    int c;

    rewind(a);
    do {
        c = getc(a);
        if (c != getc(b)) {
            return 0;
        }
    } while (c != EOF);
    return 1;
}

int main(int argc, char **argv)
{
    FILE *out = argc > 1 ? tmpfile() : stdout;
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;

    if (out == NULL || (argc > 1 && file == NULL)) {
        perror("make_slots");
        return EXIT_FAILURE;
    }
    fputs(begin, out);
    print_words(out);
    print_functions(out, "postgresql", infra__sql_functions_postgresql);
    print_functions(out, "mysql", infra__sql_functions_mysql);
    if (argc > 1 && !is_same(out, file)) {
        fprintf(stderr, "make_slots: %s is not what this program prints\n",
                argv[1]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
