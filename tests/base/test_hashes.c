/* SPDX-License-Identifier: MIT */
/* Hashes of other systems against published values: MD5, CRC-32, MurmurHash2,
 * jump, and nginx's ip_hash. */
#include "support.h"

#include "balancer/algorithm/ip_hash_table.h"
#include "balancer/algorithm/jump_hash.h"
#include "base/crc32.h"
#include "base/internal.h"
#include "base/md5.h"
#include "base/murmur2.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

/* The digest in the usual notation. */
static void md5_text(char ret[33], const char *text, size_t size)
{
    uint32_t words[4];

    infra__md5(words, text, size);
    for (unsigned i = 0; i < 16; i++) {
        (void)snprintf(ret + 2 * (size_t)i, 3, "%02x",
                       (unsigned)(words[i / 4] >> 8 * (i % 4) & 0xff));
    }
}

/* The test suite of RFC 1321, A.5. */
START_TEST(md5_rfc_1321)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "a", "0cc175b9c0f1b6a831c399e269772661" },
        { "abc", "900150983cd24fb0d6963f7d28e17f72" },
        { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
          "d174ab98d277d9f5a5611c2c9f419d9f" },
        { "1234567890123456789012345678901234567890"
          "1234567890123456789012345678901234567890",
          "57edf4a22be3c955ac49da2e2107b67a" },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char digest[33];
        md5_text(digest, rows[i].text, strlen(rows[i].text));
        ck_assert_str_eq(digest, rows[i].digest);
    }
}
END_TEST

/* Every length around the ends of a block: the padding takes one or two. */
START_TEST(md5_around_a_block)
{
    static const struct {
        size_t size;
        const char *digest;
    } rows[] = {
        { 55, "04364420e25c512fd958a70738aa8f72" },
        { 56, "668a72d5ba17f08e62dabcafad6db14b" },
        { 63, "7dc2ca208106a2f703567bdff99d8981" },
        { 64, "c1bb4f81d892b2d57947682aeb252456" },
        { 65, "1bc932052302d074bdec39795fe00cf6" },
        { 119, "ab347a5f68c8a443cfcddc633f12c24f" },
        { 120, "fb98667f98096de92620b64f46e1c5b5" },
        { 128, "d69cb61a6ee87200676eb0d4b90edbcb" },
    };
    char text[129];

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        char digest[33];
        md5_text(digest, text, rows[i].size);
        ck_assert_str_eq(digest, rows[i].digest);
    }
}
END_TEST

/* The check value of the CRC catalogue, and keys from nginx's tests. */
START_TEST(crc32_known_answers)
{
    static const struct {
        const char *text;
        uint32_t crc;
    } rows[] = {
        { "", 0 },
        { "123456789", 0xcbf43926 },
        { "1", 0x83dcefb7 },
        { "2", 0x1ad5be0d },
        { "hello", 0x3610a686 },
        { "127.0.0.1", 0xd7b7e7a8 },
        { "doghash", 0xc0d91cfe },
        { "/some/longer/path", 0x41c02869 },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(infra__crc32(0, rows[i].text, strlen(rows[i].text)),
                          rows[i].crc);
    }
}
END_TEST

/* A CRC over pieces is the CRC over the whole. */
START_TEST(crc32_continues)
{
    static const char text[] = "123456789";

    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t crc = infra__crc32(0, text, cut);
        ck_assert_uint_eq(infra__crc32(crc, text + cut, 9 - cut), 0xcbf43926);
    }
}
END_TEST

/* Results of std::hash<std::string> of libstdc++ 12 on a 64-bit machine, with
 * tails of every length. */
START_TEST(murmur2_is_std_hash)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {
        { "", 0x553e93901e462a6eu },
        { "a", 0x454ddee488c1ed6bu },
        { "ab", 0x4c4da6cd289c737bu },
        { "abc", 0x32d82bf8ed3dba39u },
        { "abcd", 0xde775125acd50b28u },
        { "abcde", 0x0b41619c0ed21531u },
        { "abcdef", 0x22c38f395b703657u },
        { "abcdefg", 0xdeee6830a3af82afu },
        { "abcdefgh", 0x783db3e38db898bbu },
        { "abcdefghi", 0xb4ec9257851c8aafu },
        { "The quick brown fox jumps over the lazy dog", 0xdccbf2541704bc75u },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        uint64_t hash = infra__murmur2(rows[i].text, strlen(rows[i].text),
                                       INFRA__MURMUR2_STD_HASH);
        ck_assert_msg(hash == rows[i].hash, "%s: %llx", rows[i].text,
                      (unsigned long long)hash);
    }
}
END_TEST

/* Values common to existing implementations; the last ones from the published
 * code at its greatest count. */
START_TEST(jump_known_answers)
{
    static const struct {
        uint64_t hash;
        uint32_t count;
        uint32_t index;
    } rows[] = {
        { 256, 1024, 520 },
        { 0, 60, 0 },
        { 1, 60, 55 },
        { 2, 60, 46 },
        { 1, 1, 0 },
        { 1, 10, 6 },
        { 1, 100, 55 },
        { 2, 100, 62 },
        { 0xdeadbeef, 1000, 285 },
        { 1, 2147483647, 262355607 },
        { 0xdeadbeef, 2147483647, 1452406526 },
        { UINT64_MAX, 2147483647, 699554662 },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(infra__jump(rows[i].hash, rows[i].count),
                          rows[i].index);
    }
}
END_TEST

/* With one more member a key stays or moves to the new one, and about one in
 * count moves. */
START_TEST(jump_moves_to_the_last_only)
{
    for (uint32_t count = 1; count <= 50; count++) {
        uint64_t random = count;
        uint32_t moved = 0;
        for (int i = 0; i < 5000; i++) {
            uint64_t hash = infra__random(&random);
            uint32_t index = infra__jump(hash, count + 1);
            if (index != infra__jump(hash, count)) {
                ck_assert_uint_eq(index, count);
                moved++;
            }
        }
        ck_assert_uint_gt(moved, 5000 / (count + 1) / 2);
        ck_assert_uint_lt(moved, 5000 / (count + 1) * 2);
    }
}
END_TEST

/* Any hash with any count gives an index, the greatest count included. */
START_TEST(jump_stays_in_range)
{
    static const uint32_t counts[] = { 1, 2, 3, 65535, UINT32_MAX };
    uint64_t random = 5;

    for (size_t i = 0; i < INFRA__COUNT_OF(counts); i++) {
        ck_assert_uint_lt(infra__jump(UINT64_MAX, counts[i]), counts[i]);
        for (int k = 0; k < 2000; k++) {
            uint64_t hash = infra__random(&random);
            ck_assert_uint_lt(infra__jump(hash, counts[i]), counts[i]);
        }
    }
}
END_TEST

static uint32_t ip_value(const uint8_t *address, size_t size)
{
    return infra__ip_hash(address, size, INFRA__IP_HASH_START);
}

/* nginx's values of IPv4 addresses, of which the last byte does not count, and
 * of IPv6 addresses, of which all bytes do; a retry continues from the previous
 * value. */
START_TEST(ip_hash_known_answers)
{
    static const struct {
        uint8_t address[4];
        uint32_t value;
    } rows[] = {
        { { 127, 0, 0, 1 }, 4040 },   { { 127, 0, 0, 255 }, 4040 },
        { { 10, 0, 0, 7 }, 2565 },    { { 192, 168, 1, 9 }, 154 },
        { { 192, 0, 2, 1 }, 6255 },   { { 192, 0, 2, 200 }, 6255 },
        { { 203, 0, 113, 5 }, 2592 },
    };
    static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        ck_assert_uint_eq(ip_value(rows[i].address, 4), rows[i].value);
    }
    ck_assert_uint_eq(ip_value(v6, 16), 2600);
    ck_assert_uint_eq(infra__ip_hash(v6, 16, 2600), 2675);
    ck_assert_uint_eq(infra__ip_hash(rows[0].address, 4, 4040), 5510);
}
END_TEST

/* nginx's test of it: thirty networks fall evenly on two and on three peers,
 * and three single addresses on the peers that they fall on. */
START_TEST(ip_hash_among_equals)
{
    static const uint8_t singles[][4] = { { 127, 0, 0, 1 },
                                          { 192, 0, 2, 1 },
                                          { 203, 0, 113, 5 } };
    static const uint32_t want[] = { 2, 0, 0 };
    static const struct infra__hash_member members[] = { { "a", 1 },
                                                         { "b", 1 },
                                                         { "c", 1 } };
    uint16_t table[INFRA__IP_HASH_VALUES];

    for (uint32_t count = 1; count <= 3; count++) {
        uint32_t shares[3] = { 0 };
        infra__ip_hash_build(table, members, count);
        for (uint8_t net = 1; net <= 30; net++) {
            const uint8_t address[4] = { 127, 0, net, 2 };
            shares[table[ip_value(address, 4)]]++;
        }
        for (uint32_t i = 0; i < count; i++) {
            ck_assert_uint_eq(shares[i], 30 / count);
        }
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(singles); i++) {
        ck_assert_uint_eq(table[ip_value(singles[i], 4)], want[i]);
    }
}
END_TEST

/* The table is nginx's walk over the weights, also if their sum exceeds the
 * number of values. */
START_TEST(ip_hash_walks_the_weights)
{
    static const uint32_t weights[][3] = {
        { 5, 1, 1 },    { 1, 2, 3 },          { 6270, 1, 1 },
        { 6271, 9, 9 }, { UINT32_MAX, 1, 1 },
    };
    uint16_t table[INFRA__IP_HASH_VALUES];

    for (size_t r = 0; r < INFRA__COUNT_OF(weights); r++) {
        struct infra__hash_member members[3];
        uint64_t total = 0;
        for (uint32_t i = 0; i < 3; i++) {
            members[i].key = "any";
            members[i].weight = weights[r][i];
            total += weights[r][i];
        }
        infra__ip_hash_build(table, members, 3);
        for (uint32_t value = 0; value < INFRA__IP_HASH_VALUES; value++) {
            uint64_t w = value % total;
            uint32_t index = 0;
            while (w >= weights[r][index]) {
                w -= weights[r][index++];
            }
            ck_assert_uint_eq(table[value], index);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hashes");
    TCase *bytes = tcase_create("bytes");
    TCase *jump = tcase_create("jump");
    TCase *ip_hash = tcase_create("ip_hash");

    tcase_add_test(bytes, md5_rfc_1321);
    tcase_add_test(bytes, md5_around_a_block);
    tcase_add_test(bytes, crc32_known_answers);
    tcase_add_test(bytes, crc32_continues);
    tcase_add_test(bytes, murmur2_is_std_hash);
    tcase_add_test(jump, jump_known_answers);
    tcase_add_test(jump, jump_moves_to_the_last_only);
    tcase_add_test(jump, jump_stays_in_range);
    tcase_add_test(ip_hash, ip_hash_known_answers);
    tcase_add_test(ip_hash, ip_hash_among_equals);
    tcase_add_test(ip_hash, ip_hash_walks_the_weights);
    suite_add_tcase(suite, bytes);
    suite_add_tcase(suite, jump);
    suite_add_tcase(suite, ip_hash);
    return test_main(suite);
}
