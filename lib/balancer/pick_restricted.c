/* SPDX-License-Identifier: MIT */
/* A restricted pick: a set, tried ids, a sticky backend; caps and bounds; tiers
 * that share the traffic; new backends; the retry budget; recovery from an
 * outage. The policy is asked as in a plain pick and its answer is checked.
 * O(1) if the policy's first answers are usable, else O(list). */
#include "../base/random.h"
#include "pick_steps.h"
#include "slow_start.h"

/* Failed attempts in one list (another thread took the last place under a cap,
 * the backend is new) before the pick goes on to the next list. */
#define AGAIN_MAX 64u

/* The retry budget counts in nanoseconds times retries per second. At most 100
 * retries and ten seconds' worth are saved. */
#define RETRY_TOKEN 1000000000u
#define RETRIES_SAVED 100u
#define RETRY_SECONDS_SAVED 10u

/* The entry with a place reserved, or NULL: it is full. */
static const struct entry *take(const struct infra_balancer_reader *r,
                                const struct infra_balancer_candidates *c,
                                uint32_t index)
{
    const struct entry *e = &c->list->entries[index];

    if (is_shared(r, e) && !reserve(r, e->id, e->cap)) {
        return NULL;
    }
    if (c->now < c->list->warm_at) {
        infra__slow_start_spend(c, index);
    }
    return e;
}

/* A substitute for the policy when its table could not be built: rendezvous for
 * a key, else by weight at random. Rare, so out of the way of the normal
 * case. */
__attribute__((noinline, cold)) static uint32_t ask_without(
    struct infra_balancer_reader *r, const struct infra_balancer_candidates *c)
{
    return r->policy.whole_tier
               ? infra__candidates_rendezvous(c, c->request->hash)
               : infra__candidates_draw(c, infra__random(&r->random), NO_INDEX,
                                        true);
}

static inline uint32_t ask(struct infra_balancer_reader *r,
                           const struct infra_balancer_candidates *c)
{
    return __builtin_expect(c->list->bare, 0) ? ask_without(r, c)
                                              : ask_policy(r, c);
}

/* The policy's answer was none, unusable, too new, or lost its last place to
 * another thread: find an entry with a place all the same, or NULL. */
static const struct entry *choose_again(struct infra_balancer_reader *r,
                                        struct infra_balancer_candidates *c,
                                        uint32_t index, bool is_warming,
                                        uint32_t *why)
{
    for (uint32_t i = 0; i < AGAIN_MAX; i++) {
        if (index >= c->list->count || !candidate_may(c, index)) {
            index = infra__candidates_draw(c, infra__random(&r->random),
                                           NO_INDEX, true);
            *why |= INFRA_TICKET_WHY_INSTEAD;
        }
        if (index == NO_INDEX && !c->no_cold && c->bound_total == 0) {
            return NULL;
        }
        if (index == NO_INDEX && !c->no_cold) {
            /* Tickets that the tier does not count (of sessions that returned
             * while their backend was draining) may put all at their bound. */
            c->bound_total = 0;
        } else if (index == NO_INDEX) { /* All are too new: then none is. */
            c->no_cold = false;
            is_warming = false;
        } else if (is_warming && !c->no_cold &&
                   infra__slow_start_is_cold(c, index)) {
            c->no_cold = true;
            c->narrow = true;
            *why |= INFRA_TICKET_WHY_WARMING;
        } else {
            const struct entry *e = take(r, c, index);
            if (e != NULL) {
                return e;
            }
        }
        index = ask(r, c);
    }
    return NULL;
}

/* An entry of the list with a place reserved, or NULL. */
static const struct entry *choose(struct infra_balancer_reader *r,
                                  struct infra_balancer_candidates *c,
                                  uint32_t *why)
{
    bool is_warming = c->now < c->list->warm_at;

    if (is_warming) {
        infra__slow_start_earn(c);
    }
    uint32_t index = ask(r, c);
    if (index < c->list->count && candidate_may(c, index) && !is_warming) {
        const struct entry *e = take(r, c, index);
        if (e != NULL) {
            return e;
        }
    }
    return choose_again(r, c, index, is_warming, why);
}

/* With tiers that share the traffic: the list that gets this request. With a
 * hash policy the hash decides, so that a key keeps its tier. */
static uint32_t start_list(struct infra_balancer_reader *r,
                           const struct table *t,
                           const struct infra_request *request)
{
    uint64_t word = r->policy.whole_tier
                        ? infra__mix(request->hash + INFRA__WEYL)
                        : infra__random(&r->random);
    uint32_t point = infra__below(word, 100);
    uint32_t passed = 0;

    /* Envoy's order: the healthy of all tiers, then the degraded. */
    for (uint32_t degraded = 0; degraded < 2; degraded++) {
        for (uint32_t l = 0; l < t->lists_count; l++) {
            if (t->lists[l].rank % 2 != degraded) {
                continue;
            }
            passed += t->lists[l].load;
            if (point < passed) {
                return l;
            }
        }
    }
    return 0;
}

/* Take a place in the list's tier, and compute the bound of this pick from the
 * tickets there. False: the tier is full. */
static bool enter_tier(struct infra_balancer_reader *r, const struct list *list,
                       struct infra_balancer_candidates *c)
{
    uint32_t before;

    if (!reserve_tier(r, list->rank / 2, list->tier_cap, &before)) {
        return false;
    }
    if (r->options.bound_percent > 0) {
        c->bound_total =
            (((uint64_t)before + 1) * r->options.bound_percent + 99) / 100;
        c->narrow = true;
    }
    return true;
}

/* Choose in one list. *@ret stays NULL if no backend there is usable and the
 * next list may be asked; an error ends the pick. */
static int try_list(struct infra_balancer_reader *r, const struct list *list,
                    const struct infra_request *request, infra_time now,
                    const struct entry **ret, uint32_t *why)
{
    struct infra_balancer_candidates c;
    look_at(&c, r, list, request, now);
    c.narrow = list->capped ||
               atomic_load_explicit(&list->partial, memory_order_relaxed) ||
               request->eligible != NULL || request->tried_count > 0;
    c.no_cold = false;

    if (list->count == 0) {
        return INFRA_ENONE; /* A tier in panic, with REFUSE. */
    }
    bool inside = !list->counted || enter_tier(r, list, &c);
    if (inside) {
        *ret = choose(r, &c, why);
    }
    if (*ret != NULL) {
        return INFRA_OK;
    }
    if (list->counted && inside) {
        give_back_tier(r, list->rank / 2);
    }
    bool may_be_full = list->capped || list->counted;
    return may_be_full && r->options.spill == INFRA_BALANCER_SPILL_DOWN &&
                   infra__candidates_explain(list, 1, request) == INFRA_EFULL
               ? INFRA_EFULL
               : INFRA_OK;
}

/* The request's sticky backend with places reserved, or NULL. */
static const struct entry *choose_sticky(struct infra_balancer_reader *r,
                                         const struct table *t,
                                         const struct infra_request *request,
                                         uint32_t *why)
{
    const struct list *list = &t->aside;
    const struct entry *e = infra__list_find(list, request->sticky);
    uint32_t before;

    for (uint32_t l = 0; l < t->lists_count && e == NULL; l++) {
        list = &t->lists[l];
        e = infra__list_find(list, request->sticky);
    }
    if (e == NULL || entry_state(e) > INFRA_BALANCER_STATE_DRAINING ||
        !entry_wanted(request, e)) {
        return NULL;
    }
    /* A backend that stands aside, draining or outside the subset, takes no
     * place in the tier. */
    if (list->counted && !reserve_tier(r, e->tier, list->tier_cap, &before)) {
        return NULL;
    }
    if (is_shared(r, e) && !reserve(r, e->id, e->cap)) {
        if (list->counted) {
            give_back_tier(r, list->rank / 2);
        }
        return NULL;
    }
    *why |= INFRA_TICKET_WHY_STICKY | (list->counted ? WHY_COUNTED : 0u);
    return e;
}

static uint64_t tokens_max(const struct infra_balancer_reader *r)
{
    return RETRIES_SAVED * (uint64_t)RETRY_TOKEN +
           r->options.retry_min_per_s * (uint64_t)RETRY_SECONDS_SAVED *
               RETRY_TOKEN;
}

static void save(struct infra_balancer_reader *r, uint64_t tokens)
{
    uint64_t most = tokens_max(r);

    r->retry_tokens += tokens;
    r->retry_tokens = r->retry_tokens < most ? r->retry_tokens : most;
}

/* Is a retry left in the budget, including what the time has added? */
static bool can_afford(struct infra_balancer_reader *r, infra_time now)
{
    if (now > r->retry_time) {
        infra_time passed = now - r->retry_time;
        infra_time counts = INFRA_SEC(RETRY_SECONDS_SAVED);
        save(r,
             r->options.retry_min_per_s * (passed < counts ? passed : counts));
        r->retry_time = now;
    }
    return r->retry_tokens >= RETRY_TOKEN;
}

/* Only a successful pick counts: a retry pays, a first attempt saves. */
static void account(struct infra_balancer_reader *r, bool is_retry)
{
    if (is_retry) {
        r->retry_tokens -= RETRY_TOKEN;
    } else {
        save(r, r->options.retry_percent * (uint64_t)(RETRY_TOKEN / 100));
    }
}

/* May this pick be made at all? */
static int admit(struct infra_balancer_reader *r, const struct table *t,
                 const struct infra_request *request, infra_time now)
{
    if (t->admitted != UINT32_MAX &&
        (uint32_t)infra__random(&r->random) >= t->admitted) {
        return INFRA_ESHED;
    }
    if (r->has_budget && request->tried_count > 0 && !can_afford(r, now)) {
        return INFRA_EBUDGET;
    }
    return INFRA_OK;
}

/* Ask the lists: first the one that gets this traffic, then all in order. */
static int ask_lists(struct infra_balancer_reader *r, const struct table *t,
                     const struct infra_request *request, infra_time now,
                     const struct entry **ret, uint32_t *why)
{
    uint32_t start = t->lists_count > 1 && t->lists[0].load < 100
                         ? start_list(r, t, request)
                         : 0;

    for (uint32_t i = 0; i < t->lists_count; i++) {
        uint32_t l = i == 0 ? start : i <= start ? i - 1 : i;
        int err = try_list(r, &t->lists[l], request, now, ret, why);
        if (err != INFRA_OK) {
            return err;
        }
        if (*ret != NULL) {
            *why |= (t->lists[l].spill ? INFRA_TICKET_WHY_SPILL : 0u) |
                    (t->lists[l].outage ? INFRA_TICKET_WHY_OUTAGE : 0u) |
                    (t->lists[l].counted ? WHY_COUNTED : 0u);
            return INFRA_OK;
        }
    }
    return infra__candidates_explain(t->lists, t->lists_count, request);
}

int infra__pick_with_care(struct infra_balancer_reader *r,
                          const struct table *t,
                          const struct infra_request *request, infra_time now,
                          struct infra_ticket *ret)
{
    uint32_t why = request->tried_count > 0 ? INFRA_TICKET_WHY_RETRY : 0;
    const struct entry *e = NULL;

    int err = admit(r, t, request, now);
    if (err != INFRA_OK) {
        return err;
    }
    if ((request->flags & INFRA_REQUEST_STICKY) != 0) {
        e = choose_sticky(r, t, request, &why);
    }
    if (e == NULL) {
        err = ask_lists(r, t, request, now, &e, &why);
    }
    if (e == NULL) {
        return err;
    }
    if (r->has_budget) {
        account(r, request->tried_count > 0);
    }
    return grant(r, e, why, now, ret);
}
