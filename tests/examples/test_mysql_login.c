/* SPDX-License-Identifier: MIT */
/* How a connection of MySQL begins at db_router, and at its nodes. */
#include "../support/support.h"

#include "mysql_login.h"

#include <string.h>

#define TEXT(literal)                                        \
    ((struct mysql_text) { (const unsigned char *)(literal), \
                           sizeof(literal) - 1 })

static unsigned char bytes[1024];
static struct mysql_writer w;

static void setup(void)
{
    w = (struct mysql_writer) { .bytes = bytes, .size_max = sizeof bytes };
}

static struct mysql_text payload(void)
{
    struct mysql_packet packet;

    ck_assert(!w.is_bad);
    ck_assert_int_eq(mysql_find_packet(bytes, w.size, sizeof bytes, &packet),
                     MYSQL_FOUND);
    ck_assert_uint_eq(packet.payload.size + MYSQL_HEADER_SIZE, w.size);
    return packet.payload;
}

static void check_text(struct mysql_text is, struct mysql_text should)
{
    ck_assert_uint_eq(is.size, should.size);
    ck_assert(is.size == 0 || memcmp(is.bytes, should.bytes, is.size) == 0);
}

/* A greeting is read as it was written; a part of it is malformed. */
START_TEST(a_greeting_is_read_as_it_was_written)
{
    struct mysql_greeting g = { .capabilities = MYSQL_OFFER,
                                .connection_id = 0x12345678,
                                .status = MYSQL_STATUS_AUTOCOMMIT,
                                .charset = 45,
                                .challenge = "abcdefghijklmnopqrs",
                                .version = TEXT("8.0.36"),
                                .method = TEXT("caching_sha2_password") };
    struct mysql_greeting is;

    mysql_write_greeting(&w, &g);
    ck_assert(mysql_read_greeting(payload(), &is));
    ck_assert_uint_eq(is.capabilities, MYSQL_OFFER);
    ck_assert_uint_eq(is.connection_id, 0x12345678);
    ck_assert_uint_eq(is.status, MYSQL_STATUS_AUTOCOMMIT);
    ck_assert_uint_eq(is.charset, 45);
    ck_assert_mem_eq(is.challenge, g.challenge, sizeof g.challenge);
    check_text(is.version, g.version);
    check_text(is.method, g.method);
    struct mysql_text whole = payload();
    for (size_t size = 0; size < whole.size - g.method.size - 2; size++) {
        ck_assert(!mysql_read_greeting(
            (struct mysql_text) { whole.bytes, size }, &is));
    }
    bytes[MYSQL_HEADER_SIZE] = 9;
    ck_assert(!mysql_read_greeting(whole, &is));
}
END_TEST

/* The answer of a client in the form of libmariadb's, with attributes. */
START_TEST(the_answer_of_a_client_is_read)
{
    static const char answer[] =
        "\204\242\277\1\0\0\0\100\55\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0writer\0\0mysql_native_password\0\42\14_client_name\12libmariadb";
    struct mysql_handshake h;

    ck_assert(mysql_read_handshake(TEXT(answer), &h));
    check_text(h.user, TEXT("writer"));
    check_text(h.method, TEXT("mysql_native_password"));
    ck_assert_uint_eq(h.answer.size, 0);
    ck_assert_uint_eq(h.database.size, 0);
    ck_assert_uint_eq(h.charset, 45);
    ck_assert((h.capabilities & MYSQL_CAN_DEPRECATE_EOF) != 0);
}
END_TEST

static const uint32_t forms[] = {
    MYSQL_CLIENT_NEEDS,
    MYSQL_CLIENT_NEEDS | MYSQL_CAN_CONNECT_WITH_DB,
    MYSQL_CLIENT_NEEDS | MYSQL_CAN_PLUGIN_AUTH | MYSQL_CAN_LENENC_LOGIN,
    MYSQL_CLIENT_NEEDS | MYSQL_CAN_PLUGIN_AUTH | MYSQL_CAN_CONNECT_WITH_DB |
        MYSQL_CAN_LENENC_LOGIN | MYSQL_CAN_CONNECT_ATTRIBUTES,
};

/* An answer of each form is read as it was written; a part is malformed. */
START_TEST(an_answer_is_read_as_it_was_written)
{
    struct mysql_handshake h = { .capabilities = forms[_i],
                                 .charset = 8,
                                 .user = TEXT("anna"),
                                 .answer = TEXT("01234567890123456789") };
    struct mysql_handshake is;

    if ((h.capabilities & MYSQL_CAN_CONNECT_WITH_DB) != 0) {
        h.database = TEXT("shop");
    }
    if ((h.capabilities & MYSQL_CAN_PLUGIN_AUTH) != 0) {
        h.method = TEXT("mysql_native_password");
    }
    mysql_write_handshake(&w, 1, &h);
    struct mysql_text whole = payload();
    ck_assert_uint_eq(bytes[3], 1);
    ck_assert(mysql_read_handshake(whole, &is));
    ck_assert_uint_eq(is.capabilities, h.capabilities);
    ck_assert_uint_eq(is.charset, 8);
    check_text(is.user, h.user);
    check_text(is.answer, h.answer);
    check_text(is.database, h.database);
    check_text(is.method, h.method);
    for (size_t size = 0; size < 32 + 4 + 1 + 1 + 20; size++) {
        ck_assert(!mysql_read_handshake(
            (struct mysql_text) { whole.bytes, size }, &is));
    }
}
END_TEST

/* A request for TLS has no names; without the capability it is malformed. */
START_TEST(a_request_for_tls_has_no_names)
{
    struct mysql_handshake h = { .capabilities =
                                     MYSQL_CLIENT_NEEDS | MYSQL_CAN_TLS,
                                 .is_tls_request = true };
    struct mysql_handshake is;

    mysql_write_handshake(&w, 1, &h);
    ck_assert_uint_eq(w.size, 36);
    ck_assert(mysql_read_handshake(payload(), &is));
    ck_assert(is.is_tls_request);
    bytes[MYSQL_HEADER_SIZE + 1] &= (unsigned char)~(MYSQL_CAN_TLS >> 8);
    ck_assert(!mysql_read_handshake(payload(), &is));
}
END_TEST

/* A client of a protocol before 4.1 is malformed, and so are long names. */
START_TEST(what_is_too_old_or_too_long_is_malformed)
{
    struct mysql_handshake h = { .capabilities = MYSQL_CAN_PROTOCOL_41 };
    struct mysql_handshake is;
    static unsigned char name[MYSQL_NAME_MAX + 1];

    memset(name, 'x', sizeof name);
    mysql_write_handshake(&w, 1, &h);
    ck_assert(!mysql_read_handshake(payload(), &is));
    setup();
    h.capabilities = MYSQL_CLIENT_NEEDS;
    h.user = (struct mysql_text) { name, MYSQL_NAME_MAX };
    mysql_write_handshake(&w, 1, &h);
    ck_assert(mysql_read_handshake(payload(), &is));
    setup();
    h.user.size++;
    mysql_write_handshake(&w, 1, &h);
    ck_assert(!mysql_read_handshake(payload(), &is));
}
END_TEST

/* An error says its number and its message. */
START_TEST(an_error_is_read_as_it_was_written)
{
    uint16_t number;
    struct mysql_text message;

    mysql_write_error(&w, 2, 1045, "28000", "Access denied");
    ck_assert(mysql_read_error(payload(), &number, &message));
    ck_assert_uint_eq(number, 1045);
    check_text(message, TEXT("Access denied"));
    ck_assert(mysql_read_error(TEXT("\377\25\4no"), &number, &message));
    check_text(message, TEXT("no"));
    ck_assert(!mysql_read_error(TEXT("\377\25"), &number, &message));
    ck_assert(!mysql_read_error(TEXT("\0\0\0"), &number, &message));
}
END_TEST

/* What is not offered cannot be agreed on. */
START_TEST(some_capabilities_are_not_offered)
{
    ck_assert_uint_eq(MYSQL_OFFER & MYSQL_CAN_LOCAL_FILES, 0);
    ck_assert_uint_eq(MYSQL_OFFER & MYSQL_CAN_TLS, 0);
    ck_assert_uint_eq(MYSQL_OFFER & (1u << 5), 0);  /* Compression. */
    ck_assert_uint_eq(MYSQL_OFFER & (1u << 27), 0); /* Attributes. */
    ck_assert(mysql_charset_is_unsafe(28));
    ck_assert(!mysql_charset_is_unsafe(45));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mysql_login");
    TCase *c = tcase_create("login");

    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, a_greeting_is_read_as_it_was_written);
    tcase_add_test(c, the_answer_of_a_client_is_read);
    tcase_add_loop_test(c, an_answer_is_read_as_it_was_written, 0,
                        (int)(sizeof forms / sizeof *forms));
    tcase_add_test(c, a_request_for_tls_has_no_names);
    tcase_add_test(c, what_is_too_old_or_too_long_is_malformed);
    tcase_add_test(c, an_error_is_read_as_it_was_written);
    tcase_add_test(c, some_capabilities_are_not_offered);
    suite_add_tcase(suite, c);
    return test_main(suite);
}
