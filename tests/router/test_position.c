/* SPDX-License-Identifier: MIT */
/* Positions: the texts of servers, and which position covers which. */
#include "support.h"

#include "base/internal.h"
#include "router/position.h"

#include <stdio.h>
#include <string.h>

#define NUMBER INFRA_POSITION_NUMBER
#define LSN INFRA_POSITION_LSN
#define MARIADB INFRA_POSITION_MARIADB
#define MYSQL INFRA_POSITION_MYSQL
#define U1 "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define U2 "4e11fa47-71ca-11e1-9e33-c80aa9429562"
#define LONG "a2345678901234567890123456789012" /* 32 bytes. */
#define MOST "18446744073709551615"             /* 2^64 - 1 */

static int try_parse(uint32_t kind, uint64_t epoch, const char *text,
                     struct infra_position *ret)
{
    return infra_position_parse(kind, epoch, text, strlen(text), ret);
}

static struct infra_position parsed(uint32_t kind, uint64_t epoch,
                                    const char *text)
{
    struct infra_position p;

    memset(&p, 0xa5, sizeof p);
    ck_assert_msg(try_parse(kind, epoch, text, &p) == INFRA_OK, "%s", text);
    ck_assert_msg(infra__position_is_sound(&p), "%s", text);
    return p;
}

/* Texts and what they are, as "source.tag first-last" of each part. */
static const struct {
    uint32_t kind;
    const char *text;
    const char *parts;
} good[] = {
    { NUMBER, "0", "0.0 0-0;" },
    { NUMBER, " 1234\n", "0.0 0-1234;" },
    { NUMBER, MOST, "0.0 0-18446744073709551615;" },
    { LSN, "0/0", "0.0 0-0;" },
    { LSN, "16/B374D848", "0.0 0-97500059720;" },
    { LSN, "3:16/b374d848", "3.0 0-97500059720;" },
    { LSN, " 4294967295:FFFFFFFF/FFFFFFFF ",
      "ffffffff.0 0-18446744073709551615;" },
    { MARIADB, "0-1-270", "0.0 0-270;" },
    { MARIADB, "5-3-11,0-1-270", "0.0 0-270;5.0 0-11;" },
    { MARIADB, "0-1-270,0-2-300,0-1-4", "0.0 0-300;" },
    { MARIADB, "4294967295-4294967295-" MOST " ,\n 0-0-0",
      "0.0 0-0;ffffffff.0 0-18446744073709551615;" },
    { MYSQL, U1 ":1", "3e11fa47.0 1-1;" },
    { MYSQL, U1 ":1-5:7", "3e11fa47.0 1-5;3e11fa47.0 7-7;" },
    { MYSQL, "3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5", "3e11fa47.0 1-5;" },
    { MYSQL, U2 ":1-5,\n" U1 ":7-9", "3e11fa47.0 7-9;4e11fa47.0 1-5;" },
    { MYSQL, U1 ":7-9:1-6", "3e11fa47.0 1-9;" },
    { MYSQL, U1 ":7-9:3:1-2:4-8", "3e11fa47.0 1-9;" },
    { MYSQL, U1 ":1-5," U1 ":11-18:4-7", "3e11fa47.0 1-7;3e11fa47.0 11-18;" },
    { MYSQL, U1 ":1-" MOST, "3e11fa47.0 1-18446744073709551615;" },
    { MYSQL, U1 ":" MOST ":1-3",
      "3e11fa47.0 1-3;3e11fa47.0 18446744073709551615-18446744073709551615;" },
    { MYSQL, U1 ":t:1-9", "3e11fa47.t 1-9;" },
    { MYSQL, U1 ":" LONG ":1-9", "3e11fa47.l 1-9;" },
    { MYSQL, U1 ":1-3:T:5-7:9 : u : 1 ,\r\n" U1 ":t:8",
      "3e11fa47.0 1-3;3e11fa47.t 5-9;3e11fa47.u 1-1;" },
};

static const struct {
    const char *name;
    const char *text;
} tags[] = { { "t", "t" }, { "u", "u" }, { "l", LONG } };

/* The tags of the table by their names; sorted by hash, so sorted again. */
static void describe(const struct infra_position *p, char *ret, size_t size)
{
    size_t length = 0;

    for (uint32_t pass = 0; pass <= INFRA__COUNT_OF(tags); pass++) {
        uint64_t tag = pass == 0
                           ? 0
                           : infra_xxhash64(tags[pass - 1].text,
                                            strlen(tags[pass - 1].text), 0);
        for (uint32_t i = 0; i < p->count; i++) {
            const struct infra_position_part *part = &p->parts[i];
            if (part->tag != tag) {
                continue;
            }
            length += (size_t)snprintf(
                ret + length, size - length, "%x.%s %llu-%llu;",
                (unsigned)part->source[0] << 24 |
                    (unsigned)part->source[1] << 16 |
                    (unsigned)part->source[2] << 8 | part->source[3],
                pass == 0 ? "0" : tags[pass - 1].name,
                (unsigned long long)part->first,
                (unsigned long long)part->last);
        }
    }
}

/* A server's text is the parts that it says, sorted, with the epoch. */
START_TEST(texts_are_read)
{
    char parts[512] = "";
    struct infra_position p = parsed(good[_i].kind, 77, good[_i].text);

    describe(&p, parts, sizeof parts);
    ck_assert_msg(strcmp(parts, good[_i].parts) == 0, "%s: %s", good[_i].text,
                  parts);
    ck_assert_uint_eq(p.kind, good[_i].kind);
    ck_assert_uint_eq(p.is_filled, 0);
    for (uint32_t i = 0; i < INFRA_POSITION_PARTS_MAX; i++) {
        ck_assert_uint_eq(p.parts[i].epoch, i < p.count ? 77 : 0);
    }
}
END_TEST

static const struct {
    uint32_t kind;
    const char *text;
} bad[] = {
    { NUMBER, "-1" },
    { NUMBER, "1 2" },
    { NUMBER, "1," },
    { NUMBER, "0x1" },
    { NUMBER, "18446744073709551616" },
    { LSN, "16" },
    { LSN, "16/" },
    { LSN, "/16" },
    { LSN, "16/B374D84G" },
    { LSN, "016000000/0" },
    { LSN, "0/016000000" },
    { LSN, "0:16/B374D848" },
    { LSN, ":16/B374D848" },
    { LSN, "3:4:16/B374D848" },
    { LSN, "4294967296:16/B374D848" },
    { LSN, "16/B374D848,16/B374D848" },
    { MARIADB, "0" },
    { MARIADB, "0-1" },
    { MARIADB, "0-1-" },
    { MARIADB, "0--1" },
    { MARIADB, "0-1-2-3" },
    { MARIADB, "0-1-2," },
    { MARIADB, ",0-1-2" },
    { MARIADB, "0-1-2,,0-1-2" },
    { MARIADB, "4294967296-1-1" },
    { MARIADB, "1-4294967296-1" },
    { MARIADB, "1-1-18446744073709551616" },
    { MYSQL, "1-5" },
    { MYSQL, U1 },
    { MYSQL, U1 ":" },
    { MYSQL, U1 ":0" },
    { MYSQL, U1 ":0-5" },
    { MYSQL, U1 ":1-" },
    { MYSQL, U1 ":-5" },
    { MYSQL, U1 ":5-4" },
    { MYSQL, U1 ":1-5:" },
    { MYSQL, U1 ":1-5," },
    { MYSQL, U1 ":1-5;" },
    { MYSQL, "," U1 ":1-5" },
    { MYSQL, U1 ":1-5,," U1 ":1-5" },
    { MYSQL, U1 ":1-5 " U1 ":1-5" },
    { MYSQL, U1 ":1-5-6" },
    { MYSQL, U1 ":1-18446744073709551616" },
    { MYSQL, U1 ":18446744073709551616" },
    { MYSQL, U1 ":tag" },
    { MYSQL, U1 ":tag:" },
    { MYSQL, U1 ":tag:other:1" },
    { MYSQL, U1 ":tag-x:1" },
    { MYSQL, U1 ":1tag:1" },
    { MYSQL, U1 ":" LONG "x:1" },
    { MYSQL, "3e11fa47-71ca-11e1-9e33-c80aa942956:1" },
    { MYSQL, "3e11fa47-71ca-11e1-9e33-c80aa94295622:1" },
    { MYSQL, "3e11fa4771ca-11e1-9e33-c80aa9429562-:1" },
    { MYSQL, "3e11fa47-71ca-11e1-9e33-c80aa942956g:1" },
    { MYSQL, "3e11fa4771ca11e19e33c80aa9429562:1" },
};

/* A text that is no position of its kind is refused, and nothing is set. */
START_TEST(other_texts_are_refused)
{
    struct infra_position p;
    struct infra_position before;

    memset(&p, 0xa5, sizeof p);
    before = p;
    ck_assert_msg(try_parse(bad[_i].kind, 1, bad[_i].text, &p) == INFRA_EINVAL,
                  "%s", bad[_i].text);
    ck_assert_mem_eq(&p, &before, sizeof p);
}
END_TEST

/* An empty text, or one of blanks, is the position NONE. */
START_TEST(no_text_is_no_position)
{
    static const struct infra_position none;

    for (uint32_t kind = NUMBER; kind <= MYSQL; kind++) {
        struct infra_position p = parsed(kind, 5, "");
        ck_assert_mem_eq(&p, &none, sizeof p);
        p = parsed(kind, 5, " \t\r\n");
        ck_assert_mem_eq(&p, &none, sizeof p);
    }
}
END_TEST

/* The length counts, not a NUL; and no kind, or none that is known, is
 * refused. */
START_TEST(arguments_are_checked)
{
    struct infra_position p;
    struct infra_position_part parts[1];
    size_t count;

    ck_assert_int_eq(infra_position_parse(NUMBER, 0, "1234", 2, &p), INFRA_OK);
    ck_assert_uint_eq(p.parts[0].last, 12);
    ck_assert_int_eq(infra_position_parse(NUMBER, 0, "12\0", 3, &p),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_position_parse(0, 0, "", 0, &p), INFRA_EINVAL);
    ck_assert_int_eq(infra_position_parse(5, 0, "", 0, &p), INFRA_EINVAL);
    ck_assert_int_eq(infra_position_parse(NUMBER, 0, NULL, 0, &p),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_position_parse(NUMBER, 0, "", 0, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra__position_parse_parts(0, 0, "", 0, parts, 1, &count),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra__position_parse_parts(5, 0, "", 0, parts, 1, &count),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_position_merge(NULL, &p), INFRA_EINVAL);
    ck_assert_int_eq(infra_position_merge(&p, NULL), INFRA_EINVAL);
    ck_assert_uint_eq(infra_position_covers(NULL, &p), 2);
    ck_assert_uint_eq(infra_position_covers(&p, NULL), 2);
}
END_TEST

/* Is the second covered by the first? The sets of MySQL are those of its
 * manual on GTID_SUBSET() and GTID_SUBTRACT(), whose arguments are the other
 * way round. */
static const struct {
    uint32_t kind;
    uint64_t have_epoch;
    const char *have;
    uint64_t need_epoch;
    const char *need;
    uint32_t answer;
} pairs[] = {
    { NUMBER, 0, "5", 0, "5", INFRA_POSITION_ANSWER_YES },
    { NUMBER, 0, "5", 0, "6", INFRA_POSITION_ANSWER_NO },
    { NUMBER, 7, "5", 7, "4", INFRA_POSITION_ANSWER_YES },
    { NUMBER, 8, "5", 7, "4", INFRA_POSITION_ANSWER_UNKNOWN },
    { NUMBER, 0, "5", 7, "4", INFRA_POSITION_ANSWER_UNKNOWN },
    /* PostgreSQL: halves are numbers, not texts. */
    { LSN, 0, "16/B374D848", 0, "16/B374D848", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "16/B374D848", 0, "16/B374D849", INFRA_POSITION_ANSWER_NO },
    { LSN, 0, "16/B374D848", 0, "9/FFFFFFFF", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "0/12345678", 0, "0/7890", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "1/0", 0, "0/FFFFFFFF", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "0/FFFFFFFF", 0, "1/0", INFRA_POSITION_ANSWER_NO },
    { LSN, 0, "3:1/0", 0, "3:1/0", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "3:1/0", 0, "3:1/1", INFRA_POSITION_ANSWER_NO },
    { LSN, 0, "3:1/0", 0, "2:0/1", INFRA_POSITION_ANSWER_UNKNOWN },
    { LSN, 0, "3:1/0", 0, "4:2/0", INFRA_POSITION_ANSWER_UNKNOWN },
    { LSN, 0, "3:1/0", 0, "1/0", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "1/0", 0, "3:1/0", INFRA_POSITION_ANSWER_YES },
    { LSN, 0, "1/0", 0, "3:1/1", INFRA_POSITION_ANSWER_NO },
    { LSN, 6, "3:1/0", 5, "3:0/1", INFRA_POSITION_ANSWER_UNKNOWN },
    { LSN, 6, "1/0", 5, "3:0/1", INFRA_POSITION_ANSWER_UNKNOWN },
    { MARIADB, 0, "0-1-270,5-3-11", 0, "0-2-270", INFRA_POSITION_ANSWER_YES },
    { MARIADB, 0, "0-1-270,5-3-11", 0, "5-3-12", INFRA_POSITION_ANSWER_NO },
    { MARIADB, 0, "0-1-270", 0, "0-1-1,5-3-1", INFRA_POSITION_ANSWER_NO },
    { MARIADB, 0, "0-1-270,5-3-11", 0, "5-1-1,0-1-270",
      INFRA_POSITION_ANSWER_YES },
    { MARIADB, 6, "0-1-270", 5, "0-1-1", INFRA_POSITION_ANSWER_UNKNOWN },
    { MARIADB, 6, "0-1-270", 5, "1-1-1", INFRA_POSITION_ANSWER_NO },
    { MYSQL, 0, U1 ":21-57", 0, U1 ":23", INFRA_POSITION_ANSWER_YES },
    { MYSQL, 0, U1 ":21-57", 0, U1 ":23-25", INFRA_POSITION_ANSWER_YES },
    { MYSQL, 0, U1 ":21-57", 0, U1 ":20-25", INFRA_POSITION_ANSWER_NO },
    { MYSQL, 0, U1 ":21-57", 0, U1 ":21-57", INFRA_POSITION_ANSWER_YES },
    { MYSQL, 0, U1 ":20-25", 0, U1 ":23-25," U2 ":1",
      INFRA_POSITION_ANSWER_NO },
    { MYSQL, 0, U1 ":1-24:26", 0, U1 ":24-26", INFRA_POSITION_ANSWER_NO },
    { MYSQL, 0, U1 ":1-24:26", 0, U1 ":26:2-24", INFRA_POSITION_ANSWER_YES },
    { MYSQL, 0, U1 ":1-9", 0, U1 ":tag:1", INFRA_POSITION_ANSWER_NO },
    { MYSQL, 0, U1 ":TAG:1-9", 0, U1 ":tag:1", INFRA_POSITION_ANSWER_YES },
    { MYSQL, 0, U1 ":tag:1-9", 0, U1 ":1", INFRA_POSITION_ANSWER_NO },
    { MYSQL, 6, U1 ":1-9", 5, U1 ":1", INFRA_POSITION_ANSWER_UNKNOWN },
    { MYSQL, 6, U1 ":1-9", 5, U2 ":1", INFRA_POSITION_ANSWER_NO },
    { MYSQL, 6, U1 ":1-9", 5, U1 ":1," U2 ":1", INFRA_POSITION_ANSWER_NO },
};

/* A position covers another as the servers say, and nothing is said where
 * histories may differ. */
START_TEST(positions_are_compared)
{
    struct infra_position have =
        parsed(pairs[_i].kind, pairs[_i].have_epoch, pairs[_i].have);
    struct infra_position need =
        parsed(pairs[_i].kind, pairs[_i].need_epoch, pairs[_i].need);

    ck_assert_msg(
        infra_position_covers(&have, &need) == pairs[_i].answer,
        "%s covers %s: %s", pairs[_i].have, pairs[_i].need,
        infra_position_answer_name(infra_position_covers(&have, &need)));
}
END_TEST

/* Nothing is always covered, and covers nothing else; kinds do not compare. */
START_TEST(none_is_covered_and_covers_nothing)
{
    static const struct infra_position none;
    static const char *const texts[] = {
        [NUMBER] = "0", [LSN] = "0/0", [MARIADB] = "0-1-0", [MYSQL] = U1 ":1"
    };

    ck_assert_uint_eq(infra_position_covers(&none, &none), 1);
    ck_assert_uint_eq(infra__position_covers_parts(NUMBER, NULL, 0, 0, &none),
                      1);
    for (uint32_t a = NUMBER; a <= MYSQL; a++) {
        struct infra_position have = parsed(a, 0, texts[a]);
        ck_assert_uint_eq(infra_position_covers(&have, &none), 1);
        ck_assert_uint_eq(infra_position_covers(&none, &have), 0);
        ck_assert_uint_eq(infra__position_covers_parts(a, NULL, 0, 0, &have),
                          0);
        for (uint32_t b = NUMBER; b <= MYSQL; b++) {
            struct infra_position need = parsed(b, 0, texts[b]);
            ck_assert_uint_eq(infra_position_covers(&have, &need),
                              a == b ? 1 : 2);
            ck_assert_uint_eq(infra__position_covers_parts(
                                  a, have.parts, have.count, 0, &need),
                              a == b ? 1 : 2);
        }
    }
}
END_TEST

/* After a failover a position has parts of both reigns, of one source. */
START_TEST(epochs_stay_apart)
{
    struct infra_position p = parsed(MYSQL, 5, U1 ":1-5");
    struct infra_position later = parsed(MYSQL, 6, U1 ":6-9");
    struct infra_position both = p;

    ck_assert_int_eq(infra_position_merge(&both, &later), INFRA_OK);
    ck_assert_uint_eq(both.count, 2);
    ck_assert_uint_eq(infra_position_covers(&both, &p), 1);
    ck_assert_uint_eq(infra_position_covers(&both, &later), 1);
    ck_assert_uint_eq(infra_position_covers(&later, &both), 2);
}
END_TEST

/* Of two timelines the one that can be compared counts. */
START_TEST(timelines_stay_apart)
{
    struct infra_position have = parsed(LSN, 0, "2:0/100");
    struct infra_position later = parsed(LSN, 0, "3:0/200");
    struct infra_position need = parsed(LSN, 0, "3:0/180");

    ck_assert_int_eq(infra_position_merge(&have, &later), INFRA_OK);
    ck_assert_uint_eq(have.count, 2);
    ck_assert_uint_eq(infra_position_covers(&have, &need), 1);
    ck_assert_uint_eq(
        infra__position_covers_parts(LSN, have.parts, 2, 0, &need), 1);
    need = parsed(LSN, 0, "2:0/180");
    ck_assert_uint_eq(infra_position_covers(&have, &need), 2);
    need = parsed(LSN, 0, "0/180");
    ck_assert_uint_eq(infra_position_covers(&have, &need), 1);
}
END_TEST

/* More sources than parts do not fit, and what was there stays. */
START_TEST(too_many_sources_are_refused)
{
    struct infra_position p =
        parsed(MARIADB, 0, "0-1-1,1-1-1,2-1-1,3-1-1,4-1-1,5-1-1,6-1-1,7-1-1");
    struct infra_position more = parsed(MARIADB, 0, "8-1-1,0-1-9");
    struct infra_position before = p;
    char text[400];
    size_t length = 0;

    ck_assert_int_eq(infra_position_merge(&p, &more), INFRA_EFULL);
    ck_assert_mem_eq(&p, &before, sizeof p);
    more = parsed(MARIADB, 0, "0-1-9");
    ck_assert_int_eq(infra_position_merge(&p, &more), INFRA_OK);
    ck_assert_uint_eq(p.parts[0].last, 9);
    for (unsigned i = 0; i < 20; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "%s%u-1-1", i > 0 ? "," : "", i);
        ck_assert_int_eq(infra_position_parse(MARIADB, 0, text, length, &p),
                         i < INFRA_POSITION_PARTS_MAX ? INFRA_OK : INFRA_EFULL);
    }
    /* What follows is still read. */
    text[length - 1] = 'x';
    ck_assert_int_eq(infra_position_parse(MARIADB, 0, text, length, &p),
                     INFRA_EINVAL);
}
END_TEST

/* Positions of two kinds do not merge; with NONE each does. */
START_TEST(kinds_do_not_merge)
{
    struct infra_position none = { 0 };
    struct infra_position a = parsed(NUMBER, 3, "5");
    struct infra_position b = parsed(LSN, 3, "0/5");
    struct infra_position before = a;

    ck_assert_int_eq(infra_position_merge(&a, &b), INFRA_EINVAL);
    ck_assert_int_eq(infra_position_merge(&a, &none), INFRA_OK);
    ck_assert_mem_eq(&a, &before, sizeof a);
    ck_assert_int_eq(infra_position_merge(&none, &a), INFRA_OK);
    ck_assert_mem_eq(&none, &a, sizeof a);
}
END_TEST

/* The least gaps of one source are filled, and an answer that may rest on one
 * is no yes. */
START_TEST(gaps_are_filled_and_said)
{
    /* Gaps of 99, 1, 9, 99, 99, 2, 99, 99, 99 numbers. */
    struct infra_position p =
        parsed(MYSQL, 0, U1 ":1:101:103:113:213:313:316:416:516:616");
    struct infra_position need = parsed(MYSQL, 0, U1 ":102");

    ck_assert_uint_eq(p.count, INFRA_POSITION_PARTS_MAX);
    ck_assert_uint_eq(p.is_filled, 1);
    ck_assert_uint_eq(p.parts[1].first, 101);
    ck_assert_uint_eq(p.parts[1].last, 103);
    ck_assert_uint_eq(p.parts[4].first, 313);
    ck_assert_uint_eq(p.parts[4].last, 316);
    ck_assert_uint_eq(infra_position_covers(&p, &need), 2);
    ck_assert_uint_eq(
        infra__position_covers_parts(MYSQL, p.parts, p.count, 1, &need), 2);
    need = parsed(MYSQL, 0, U1 ":104");
    ck_assert_uint_eq(infra_position_covers(&p, &need), 0);

    /* Two sources: the only gap of the second is kept, as it is wide. */
    p = parsed(MYSQL, 0, U1 ":1:3:5:7:9:11:13:15," U2 ":1:1000");
    ck_assert_uint_eq(p.count, INFRA_POSITION_PARTS_MAX);
    ck_assert_uint_eq(p.parts[0].last, 5);
    ck_assert_uint_eq(p.parts[6].last, 1);
    ck_assert_uint_eq(p.parts[7].first, 1000);
}
END_TEST

/* A position that no function of this module makes is refused. */
START_TEST(unsound_positions_are_refused)
{
    struct infra_position good_one = parsed(MYSQL, 0, U1 ":1-5:8," U2 ":1");
    struct infra_position p;
    struct infra_position none = { 0 };
    char text[INFRA_POSITION_TEXT_MAX];

#define REFUSED(change)                                                  \
    do {                                                                 \
        p = good_one;                                                    \
        change;                                                          \
        ck_assert_int_eq(infra_position_merge(&none, &p), INFRA_EINVAL); \
        ck_assert_int_eq(infra_position_merge(&p, &none), INFRA_EINVAL); \
        ck_assert_int_eq(infra_position_print(&p, text, sizeof text),    \
                         INFRA_EINVAL);                                  \
        (void)infra_position_covers(&p, &good_one);                      \
        (void)infra_position_covers(&good_one, &p);                      \
    } while (0)
    REFUSED(p.kind = 5);
    REFUSED(p.kind = 0);
    REFUSED(p.kind = LSN);
    REFUSED(p.count = 0);
    REFUSED(p.count = 9);
    REFUSED(p.count = 255);
    REFUSED(p.is_filled = 2);
    REFUSED(p.parts[0].first = 0);
    REFUSED(p.parts[0].first = 6);
    REFUSED(p.parts[0].last = 7);
    REFUSED(p.parts[0].last = 9);
    REFUSED(p.parts[0].source[0] = 0xff);
    REFUSED(p.parts[1].first = 3);
    REFUSED(p.parts[1] = p.parts[0]);
    good_one = parsed(LSN, 0, "3:1/0");
    REFUSED(p.is_filled = 1);
    REFUSED(p.parts[0].first = 1);
    REFUSED(p.parts[0].tag = 1);
    REFUSED(p.parts[0].source[4] = 1);
    good_one = parsed(NUMBER, 0, "3");
    REFUSED(p.parts[0].source[3] = 1);
#undef REFUSED
}
END_TEST

/* Names of kinds and answers, and "unknown" beyond. */
START_TEST(enums_have_names)
{
    static const char *const kinds[] = { "none",    "number", "lsn",
                                         "mariadb", "mysql",  "unknown" };
    static const char *const answers[] = { "no", "yes", "unknown", "unknown" };

    for (uint32_t i = 0; i < INFRA__COUNT_OF(kinds); i++) {
        ck_assert_str_eq(infra_position_kind_name(i), kinds[i]);
    }
    for (uint32_t i = 0; i < INFRA__COUNT_OF(answers); i++) {
        ck_assert_str_eq(infra_position_answer_name(i), answers[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("position");
    TCase *text = tcase_create("text");
    TCase *covers = tcase_create("covers");
    TCase *merge = tcase_create("merge");

    tcase_add_loop_test(text, texts_are_read, 0, INFRA__COUNT_OF(good));
    tcase_add_loop_test(text, other_texts_are_refused, 0, INFRA__COUNT_OF(bad));
    tcase_add_test(text, no_text_is_no_position);
    tcase_add_test(text, arguments_are_checked);
    tcase_add_test(text, enums_have_names);
    suite_add_tcase(suite, text);
    tcase_add_loop_test(covers, positions_are_compared, 0,
                        INFRA__COUNT_OF(pairs));
    tcase_add_test(covers, none_is_covered_and_covers_nothing);
    tcase_add_test(covers, epochs_stay_apart);
    tcase_add_test(covers, timelines_stay_apart);
    suite_add_tcase(suite, covers);
    tcase_add_test(merge, too_many_sources_are_refused);
    tcase_add_test(merge, kinds_do_not_merge);
    tcase_add_test(merge, gaps_are_filled_and_said);
    tcase_add_test(merge, unsound_positions_are_refused);
    suite_add_tcase(suite, merge);
    return test_main(suite);
}
