/* SPDX-License-Identifier: MIT */
#include "relay_private.h"

static const char *const names[] = {
    [RELAY_END_DONE] = "done",
    [RELAY_END_CLIENT_RESET] = "client-reset",
    [RELAY_END_BACKEND_RESET] = "backend-reset",
    [RELAY_END_NO_BACKEND] = "no-backend",
    [RELAY_END_IDLE] = "idle",
    [RELAY_END_NO_ANSWER] = "no-answer",
    [RELAY_END_CUT] = "cut",
    [RELAY_END_SHORTAGE] = "shortage",
};

const char *relay_end_name(uint32_t reason)
{
    return reason < RELAY_ENDS ? names[reason] : "unknown";
}

void relay_metrics_begin(const struct relay_metrics *m)
{
    if (m->writer != NULL) {
        (void)infra_metrics_count(m->writer, m->series->sessions, 1);
    }
}

void relay_metrics_connect(const struct relay_metrics *m, uint32_t id,
                           infra_time took)
{
    if (m->writer != NULL) {
        (void)infra_metrics_observe(m->writer, m->series->connect_seconds[id],
                                    took);
    }
}

static void count_bytes(const struct relay_metrics *m, uint32_t series,
                        struct relay_side *side)
{
    if (side->passed != side->counted) {
        (void)infra_metrics_count(m->writer, series,
                                  side->passed - side->counted);
        side->counted = side->passed;
    }
}

void relay_metrics_bytes(const struct relay_metrics *m,
                         struct relay_session *session)
{
    if (m->writer != NULL) {
        count_bytes(m, m->series->received_bytes, &session->backend);
        count_bytes(m, m->series->sent_bytes, &session->client);
    }
}

void relay_metrics_end(const struct relay_metrics *m, enum relay_end reason,
                       infra_time took)
{
    if (m->writer != NULL) {
        (void)infra_metrics_count(m->writer, m->series->ended[reason], 1);
        (void)infra_metrics_observe(m->writer, m->series->session_seconds,
                                    took);
    }
}
