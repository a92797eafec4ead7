/* SPDX-License-Identifier: MIT */
/* Hash rings: the layouts of libmemcached, nginx and Envoy to the bit, and what
 * every ring promises. */
#include "envoy_members.h"
#include "support.h"

#include "balancer/algorithm/ring_layouts.h"
#include "base/internal.h"
#include "base/random.h"

#include <infra/policy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 1024

/* Exactly as large as the layout asks for, so that a sanitizer sees the end. */
static struct infra__ring *ring_for(uint64_t points)
{
    ck_assert_uint_le(points, INFRA__RING_POINTS_MAX);
    struct infra__ring *ring = malloc(infra__ring_size((uint32_t)points));
    ck_assert_ptr_nonnull(ring);
    infra__ring_init(ring, (uint32_t)points);
    return ring;
}

static struct infra__ring *nginx_ring(const struct infra__hash_member *members,
                                      uint32_t count)
{
    struct infra__ring *ring =
        ring_for(infra__ring_nginx_points(members, count));
    infra__ring_nginx_fill(ring, members, count);
    return ring;
}

static struct infra__ring *libmemcached_ring(
    const struct infra__hash_member *members, uint32_t count, bool weighted)
{
    uint64_t points = infra__ring_libmemcached_points(members, count, weighted);
    struct infra__ring *ring = ring_for(points);
    infra__ring_libmemcached_fill(ring, members, count, weighted);
    ck_assert_uint_eq(ring->count, points);
    return ring;
}

static struct infra__ring *envoy_ring(uint64_t points_min, uint64_t points_max,
                                      const struct infra__hash_member *members,
                                      uint32_t count)
{
    const struct infra__ring_envoy layout = { .points_min = points_min,
                                              .points_max = points_max };
    uint64_t points = infra__ring_envoy_points(&layout, members, count);
    struct infra__ring *ring = ring_for(points);
    infra__ring_envoy_fill(ring, &layout, members, count);
    ck_assert_uint_eq(ring->count, points);
    return ring;
}

static uint32_t owner(const struct infra__ring *ring, uint64_t hash)
{
    return ring->points[infra__ring_find(ring, hash)].index;
}

struct row {
    uint64_t hash;
    uint32_t index;
};

static void expect_points(const struct infra__ring *ring,
                          const struct row *rows, uint32_t count)
{
    ck_assert_uint_eq(ring->count, count);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_msg(ring->points[i].hash == rows[i].hash &&
                          ring->points[i].index == rows[i].index,
                      "point %u: %llu of %u", i,
                      (unsigned long long)ring->points[i].hash,
                      ring->points[i].index);
    }
}

static const struct infra__hash_member ports_80[] = {
    { "127.0.0.1:80", 1 }, { "127.0.0.1:81", 1 }, { "127.0.0.1:82", 1 },
    { "127.0.0.1:83", 1 }, { "127.0.0.1:84", 1 }, { "127.0.0.1:85", 1 },
};

/* Envoy's test Basic: six hosts, two points each. */
static const struct row basic[] = {
    { 833437586790550860u, 4 },   { 928266305478181108u, 2 },
    { 1033482794131418490u, 0 },  { 3551244743356806947u, 5 },
    { 3851675632748031481u, 3 },  { 5583722120771150861u, 1 },
    { 6311230543546372928u, 1 },  { 7700377290971790572u, 3 },
    { 13144177310400110813u, 5 }, { 13444792449719432967u, 2 },
    { 15516499411664133160u, 4 }, { 16117243373044804889u, 0 },
};

START_TEST(envoy_basic)
{
    struct infra__ring *ring = envoy_ring(12, 8388608, ports_90, 6);

    expect_points(ring, basic, INFRA__COUNT_OF(basic));
    ck_assert_uint_eq(owner(ring, 0), 4);
    ck_assert_uint_eq(owner(ring, UINT64_MAX), 4);
    ck_assert_uint_eq(owner(ring, 3551244743356806947u), 5);
    ck_assert_uint_eq(owner(ring, 3551244743356806948u), 3);
    ck_assert_uint_eq(owner(ring, 16117243373044804880u), 0);
    free(ring);
}
END_TEST

/* Envoy's retries: attempt n is the n-th next point, all around the ring. */
START_TEST(envoy_retries_walk_the_ring)
{
    static const struct {
        uint32_t attempt;
        uint32_t index;
    } rows[] = { { 1, 2 }, { 2, 0 }, { 12, 4 }, { 13, 2 } };
    struct infra__ring *ring = envoy_ring(12, 8388608, ports_90, 6);

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        uint32_t place = infra__ring_find(ring, 0);
        for (uint32_t n = 0; n < rows[i].attempt; n++) {
            place = infra__ring_next(ring, place);
        }
        ck_assert_uint_eq(ring->points[place].index, rows[i].index);
    }
    free(ring);
}
END_TEST

/* Envoy's test with MurmurHash2. */
START_TEST(envoy_murmur2)
{
    static const struct row rows[] = {
        { 1358027074129602068u, 5 },  { 4361834613929391114u, 3 },
        { 7224494972555149682u, 4 },  { 7701421856454313576u, 1 },
        { 8649315368077433379u, 2 },  { 8739448859063030639u, 4 },
        { 9887544217113020895u, 1 },  { 10150910876324007731u, 2 },
        { 15168472011420622455u, 3 }, { 15427156902705414897u, 0 },
        { 16375050414328759093u, 5 }, { 17613279263364193813u, 0 },
    };
    const struct infra__ring_envoy layout = { 12, 8388608, true };
    struct infra__ring *ring =
        ring_for(infra__ring_envoy_points(&layout, ports_80, 6));

    infra__ring_envoy_fill(ring, &layout, ports_80, 6);
    expect_points(ring, rows, INFRA__COUNT_OF(rows));
    ck_assert_uint_eq(owner(ring, 0), 5);
    ck_assert_uint_eq(owner(ring, UINT64_MAX), 5);
    ck_assert_uint_eq(owner(ring, 1358027074129602068u), 5);
    ck_assert_uint_eq(owner(ring, 1358027074129602069u), 3);
    ck_assert_uint_eq(owner(ring, 10150910876324007730u), 2);
    free(ring);
}
END_TEST

/* Envoy's test with host names for keys. */
START_TEST(envoy_host_names)
{
    static const struct row rows[] = {
        { 1975508444536362413u, 5 },  { 2376063919839173711u, 5 },
        { 2386806903309390596u, 3 },  { 6749904478991551885u, 4 },
        { 6803900775736438537u, 3 },  { 7225015537174310577u, 2 },
        { 8787465352164086522u, 0 },  { 11282020843382717940u, 2 },
        { 13723418369486627818u, 1 }, { 13776502110861797421u, 0 },
        { 14338313586354474791u, 1 }, { 15364271037087512980u, 4 },
    };
    struct infra__ring *ring = envoy_ring(12, 8388608, names_90, 6);

    expect_points(ring, rows, INFRA__COUNT_OF(rows));
    free(ring);
}
END_TEST

/* Envoy's tests with weights: a ring of exactly six points. */
START_TEST(envoy_weights)
{
    static const struct row rows[] = {
        { 928266305478181108u, 2 },   { 4443673547860492590u, 2 },
        { 5583722120771150861u, 1 },  { 6311230543546372928u, 1 },
        { 13444792449719432967u, 2 }, { 16117243373044804889u, 0 },
    };
    static const struct infra__hash_member members[] = {
        { "127.0.0.1:90", 1 }, { "127.0.0.1:91", 2 }, { "127.0.0.1:92", 3 }
    };
    struct infra__ring *ring = envoy_ring(6, 6, members, 3);

    expect_points(ring, rows, INFRA__COUNT_OF(rows));
    free(ring);
}
END_TEST

/* What @count hashes at even distances fall on. */
static void probe(const struct infra__ring *ring, uint64_t count,
                  uint32_t *ret_shares)
{
    for (uint64_t i = 0; i < count; i++) {
        ret_shares[owner(ring, i * (UINT64_MAX / count))]++;
    }
}

static void count_points(const struct infra__ring *ring, uint32_t *ret_counts)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        ret_counts[ring->points[i].index]++;
    }
}

/* Envoy's test with the same weights in a large ring: 1024 points for each unit
 * of weight, and the published shares of 6000 keys. */
START_TEST(envoy_weights_in_a_large_ring)
{
    static const struct infra__hash_member members[] = {
        { "127.0.0.1:90", 1 }, { "127.0.0.1:91", 2 }, { "127.0.0.1:92", 3 }
    };
    struct infra__ring *ring = envoy_ring(6144, 8388608, members, 3);
    uint32_t points[3] = { 0 };
    uint32_t shares[3] = { 0 };

    count_points(ring, points);
    ck_assert_uint_eq(points[0], 1024);
    ck_assert_uint_eq(points[1], 2048);
    ck_assert_uint_eq(points[2], 3072);
    probe(ring, 6000, shares);
    ck_assert_uint_eq(shares[0], 987);
    ck_assert_uint_eq(shares[1], 1932);
    ck_assert_uint_eq(shares[2], 3081);
    free(ring);
}
END_TEST

/* Envoy's tests with localities, whose weights multiply. */
START_TEST(envoy_localities)
{
    static const struct row rows[] = {
        { 928266305478181108u, 2 },   { 3851675632748031481u, 3 },
        { 5583722120771150861u, 1 },  { 6311230543546372928u, 1 },
        { 7700377290971790572u, 3 },  { 12559126875973811811u, 3 },
        { 13444792449719432967u, 2 }, { 13784988426630141778u, 3 },
        { 16117243373044804889u, 0 },
    };
    static const struct infra__hash_member members[] = { { "127.0.0.1:90", 1 },
                                                         { "127.0.0.1:91", 2 },
                                                         { "127.0.0.1:92", 2 },
                                                         { "127.0.0.1:93",
                                                           4 } };
    struct infra__ring *ring = envoy_ring(9, 9, members, 4);
    uint32_t shares[4] = { 0 };

    expect_points(ring, rows, INFRA__COUNT_OF(rows));
    free(ring);
    ring = envoy_ring(9216, 8388608, members, 4);
    probe(ring, 9000, shares);
    ck_assert_uint_eq(shares[0], 924);
    ck_assert_uint_eq(shares[1], 2009);
    ck_assert_uint_eq(shares[2], 2053);
    ck_assert_uint_eq(shares[3], 4014);
    free(ring);
}
END_TEST

/* Envoy's test with a minimum that the hosts do not divide: it is rounded up to
 * two points each. */
START_TEST(envoy_minimum_is_rounded_up)
{
    static const struct row rows[] = { { 5454692015285649509u, 0 },
                                       { 7859399908942313493u, 1 },
                                       { 13838424394637650569u, 0 },
                                       { 16064866803292627174u, 1 } };
    struct infra__ring *ring = envoy_ring(3, 8388608, ports_80, 2);

    expect_points(ring, rows, INFRA__COUNT_OF(rows));
    free(ring);
}
END_TEST

/* Envoy's tests with a maximum: 1023 points for two hosts, 2 points for four,
 * and the published shares of 1023 keys. */
START_TEST(envoy_maximum_cuts)
{
    struct infra__ring *ring = envoy_ring(1023, 1023, ports_90, 2);
    uint32_t points[2] = { 0 };
    uint32_t shares[2] = { 0 };
    uint32_t few[4] = { 0 };

    count_points(ring, points);
    ck_assert_uint_eq(points[0], 512);
    ck_assert_uint_eq(points[1], 511);
    probe(ring, 1023, shares);
    ck_assert_uint_eq(shares[0], 526);
    ck_assert_uint_eq(shares[1], 497);
    free(ring);
    ring = envoy_ring(2, 2, ports_90, 4);
    count_points(ring, few);
    ck_assert_uint_eq(few[0] + few[1] + few[2] + few[3], 2);
    ck_assert_uint_le(few[0] | few[1] | few[2] | few[3], 1);
    free(ring);
}
END_TEST

/* Names and space for many members. */
struct crowd {
    char keys[MEMBERS_MAX][32];
    struct infra__hash_member members[MEMBERS_MAX];
};

static struct crowd *crowd_of(uint32_t count)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);

    ck_assert_ptr_nonnull(crowd);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(crowd->keys[i], sizeof crowd->keys[i], "10.0.%u.%u:8080",
                       i / 250, i % 250);
        crowd->members[i] = (struct infra__hash_member) { crowd->keys[i], 1 };
    }
    return crowd;
}

/* Envoy's test of a host that has 127 of 128 parts among 1024 in a ring of
 * 1024: 1016 points, and one for every 128th of the others. */
START_TEST(envoy_lopsided_weights)
{
    struct crowd *crowd = crowd_of(1024);
    uint32_t points[MEMBERS_MAX] = { 0 };

    crowd->members[0].weight = 127 * 1023;
    struct infra__ring *ring = envoy_ring(1024, 1024, crowd->members, 1024);
    count_points(ring, points);
    ck_assert_uint_eq(points[0], 1016);
    uint32_t last = 0;
    for (uint32_t i = 1; i < 1024; i++) {
        ck_assert_uint_le(points[i], 1);
        if (points[i] == 1 && last != 0) {
            ck_assert_uint_ge(i - last, 127);
            ck_assert_uint_le(i - last, 128);
        }
        last = points[i] == 1 ? i : last;
    }
    free(ring);
    free(crowd);
}
END_TEST

/* gRPC's test ring, computed anew: its own comment is out of date. */
START_TEST(grpc_ring)
{
    static const struct row rows[] = {
        { 4148279810343392165u, 0 },  { 4189641231046734040u, 1 },
        { 5051629784258667479u, 2 },  { 5637671355026233228u, 1 },
        { 6560897439782492108u, 1 },  { 7866922100246443948u, 0 },
        { 8142612688290817183u, 2 },  { 14554126711339088812u, 2 },
        { 14801583559950740418u, 2 }, { 18017992814255492179u, 0 },
    };
    static const struct infra__hash_member members[] = { { "a", 3 },
                                                         { "b", 3 },
                                                         { "c", 4 } };
    struct infra__ring *ring = envoy_ring(10, 20, members, 3);

    expect_points(ring, rows, INFRA__COUNT_OF(rows));
    free(ring);
}
END_TEST

static const struct infra__hash_member ketama_servers[] = {
    { "10.0.1.1:11211", 600 },  { "10.0.1.2:11211", 300 },
    { "10.0.1.3:11211", 200 },  { "10.0.1.4:11211", 350 },
    { "10.0.1.5:11211", 1000 }, { "10.0.1.6:11211", 800 },
    { "10.0.1.7:11211", 950 },  { "10.0.1.8", 100 },
};
static const struct {
    const char *key;
    uint32_t hash;
    uint32_t point;
    uint32_t index;
} ketama_rows[] = {
    { "SVa_]_V41)", 443691461u, 445379617u, 6 },
    { "*/Z;?V(.\\8", 1422915503u, 1428303028u, 0 },
    { "30C1*Z*S/_", 1473165754u, 1480075959u, 1 },
    { "ERR:EC58G>", 2148406511u, 2168579133u, 6 },
    { "1I=cTMNTKF", 2882686667u, 2885206587u, 4 },
    { "]VG<`I*Z8)", 1103544263u, 1104827657u, 4 },
    { "UUTC`-V159", 3716288206u, 3727224240u, 4 },
    { "@7RU6C6T+Z", 3862737685u, 3871917949u, 4 },
    { "/XLN0@+36;", 1623269830u, 1627683651u, 0 },
    { "4(`X;\\V.^c", 373546328u, 383925769u, 0 },
    { "726bW=9*a4", 4213440020u, 4213950705u, 6 },
    { "\\`)<B)UE,c", 951096736u, 955226069u, 0 },
    { "P1[Ma3=K1/", 1989324036u, 1994028240u, 7 },
    { "C89I.-V?cT", 1604239957u, 1606398093u, 7 },
    { "D[HE+cFXDK", 2117036136u, 2117124014u, 2 },
    { "P1L?NAB[)K", 2129972569u, 2132542634u, 0 },
    { "cDT0)Z5P6,", 176485284u, 178675413u, 4 },
    { "@JW`+[WAO8", 2720940826u, 2743975456u, 4 },
    { "\\39DKW^)N_", 3548879868u, 3550704865u, 2 },
    { "EM75N0+[X1", 1558531507u, 1559308507u, 3 },
    { "`,SS]NBP,b", 1883545960u, 1884847278u, 0 },
    { "XX1a9LT+F?", 653487707u, 656410408u, 4 },
    { "Zc\\-,F-c6V", 1160802451u, 1171575728u, 4 },
    { "1*RTMC7,03", 1602398012u, 1606398093u, 7 },
    { "*Xc+V0P>32", 536016577u, 539988520u, 6 },
    { "U))Fb-(`,.", 4128682289u, 4136854163u, 6 },
    { "R-08RNTaRT", 3718170086u, 3727224240u, 4 },
    { "(LHcO203I3", 1007779411u, 1014643570u, 4 },
    { "=256P+;Qc8", 3976201210u, 3976304873u, 4 },
    { "OI5XZ_BBT(", 2155922164u, 2168579133u, 6 },
    { "2TLRL/UL;:", 1086800909u, 1095659802u, 6 },
    { "WHD\\O1`ZRW", 3087923411u, 3095471560u, 4 },
    { ".=54)_c;=T", 2497691631u, 2502731301u, 0 },
    { ";G<W-XWZ@b", 2888169733u, 2888728739u, 4 },
    { "(,>E`)FT\\4", 580747448u, 581063326u, 1 },
    { "HZAU*;P*N]", 2564670474u, 2565697267u, 6 },
    { "NZ@ZE=O84_", 533335275u, 539988520u, 6 },
    { "6,cEI`F_P>", 3972869246u, 3974773167u, 5 },
    { "c,5AQ/T5)6", 2835605783u, 2847870057u, 7 },
    { ".O,>>BT)RX", 3857978174u, 3871917949u, 4 },
    { "XY\\X::LX50", 1749241099u, 1752196488u, 5 },
    { "+550F^/.01", 3781824099u, 3783248219u, 5 },
    { "<.X9E2S5+9", 3232479481u, 3234387706u, 6 },
    { "]\\.UH8_0a1", 2419699252u, 2423002920u, 3 },
    { "8(6=(T0/Z0", 728266737u, 729026070u, 6 },
    { "8*6a;Sc*X+", 4223431086u, 4230156966u, 1 },
    { "<QW:;3K6;H", 2731158143u, 2743975456u, 4 },
    { "7C@EY@-Y?_", 760770733u, 761576669u, 4 },
    { "aPb3E1WD4K", 2500489218u, 2502731301u, 0 },
    { "?@12R<=1BH", 1494795329u, 1502505505u, 7 },
};

/* libmemcached's test of weighted ketama: points for each server, and for every
 * key its hash, its point, and the point's server. */
START_TEST(libmemcached_weighted)
{
    static const uint32_t want[] = { 176, 88, 56, 104, 296, 236, 280, 28 };
    struct infra__ring *ring = libmemcached_ring(ketama_servers, 8, true);
    uint32_t points[8] = { 0 };

    count_points(ring, points);
    for (size_t i = 0; i < INFRA__COUNT_OF(want); i++) {
        ck_assert_uint_eq(points[i], want[i]);
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(ketama_rows); i++) {
        const char *key = ketama_rows[i].key;
        uint64_t hash = infra_ketama_hash(key, strlen(key));
        uint32_t place = infra__ring_find(ring, hash);
        ck_assert_uint_eq(hash, (uint64_t)ketama_rows[i].hash << 32);
        ck_assert_uint_eq(ring->points[place].hash,
                          (uint64_t)ketama_rows[i].point << 32);
        ck_assert_uint_eq(ring->points[place].index, ketama_rows[i].index);
    }
    /* This key lies behind the last point. */
    uint64_t hash = infra_ketama_hash("VDEAAAAA", 8);
    ck_assert_uint_eq(hash, (uint64_t)0xfffcd1b5 << 32);
    ck_assert_uint_eq(infra__ring_find(ring, hash), 0);
    ck_assert_uint_eq(owner(ring, hash), 2);
    free(ring);
}
END_TEST

/* libmemcached's ketama without weights, as version 1.1.4 answers. */
START_TEST(libmemcached_unweighted)
{
    static const struct infra__hash_member members[] = {
        { "10.0.1.1:11211", 9 },
        { "10.0.1.2:11211", 1 },
        { "cache.example:22122", 1 },
    };
    static const struct row first[] = {
        { 2323705, 2 }, { 14164473, 1 }, { 20240302, 2 }, { 26927021, 0 }
    };
    static const char owners[] = "12002111211101211221"; /* Of key0, key1 .. */
    struct infra__ring *ring = libmemcached_ring(members, 3, false);

    ck_assert_uint_eq(ring->count, 300);
    for (size_t i = 0; i < INFRA__COUNT_OF(first); i++) {
        ck_assert_uint_eq(ring->points[i].hash, first[i].hash << 32);
        ck_assert_uint_eq(ring->points[i].index, first[i].index);
    }
    for (int i = 0; owners[i] != '\0'; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key%d", i);
        uint64_t hash = infra_ketama_hash(key, strlen(key));
        ck_assert_int_eq('0' + (int)owner(ring, hash), owners[i]);
    }
    free(ring);
}
END_TEST

static const struct infra__hash_member three_7777[] = {
    { "127.0.0.1:7777", 1 }, { "127.0.0.1:7778", 1 }, { "127.0.0.1:7779", 1 }
};

static uint64_t crc(const char *key)
{
    return infra_nginx_hash(key, strlen(key));
}

/* The owners of the points from @key's on. */
static void expect_walk(const struct infra__ring *ring, const char *key,
                        const uint32_t *want, size_t count)
{
    uint32_t place = infra__ring_find(ring, crc(key));

    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(ring->points[place].index, want[i]);
        place = infra__ring_next(ring, place);
    }
}

/* Pingora's samples from nginx: two servers and six paths. */
START_TEST(nginx_sample)
{
    static const struct row rows[] = { { 0x46e02226, 1 }, { 0x41c02869, 0 },
                                       { 0xc97ee8d0, 1 }, { 0x8013de69, 0 },
                                       { 0x146ce422, 1 }, { 0x08ac19c8, 0 } };
    static const char *const paths[] = {
        "/some/path",
        "/some/longer/path",
        "/sad/zaidoon",
        "/g",
        "/pingora/team/is/cool/and/this/is/a/long/uri",
        "/i/am/not/confident/in/this/code",
    };
    struct infra__ring *ring = nginx_ring(three_7777, 2);

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(crc(paths[i]), rows[i].hash << 32);
        ck_assert_uint_eq(owner(ring, crc(paths[i])), rows[i].index);
    }
    free(ring);
}
END_TEST

/* The first points of a server, in the order in which they are chained. */
START_TEST(nginx_points_are_chained)
{
    static const uint32_t rows[] = { 842782624, 66278312, 1921422695,
                                     3166719452, 802613243 };
    struct infra__ring *ring = nginx_ring(three_7777, 1);

    ck_assert_uint_eq(ring->count, 160);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        uint64_t hash = (uint64_t)rows[i] << 32;
        ck_assert_uint_eq(ring->points[infra__ring_find(ring, hash)].hash,
                          hash);
    }
    free(ring);
}
END_TEST

/* Pingora's walks: from a key on, with and without a server, and with IPv6
 * addresses, whose port follows the last colon. */
START_TEST(nginx_walk)
{
    static const uint32_t all[] = { 1, 2, 2, 0, 0, 1, 1, 2 };
    static const uint32_t without[] = { 1, 1, 0, 0, 1 };
    static const uint32_t v6[] = { 0, 1, 0, 1, 1, 0, 2 };
    static const struct infra__hash_member two[] = { { "127.0.0.1:7777", 1 },
                                                     { "127.0.0.1:7779", 1 } };
    static const struct infra__hash_member addresses[] = { { "::1:7777", 1 },
                                                           { "::1:7778", 1 },
                                                           { "::1:7779", 1 } };
    struct infra__ring *ring = nginx_ring(three_7777, 3);

    ck_assert_uint_eq(crc("doghash") >> 32, 0xc0d91cfe);
    expect_walk(ring, "doghash", all, INFRA__COUNT_OF(all));
    free(ring);
    ring = nginx_ring(two, 2);
    expect_walk(ring, "doghash", without, INFRA__COUNT_OF(without));
    free(ring);
    ring = nginx_ring(addresses, 3);
    expect_walk(ring, "doghash", v6, INFRA__COUNT_OF(v6));
    free(ring);
}
END_TEST

/* Pingora's selection test: ten keys among three servers, and among two. */
START_TEST(nginx_pingora_selection)
{
    static const struct infra__hash_member members[] = {
        { "1.1.1.1:80", 1 }, { "1.0.0.1:80", 1 }, { "1.0.0.255:80", 1 }
    };
    static const uint32_t three[] = { 1, 0, 0, 0, 0, 2, 0, 2, 0, 1 };
    static const uint32_t two[] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 1 };
    struct infra__ring *with = nginx_ring(members, 3);
    struct infra__ring *without = nginx_ring(members, 2);

    for (uint32_t i = 0; i < 10; i++) {
        const char key[] = { 't', 'e', 's', 't', (char)('0' + i), '\0' };
        ck_assert_uint_eq(owner(with, crc(key)), three[i]);
        ck_assert_uint_eq(owner(without, crc(key)), two[i]);
    }
    free(with);
    free(without);
}
END_TEST

/* A trace of nginx: nine servers of weight 100, the first ten of its
 * requests. */
START_TEST(nginx_trace)
{
    static const struct {
        const char *path;
        uint32_t index;
    } rows[] = {
        { "/81fa1d251d605775d647b5b55565e71526d4cef6", 6 },
        { "/2fec328e6ccdda6a7edf329f9f780e546ea183b4", 4 },
        { "/19fb835d90883a6263ec4279c6da184e3f1a79b2", 3 },
        { "/da7a88e542f7aaddc074f988164b9df7e5f7fea6", 3 },
        { "/8f87cfd8005306643b6528b3d4125cf005139a7e", 4 },
        { "/26d2769eab098458bc3e4e641a4b7d8abffd0aea", 5 },
        { "/aa5b5323980f2d3e21246212ebd820c3949c1e88", 6 },
        { "/d9c4bc3cc4517c629e8f4c911c2fd8baf260ae65", 0 },
        { "/28c1c069a2904bb3b3e0f9731b1ff8de9ab7a76d", 3 },
        { "/fe5199bdfeee5cd431ae7e9f77f178164f9995a0", 8 },
    };
    static const struct infra__hash_member members[] = {
        { "10.0.0.1:443", 100 }, { "10.0.0.2:443", 100 },
        { "10.0.0.3:443", 100 }, { "10.0.0.4:443", 100 },
        { "10.0.0.5:443", 100 }, { "10.0.0.6:443", 100 },
        { "10.0.0.7:443", 100 }, { "10.0.0.8:443", 100 },
        { "10.0.0.9:443", 100 },
    };
    struct infra__ring *ring = nginx_ring(members, 9);

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(owner(ring, crc(rows[i].path)), rows[i].index);
    }
    free(ring);
}
END_TEST

/* nginx's tests with the keys 1 to 20 among 8081, 8082 and 8083: alike, without
 * 8082, and with weights as Cache::Memcached::Fast lays them out. */
START_TEST(nginx_twenty_keys)
{
    static const char *const ports[] = { "127.0.0.1:8081", "127.0.0.1:8082",
                                         "127.0.0.1:8083" };
    static const struct {
        uint32_t weights[3]; /* 0: not there. */
        uint32_t points;
        const char *owners;
    } rows[] = {
        { { 1, 1, 1 }, 480, "13131312121121223112" },
        { { 1, 0, 1 }, 320, "13131313111111133111" },
        { { 2, 3, 1 }, 960, "12232112121121222112" },
        { { 1, 1, 10 }, 1920, "33333332333333333333" },
        { { 1, 0, 10 }, 1760, "33333333333333333333" },
    };

    for (size_t r = 0; r < INFRA__COUNT_OF(rows); r++) {
        struct infra__hash_member members[3];
        char names[3];
        uint32_t count = 0;
        for (uint32_t i = 0; i < 3; i++) {
            if (rows[r].weights[i] > 0) {
                members[count].key = ports[i];
                members[count].weight = rows[r].weights[i];
                names[count++] = (char)('1' + i);
            }
        }
        struct infra__ring *ring = nginx_ring(members, count);
        ck_assert_uint_eq(ring->count, rows[r].points);
        for (int k = 1; k <= 20; k++) {
            char key[12];
            (void)snprintf(key, sizeof key, "%d", k);
            ck_assert_int_eq(names[owner(ring, crc(key))],
                             rows[r].owners[k - 1]);
        }
        free(ring);
    }
}
END_TEST

/* nginx's and Pingora's first and last points of these three. */
START_TEST(nginx_ends_of_the_ring)
{
    static const struct infra__hash_member members[] = {
        { "127.0.0.1:8081", 1 },
        { "127.0.0.1:8082", 1 },
        { "127.0.0.1:8083", 1 }
    };
    static const struct row first[] = { { 0xd1815, 0 },  { 0x3ffe29, 0 },
                                        { 0x578371, 2 }, { 0x85cec4, 0 },
                                        { 0x9dffb1, 0 }, { 0x1822b70, 1 } };
    static const struct row last[] = { { 0xffc61257, 1 }, { 0xffd03b3d, 0 } };
    struct infra__ring *ring = nginx_ring(members, 3);

    for (uint32_t i = 0; i < INFRA__COUNT_OF(first); i++) {
        ck_assert_uint_eq(ring->points[i].hash, first[i].hash << 32);
        ck_assert_uint_eq(ring->points[i].index, first[i].index);
    }
    for (uint32_t i = 0; i < INFRA__COUNT_OF(last); i++) {
        uint32_t place = ring->count - 2 + i;
        ck_assert_uint_eq(ring->points[place].hash, last[i].hash << 32);
        ck_assert_uint_eq(ring->points[place].index, last[i].index);
    }
    free(ring);
}
END_TEST

/* nginx splits a server's name at the colon before its port; without a port, or
 * after "unix:", all of it is the host. */
START_TEST(nginx_names)
{
    /* Pairs that differ only in what is not hashed, then ones that do. */
    static const struct {
        const char *one;
        const char *other;
        bool alike;
    } rows[] = {
        { "unix:/run/a", "UNIX:/run/a", true },
        { "unix:/run/a", "/run/a", true },
        { "unix:/run/a:80", "/run/a:80", false },
        { "example", "example:", true },
        { "example", "example:80", false },
        { "example:8o", "example:80", false },
        { "80", ":80", false },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        const struct infra__hash_member members[] = { { rows[i].one, 1 },
                                                      { rows[i].other, 1 } };
        struct infra__ring *one = nginx_ring(members, 1);
        struct infra__ring *other = nginx_ring(members + 1, 1);
        ck_assert_msg((one->points[0].hash == other->points[0].hash) ==
                          rows[i].alike,
                      "%s %s", rows[i].one, rows[i].other);
        free(one);
        free(other);
    }
}
END_TEST

static void expect_scan(const struct infra__ring *ring)
{
    uint64_t random = 1;

    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t hash = infra__random(&random);
        if (i < 3 * ring->count) {
            hash = ring->points[i / 3].hash + i % 3 - 1;
        }
        uint32_t place = 0;
        while (place < ring->count && ring->points[place].hash < hash) {
            place++;
        }
        place = place < ring->count ? place : 0;
        ck_assert_uint_eq(infra__ring_find(ring, hash), place);
    }
}

/* A look-up answers the first point that is not below, as a scan does, between
 * the points and on them, also when equal points were dropped. */
START_TEST(find_is_a_scan)
{
    struct crowd *crowd = crowd_of(40);
    struct infra__ring *ring = envoy_ring(1024, 8388608, crowd->members, 40);

    expect_scan(ring);
    free(ring);
    crowd->members[7].key = crowd->members[8].key;
    ring = nginx_ring(crowd->members, 9);
    ck_assert_uint_eq(ring->count, 8 * 160);
    expect_scan(ring);
    free(ring);
    free(crowd);
}
END_TEST

/* Points that are not spread at all are sorted too, equals by index, and the
 * guide still finds them. */
START_TEST(crowded_points_are_sorted)
{
    struct infra__ring *ring = ring_for(5000);
    uint64_t random = 7;

    for (uint32_t i = 0; i < 5000; i++) {
        uint64_t near = (uint64_t)1 << 40 | infra__random(&random) % 50;
        infra__ring_add(ring, near, 4999 - i);
    }
    infra__ring_finish(ring);
    for (uint32_t i = 1; i < 5000; i++) {
        const struct infra__ring_point *p = &ring->points[i - 1];
        ck_assert(p[0].hash < p[1].hash ||
                  (p[0].hash == p[1].hash && p[0].index < p[1].index));
    }
    ck_assert_uint_eq(infra__ring_find(ring, 0), 0);
    ck_assert_uint_eq(infra__ring_find(ring, UINT64_MAX), 0);
    uint32_t place = infra__ring_find(ring, ((uint64_t)1 << 40) + 25);
    ck_assert_uint_ge(ring->points[place].hash, ((uint64_t)1 << 40) + 25);
    ck_assert_uint_lt(ring->points[place - 1].hash, ((uint64_t)1 << 40) + 25);
    infra__ring_unique(ring);
    ck_assert_uint_eq(ring->count, 50);
    free(ring);
}
END_TEST

/* Who comes last takes keys from others, and no key moves between those. */
START_TEST(a_new_member_only_takes)
{
    struct crowd *crowd = crowd_of(21);
    struct infra__ring *before = nginx_ring(crowd->members, 20);
    struct infra__ring *after = nginx_ring(crowd->members, 21);
    uint64_t random = 3;
    uint32_t moved = 0;

    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t hash = infra__random(&random);
        uint32_t now = owner(after, hash);
        if (now != owner(before, hash)) {
            ck_assert_uint_eq(now, 20);
            moved++;
        }
    }
    ck_assert_uint_gt(moved, 20000 / 21 / 2);
    ck_assert_uint_lt(moved, 20000 / 21 * 2);
    free(before);
    free(after);
    free(crowd);
}
END_TEST

/* The keys of a member that is skipped go to many others, and those are the
 * ones that own them when the member is not in the ring. */
START_TEST(a_walk_past_a_member_is_the_ring_without_it)
{
    struct crowd *crowd = crowd_of(20);
    struct infra__ring *with = nginx_ring(crowd->members, 20);
    struct infra__ring *without = nginx_ring(crowd->members, 19);
    uint32_t heirs[20] = { 0 };
    uint32_t heirs_count = 0;
    uint64_t random = 5;

    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t hash = infra__random(&random);
        uint32_t place = infra__ring_find(with, hash);
        bool down = with->points[place].index == 19;
        while (with->points[place].index == 19) {
            place = infra__ring_next(with, place);
        }
        uint32_t heir = with->points[place].index;
        ck_assert_uint_eq(heir, owner(without, hash));
        heirs_count += down && heirs[heir]++ == 0;
    }
    ck_assert_uint_ge(heirs_count, 15);
    free(with);
    free(without);
    free(crowd);
}
END_TEST

/* The shares of keys follow the weights. */
START_TEST(shares_follow_weights)
{
    struct crowd *crowd = crowd_of(10);
    uint64_t random = 9;
    uint32_t shares[10] = { 0 };

    for (uint32_t i = 0; i < 10; i++) {
        crowd->members[i].weight = 10 * (i + 1);
    }
    struct infra__ring *ring = nginx_ring(crowd->members, 10);
    for (uint32_t i = 0; i < 55000; i++) {
        shares[owner(ring, infra__random(&random))]++;
    }
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_uint_gt(shares[i], 1000 * (i + 1) * 9 / 10);
        ck_assert_uint_lt(shares[i], 1000 * (i + 1) * 11 / 10);
    }
    free(ring);
    free(crowd);
}
END_TEST

/* No members: no points. One: all keys. */
START_TEST(none_and_one)
{
    struct infra__ring *ring = nginx_ring(ports_90, 0);

    ck_assert_uint_eq(ring->count, 0);
    ck_assert_uint_eq(infra__ring_find(ring, 77), 0);
    ck_assert_uint_eq(infra__ring_next(ring, 0), 0);
    free(ring);
    free(libmemcached_ring(ports_90, 0, true));
    free(envoy_ring(1024, 4096, ports_90, 0));
    ring = libmemcached_ring(ports_90, 1, true);
    ck_assert_uint_eq(ring->count, 160);
    ck_assert_uint_eq(owner(ring, 0), 0);
    ck_assert_uint_eq(owner(ring, UINT64_MAX), 0);
    free(ring);
    ring = envoy_ring(1, 1, ports_90, 1);
    ck_assert_uint_eq(ring->count, 1);
    ck_assert_uint_eq(owner(ring, UINT64_MAX), 0);
    ck_assert_uint_eq(infra__ring_next(ring, 0), 0);
    free(ring);
}
END_TEST

/* Members with equal keys lie on equal points: the first has the keys, and
 * nginx's ring keeps no points of the others. */
START_TEST(equal_keys)
{
    static const struct infra__hash_member members[] = { { "a:1", 1 },
                                                         { "a:1", 1 },
                                                         { "a:1", 2 } };
    struct infra__ring *ring = nginx_ring(members, 2);
    uint64_t random = 11;

    ck_assert_uint_eq(ring->count, 160);
    free(ring);
    ring = nginx_ring(members, 3);
    ck_assert_uint_eq(ring->count, 320);
    free(ring);
    ring = libmemcached_ring(members, 2, false);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t place = infra__ring_find(ring, infra__random(&random));
        ck_assert_uint_eq(ring->points[place].index, 0);
        place = infra__ring_next(ring, place);
        ck_assert_uint_eq(ring->points[place].index, 1);
    }
    free(ring);
}
END_TEST

/* The greatest weights: the points are scaled down to their maximum, and the
 * lightest member still has one. */
START_TEST(huge_weights)
{
    struct crowd *crowd = crowd_of(3);
    uint32_t points[3] = { 0 };

    crowd->members[0].weight = 65535;
    crowd->members[2].weight = UINT32_MAX;
    ck_assert_uint_ge(infra__ring_nginx_points(crowd->members, 3),
                      INFRA__RING_POINTS_MAX - 3);
    struct infra__ring *ring = nginx_ring(crowd->members, 3);
    count_points(ring, points);
    ck_assert_uint_eq(points[1], 1);
    ck_assert_uint_le(ring->count, INFRA__RING_POINTS_MAX + 3);
    free(ring);
    memset(points, 0, sizeof points);
    ring = envoy_ring(1024, 1u << 18, crowd->members, 2);
    count_points(ring, points);
    ck_assert_uint_eq(points[1], 1);
    ck_assert_uint_eq(points[0], 65535);
    free(ring);
    /* libmemcached gives nothing for next to nothing. */
    points[1] = 0;
    ring = libmemcached_ring(crowd->members, 2, true);
    count_points(ring, points);
    ck_assert_uint_eq(points[1], 0);
    free(ring);
    free(crowd);
}
END_TEST

/* Names up to the longest key are taken whole. */
START_TEST(longest_keys)
{
    char long_key[256];
    char longer_key[256];
    const struct infra__hash_member members[] = { { long_key, 1 },
                                                  { longer_key, 1 } };

    memset(long_key, 'x', 254);
    long_key[254] = '\0';
    memset(longer_key, 'x', 255);
    longer_key[255] = '\0';
    struct infra__ring *ring = envoy_ring(2048, 4096, members, 2);
    for (uint32_t i = 1; i < ring->count; i++) {
        ck_assert_uint_ne(ring->points[i - 1].hash, ring->points[i].hash);
    }
    free(ring);
}
END_TEST

/* Where each peer looks a key up: the first word of the MD5 of nothing, and the
 * check value of CRC-32, as 64 bits. */
START_TEST(keys_are_hashed_as_the_peers_do)
{
    ck_assert_uint_eq(infra_ketama_hash("", 0), 0xd98c1dd400000000u);
    ck_assert_uint_eq(infra_nginx_hash("123456789", 9), 0xcbf4392600000000u);
    ck_assert_uint_eq(infra_nginx_hash("", 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rings");
    TCase *envoy = tcase_create("envoy");
    TCase *libmemcached = tcase_create("libmemcached");
    TCase *nginx = tcase_create("nginx");
    TCase *ring = tcase_create("ring");

    tcase_add_test(envoy, keys_are_hashed_as_the_peers_do);
    tcase_add_test(envoy, envoy_basic);
    tcase_add_test(envoy, envoy_retries_walk_the_ring);
    tcase_add_test(envoy, envoy_murmur2);
    tcase_add_test(envoy, envoy_host_names);
    tcase_add_test(envoy, envoy_weights);
    tcase_add_test(envoy, envoy_weights_in_a_large_ring);
    tcase_add_test(envoy, envoy_localities);
    tcase_add_test(envoy, envoy_minimum_is_rounded_up);
    tcase_add_test(envoy, envoy_maximum_cuts);
    tcase_add_test(envoy, envoy_lopsided_weights);
    tcase_add_test(envoy, grpc_ring);
    tcase_add_test(libmemcached, libmemcached_weighted);
    tcase_add_test(libmemcached, libmemcached_unweighted);
    tcase_add_test(nginx, nginx_sample);
    tcase_add_test(nginx, nginx_points_are_chained);
    tcase_add_test(nginx, nginx_walk);
    tcase_add_test(nginx, nginx_pingora_selection);
    tcase_add_test(nginx, nginx_trace);
    tcase_add_test(nginx, nginx_twenty_keys);
    tcase_add_test(nginx, nginx_ends_of_the_ring);
    tcase_add_test(nginx, nginx_names);
    tcase_add_test(ring, find_is_a_scan);
    tcase_add_test(ring, crowded_points_are_sorted);
    tcase_add_test(ring, a_new_member_only_takes);
    tcase_add_test(ring, a_walk_past_a_member_is_the_ring_without_it);
    tcase_add_test(ring, shares_follow_weights);
    tcase_add_test(ring, none_and_one);
    tcase_add_test(ring, equal_keys);
    tcase_add_test(ring, huge_weights);
    tcase_add_test(ring, longest_keys);
    suite_add_tcase(suite, envoy);
    suite_add_tcase(suite, libmemcached);
    suite_add_tcase(suite, nginx);
    suite_add_tcase(suite, ring);
    return test_main(suite);
}
