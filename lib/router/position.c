/* SPDX-License-Identifier: MIT */
/* Positions as sets of intervals: read, united, compared. */
#include "position.h"

#include "../base/internal.h"

#include <string.h>

#define KIND_LAST INFRA_POSITION_MYSQL

/* While a position is made it may have twice the parts: the gaps that are
 * filled then do not depend on the order. */
#define WORK_MAX (2u * INFRA_POSITION_PARTS_MAX)

static const char *const kinds[] = {
    [INFRA_POSITION_NONE] = "none",   [INFRA_POSITION_NUMBER] = "number",
    [INFRA_POSITION_LSN] = "lsn",     [INFRA_POSITION_MARIADB] = "mariadb",
    [INFRA_POSITION_MYSQL] = "mysql",
};

static const char *const answers[] = {
    [INFRA_POSITION_ANSWER_NO] = "no",
    [INFRA_POSITION_ANSWER_YES] = "yes",
    [INFRA_POSITION_ANSWER_UNKNOWN] = "unknown",
};

/* The position of these parts, or INFRA_EFULL. */
static int finish(struct infra__position_parts *list,
                  struct infra_position *ret)
{
    while (list->count > INFRA_POSITION_PARTS_MAX) {
        if (!infra__position_fill(list)) {
            return INFRA_EFULL;
        }
    }
    *ret = (struct infra_position) { .kind = INFRA_POSITION_NONE };
    if (list->count > 0) {
        ret->kind = (uint8_t)list->kind;
        ret->count = (uint8_t)list->count;
        ret->is_filled = list->is_filled ? 1 : 0;
        memcpy(ret->parts, list->parts, list->count * sizeof ret->parts[0]);
    }
    return INFRA_OK;
}

int infra_position_parse(uint32_t kind, uint64_t epoch, const char *text,
                         size_t length, struct infra_position *ret)
{
    struct infra_position_part parts[WORK_MAX];
    struct infra__position_parts list = {
        .kind = kind,
        .fills = true,
        .max = WORK_MAX,
        .parts = parts,
    };

    if (text == NULL || ret == NULL || kind == INFRA_POSITION_NONE ||
        kind > KIND_LAST) {
        return INFRA_EINVAL;
    }
    int err = infra__position_read(&list, epoch, text, length);
    return err != INFRA_OK ? err : finish(&list, ret);
}

int infra__position_parse_parts(uint32_t kind, uint64_t epoch, const char *text,
                                size_t length,
                                struct infra_position_part *parts, size_t max,
                                size_t *ret_count)
{
    struct infra__position_parts list = {
        .kind = kind,
        .max = (uint32_t)max,
        .parts = parts,
    };

    if (kind == INFRA_POSITION_NONE || kind > KIND_LAST) {
        return INFRA_EINVAL;
    }
    int err = infra__position_read(&list, epoch, text, length);
    if (err == INFRA_OK) {
        *ret_count = list.count;
    }
    return err;
}

/* Does a part of this kind look like this? */
static bool part_is_sound(uint32_t kind, const struct infra_position_part *part)
{
    static const uint8_t zeros[sizeof part->source];
    size_t used = kind == INFRA_POSITION_NUMBER ? 0 : 4;

    if (kind == INFRA_POSITION_MYSQL) {
        return part->first > 0 && part->first <= part->last;
    }
    return part->first == 0 && part->tag == 0 &&
           memcmp(part->source + used, zeros, sizeof zeros - used) == 0;
}

bool infra__position_is_sound(const struct infra_position *p)
{
    struct infra_position_part parts[INFRA_POSITION_PARTS_MAX];
    struct infra__position_parts list = {
        .kind = p->kind,
        .max = INFRA_POSITION_PARTS_MAX,
        .parts = parts,
    };

    if (p->kind > KIND_LAST || p->count > INFRA_POSITION_PARTS_MAX ||
        (p->kind == INFRA_POSITION_NONE) != (p->count == 0) ||
        p->is_filled > (p->kind == INFRA_POSITION_MYSQL)) {
        return false;
    }
    /* Those that are in order, and do not touch, stay as they are. */
    for (uint32_t i = 0; i < p->count; i++) {
        if (!part_is_sound(p->kind, &p->parts[i]) ||
            infra__position_insert(&list, &p->parts[i]) != INFRA_OK) {
            return false;
        }
    }
    return list.count == p->count &&
           memcmp(parts, p->parts, p->count * sizeof parts[0]) == 0;
}

int infra_position_merge(struct infra_position *into,
                         const struct infra_position *from)
{
    struct infra_position_part parts[WORK_MAX];
    struct infra__position_parts list = { .max = WORK_MAX, .parts = parts };

    if (into == NULL || from == NULL || !infra__position_is_sound(into) ||
        !infra__position_is_sound(from)) {
        return INFRA_EINVAL;
    }
    if (from->kind == INFRA_POSITION_NONE) {
        return INFRA_OK;
    }
    if (into->kind != INFRA_POSITION_NONE && into->kind != from->kind) {
        return INFRA_EINVAL;
    }
    list.kind = from->kind;
    list.is_filled = into->is_filled || from->is_filled;
    list.count = into->count;
    memcpy(parts, into->parts, into->count * sizeof parts[0]);
    for (uint32_t i = 0; i < from->count; i++) {
        (void)infra__position_insert(&list, &from->parts[i]); /* Has room. */
    }
    return finish(&list, into);
}

static bool is_same_source(const struct infra_position_part *a,
                           const struct infra_position_part *b)
{
    return a->tag == b->tag &&
           memcmp(a->source, b->source, sizeof a->source) == 0;
}

/* A timeline of 0 is not known, and compares with each. */
static bool is_comparable(uint32_t kind, const struct infra_position_part *a,
                          const struct infra_position_part *b)
{
    static const uint8_t none[4];

    return is_same_source(a, b) ||
           (kind == INFRA_POSITION_LSN &&
            (memcmp(a->source, none, sizeof none) == 0 ||
             memcmp(b->source, none, sizeof none) == 0));
}

static bool contains(const struct infra_position_part *have,
                     const struct infra_position_part *need)
{
    return have->first <= need->first && need->last <= have->last;
}

/* What all parts say of @need, in any order. Another epoch, or another
 * timeline, may be another history. */
static uint32_t any_covers(uint32_t kind,
                           const struct infra_position_part *have, size_t count,
                           const struct infra_position_part *need,
                           bool epochs_count)
{
    uint32_t answer = INFRA_POSITION_ANSWER_NO;

    for (size_t i = 0; i < count; i++) {
        bool compares = is_comparable(kind, &have[i], need);
        if (compares && (!epochs_count || have[i].epoch == need->epoch)) {
            if (contains(&have[i], need)) {
                return INFRA_POSITION_ANSWER_YES;
            }
        } else if (compares || kind == INFRA_POSITION_LSN) {
            answer = INFRA_POSITION_ANSWER_UNKNOWN;
        }
    }
    return answer;
}

uint32_t infra_position_covers(const struct infra_position *have,
                               const struct infra_position *need)
{
    uint32_t answer = INFRA_POSITION_ANSWER_YES;

    if (have == NULL || need == NULL ||
        have->count > INFRA_POSITION_PARTS_MAX ||
        need->count > INFRA_POSITION_PARTS_MAX) {
        return INFRA_POSITION_ANSWER_UNKNOWN;
    }
    if (need->kind == INFRA_POSITION_NONE) {
        return INFRA_POSITION_ANSWER_YES;
    }
    if (have->kind == INFRA_POSITION_NONE) {
        return INFRA_POSITION_ANSWER_NO;
    }
    if (have->kind != need->kind) {
        return INFRA_POSITION_ANSWER_UNKNOWN;
    }
    for (uint32_t i = 0; i < need->count; i++) {
        uint32_t one = any_covers(have->kind, have->parts, have->count,
                                  &need->parts[i], true);
        if (one == INFRA_POSITION_ANSWER_NO) {
            return one;
        }
        answer = one == INFRA_POSITION_ANSWER_YES ? answer : one;
    }
    /* What covers it may be a gap. */
    return have->is_filled ? INFRA_POSITION_ANSWER_UNKNOWN : answer;
}

static bool is_after(const struct infra_position_part *have,
                     const struct infra_position_part *need)
{
    int order = memcmp(have->source, need->source, sizeof have->source);

    if (order != 0) {
        return order > 0;
    }
    return have->tag != need->tag ? have->tag > need->tag
                                  : have->first > need->first;
}

/* Only the last part that does not begin behind @need can cover it. */
static uint32_t sorted_covers(const struct infra_position_part *have,
                              size_t count,
                              const struct infra_position_part *need)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_after(&have[middle], need)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low > 0 && is_same_source(&have[low - 1], need) &&
                   contains(&have[low - 1], need)
               ? INFRA_POSITION_ANSWER_YES
               : INFRA_POSITION_ANSWER_NO;
}

uint32_t infra__position_covers_parts(uint32_t kind,
                                      const struct infra_position_part *have,
                                      size_t have_count, bool have_is_filled,
                                      const struct infra_position *need)
{
    uint32_t answer = INFRA_POSITION_ANSWER_YES;

    if (need->kind == INFRA_POSITION_NONE) {
        return INFRA_POSITION_ANSWER_YES;
    }
    if (have_count > 0 && need->kind != kind) {
        return INFRA_POSITION_ANSWER_UNKNOWN;
    }
    for (uint32_t i = 0; i < need->count; i++) {
        /* Timelines are not equal or different only; there are few. */
        uint32_t one =
            kind == INFRA_POSITION_LSN
                ? any_covers(kind, have, have_count, &need->parts[i], false)
                : sorted_covers(have, have_count, &need->parts[i]);
        if (one == INFRA_POSITION_ANSWER_NO) {
            return one;
        }
        answer = one == INFRA_POSITION_ANSWER_YES ? answer : one;
    }
    return have_is_filled ? INFRA_POSITION_ANSWER_UNKNOWN : answer;
}

const char *infra_position_kind_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}

const char *infra_position_answer_name(uint32_t answer)
{
    return INFRA__NAME(answers, answer);
}
