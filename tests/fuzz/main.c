/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer, so that every compiler's build does it:
 *
 *     fuzz_http_reply [-runs=N] [-seed=S] FILE|DIRECTORY...
 *
 * First every file as it is, then N random mutations of them, the same for the
 * same seed. The options are libFuzzer's. Before each input its number is kept
 * where a debugger finds it: `input_number`, with `input` and `input_size`. */
#include "fuzz.h"

#include "../../lib/base/random.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 256u
#define INPUT_MAX 4096u

struct sample {
    uint8_t *bytes;
    size_t size;
};

static struct sample samples[FILES_MAX];
static uint32_t samples_count;
static uint64_t random_state = 1;

static uint8_t input[INPUT_MAX];
static size_t input_size;
static unsigned long input_number;

static uint32_t below(size_t n)
{
    return infra__below(infra__random(&random_state), (uint32_t)n);
}

static void run_input(void)
{
    /* On the heap at its exact size: a sanitizer sees every overrun. */
    uint8_t *copy = malloc(input_size + (input_size == 0));

    if (copy == NULL) {
        abort();
    }
    memcpy(copy, input, input_size);
    input_number++;
    (void)LLVMFuzzerTestOneInput(copy, input_size);
    free(copy);
}

static int add_file(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL || samples_count == FILES_MAX) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        return EXIT_FAILURE;
    }
    input_size = fread(input, 1, sizeof input, file);
    (void)fclose(file);
    struct sample *s = &samples[samples_count++];
    s->size = input_size;
    s->bytes = malloc(input_size + (input_size == 0));
    if (s->bytes == NULL) {
        abort();
    }
    memcpy(s->bytes, input, input_size);
    run_input();
    return EXIT_SUCCESS;
}

static int is_visible_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_path(const char *path)
{
    struct dirent **entries;
    int err = EXIT_SUCCESS;
    /* In order of names, or a seed would not say which inputs come. */
    int count = scandir(path, &entries, is_visible_name, alphasort);

    if (count < 0) {
        return add_file(path);
    }
    for (int i = 0; i < count; i++) {
        char name[1024];
        (void)snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        err |= add_file(name);
        free(entries[i]);
    }
    free(entries);
    return err;
}

/* Make room for @size bytes at @at, or close a gap there. */
static void move_tail(size_t at, size_t from)
{
    size_t tail = input_size - from;

    tail = tail < INPUT_MAX - at ? tail : INPUT_MAX - at;
    memmove(input + at, input + from, tail);
    input_size = at + tail;
}

static void mutate_once(void)
{
    static const char *const words[] = { "\r\n", "\n", "\r\n\r\n", "0\r\n",
                                         ":",    " ",  "chunked",  "ffffffff",
                                         ";",    "\t", "HTTP/1.1", "100" };
    size_t at = below(input_size + 1);
    size_t size = 1 + below(16);

    size = size < input_size - at ? size : input_size - at;
    switch (below(6)) {
    case 0: /* Another byte. */
        if (at < input_size) {
            input[at] = (uint8_t)below(256);
        }
        break;
    case 1: /* Another bit. */
        if (at < input_size) {
            input[at] = (uint8_t)(input[at] ^ 1u << below(8));
        }
        break;
    case 2: /* A gap. */
        move_tail(at, at + size);
        break;
    case 3: /* The same again. */
        if (at + 2 * size <= INPUT_MAX) {
            move_tail(at + size, at);
        }
        break;
    case 4: { /* A word that means something. */
        const char *word = words[below(sizeof words / sizeof words[0])];
        size = strlen(word);
        if (at + size <= INPUT_MAX) {
            move_tail(at + size, at);
            memcpy(input + at, word, size);
        }
        break;
    }
    default: { /* The tail of another sample. */
        const struct sample *other = &samples[below(samples_count)];
        size_t from = below(other->size + 1);
        size = other->size - from;
        size = size < INPUT_MAX - at ? size : INPUT_MAX - at;
        memcpy(input + at, other->bytes + from, size);
        input_size = at + size;
        break;
    }
    }
}

int main(int argc, char **argv)
{
    unsigned long runs = 0;
    int err = EXIT_SUCCESS;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0) {
            runs = strtoul(argv[i] + 6, NULL, 10);
        } else if (strncmp(argv[i], "-seed=", 6) == 0) {
            random_state = strtoull(argv[i] + 6, NULL, 10);
        } else {
            err |= add_path(argv[i]);
        }
    }
    if (samples_count == 0) {
        (void)fprintf(stderr, "no inputs\n");
        return EXIT_FAILURE;
    }
    for (unsigned long n = 0; n < runs; n++) {
        const struct sample *s = &samples[below(samples_count)];
        memcpy(input, s->bytes, s->size);
        input_size = s->size;
        for (uint32_t m = 1 + below(4); m > 0; m--) {
            mutate_once();
        }
        run_input();
    }
    for (uint32_t i = 0; i < samples_count; i++) {
        free(samples[i].bytes);
    }
    (void)printf("%lu inputs\n", input_number);
    return err;
}
