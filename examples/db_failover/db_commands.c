/* SPDX-License-Identifier: MIT */
#include "db_commands.h"

#include "../common/log.h"
#include "db_list.h"
#include "db_text.h"

#include <stdio.h>
#include <string.h>

static void tell_status(const struct host *h, infra_time now, char *text,
                        size_t size)
{
    struct infra_promotion_status s = { .size = sizeof s };
    struct infra_failover_status f = { .size = sizeof f };

    (void)infra_promotion_inspect(h->plan, &s);
    (void)infra_failover_inspect(infra_elector_machine(h->store.store.elector),
                                 &f);
    (void)snprintf(
        text, size,
        "ok node %s lease %s token %llu step %s reason %s primary "
        "%s primary-token %llu alive %u dead %u reported %u of %u",
        h->options.lease.node, infra_failover_role_name(f.role),
        (unsigned long long)f.token, infra_promotion_step_name(s.step),
        infra_promotion_reason_name(s.reason), db_key(&h->options, s.primary),
        (unsigned long long)s.primary_token, s.alive_votes, s.dead_votes,
        s.reported, s.needed);
    for (uint32_t i = 0; i < h->options.dbs_count; i++) {
        const struct infra_promotion_sample *d = &h->seen[i];
        if (d->at == 0) {
            append(text, size, "\n%s %s", db_key(&h->options, i),
                   db_watch_reason(h->watch, i));
            continue;
        }
        append(text, size,
               "\n%s %s %s source %s timeline %llu position %llu, %llu ms ago"
               "%s%s",
               db_key(&h->options, i), db_watch_reason(h->watch, i),
               d->writable ? "writable" : "read-only",
               db_key(&h->options, d->source), (unsigned long long)d->timeline,
               (unsigned long long)d->position,
               (unsigned long long)((now - d->at) / INFRA_MS(1)),
               d->halted ? ", does not apply what it receives" : "",
               (h->store.named.apart >> i & 1u) != 0 ? ", apart" : "");
    }
}

static bool names_db(uint32_t command)
{
    return command == INFRA_PROMOTION_COMMAND_SWITCHOVER ||
           command == INFRA_PROMOTION_COMMAND_FORCE ||
           command == INFRA_PROMOTION_COMMAND_ADMIT;
}

static void command(struct host *h, uint32_t number, const char *key,
                    infra_time now, char *answer, size_t size)
{
    uint32_t db = db_by_key(&h->options, key);

    if (names_db(number) && db == DBS_MAX) {
        (void)snprintf(answer, size, "no: there is no database \"%s\"", key);
        return;
    }
    int err = infra_promotion_command(h->plan, number, db, now);
    log_line("operator %s %s: %s", infra_promotion_command_name(number), key,
             infra_strerror(err));
    tell_status(h, now, answer, size);
    if (err != INFRA_OK) {
        memcpy(answer, "no", 2); /* The status says why. */
    }
}

void db_obey(struct host *h, char *text, infra_time now, char *answer,
             size_t size)
{
    char *rest = text;
    const char *name = strsep(&rest, " ");
    const char *key = rest != NULL ? rest : "";

    if (strcmp(name, "status") == 0 && rest == NULL) {
        tell_status(h, now, answer, size);
        return;
    }
    for (uint32_t i = 0; i <= INFRA_PROMOTION_COMMAND_ADMIT; i++) {
        if (strcmp(infra_promotion_command_name(i), name) == 0 &&
            names_db(i) == (rest != NULL)) {
            command(h, i, key, now, answer, size);
            return;
        }
    }
    (void)snprintf(answer, size,
                   "no: must be status, switchover KEY, abort, "
                   "force KEY, admit KEY, pause or resume");
}
