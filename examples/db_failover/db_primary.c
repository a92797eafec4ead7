/* SPDX-License-Identifier: MIT */
#include "db_primary.h"

#include "../common/log.h"
#include "db_list.h"

int db_set(struct host *h, uint32_t id, uint32_t flags, infra_time now)
{
    const struct db *db = &h->options.dbs[id];
    const struct infra_promotion_node node = { .size = sizeof node,
                                               .key = db->key,
                                               .id = id,
                                               .priority = db->priority,
                                               .flags = db->flags | flags };

    return infra_promotion_set(h->plan, &node, now);
}

/* Routers go by the record. The process that reads the record tells them, too,
 * since its writer may have died before it told them. */
static void tell_routers(struct host *h,
                         const struct infra_promotion_event *named,
                         infra_time now)
{
    log_line("primary %s %s token %llu", db_key(&h->options, named->id),
             h->options.dbs[named->id].name, (unsigned long long)named->token);
    if (h->options.on_primary != NULL) {
        db_orders_give(h->orders, named, now);
    }
}

/* Pass on the databases that are recorded as apart. */
static void take_marks(struct host *h, uint32_t apart, infra_time now)
{
    for (uint32_t i = 0; i < h->options.dbs_count; i++) {
        if ((apart >> i & 1u) != 0) {
            int err = db_set(h, i, INFRA_PROMOTION_FLAG_APART, now);
            log_line("record apart %s: %s", db_key(&h->options, i),
                     infra_strerror(err));
        }
    }
}

static void take_named(struct host *h, const struct db_named *named,
                       infra_time now)
{
    const struct infra_promotion_event e = {
        .kind = INFRA_PROMOTION_EVENT_RECORD_PRIMARY,
        .id = named->db,
        .source = INFRA_PROMOTION_NO_NODE,
        .token = named->token,
        .timeline = named->timeline
    };
    if (named->is_unfinished && named->former != DBS_MAX) {
        (void)infra_promotion_adopt(h->plan, named->former, named->former_token,
                                    named->former_timeline, 0, now);
    }
    int err = infra_promotion_adopt(h->plan, named->db, named->token,
                                    named->timeline, named->is_unfinished, now);

    if (err == INFRA_OK) {
        log_line(
            "record %s %s token %llu", named->is_unfinished ? "begun" : "done",
            db_key(&h->options, named->db), (unsigned long long)named->token);
    }
    if (err == INFRA_OK && !named->is_unfinished) {
        tell_routers(h, &e, now);
    }
}

void db_take_record(struct host *h, infra_time now)
{
    struct infra_promotion_event asked;
    struct db_named named;
    uint32_t outcome;

    while (db_store_next(&h->store, now, &asked, &outcome, &named)) {
        if (asked.kind == INFRA_PROMOTION_EVENT_READ_RECORD &&
            outcome == INFRA_ORDER_DONE) {
            if (named.db != DBS_MAX) {
                take_named(h, &named, now);
            }
            take_marks(h, named.apart, now);
        }
        if (outcome != INFRA_ORDER_DONE) {
            log_line("record %s: %s", infra_promotion_event_name(asked.kind),
                     outcome == INFRA_ORDER_FAILED ? "refused" : "unknown");
        }
        if (infra_promotion_answer(h->plan, asked.call, outcome, now) ==
                INFRA_OK &&
            asked.kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY &&
            outcome == INFRA_ORDER_DONE) {
            tell_routers(h, &asked, now);
        }
    }
}
