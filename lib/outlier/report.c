/* SPDX-License-Identifier: MIT */
/* The data path. The counters guard no other memory, so all accesses are
 * relaxed. Only the flag and the bitmap are ordered, so that control, seeing
 * the flag, finds the bit. */
#include "report.h"

#include "statistics.h"

#define COUNT_SHIFT 38u
#define SUM_MASK (((uint64_t)1 << COUNT_SHIFT) - 1)

/* Between two looks of control fewer than 2^26 timed successes must be
 * reported. So a report asks control to look whenever the word's top bit flips,
 * which is after 2^25 at most. */
#define TOP_BIT_SHIFT 63u
#define TRIP_TOP_BIT INFRA__RUNS /* A bit that is no detector's. */

_Static_assert(INFRA__LATENCY_LOG_MAX < ((uint64_t)1 << (2 * COUNT_SHIFT - 64)),
               "the sum of 2^26 logarithms fits");
_Static_assert(sizeof(struct infra__outlier_slot) == INFRA__CACHE_LINE,
               "a slot is a cache line");

static int trip(struct infra__outlier_desk *desk, uint32_t id, uint32_t bit)
{
    /* Release, with the acquire of take_tripped: the slot's bit is there. */
    atomic_fetch_or_explicit(&desk->slots[id].tripped, (uint32_t)1 << bit,
                             memory_order_relaxed);
    atomic_fetch_or_explicit(&desk->tripped[id / 64], (uint64_t)1 << id % 64,
                             memory_order_release);
    /* Release, with the acquire of take_flag: the bitmap's bit is there. */
    atomic_store_explicit(&desk->is_tripped, 1, memory_order_release);
    return 1;
}

/* One more failure in the row. Only the worker that completes the row trips,
 * until control begins a new row. */
static int lengthen(struct infra__outlier_desk *desk, uint32_t id,
                    uint32_t reason)
{
    uint32_t before = atomic_fetch_add_explicit(&desk->slots[id].runs[reason],
                                                1, memory_order_relaxed);

    return before + 1 == desk->runs_max[reason] ? trip(desk, id, reason) : 0;
}

/* The load avoids the store to a shared line in nearly all calls. */
static void end_run(struct infra__outlier_slot *slot, uint32_t reason)
{
    if (atomic_load_explicit(&slot->runs[reason], memory_order_relaxed) != 0) {
        atomic_store_explicit(&slot->runs[reason], 0, memory_order_relaxed);
    }
}

static void end_runs(struct infra__outlier_slot *slot)
{
    uint32_t any = 0;

    for (uint32_t reason = 0; reason < INFRA__RUNS; reason++) {
        any |= atomic_load_explicit(&slot->runs[reason], memory_order_relaxed);
    }
    for (uint32_t reason = 0; any != 0 && reason < INFRA__RUNS; reason++) {
        end_run(slot, reason);
    }
}

static int succeed(struct infra__outlier_desk *desk, uint32_t id,
                   infra_time latency)
{
    struct infra__outlier_slot *slot = &desk->slots[id];

    end_runs(slot);
    if (latency == 0) {
        atomic_fetch_add_explicit(&slot->untimed, 1, memory_order_relaxed);
        return 0;
    }
    uint64_t more = ((uint64_t)1 << COUNT_SHIFT) + infra__latency_log(latency);
    uint64_t before =
        atomic_fetch_add_explicit(&slot->timed, more, memory_order_relaxed);
    bool turned = ((before ^ (before + more)) >> TOP_BIT_SHIFT) != 0;
    return turned ? trip(desk, id, TRIP_TOP_BIT) : 0;
}

/* An error answer: the backend was reached. */
static int fail(struct infra__outlier_desk *desk, uint32_t id, bool gateway)
{
    struct infra__outlier_slot *slot = &desk->slots[id];
    int tripped = 0;

    atomic_fetch_add_explicit(&slot->errors, 1, memory_order_relaxed);
    end_run(slot, INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE);
    if (gateway) {
        tripped = lengthen(desk, id,
                           INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE);
    } else {
        end_run(slot, INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE);
    }
    return lengthen(desk, id, INFRA_OUTLIER_REASON_CONSECUTIVE_5XX) | tripped;
}

/* No answer. Without the split Envoy counts this as 503 or 504. */
static int miss(struct infra__outlier_desk *desk, uint32_t id)
{
    atomic_fetch_add_explicit(&desk->slots[id].misses, 1, memory_order_relaxed);
    if (desk->split) {
        return lengthen(desk, id,
                        INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE);
    }
    return lengthen(desk, id,
                    INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE) |
           lengthen(desk, id, INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
}

int infra__outlier_report(struct infra__outlier_desk *desk, uint32_t id,
                          uint32_t outcome, infra_time latency)
{
    if (id >= desk->ids_max) {
        return INFRA_EINVAL;
    }
    switch (outcome) {
    case INFRA_OUTCOME_OK:
    case INFRA_OUTCOME_DEGRADED:
        return succeed(desk, id, latency);
    case INFRA_OUTCOME_ERROR:
        return fail(desk, id, false);
    case INFRA_OUTCOME_GATEWAY_ERROR:
        return fail(desk, id, true);
    case INFRA_OUTCOME_REFUSED:
    case INFRA_OUTCOME_UNREACHABLE:
    case INFRA_OUTCOME_TIMEOUT:
    case INFRA_OUTCOME_RESET:
        return miss(desk, id);
    case INFRA_OUTCOME_LOCAL:
    case INFRA_OUTCOME_ABANDONED:
    case INFRA_OUTCOME_STALE:
        return 0;
    default:
        return INFRA_EINVAL;
    }
}

/* The growth of @counter since @seen, which is brought up to date. */
static uint64_t read_on(_Atomic uint64_t *counter, uint64_t *seen)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    uint64_t more = now - *seen;

    *seen = now;
    return more;
}

void infra__outlier_gather(struct infra__outlier_slot *slot,
                           struct infra__outlier_mark *seen,
                           struct infra__outlier_window *w)
{
    uint64_t timed = read_on(&slot->timed, &seen->timed);

    w->timed += timed >> COUNT_SHIFT;
    w->latency_sum += timed & SUM_MASK;
    w->successes +=
        (timed >> COUNT_SHIFT) + read_on(&slot->untimed, &seen->untimed);
    w->errors += read_on(&slot->errors, &seen->errors);
    w->misses += read_on(&slot->misses, &seen->misses);
}

void infra__outlier_reset_runs(struct infra__outlier_slot *slot)
{
    for (uint32_t reason = 0; reason < INFRA__RUNS; reason++) {
        atomic_store_explicit(&slot->runs[reason], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&slot->tripped, 0, memory_order_relaxed);
}

void infra__outlier_save_runs(const struct infra__outlier_slot *slot,
                              uint32_t ret[INFRA__RUNS])
{
    for (uint32_t reason = 0; reason < INFRA__RUNS; reason++) {
        ret[reason] =
            atomic_load_explicit(&slot->runs[reason], memory_order_relaxed);
    }
}

void infra__outlier_restore_runs(struct infra__outlier_desk *desk, uint32_t id,
                                 const uint32_t runs[INFRA__RUNS],
                                 bool may_trip)
{
    for (uint32_t reason = 0; reason < INFRA__RUNS; reason++) {
        atomic_store_explicit(&desk->slots[id].runs[reason], runs[reason],
                              memory_order_relaxed);
        if (may_trip && runs[reason] >= desk->runs_max[reason]) {
            (void)trip(desk, id, reason);
        }
    }
}

uint64_t infra__outlier_take_tripped(struct infra__outlier_desk *desk,
                                     uint32_t word)
{
    if (atomic_load_explicit(&desk->tripped[word], memory_order_relaxed) == 0) {
        return 0;
    }
    /* Acquire, with the release in trip(). */
    return atomic_exchange_explicit(&desk->tripped[word], 0,
                                    memory_order_acquire);
}

bool infra__outlier_take_flag(struct infra__outlier_desk *desk)
{
    if (atomic_load_explicit(&desk->is_tripped, memory_order_relaxed) == 0) {
        return false;
    }
    /* Before the bitmap is read: a later trip() sets the flag again. Acquire,
     * with the release in trip(). */
    return atomic_exchange_explicit(&desk->is_tripped, 0,
                                    memory_order_acquire) != 0;
}
