/* SPDX-License-Identifier: MIT */
/* The whole health machine against a model: the rules of the header, as plainly
 * as possible, over random calls in random order. */
#include "support.h"

#include "base/internal.h"
#include "base/random.h"

#include <infra/health.h>
#include <stdio.h>
#include <string.h>

#define NOTHING 99u /* No kind of event. */
#define IDS 8u
#define KEYS 20u
#define RISE 2u
#define FALL 3u
#define TOP (RISE + FALL - 1)
#define INTER INFRA_MS(1000)
#define FASTINTER INFRA_MS(170)
#define DOWNINTER INFRA_MS(2300)
#define HANDLES 32u

static struct infra_health *health;

/* State that goes with a key. */
struct state {
    infra_time next; /* INFRA_TIME_NEVER: none. */
    infra_time since;
    infra_time started;
    uint64_t check; /* Unanswered, 0: none. */
    infra_time check_due;
    uint64_t checks;
    uint64_t failures;
    uint32_t counter;
    uint32_t held;
    uint32_t reason;
    uint32_t outcome;
    uint32_t detail;
    int degraded;
    int answered;
    int wanting;
};

struct place {
    struct state s;
    uint32_t key;     /* 0: none. */
    infra_time due;   /* Of the running check, in the schedule. */
    uint64_t order;   /* In which the keys came. */
    uint64_t change;  /* 0: none is queued. */
    uint64_t running; /* Its handle, 0: none. */
    infra_time slept;
    uint32_t answers;
    uint32_t silences;
    uint32_t change_reason;
    int silent;
    int asked;
};

struct removed {
    struct state s;
    uint64_t order; /* 0: none, or taken. */
    infra_time at;
};

static struct model {
    infra_time now;
    int turning;
    infra_time slept;
    uint32_t score;
    uint32_t doubt_reason;
    int told;
    infra_time blamed_at;
    infra_time stepped_at;
    infra_time turned_at;
    int wants_answer;
    uint32_t answers;
    uint32_t silences;
    uint64_t order;
    uint64_t removals;
    uint64_t changes;
    uint64_t late_verdicts; /* On checks whose key moved. */
    uint64_t seen[INFRA_HEALTH_REASON_ANSWERED + 1]; /* Events by reason. */
    struct place places[IDS];
    struct removed removed[KEYS + 1];
} m;

static uint64_t hash_of(uint32_t key)
{
    char name[16];

    int size = snprintf(name, sizeof name, "key %u", key);
    return infra_xxhash64(name, (size_t)size, 0);
}

static uint32_t kind_of(const struct state *s)
{
    return s->counter < RISE ? INFRA_HEALTH_EVENT_DOWN
           : s->degraded     ? INFRA_HEALTH_EVENT_DEGRADED
                             : INFRA_HEALTH_EVENT_UP;
}

static infra_time interval_of(uint32_t reason)
{
    switch (reason) {
    case INFRA_HEALTH_REASON_FASTINTER:
    case INFRA_HEALTH_REASON_ASKED:
        return FASTINTER;
    case INFRA_HEALTH_REASON_DOWNINTER:
        return DOWNINTER;
    default:
        return INTER;
    }
}

static infra_time model_deadline(void)
{
    infra_time least = INFRA_TIME_NEVER;

    for (uint32_t id = 0; id < IDS; id++) {
        const struct place *p = &m.places[id];
        if (p->key == 0) {
            continue;
        }
        infra_time at = p->running != 0 ? m.now + INFRA_HEALTH_LATE : p->s.next;
        at = p->change != 0 || at <= m.now ? 0 : at;
        least = at < least ? at : least;
    }
    return (m.score > 0) != m.told ? 0 : least;
}

static void step_to(uint32_t score)
{
    m.turned_at = (m.score == 0) != (score == 0) ? m.now : m.turned_at;
    m.score = score;
    m.stepped_at = m.now;
    m.wants_answer = m.wants_answer && score > 0;
}

static void blame(uint32_t reason, uint32_t max)
{
    m.blamed_at = m.now;
    m.wants_answer |= reason != INFRA_HEALTH_REASON_LOCAL;
    if (m.score == 0) {
        m.doubt_reason = reason;
        step_to(1);
    } else if (m.score < max && m.now >= m.stepped_at + FASTINTER) {
        step_to(m.score + 1);
    }
}

static void advance(infra_time now)
{
    infra_time wanted = model_deadline();

    if (now <= m.now) {
        return;
    }
    wanted = wanted < m.now ? m.now : wanted;
    m.now = now;
    if (m.turning && now > wanted && now - wanted > INFRA_HEALTH_LATE) {
        m.slept += now - wanted;
        blame(INFRA_HEALTH_REASON_LATE, 7);
    }
}

/* The check after the one that is running. */
static infra_time following(const struct place *p, uint32_t reason)
{
    infra_time interval = interval_of(reason);
    infra_time next = p->due + interval;
    infra_time earliest = m.now;

    if (p->s.reason == INFRA_HEALTH_REASON_ASKED) {
        infra_time apart = p->s.started + FASTINTER;
        earliest = apart > earliest ? apart : earliest;
        for (next = p->due; next >= earliest + interval;) {
            next -= interval;
        }
    }
    while (next < earliest) {
        next += interval;
    }
    return next;
}

static struct state leaving(const struct place *p)
{
    struct state s = p->s;

    if (p->running != 0) {
        s.next = following(p, INFRA_HEALTH_REASON_FASTINTER);
        s.reason = INFRA_HEALTH_REASON_FASTINTER;
    }
    return s;
}

/* IDS keys are kept; one more takes the place of the one removed first. */
static void model_keep(uint32_t key, struct state s)
{
    struct removed *oldest = NULL;
    uint32_t kept = 0;

    for (uint32_t i = 1; i <= KEYS; i++) {
        struct removed *r = &m.removed[i];
        kept += r->order != 0;
        if (r->order != 0 && (oldest == NULL || r->order < oldest->order)) {
            oldest = r;
        }
    }
    if (kept == IDS) {
        oldest->order = 0;
    }
    m.removed[key] =
        (struct removed) { .s = s, .order = ++m.removals, .at = m.now };
}

static void model_remove(uint32_t id)
{
    struct place *p = &m.places[id];
    struct place *twin = NULL;

    for (uint32_t other = 0; other < IDS; other++) {
        struct place *q = &m.places[other];
        if (other != id && q->key == p->key &&
            (twin == NULL || q->order > twin->order)) {
            twin = q;
        }
    }
    if (twin != NULL) {
        if (twin->s.check == 0 && twin->s.checks == p->s.checks &&
            twin->s.started == p->s.started) {
            twin->s.check = p->s.check;
            twin->s.check_due = p->s.check_due;
        }
        memset(p, 0, sizeof *p);
        return;
    }
    model_keep(p->key, leaving(p));
    memset(p, 0, sizeof *p);
}

static void model_set(uint32_t id, uint32_t key)
{
    const struct place *known = NULL;
    struct removed *gone = &m.removed[key];
    struct state s = { .next = m.now + hash_of(key) % INTER,
                       .since = m.now,
                       .counter = RISE,
                       .reason = INFRA_HEALTH_REASON_START };
    int is_known = 0;

    if (m.places[id].key == key) {
        return;
    }
    for (uint32_t other = 0; other < IDS; other++) {
        const struct place *p = &m.places[other];
        if (p->key == key && (known == NULL || p->order > known->order)) {
            known = p;
        }
    }
    if (known != NULL) {
        s = leaving(known);
        s.check = 0;
        is_known = 1;
    } else if (gone->order != 0 && m.now < gone->at + INFRA_HEALTH_KEPT_FOR) {
        s = gone->s;
        is_known = 1;
    }
    gone->order = 0;
    if (is_known && m.now - s.next >= interval_of(s.reason) && m.now > s.next) {
        while (s.next < m.now) {
            s.next += interval_of(s.reason);
        }
    }
    if (m.places[id].key != 0) {
        model_remove(id);
    }
    m.places[id] = (struct place) { .s = s,
                                    .key = key,
                                    .due = s.next,
                                    .order = ++m.order,
                                    .slept = m.slept,
                                    .answers = m.answers,
                                    .silences = m.silences };
    if (kind_of(&s) != INFRA_HEALTH_EVENT_UP) {
        m.places[id].change = ++m.changes;
        m.places[id].change_reason = INFRA_HEALTH_REASON_KEPT;
    }
}

static struct infra_health_event model_change(struct place *p)
{
    p->change = 0;
    return (struct infra_health_event) { .kind = kind_of(&p->s),
                                         .id = (uint32_t)(p - m.places),
                                         .reason = p->change_reason,
                                         .at = p->s.since,
                                         .outcome = p->s.outcome,
                                         .detail = p->s.detail,
                                         .counter = p->s.counter };
}

static struct infra_health_event model_probe(struct place *p)
{
    struct infra_health_event e = { .kind = INFRA_HEALTH_EVENT_CHECK,
                                    .id = (uint32_t)(p - m.places),
                                    .at = p->s.next,
                                    .reason = p->s.reason,
                                    .counter = p->s.counter };

    if (p->s.reason != INFRA_HEALTH_REASON_ASKED) {
        p->due = p->s.next;
    }
    p->s.next = INFRA_TIME_NEVER;
    p->s.check_due = p->due;
    p->s.started = m.now;
    p->slept = m.slept;
    if (!p->silent) {
        p->answers = m.answers;
        p->silences = m.silences;
    }
    return e;
}

static struct infra_health_event model_next(void)
{
    struct place *change = NULL, *due = NULL;

    m.turning = 1;
    if ((m.score > 0) != m.told) {
        m.told = m.score > 0;
        return (struct infra_health_event) {
            .kind =
                m.told ? INFRA_HEALTH_EVENT_DOUBT : INFRA_HEALTH_EVENT_TRUST,
            .id = INFRA_HEALTH_NOBODY,
            .at = m.turned_at,
            .reason = m.told ? m.doubt_reason : INFRA_HEALTH_REASON_ANSWERED,
            .counter = m.score
        };
    }
    for (struct place *p = m.places; p < m.places + IDS; p++) {
        if (p->change != 0 && (change == NULL || p->change < change->change)) {
            change = p;
        }
        if (p->key != 0 && p->running == 0 && p->s.next <= m.now &&
            (due == NULL || p->s.next < due->s.next)) {
            due = p;
        }
    }
    return change != NULL ? model_change(change)
           : due != NULL  ? model_probe(due)
                          : (struct infra_health_event) { .kind = NOTHING };
}

static void ask(struct place *p)
{
    infra_time at = p->s.started + FASTINTER;

    at = at < m.now || p->s.reason == INFRA_HEALTH_REASON_START ? m.now : at;
    if (p->running != 0) {
        p->asked = 1;
    } else if (at < p->s.next) {
        p->due = p->s.next;
        p->s.next = at;
        p->s.reason = INFRA_HEALTH_REASON_ASKED;
    }
}

/* Is this failure suppressed? */
static int is_held(struct place *p, int silent)
{
    infra_time away = m.slept - p->slept;
    int slept = away > 0 && 2 * away >= m.now - p->s.started;

    if (!slept && (!silent || !m.wants_answer) && m.score > 0 &&
        p->s.started >= m.blamed_at && m.now >= m.blamed_at + FASTINTER &&
        m.now >= m.stepped_at + FASTINTER) {
        step_to(m.score - 1);
    }
    if (!slept && !silent) {
        m.answers++;
        p->s.answered = 1;
        p->silent = 0;
    } else if (!slept && !p->silent && p->s.answered && p->s.counter >= RISE) {
        m.silences++;
        p->silent = 1;
    }
    if (p->s.held == FALL) {
        return 0;
    }
    if (!slept && silent && p->s.counter == RISE) {
        uint32_t silences = m.silences - p->silences;
        if (silences > 1 && silences > m.answers - p->answers) {
            blame(INFRA_HEALTH_REASON_SILENCE, 1);
        }
        return m.score > 0;
    }
    return slept;
}

static void judge(struct place *p, uint32_t outcome)
{
    struct state *s = &p->s;
    uint32_t was = kind_of(s);

    if (outcome == INFRA_OUTCOME_OK || outcome == INFRA_OUTCOME_DEGRADED) {
        p->slept = m.slept; /* A pass counts however long it took. */
        (void)is_held(p, 0);
        s->held = 0;
        s->degraded = outcome == INFRA_OUTCOME_DEGRADED;
        s->counter = s->counter + 1 >= RISE ? TOP : s->counter + 1;
    } else {
        s->failures++;
        if (is_held(p, outcome == INFRA_OUTCOME_TIMEOUT ||
                           outcome == INFRA_OUTCOME_UNREACHABLE)) {
            s->held++;
            s->next = following(p, INFRA_HEALTH_REASON_FASTINTER);
            s->reason = INFRA_HEALTH_REASON_FASTINTER;
            return;
        }
        s->counter =
            s->counter == 0 || s->counter - 1 < RISE ? 0 : s->counter - 1;
    }
    uint32_t reason = s->counter == 0     ? INFRA_HEALTH_REASON_DOWNINTER
                      : s->counter == TOP ? INFRA_HEALTH_REASON_INTER
                                          : INFRA_HEALTH_REASON_FASTINTER;
    s->next = following(p, reason);
    s->reason = reason;
    uint32_t is = kind_of(s);
    if (is != was) {
        s->since = m.now;
        p->change = ++m.changes;
        p->change_reason =
            is == INFRA_HEALTH_EVENT_DOWN       ? INFRA_HEALTH_REASON_FALL
            : was == INFRA_HEALTH_EVENT_DOWN    ? INFRA_HEALTH_REASON_RISE
            : is == INFRA_HEALTH_EVENT_DEGRADED ? INFRA_HEALTH_REASON_DEGRADED
                                                : INFRA_HEALTH_REASON_RELIEVED;
    }
}

static int model_verdict(uint64_t check, uint32_t outcome, uint32_t detail)
{
    struct place *p = m.places;

    while (p < m.places + IDS && p->s.check != check) {
        p++;
    }
    if (p == m.places + IDS || check == 0) {
        return INFRA_ESTALE;
    }
    if (p->running == 0) {
        p->due = p->s.check_due;
        m.late_verdicts++;
    }
    p->running = 0;
    p->s.check = 0;
    p->s.checks++;
    p->s.outcome = outcome;
    p->s.detail = detail;
    if (outcome == INFRA_OUTCOME_LOCAL || outcome == INFRA_OUTCOME_ABANDONED ||
        outcome == INFRA_OUTCOME_STALE) {
        if (outcome == INFRA_OUTCOME_LOCAL && !p->s.wanting) {
            p->s.wanting = 1;
            blame(INFRA_HEALTH_REASON_LOCAL, 1);
        }
        p->s.next = following(p, INFRA_HEALTH_REASON_FASTINTER);
        p->s.reason = INFRA_HEALTH_REASON_FASTINTER;
    } else {
        p->s.wanting = 0;
        judge(p, outcome);
    }
    if (p->asked) {
        p->asked = 0;
        ask(p);
    }
    return INFRA_OK;
}

/* Assert only on a mismatch: Check makes a system call for each assertion, and
 * there are millions. */
static void compare(uint32_t id)
{
    struct infra_health_status s = { .size = sizeof s };
    const struct state *of = &m.places[id].s;
    struct infra_health_status expected = {
        .size = sizeof s,
        .counter = of->counter,
        .up = of->counter >= RISE,
        .degraded = of->counter >= RISE && of->degraded,
        .held = of->held,
        .next = of->next,
        .since = of->since,
        .checks = of->checks,
        .failures = of->failures,
        .outcome = of->outcome,
        .detail = of->detail,
    };
    int err = infra_health_inspect(health, id, &s);

    if (m.places[id].key == 0 ? err != INFRA_ENOENT
                              : memcmp(&s, &expected, sizeof s) != 0) {
        ck_assert_mem_eq(&s, &expected, sizeof s);
        ck_abort_msg("id %u: %d", id, err);
    }
}

static uint64_t take_event(infra_time now)
{
    struct infra_health_event e = { .kind = NOTHING };

    (void)!infra_health_next(health, now, &e);
    advance(now);
    struct infra_health_event expected = model_next();
    if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
        m.places[e.id].running = e.call;
        m.places[e.id].s.check = e.call;
        expected.call = e.call;
    }
    if (memcmp(&e, &expected, sizeof e) != 0) {
        ck_assert_mem_eq(&e, &expected, sizeof e);
    }
    if (e.kind != NOTHING) {
        m.seen[e.reason]++;
    }
    return e.call;
}

static void change_backends(uint32_t r, uint32_t id, uint32_t key,
                            infra_time now)
{
    char name[16];

    if (r < 3) {
        ck_assert_int_eq(infra_health_check_now(health, id, now),
                         m.places[id].key == 0 ? INFRA_ENOENT : INFRA_OK);
        if (m.places[id].key != 0) {
            advance(now);
            ask(&m.places[id]);
        }
    } else if (r < 6) {
        (void)snprintf(name, sizeof name, "key %u", key);
        ck_assert_int_eq(infra_health_set(health, id, name, now), INFRA_OK);
        advance(now);
        model_set(id, key);
    } else {
        ck_assert_int_eq(infra_health_remove(health, id),
                         m.places[id].key == 0 ? INFRA_ENOENT : INFRA_OK);
        if (m.places[id].key != 0) {
            model_remove(id);
        }
    }
}

/* The times of a host's calls: mostly in short steps, sometimes after a pause,
 * sometimes backwards. */
static infra_time some_time(uint64_t *random)
{
    uint32_t r = infra__below(infra__random(random), 1000);
    infra_time ms = infra__below(infra__random(random), 60);

    return r < 600   ? m.now
           : r < 985 ? m.now + INFRA_MS(ms)
           : r < 990 ? m.now - m.now / 3
           : r < 999 ? m.now + INFRA_MS(20 * ms)
                     : m.now + INFRA_MS(6000 * ms);
}

/* Over random calls in random order, with answers late, double and stale,
 * machine and model agree in every event, result, state and deadline. */
START_TEST(machine_agrees_with_the_model)
{
    const struct infra_health_options o = { .size = sizeof o,
                                            .ids_max = IDS,
                                            .inter = INTER,
                                            .fastinter = FASTINTER,
                                            .downinter = DOWNINTER };
    uint64_t handles[HANDLES] = { 0 };
    uint64_t random = 100 + (uint64_t)_i;
    uint32_t issued = 0;

    memset(&m, 0, sizeof m);
    ck_assert_int_eq(infra_health_create(&health, &o), INFRA_OK);
    for (int step = 0; step < 60000; step++) {
        uint32_t id = infra__below(infra__random(&random), IDS);
        uint32_t r = infra__below(infra__random(&random), 100);
        uint32_t outcome = infra__below(infra__random(&random), 24);
        infra_time now = some_time(&random);

        if (r < 45) {
            uint64_t check = take_event(now);
            if (check != 0) {
                handles[issued++ % HANDLES] = check;
            }
        } else if (r < 92) {
            uint64_t check =
                handles[infra__below(infra__random(&random), HANDLES)];
            /* For a while nearly all pass, then nearly all are silent; in
             * between every outcome occurs. */
            outcome = outcome < 9          ? outcome
                      : step / 500 % 3 > 0 ? INFRA_OUTCOME_OK
                                           : INFRA_OUTCOME_TIMEOUT;
            int err = infra_health_answer(health, check, outcome,
                                          (uint32_t)step, now);
            advance(now);
            if (err != model_verdict(check, outcome, (uint32_t)step)) {
                ck_abort_msg("step %d: verdict: %d", step, err);
            }
        } else {
            uint32_t key = 1 + infra__below(infra__random(&random), KEYS);
            change_backends(r - 92, id, key, now);
        }
        if (infra_health_deadline(health) != model_deadline() ||
            infra_health_timeout_scale(health) != 1000 * (m.score + 1)) {
            ck_assert_uint_eq(infra_health_deadline(health), model_deadline());
            ck_abort_msg("step %d: score %u", step, m.score);
        }
        compare(id);
    }
    for (uint32_t reason = 0; reason < INFRA__COUNT_OF(m.seen); reason++) {
        ck_assert_msg(m.seen[reason] > 0, "no %s",
                      infra_health_reason_name(reason));
    }
    ck_assert_uint_gt(m.late_verdicts, 0);
    infra_health_destroy(health);
}
END_TEST

static Suite *model_suite(void)
{
    Suite *s = suite_create("health_model");
    TCase *tc = tcase_create("model");
    tcase_add_loop_test(tc, machine_agrees_with_the_model, 0, 12);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(model_suite());
}
