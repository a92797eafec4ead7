/* SPDX-License-Identifier: MIT */
/* The load of tiers: Envoy's known answers
 * (load_balancer_impl_base_test.cc). */
#include "support.h"

#include "balancer/tier_load.h"

#define TIERS 3

static const struct {
    const char *name;
    uint32_t tiers;
    uint32_t overprovision;
    uint32_t panic;
    struct infra__tier_health health[TIERS]; /* all, healthy, degraded */
    uint32_t healthy[TIERS];
    uint32_t degraded[TIERS];
    const char *panics;
} rows[] = {
    { "1/0 1/0",
      2,
      140,
      50,
      { { 1, 0, 0 }, { 1, 0, 0 } },
      { 50, 50 },
      { 0 },
      "TT" },
    { "1/0 2/0",
      2,
      140,
      50,
      { { 1, 0, 0 }, { 2, 0, 0 } },
      { 34, 66 },
      { 0 },
      "TT" },
    { "4/2 4/2",
      2,
      140,
      50,
      { { 4, 2, 0 }, { 4, 2, 0 } },
      { 70, 30 },
      { 0 },
      "FF" },
    { "4/2 4/2 at 100",
      2,
      100,
      50,
      { { 4, 2, 0 }, { 4, 2, 0 } },
      { 50, 50 },
      { 0 },
      "FF" },
    { "4/1 2/2",
      2,
      140,
      50,
      { { 4, 1, 0 }, { 2, 2, 0 } },
      { 35, 65 },
      { 0 },
      "FF" },
    { "4/1 4/1",
      2,
      140,
      50,
      { { 4, 1, 0 }, { 4, 1, 0 } },
      { 50, 50 },
      { 0 },
      "TT" },
    { "2/1 x 3",
      3,
      140,
      50,
      { { 2, 1, 0 }, { 2, 1, 0 }, { 2, 1, 0 } },
      { 70, 30, 0 },
      { 0 },
      "FFF" },
    { "4/1 x 3",
      3,
      140,
      50,
      { { 4, 1, 0 }, { 4, 1, 0 }, { 4, 1, 0 } },
      { 35, 35, 30 },
      { 0 },
      "FFF" },
    { "5/1 x 3",
      3,
      140,
      50,
      { { 5, 1, 0 }, { 5, 1, 0 }, { 5, 1, 0 } },
      { 34, 33, 33 },
      { 0 },
      "TTT" },
    { "last has all",
      3,
      140,
      50,
      { { 5, 0, 0 }, { 5, 0, 0 }, { 5, 5, 0 } },
      { 0, 0, 100 },
      { 0 },
      "FFF" },
    { "last has four",
      3,
      140,
      50,
      { { 5, 0, 0 }, { 5, 0, 0 }, { 5, 4, 0 } },
      { 0, 0, 100 },
      { 0 },
      "FFF" },
    { "last has two",
      3,
      140,
      50,
      { { 5, 0, 0 }, { 5, 0, 0 }, { 5, 2, 0 } },
      { 34, 33, 33 },
      { 0 },
      "TTT" },
    { "degraded wait",
      3,
      140,
      50,
      { { 5, 0, 5 }, { 5, 2, 2 }, { 5, 2, 0 } },
      { 0, 56, 44 },
      { 0 },
      "FFF" },
    { "by size",
      3,
      140,
      50,
      { { 5, 0, 0 }, { 3, 0, 0 }, { 2, 0, 0 } },
      { 50, 30, 20 },
      { 0 },
      "TTT" },
    { "an empty tier",
      3,
      140,
      50,
      { { 0, 0, 0 }, { 6, 0, 0 }, { 3, 0, 0 } },
      { 0, 67, 33 },
      { 0 },
      "TTT" },
    { "degraded alone",
      3,
      140,
      0,
      { { 5, 0, 0 }, { 5, 0, 2 }, { 5, 0, 1 } },
      { 0 },
      { 0, 67, 33 },
      "FFF" },
    { "by weight",
      2,
      100,
      50,
      { { 10, 6, 0 }, { 10, 10, 0 } },
      { 60, 40 },
      { 0 },
      "FF" },
    { "degraded in panic",
      2,
      140,
      50,
      { { 10, 5, 0 }, { 10, 0, 2 } },
      { 72, 0 },
      { 0, 28 },
      "FT" },
    { "half, in two parts",
      2,
      100,
      50,
      { { 3, 1, 0 }, { 8, 3, 1 } },
      { 41, 45 },
      { 0, 14 },
      "TF" },
    { "four sevenths, in two parts",
      2,
      100,
      57,
      { { 7, 1, 3 }, { 9, 0, 1 } },
      { 22, 0 },
      { 62, 16 },
      "FT" },
    { "degraded by weight",
      2,
      100,
      50,
      { { 10, 4, 3 }, { 10, 1, 9 } },
      { 40, 10 },
      { 30, 20 },
      "FF" },
    { "less than one percent",
      2,
      140,
      1,
      { { 200, 1, 0 }, { 200, 1, 0 } },
      { 50, 50 },
      { 0 },
      "TT" },
    { "taken out",
      2,
      140,
      50,
      { { 4, 0, 0 }, { 4, 1, 0 } },
      { 50, 50 },
      { 0 },
      "TT" },
};

/* Load and panic of each tier are Envoy's. */
START_TEST(loads_are_those_of_envoy)
{
    struct infra__tier_load got[TIERS];
    uint32_t total = 0;

    infra__tier_loads(got, rows[_i].health, rows[_i].tiers,
                      rows[_i].overprovision, rows[_i].panic);
    for (uint32_t t = 0; t < rows[_i].tiers; t++) {
        ck_assert_msg(got[t].healthy == rows[_i].healthy[t] &&
                          got[t].degraded == rows[_i].degraded[t] &&
                          got[t].panic == (rows[_i].panics[t] == 'T'),
                      "%s: tier %u: %u %u %d", rows[_i].name, (unsigned)t,
                      got[t].healthy, got[t].degraded, got[t].panic);
        total += got[t].healthy + got[t].degraded;
    }
    ck_assert_uint_eq(total, 100);
}
END_TEST

static Suite *tier_load_suite(void)
{
    Suite *s = suite_create("tier_load");
    TCase *tc = tcase_create("known answers");
    tcase_add_loop_test(tc, loads_are_those_of_envoy, 0,
                        sizeof rows / sizeof rows[0]);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(tier_load_suite());
}
