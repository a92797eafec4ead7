/* SPDX-License-Identifier: MIT */
/* The input is a script and the answer of a server. Each line up to an empty
 * one is a step, with its kind as the first character; the rest is the answer,
 * after which the server closes. */
#include "fuzz.h"
#include "pieces.h"

#define STEPS_MAX 8u

static const char kinds[] = "<>^.!"; /* In the order of the enum. */

/* Take a step from the front of @text. False: none. */
static int take_step(struct infra_probe_step *step, const uint8_t **text,
                     const uint8_t *end)
{
    const uint8_t *line_end = memchr(*text, '\n', (size_t)(end - *text));

    if (line_end == NULL || line_end == *text) {
        return 0;
    }
    const char *kind = memchr(kinds, **text, sizeof kinds - 1);
    *step = (struct infra_probe_step) {
        .kind =
            kind != NULL ? (uint32_t)(kind - kinds) : INFRA_PROBE_STEP_EXPECT,
        .bytes = *text + 1,
        .bytes_size = (size_t)(line_end - *text) - 1,
    };
    if (step->bytes_size == 0) {
        step->bytes = "";
    }
    *text = line_end + 1;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_probe_step steps[STEPS_MAX];
    struct infra_probe_script_options o = { .size = sizeof o, .steps = steps };
    const uint8_t *text = data;
    const uint8_t *end = data + size;
    struct infra_probe *probe;

    while (text < end && o.steps_count < STEPS_MAX &&
           take_step(&steps[o.steps_count], &text, end)) {
        o.steps_count++;
    }
    if (infra_probe_script(&probe, &o) != INFRA_OK) {
        return 0;
    }
    if (text < end && *text == '\n') {
        text++;
    }
    fuzz_in_pieces(probe, text, (size_t)(end - text), NULL);
    infra_probe_destroy(probe);
    return 0;
}
