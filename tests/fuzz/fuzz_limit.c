/* SPDX-License-Identifier: MIT */
/* A sequence of calls on a small table: what it admits, a table with room for
 * each source admits, too; and at the end all connections are given back. */
#include "fuzz.h"

#include <infra/limit.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES = 32, OPEN_MAX = 64, CAP = 2 };

static void check(int good)
{
    if (!good) {
        abort();
    }
}

struct world {
    struct infra_limit_table *table;
    infra_time now;
    infra_time states[SOURCES];
    uint32_t connections[SOURCES];
    uint64_t tickets[OPEN_MAX];
    uint32_t owners[OPEN_MAX];
    uint32_t open;
};

static const struct infra_limit_rate rate = { 100, 500 };

static void take(struct world *w, uint32_t id, uint32_t cost)
{
    struct infra_address a = infra_address_ipv4(id);
    infra_time state = w->states[id], wait = 0;
    int model = infra_limit_take(&rate, &state, cost, w->now);
    int real = infra_limit_table_take(w->table, &a, cost, w->now, &wait);

    check(real <= model && (!real || wait == 0));
    if (real) {
        w->states[id] = state;
    }
}

static void leave(struct world *w, uint32_t k)
{
    check(infra_limit_table_leave(w->table, w->tickets[k]) == INFRA_OK);
    w->connections[w->owners[k]]--;
    w->tickets[k] = w->tickets[--w->open];
    w->owners[k] = w->owners[w->open];
}

static void enter(struct world *w, uint32_t id)
{
    struct infra_address a = infra_address_ipv4(id);

    if (w->open < OPEN_MAX &&
        infra_limit_table_enter(w->table, &a, &w->tickets[w->open])) {
        w->owners[w->open++] = id;
        check(++w->connections[id] <= CAP);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_limit_table_options o = { .size = sizeof o,
                                           .rate = &rate,
                                           .connections_max = CAP,
                                           .sources_max = 7 };
    struct infra_limit_table_status s = { .size = sizeof s };
    struct world w = { .now = 1 };

    check(infra_limit_table_create(&w.table, &o) == INFRA_OK);
    for (size_t i = 0; i + 1 < size; i += 2) {
        uint32_t id = data[i + 1] % SOURCES;
        w.now += data[i] >> 2;
        switch (data[i] & 3) {
        case 0:
            take(&w, id, data[i + 1] / SOURCES);
            break;
        case 1:
            enter(&w, id);
            break;
        case 2:
            if (w.open > 0) {
                leave(&w, data[i + 1] % w.open);
            }
            break;
        default:
            take(&w, id, 1);
            break;
        }
    }
    while (w.open > 0) {
        leave(&w, 0);
    }
    check(infra_limit_table_inspect(w.table, w.now, &s) == INFRA_OK);
    check(s.connections == 0 && s.contended == 0);
    infra_limit_table_destroy(w.table);
    return 0;
}
