/* SPDX-License-Identifier: MIT */
/* The checks: a schedule and a counter over two heaps of ids, one by the time
 * of the next check, one by the order of changes. A backend is in the first
 * heap or has a check running, never both, so there is one check at a time.
 * Changes are handed out before checks, so a backend changes at most once
 * before the host knows, unless its key has moved. Every call is O(log n),
 * except the answer to the check of a key that has moved, and allocates
 * nothing. */
#include "internal.h"

#include <assert.h>

/* Longest time between two turns of the host while a check runs; without it a
 * slow check and a loop that slept look the same. */
#define BEAT INFRA_HEALTH_LATE

/* What an outcome is evidence of. */
enum evidence {
    EVIDENCE_OF_NOTHING,
    EVIDENCE_OF_LIFE,
    EVIDENCE_OF_DEATH,   /* An answer: refused, reset, an error. */
    EVIDENCE_OF_SILENCE, /* The backend is dead, or this checker is deaf. */
};

static bool check_is_due(const struct infra_health *h)
{
    return h->checks.count > 0 && infra__timers_first(&h->checks) <= h->now;
}

infra_time infra_health_deadline(const struct infra_health *health)
{
    if (infra__self_doubt_is_news(&health->doubt) ||
        health->changes.count > 0 || check_is_due(health)) {
        return 0;
    }
    infra_time due = infra__timers_first(&health->checks);
    infra_time beat = health->running_count > 0
                          ? infra__time_add(health->now, BEAT)
                          : INFRA_TIME_NEVER;
    return due < beat ? due : beat;
}

void infra__health_advance(struct infra_health *h, infra_time now)
{
    if (now <= h->now) {
        return;
    }
    infra_time wanted = infra_health_deadline(h);
    wanted = wanted > h->now ? wanted : h->now;
    h->now = now;
    if (h->is_turning && now > wanted && now - wanted > INFRA_HEALTH_LATE) {
        infra__self_doubt_late(&h->doubt, now - wanted, now);
    }
}

uint32_t infra__health_kind(const struct infra_health *h,
                            const struct infra__history *history)
{
    if (!infra__rise_fall_is_up(&h->options, history->counter)) {
        return INFRA_HEALTH_EVENT_DOWN;
    }
    return history->is_degraded ? INFRA_HEALTH_EVENT_DEGRADED
                                : INFRA_HEALTH_EVENT_UP;
}

void infra__health_change(struct infra_health *h, uint32_t id, uint32_t reason)
{
    h->backends[id].change_reason = (uint8_t)reason;
    infra__timers_set(&h->changes, id, h->changes_count++);
}

static void take_doubt(struct infra_health *h, struct infra_health_event *ret)
{
    bool doubts = h->doubt.score > 0;

    h->doubt.is_known = doubts;
    *ret = (struct infra_health_event) {
        .kind = doubts ? INFRA_HEALTH_EVENT_DOUBT : INFRA_HEALTH_EVENT_TRUST,
        .id = INFRA_HEALTH_NOBODY,
        .at = h->doubt.turned_at,
        .reason = doubts ? h->doubt.reason : INFRA_HEALTH_REASON_ANSWERED,
        .counter = h->doubt.score
    };
}

static void take_change(struct infra_health *h, struct infra_health_event *ret)
{
    uint32_t id = h->changes.heap[0];
    const struct infra__backend *b = &h->backends[id];

    infra__timers_set(&h->changes, id, INFRA_TIME_NEVER);
    /* The outcome that decided is the backend's last. */
    *ret = (struct infra_health_event) { .kind =
                                             infra__health_kind(h, &b->history),
                                         .id = id,
                                         .at = b->history.since,
                                         .reason = b->change_reason,
                                         .outcome = b->history.outcome,
                                         .detail = b->history.detail,
                                         .counter = b->history.counter };
}

static void take_check(struct infra_health *h, struct infra_health_event *ret)
{
    uint32_t id = h->checks.heap[0];
    struct infra__backend *b = &h->backends[id];
    infra_time due = h->checks.due[id];

    assert(b->is_set && !b->is_running);
    if (b->history.reason != INFRA_HEALTH_REASON_ASKED) {
        b->due = due;
    }
    b->history.started = h->now;
    b->slept = h->doubt.slept;
    if (!b->is_silent) {
        b->heard = h->doubt.heard;
    }
    b->is_running = true;
    b->generation++;
    b->history.call = (uint64_t)b->generation << 32 | id;
    b->history.call_due = b->due;
    h->running_count++;
    infra__timers_set(&h->checks, id, INFRA_TIME_NEVER);
    *ret = (struct infra_health_event) { .kind = INFRA_HEALTH_EVENT_CHECK,
                                         .id = id,
                                         .call = b->history.call,
                                         .at = due,
                                         .reason = b->history.reason,
                                         .counter = b->history.counter };
}

int infra_health_next(struct infra_health *health, infra_time now,
                      struct infra_health_event *ret)
{
    if (health == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    infra__health_advance(health, now);
    health->is_turning = true;
    if (infra__self_doubt_is_news(&health->doubt)) {
        take_doubt(health, ret);
    } else if (health->changes.count > 0) {
        take_change(health, ret);
    } else if (check_is_due(health)) {
        take_check(health, ret);
    } else {
        return INFRA_EAGAIN;
    }
    return INFRA_OK;
}

static infra_time earliest_extra(const struct infra_health *h,
                                 const struct infra__backend *b)
{
    infra_time apart =
        infra__time_add(b->history.started, h->options.fastinter);

    return apart > h->now ? apart : h->now;
}

infra_time infra__health_following(struct infra_health *h,
                                   const struct infra__backend *b,
                                   uint32_t reason)
{
    if (b->history.reason == INFRA_HEALTH_REASON_ASKED) {
        /* The regular checks keep their phase, or backends that were asked for
         * together would stay in step. */
        return infra__schedule_in_phase(
            b->due, infra__schedule_interval(&h->options, reason),
            earliest_extra(h, b));
    }
    return infra__schedule_next(&h->options, &h->random, reason, b->due,
                                h->now);
}

/* Bring the next check forward. */
static void hasten(struct infra_health *h, uint32_t id)
{
    struct infra__backend *b = &h->backends[id];
    infra_time due = h->checks.due[id];
    infra_time at = b->history.reason == INFRA_HEALTH_REASON_START
                        ? h->now
                        : earliest_extra(h, b);

    if (at < due) {
        b->due = due;
        b->history.reason = INFRA_HEALTH_REASON_ASKED;
        infra__timers_set(&h->checks, id, at);
    }
}

int infra_health_check_now(struct infra_health *health, uint32_t id,
                           infra_time now)
{
    if (health == NULL || id >= health->ids_max) {
        return INFRA_EINVAL;
    }
    struct infra__backend *b = &health->backends[id];

    if (!b->is_set) {
        return INFRA_ENOENT;
    }
    infra__health_advance(health, now);
    if (b->is_running) {
        b->is_asked = true;
    } else {
        hasten(health, id);
    }
    return INFRA_OK;
}

static enum evidence evidence_of(uint32_t outcome)
{
    if (outcome == INFRA_OUTCOME_LOCAL || outcome == INFRA_OUTCOME_ABANDONED ||
        outcome == INFRA_OUTCOME_STALE) {
        return EVIDENCE_OF_NOTHING;
    }
    if (outcome == INFRA_OUTCOME_TIMEOUT ||
        outcome == INFRA_OUTCOME_UNREACHABLE) {
        return EVIDENCE_OF_SILENCE;
    }
    return infra__outcome_worked(outcome) ? EVIDENCE_OF_LIFE
                                          : EVIDENCE_OF_DEATH;
}

/* Count silent and answering backends. */
static void listen(struct infra_health *h, struct infra__backend *b,
                   enum evidence evidence)
{
    if (evidence != EVIDENCE_OF_SILENCE) {
        infra__self_doubt_answer(&h->doubt, b->history.started, h->now);
        b->history.has_answered = true;
        b->is_silent = false;
        return;
    }
    infra__self_doubt_no_want(&h->doubt, b->history.started, h->now);
    if (!b->is_silent && b->history.has_answered &&
        infra__rise_fall_is_up(&h->options, b->history.counter)) {
        infra__self_doubt_silence(&h->doubt);
        b->is_silent = true;
    }
}

/* Would silence take the backend down, and is the machine in doubt? */
static bool is_doubted(struct infra_health *h, const struct infra__backend *b,
                       enum evidence evidence)
{
    return evidence == EVIDENCE_OF_SILENCE &&
           b->history.counter == h->options.rise &&
           infra__self_doubt_holds(&h->doubt, &b->heard, h->now);
}

/* Move the counter, and queue the change that this makes. */
static void count(struct infra_health *h, uint32_t id, uint32_t counter,
                  bool is_degraded)
{
    struct infra__history *of = &h->backends[id].history;
    uint32_t was = infra__health_kind(h, of);

    of->counter = (uint16_t)counter;
    of->is_degraded = is_degraded;
    uint32_t is = infra__health_kind(h, of);
    if (is == was) {
        return;
    }
    of->since = h->now;
    infra__health_change(
        h, id,
        is == INFRA_HEALTH_EVENT_DOWN    ? INFRA_HEALTH_REASON_FALL
        : was == INFRA_HEALTH_EVENT_DOWN ? INFRA_HEALTH_REASON_RISE
        : is_degraded                    ? INFRA_HEALTH_REASON_DEGRADED
                                         : INFRA_HEALTH_REASON_RELIEVED);
}

static uint32_t judge_failure(struct infra_health *h, uint32_t id,
                              enum evidence evidence)
{
    struct infra__backend *b = &h->backends[id];
    bool slept = infra__self_doubt_slept_through(&h->doubt, b->history.started,
                                                 b->slept, h->now);

    b->history.failures++;
    if (!slept) {
        listen(h, b, evidence);
    }
    /* In doubt wait, but at most `fall` times in a row: a loop that is always
     * late has to notice dead backends, too. */
    if (b->history.held < h->options.fall &&
        (slept || is_doubted(h, b, evidence))) {
        b->history.held++;
        return INFRA_HEALTH_REASON_FASTINTER;
    }
    count(h, id, infra__rise_fall_fail(&h->options, b->history.counter),
          b->history.is_degraded);
    return infra__schedule_reason(&h->options, b->history.counter);
}

/* Count an outcome; the result is the reason of the next check. */
static uint32_t judge(struct infra_health *h, uint32_t id, uint32_t outcome)
{
    struct infra__backend *b = &h->backends[id];
    enum evidence evidence = evidence_of(outcome);

    if (evidence == EVIDENCE_OF_NOTHING) {
        if (outcome == INFRA_OUTCOME_LOCAL && !b->history.is_wanting) {
            infra__self_doubt_local(&h->doubt, h->now);
            b->history.is_wanting = true;
        }
        return INFRA_HEALTH_REASON_FASTINTER;
    }
    b->history.is_wanting = false;
    if (evidence != EVIDENCE_OF_LIFE) {
        return judge_failure(h, id, evidence);
    }
    listen(h, b, evidence);
    b->history.held = 0;
    count(h, id, infra__rise_fall_pass(&h->options, b->history.counter),
          outcome == INFRA_OUTCOME_DEGRADED);
    return infra__schedule_reason(&h->options, b->history.counter);
}

/* The id that waits for this answer, or INFRA__NOWHERE: the id for which the
 * check was handed out, or the new id of its key if no other check was handed
 * out there. O(n), only after such a move. */
static uint32_t waiting_id(const struct infra_health *h, uint64_t call)
{
    uint32_t id = (uint32_t)call;

    if (call == 0) {
        return INFRA__NOWHERE;
    }
    if (id < h->ids_max && h->backends[id].is_running &&
        h->backends[id].history.call == call) {
        return id;
    }
    for (id = 0; id < h->ids_max; id++) {
        const struct infra__backend *b = &h->backends[id];
        if (b->is_set && !b->is_running && b->history.call == call) {
            return id;
        }
    }
    return INFRA__NOWHERE;
}

int infra_health_answer(struct infra_health *health, uint64_t call,
                        uint32_t outcome, uint32_t detail, infra_time now)
{
    bool is_known = outcome <= INFRA__OUTCOME_LAST;

    if (health == NULL) {
        return INFRA_EINVAL;
    }
    infra__health_advance(health, now);
    uint32_t id = waiting_id(health, call);
    if (id == INFRA__NOWHERE) {
        return is_known ? INFRA_ESTALE : INFRA_EINVAL;
    }
    if (!is_known) { /* End the check, or the backend is never checked again. */
        outcome = INFRA_OUTCOME_ABANDONED;
    }
    struct infra__backend *b = &health->backends[id];

    if (!b->is_running) {
        b->due = b->history.call_due;
    }
    health->running_count -= b->is_running;
    b->is_running = false;
    b->history.call = 0;
    b->history.checks++;
    b->history.outcome = outcome;
    b->history.detail = detail;
    uint32_t reason = judge(health, id, outcome);
    infra_time next = infra__health_following(health, b, reason);
    b->history.reason = (uint8_t)reason;
    infra__timers_set(&health->checks, id, next);
    if (b->is_asked) {
        b->is_asked = false;
        hasten(health, id);
    }
    return is_known ? INFRA_OK : INFRA_EINVAL;
}
