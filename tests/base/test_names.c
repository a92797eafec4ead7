/* Each value of each enum has a name of its own, and no other value has one, so
 * that a host needs no table. A row for each enum; check_named.sh sees a new
 * function that has none. */
#include "support.h"

#include "base/internal.h"

#include <infra/infra.h>
#include <stdbool.h>
#include <string.h>

#define PAST 8u /* Values past the last one. */

typedef const char *name_function(uint32_t value);

/* Values from 0 to @last, or the bits from 1 to @last. */
static const struct {
    name_function *name;
    uint32_t last;
    bool is_bits;
} rows[] = {
    { infra_balancer_axis_name, INFRA_BALANCER_AXIS_ADMIN, false },
    { infra_balancer_outage_name, INFRA_BALANCER_OUTAGE_LAST_UP, false },
    { infra_balancer_spill_name, INFRA_BALANCER_SPILL_FULL, false },
    { infra_balancer_state_name, INFRA_BALANCER_STATE_DOWN, false },
    { infra_exchange_note_name, INFRA_NOTE_DEADLINE, false },
    { infra_exchange_want_name, INFRA_WANT_DONE, false },
    { infra_failover_command_name, INFRA_FAILOVER_COMMAND_FAIL, false },
    { infra_failover_event_name, INFRA_FAILOVER_EVENT_ROLE, false },
    { infra_failover_fence_name, INFRA_FAILOVER_FENCE_TRY, false },
    { infra_failover_reason_name, INFRA_FAILOVER_REASON_FAILED, false },
    { infra_failover_role_name, INFRA_FAILOVER_ROLE_COOLDOWN, false },
    { infra_health_event_name, INFRA_HEALTH_EVENT_WISH, false },
    { infra_health_initial_name, INFRA_HEALTH_INITIAL_FULLY_DOWN, false },
    { infra_health_reason_name, INFRA_HEALTH_REASON_ANSWERED, false },
    { infra_lease_op_name, INFRA_LEASE_OP_REQUEST, false },
    { infra_lease_outcome_name, INFRA_LEASE_OUTCOME_UNKNOWN, false },
    { infra_lease_reason_name, INFRA_LEASE_REASON_TLS, false },
    { infra_order_outcome_name, INFRA_ORDER_UNKNOWN, false },
    { infra_outcome_name, INFRA_OUTCOME_STALE, false },
    { infra_outlier_event_name, INFRA_OUTLIER_EVENT_SPARED, false },
    { infra_outlier_reason_name, INFRA_OUTLIER_REASON_KEPT, false },
    { infra_policy_hash_name, INFRA_POLICY_HASH_ADDRESS, false },
    { infra_probe_admin_name, INFRA_PROBE_ADMIN_MAINTENANCE, false },
    { infra_probe_has_name, INFRA_PROBE_HAS_ANSWER, true },
    { infra_probe_reason_name, INFRA_PROBE_REASON_LOGIN_NEEDS_TLS, false },
    { infra_probe_role_name, INFRA_PROBE_ROLE_REPLICA, false },
    { infra_probe_step_name, INFRA_PROBE_STEP_REFUSE, false },
    { infra_probe_text_name, INFRA_PROBE_TEXT_SOURCE, false },
    { infra_promotion_command_name, INFRA_PROMOTION_COMMAND_ADMIT, false },
    { infra_promotion_event_name, INFRA_PROMOTION_EVENT_RECORD_APART, false },
    { infra_promotion_loss_name, INFRA_PROMOTION_LOSS_ACCEPT, false },
    { infra_promotion_reason_name, INFRA_PROMOTION_REASON_PAUSED, false },
    { infra_promotion_step_name, INFRA_PROMOTION_STEP_PAUSED, false },
    { infra_promotion_unfenced_name, INFRA_PROMOTION_UNFENCED_PROCEED, false },
    { infra_promotion_view_name, INFRA_PROMOTION_VIEW_STALLED, false },
    { infra_request_flag_name, INFRA_REQUEST_STICKY, true },
    { infra_router_fallback_name, INFRA_ROUTER_FALLBACK_FAIL, false },
    { infra_router_role_name, INFRA_ROUTER_ROLE_REPLICA, false },
    { infra_router_state_name, INFRA_ROUTER_STATE_SPLIT, false },
    { infra_session_consistency_name, INFRA_SESSION_CONSISTENCY_EVENTUAL,
      false },
    { infra_session_failure_name, INFRA_SESSION_FAILURE_BROKEN, false },
    { infra_session_pin_name, INFRA_SESSION_PIN_NEXT, true },
    { infra_session_replay_name, INFRA_SESSION_REPLAY_PRIMARY, false },
    { infra_session_transaction_name, INFRA_SESSION_TRANSACTION_FAILED, false },
    { infra_ticket_why_name, INFRA_TICKET_WHY_WARMING, true },
    { infra_verdict_kind_name, INFRA_VERDICT_ANSWER, false },
    { infra_verdict_reason_name, INFRA_VERDICT_REASON_ELSEWHERE, false },
    { infra_vrrp_answer_name, INFRA_VRRP_ANSWER_NO, false },
    { infra_vrrp_checksum_name, INFRA_VRRP_CHECKSUM_MESSAGE, false },
    { infra_vrrp_event_name, INFRA_VRRP_EVENT_HINT, false },
    { infra_vrrp_family_name, INFRA_VRRP_FAMILY_IPV6, false },
    { infra_vrrp_flaw_name, INFRA_VRRP_FLAW_OURS, false },
    { infra_vrrp_reason_name, INFRA_VRRP_REASON_LATE, false },
    { infra_vrrp_state_name, INFRA_VRRP_STATE_FAULT, false },
    { infra_vrrp_witness_name, INFRA_VRRP_WITNESS_REQUIRE, false },
};

static uint32_t after(uint32_t value, bool is_bits)
{
    return is_bits ? value << 1 : value + 1;
}

/* A value has a name, in lower case, that no other value has. */
START_TEST(values_have_names_of_their_own)
{
    bool is_bits = rows[_i].is_bits;

    for (uint32_t a = is_bits; a <= rows[_i].last; a = after(a, is_bits)) {
        const char *name = rows[_i].name(a);
        ck_assert_msg(name != NULL && name[0] != '\0', "row %d: %u", _i, a);
        for (uint32_t b = is_bits; b < a; b = after(b, is_bits)) {
            ck_assert_msg(strcmp(name, rows[_i].name(b)) != 0,
                          "row %d: %u and %u are \"%s\"", _i, a, b, name);
        }
    }
}
END_TEST

/* What is no value is "unknown". */
START_TEST(other_values_are_unknown)
{
    uint32_t next = after(rows[_i].last, rows[_i].is_bits);

    for (uint32_t n = 0; n < PAST; n++) {
        ck_assert_str_eq(rows[_i].name(next), "unknown");
        next = after(next, rows[_i].is_bits);
    }
    ck_assert_str_eq(rows[_i].name(UINT32_MAX), "unknown");
    if (rows[_i].is_bits) {
        ck_assert_str_eq(rows[_i].name(0), "unknown");
        ck_assert_str_eq(rows[_i].name(3), "unknown");
    }
}
END_TEST

static Suite *names_suite(void)
{
    Suite *s = suite_create("names");
    TCase *tc = tcase_create("enums");

    tcase_add_loop_test(tc, values_have_names_of_their_own, 0,
                        (int)INFRA__COUNT_OF(rows));
    tcase_add_loop_test(tc, other_values_are_unknown, 0,
                        (int)INFRA__COUNT_OF(rows));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(names_suite());
}
