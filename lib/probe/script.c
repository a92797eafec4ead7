/* SPDX-License-Identifier: MIT */
/* Send and expect, step by step. Bytes to send are queued as soon as their step
 * is reached, so that every byte of input belongs to one expectation, however
 * the input is split. The bytes that an expectation waits for and those that
 * may not come before them are searched in one pass over the stream. */
#include "internal.h"

#include "../base/internal.h"
#include "../base/printable.h"
#include "../base/search.h"

#include <string.h>

#define STEPS_MAX 64u
#define SEND_MAX 4096u
#define SEEN_MAX 127u
#define READ_MAX 65536u

INFRA__NO_TAIL_PADDING(struct infra_probe_script_options, steps_count);

struct step {
    struct infra__search search; /* Of all steps: the text. */
    uint32_t kind;
};

struct script {
    struct infra_probe probe; /* First: it is a probe. */
    size_t steps_count;
    size_t step;    /* The expectation; earlier steps are passed, or REFUSE. */
    size_t refuse;  /* From here to @step, REFUSE steps apply. */
    size_t sending; /* The SEND step in the output; @step: none. */
    size_t matched; /* Bytes of EXPECT_START that have come. */
    uint32_t read_count;
    uint32_t seen_size; /* Of @seen, the first bytes of the expectation. */
    unsigned char seen[SEEN_MAX];
    char message[SEEN_MAX + 1];
    struct step steps[]; /* Then their bytes, and the tables of searches. */
};

static bool is_searched(uint32_t kind)
{
    return kind == INFRA_PROBE_STEP_EXPECT || kind == INFRA_PROBE_STEP_REFUSE;
}

static bool is_expectation(uint32_t kind)
{
    return kind != INFRA_PROBE_STEP_SEND && kind != INFRA_PROBE_STEP_REFUSE;
}

static void see(struct script *s, const unsigned char *bytes, size_t count)
{
    size_t left = SEEN_MAX - s->seen_size;

    left = left < count ? left : count;
    memcpy(s->seen + s->seen_size, bytes, left);
    s->seen_size += (uint32_t)left;
}

/* Set the message after each input, since the check may end without one. */
static void set_message(struct script *s)
{
    const unsigned char *from = s->seen;
    const unsigned char *to = from + s->seen_size;

    while (from < to && (*from == '\r' || *from == '\n')) {
        from++;
    }
    while (to > from && (to[-1] == '\r' || to[-1] == '\n')) {
        to--;
    }
    infra__copy_printable(s->message, sizeof s->message, from,
                          (size_t)(to - from));
}

/* Send the next SEND step before the present step, from @sending on. */
static void send_next(struct script *s)
{
    while (s->sending < s->step &&
           s->steps[s->sending].kind != INFRA_PROBE_STEP_SEND) {
        s->sending++;
    }
    if (s->sending < s->step) {
        infra__probe_send(&s->probe, s->steps[s->sending].search.text,
                          s->steps[s->sending].search.size);
    }
}

/* Go to the next expectation and begin its searches, or go to the end. */
static void advance(struct script *s)
{
    s->refuse = s->step;
    s->matched = 0;
    while (s->step < s->steps_count &&
           !is_expectation(s->steps[s->step].kind)) {
        infra__search_start(&s->steps[s->step].search);
        s->step++;
    }
    s->probe.result.status = (uint32_t)s->step;
    if (s->probe.output_size == 0) {
        send_next(s);
    }
    if (s->step < s->steps_count) {
        infra__search_start(&s->steps[s->step].search);
        s->seen_size = 0;
    } else if (s->sending == s->steps_count) {
        infra__probe_finish(&s->probe, INFRA_PROBE_REASON_PASSED);
    }
}

static void script_connected(struct infra_probe *probe)
{
    struct script *s = (struct script *)probe;

    s->step = 0;
    s->sending = 0;
    s->read_count = 0;
    s->seen_size = 0;
    probe->result.has |= INFRA_PROBE_HAS_STATUS;
    advance(s);
}

static void script_written(struct infra_probe *probe)
{
    struct script *s = (struct script *)probe;

    s->sending++;
    send_next(s);
    if (s->sending == s->steps_count) {
        infra__probe_finish(&s->probe, INFRA_PROBE_REASON_PASSED);
    }
}

static void expectation_met(struct script *s)
{
    s->step++;
    advance(s);
}

static bool is_refused(struct script *s, unsigned char c)
{
    bool refused = false;

    for (size_t i = s->refuse; i < s->step; i++) {
        struct step *step = &s->steps[i];
        refused |= step->kind == INFRA_PROBE_STEP_REFUSE &&
                   infra__search_feed(&step->search, &c, 1);
    }
    return refused;
}

/* False: it may not come here. */
static bool take_byte(struct script *s, unsigned char c)
{
    struct step *step = &s->steps[s->step];

    if (is_refused(s, c)) {
        return false;
    }
    if (step->kind == INFRA_PROBE_STEP_EXPECT) {
        if (infra__search_feed(&step->search, &c, 1)) {
            expectation_met(s);
        }
    } else if (step->kind == INFRA_PROBE_STEP_EXPECT_START) {
        if (c != step->search.text[s->matched]) {
            return false;
        }
        if (++s->matched == step->search.size) {
            expectation_met(s);
        }
    }
    return true;
}

static void script_input(struct infra_probe *probe, const void *bytes,
                         size_t count)
{
    struct script *s = (struct script *)probe;
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count && s->step < s->steps_count; i++) {
        if (++s->read_count > READ_MAX) {
            infra__probe_finish(probe, INFRA_PROBE_REASON_REPLY_TOO_LONG);
            break;
        }
        see(s, at + i, 1);
        if (!take_byte(s, at[i])) {
            see(s, at + i + 1, count - i - 1); /* For the message. */
            infra__probe_finish(probe, INFRA_PROBE_REASON_UNEXPECTED);
            break;
        }
    }
    set_message(s);
}

static void script_ended(struct infra_probe *probe)
{
    struct script *s = (struct script *)probe;

    if (s->step < s->steps_count &&
        s->steps[s->step].kind == INFRA_PROBE_STEP_EXPECT_END) {
        expectation_met(s);
    }
    if (probe->want == INFRA_WANT_IO) {
        infra__probe_finish(probe, INFRA_PROBE_REASON_CLOSED_EARLY);
    }
}

static const struct infra__probe_kind script = { .connected = script_connected,
                                                 .written = script_written,
                                                 .input = script_input,
                                                 .ended = script_ended };

/* The size of a step's bytes; 0: none, or not allowed. */
static size_t size_of_step(const struct infra_probe_step *step)
{
    size_t max =
        step->kind == INFRA_PROBE_STEP_SEND ? SEND_MAX : INFRA__SEARCH_TEXT_MAX;
    size_t size = step->bytes_size;

    if (step->bytes == NULL || step->kind == INFRA_PROBE_STEP_EXPECT_END) {
        return 0;
    }
    if (size == 0) {
        size = strlen(step->bytes);
    }
    return size <= max ? size : 0;
}

static int complete(void *options)
{
    const struct infra_probe_script_options *o = options;
    bool has_expectation = true; /* After the last REFUSE. */

    if (o->steps == NULL || o->steps_count == 0 || o->steps_count > STEPS_MAX) {
        return INFRA_EINVAL;
    }
    for (size_t i = 0; i < o->steps_count; i++) {
        const struct infra_probe_step *step = &o->steps[i];
        if (step->kind > INFRA_PROBE_STEP_REFUSE ||
            (step->kind != INFRA_PROBE_STEP_EXPECT_END &&
             size_of_step(step) == 0)) {
            return INFRA_EINVAL;
        }
        if (step->kind != INFRA_PROBE_STEP_SEND) {
            has_expectation = step->kind != INFRA_PROBE_STEP_REFUSE;
        }
    }
    return has_expectation ? INFRA_OK : INFRA_EINVAL;
}

/* Copy a step; its text and the table of a search to @bytes. */
static void copy_step(struct step *to, const struct infra_probe_step *from,
                      unsigned char *bytes)
{
    size_t size = size_of_step(from);

    to->kind = from->kind;
    to->search = (struct infra__search) { .text = bytes,
                                          .borders = bytes + size,
                                          .size = size };
    if (size > 0) {
        memcpy(bytes, from->bytes, size);
    }
    if (is_searched(from->kind)) {
        infra__search_prepare(&to->search);
    }
}

int infra_probe_script(struct infra_probe **ret,
                       const struct infra_probe_script_options *options)
{
    struct infra_probe_script_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    size_t count = err == INFRA_OK ? o.steps_count : 0;
    size_t size = sizeof(struct script) + count * sizeof(struct step);
    size_t at = size;

    for (size_t i = 0; i < count; i++) {
        size += 2 * size_of_step(&o.steps[i]);
    }
    struct script *s = infra__probe_create(&err, size, &script, &o);
    if (s == NULL) {
        return err;
    }
    s->probe.texts[INFRA_PROBE_TEXT_MESSAGE] = s->message;
    s->steps_count = count;
    for (size_t i = 0; i < count; i++) {
        copy_step(&s->steps[i], &o.steps[i], (unsigned char *)s + at);
        at += 2 * size_of_step(&o.steps[i]);
    }
    *ret = &s->probe;
    return INFRA_OK;
}
