/* SPDX-License-Identifier: MIT */
/* A proxy between a client and a server: it knows what the server stores, and
 * logs in there with what the client has proven. */
#include "support.h"

#include <infra/login.h>
#include <string.h>

static unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE];

static void setup(void)
{
    memset(entropy, 0, sizeof entropy);
}

static const unsigned char *new_entropy(void)
{
    entropy[0]++;
    return entropy;
}

/* Client and server talk until one has ended. The client's last step. */
static int talk(struct infra_login_scram *client,
                struct infra_login_scram *server)
{
    char up[INFRA_LOGIN_MESSAGE_MAX], down[INFRA_LOGIN_MESSAGE_MAX];
    size_t up_size, down_size = 0;

    for (;;) {
        int step =
            infra_login_scram_next(client, down, down_size, up, &up_size);
        if (step != INFRA_LOGIN_STEP_SEND) {
            return step;
        }
        step = infra_login_scram_next(server, up, up_size, down, &down_size);
        if (step == INFRA_LOGIN_STEP_REFUSED) {
            return step;
        }
    }
}

static struct infra_login_scram_keys stored_keys(const char *password,
                                                 const char *salt)
{
    struct infra_login_scram_keys keys;

    ck_assert_int_eq(infra_login_scram_derive(&keys, password, strlen(password),
                                              salt, 16, 4096),
                     INFRA_OK);
    memset(keys.client_key, 0, sizeof keys.client_key);
    keys.has_client_key = 0;
    return keys;
}

/* What the client proves to the proxy logs in at a server with the same
 * verifier, as often as it is needed. */
START_TEST(scram_keys_log_in_onward)
{
    struct infra_login_scram_keys stored =
        stored_keys("pencil", "0123456789abcdef");
    struct infra_login_scram client, proxy, onward, server;

    ck_assert_int_eq(
        infra_login_scram_client(&client, NULL, "pencil", 6, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&proxy, &stored, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &proxy), INFRA_LOGIN_STEP_DONE);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(infra_login_scram_client(&onward, &proxy.keys, NULL, 0,
                                                  new_entropy()),
                         INFRA_OK);
        ck_assert_int_eq(
            infra_login_scram_server(&server, &stored, new_entropy()),
            INFRA_OK);
        ck_assert_int_eq(talk(&onward, &server), INFRA_LOGIN_STEP_DONE);
    }
}
END_TEST

/* A server with another salt needs the password: keys alone end as OTHER_SALT,
 * with the password new keys are made. */
START_TEST(another_salt_needs_the_password)
{
    struct infra_login_scram_keys stored =
        stored_keys("pencil", "0123456789abcdef");
    struct infra_login_scram_keys other =
        stored_keys("pencil", "0123456789abcdeF");
    struct infra_login_scram client, server;

    ck_assert_int_eq(
        infra_login_scram_client(&client, NULL, "pencil", 6, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &stored, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_DONE);
    struct infra_login_scram_keys keys = server.keys;
    ck_assert_mem_eq(&keys, &client.keys, sizeof keys);

    ck_assert_int_eq(
        infra_login_scram_client(&client, &keys, NULL, 0, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &other, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(client.reason, INFRA_LOGIN_REASON_OTHER_SALT);

    ck_assert_int_eq(
        infra_login_scram_client(&client, &keys, "pencil", 6, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &other, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_DONE);

    /* A verifier alone serves no client. */
    ck_assert_int_eq(
        infra_login_scram_client(&client, &other, "pencil", 6, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &other, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_DONE);

    other = stored;
    other.iterations++;
    ck_assert_int_eq(
        infra_login_scram_client(&client, &keys, NULL, 0, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &other, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(client.reason, INFRA_LOGIN_REASON_OTHER_SALT);
}
END_TEST

/* Keys that a password is needed for are not computed above the limit; keys
 * that are there serve any number of iterations. */
START_TEST(iterations_are_limited_where_they_cost)
{
    struct infra_login_scram_keys stored =
        stored_keys("pencil", "0123456789abcdef");
    struct infra_login_scram client, server;

    stored.iterations = INFRA_LOGIN_SCRAM_ITERATIONS_MAX + 1;
    ck_assert_int_eq(
        infra_login_scram_client(&client, NULL, "pencil", 6, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &stored, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(client.reason, INFRA_LOGIN_REASON_TOO_COSTLY);

    ck_assert_int_eq(infra_login_scram_derive(&stored, "pencil", 6,
                                              "0123456789abcdef", 16, 4096),
                     INFRA_OK);
    stored.iterations = INFRA_LOGIN_SCRAM_ITERATIONS_MAX + 1;
    ck_assert_int_eq(
        infra_login_scram_client(&client, &stored, NULL, 0, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &stored, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_DONE);
}
END_TEST

/* A wrong password is refused by the server; a server with the right StoredKey
 * and a wrong ServerKey is refused by the client. */
START_TEST(each_end_proves_itself)
{
    struct infra_login_scram_keys stored =
        stored_keys("pencil", "0123456789abcdef");
    struct infra_login_scram client, server;

    ck_assert_int_eq(
        infra_login_scram_client(&client, NULL, "pencil2", 7, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &stored, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(server.reason, INFRA_LOGIN_REASON_WRONG_PASSWORD);
    stored.server_key[31] ^= 1;
    ck_assert_int_eq(
        infra_login_scram_client(&client, NULL, "pencil", 6, new_entropy()),
        INFRA_OK);
    ck_assert_int_eq(infra_login_scram_server(&server, &stored, new_entropy()),
                     INFRA_OK);
    ck_assert_int_eq(talk(&client, &server), INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(server.reason, INFRA_LOGIN_REASON_NONE);
    ck_assert_uint_eq(client.reason, INFRA_LOGIN_REASON_FORGED);
}
END_TEST

/* A client speaks first, and is started with something to prove. */
START_TEST(a_client_has_something_to_prove)
{
    struct infra_login_scram_keys stored =
        stored_keys("pencil", "0123456789abcdef");
    struct infra_login_scram client;
    char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t out_size;

    ck_assert_int_eq(
        infra_login_scram_client(&client, &stored, NULL, 0, entropy),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_client(&client, NULL, NULL, 0, entropy),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_client(&client, NULL, "", 0, entropy),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_client(&client, NULL, "a", 1, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_login_scram_client(NULL, NULL, "a", 1, entropy),
                     INFRA_EINVAL);
    ck_assert_int_eq(
        infra_login_scram_client(&client, NULL, "\xc3\xa4", 2, entropy),
        INFRA_LOGIN_REASON_NOT_ASCII);
    ck_assert_int_eq(infra_login_scram_client(&client, NULL, "a", 1, entropy),
                     INFRA_OK);
    ck_assert_int_eq(
        infra_login_scram_next(&client, "r=a,s=QQ==,i=1", 14, out, &out_size),
        INFRA_LOGIN_STEP_REFUSED);
    ck_assert_uint_eq(client.reason, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
END_TEST

/* Client and server of MySQL talk until one has ended. The server's step. */
static int talk_mysql(struct infra_login_mysql *client,
                      struct infra_login_mysql *server)
{
    unsigned char up[INFRA_LOGIN_MESSAGE_MAX], down[INFRA_LOGIN_MESSAGE_MAX];
    size_t up_size, down_size;
    const char *method = infra_login_mysql_method_name(server->method);

    if (infra_login_mysql_first(client, method, strlen(method),
                                server->challenge, sizeof server->challenge, up,
                                &up_size) != INFRA_LOGIN_STEP_SEND) {
        return INFRA_LOGIN_STEP_WAIT;
    }
    method = infra_login_mysql_method_name(client->method);
    int step = infra_login_mysql_first(server, method, strlen(method), up,
                                       up_size, down, &down_size);
    while (step == INFRA_LOGIN_STEP_SEND) {
        if (infra_login_mysql_next(client, down, down_size, up, &up_size) !=
            INFRA_LOGIN_STEP_SEND) {
            return INFRA_LOGIN_STEP_WAIT;
        }
        step = infra_login_mysql_next(server, up, up_size, down, &down_size);
    }
    if (step == INFRA_LOGIN_STEP_DONE && down_size > 0) {
        ck_assert_int_eq(
            infra_login_mysql_next(client, down, down_size, up, &up_size),
            INFRA_LOGIN_STEP_WAIT);
    }
    if (step == INFRA_LOGIN_STEP_DONE) {
        ck_assert_int_eq(infra_login_mysql_next(client, "", 1, up, &up_size),
                         INFRA_LOGIN_STEP_DONE);
    }
    return step;
}

static struct infra_login_mysql_keys double_hashes(uint32_t has)
{
    struct infra_login_mysql_keys keys;

    ck_assert_int_eq(infra_login_mysql_derive(&keys, "secret", 6), INFRA_OK);
    memset(keys.sha1, 0, sizeof keys.sha1);
    memset(keys.sha256, 0, sizeof keys.sha256);
    keys.has = has;
    return keys;
}

/* What a client of MySQL proves, by any method and any way, logs in at a server
 * that stores the same hash, also if its greeting names the other method. */
START_TEST(mysql_keys_log_in_onward)
{
    struct infra_login_mysql client, proxy, onward, server;

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t greeting = 1 + i % 2, next_greeting = 1 + i / 2 % 2;
        uint32_t is_secure = i / 4 % 2;
        struct infra_login_mysql_keys keys =
            double_hashes(i / 8 == 0 ? INFRA_LOGIN_HAS_SHA1_TWICE
                                     : INFRA_LOGIN_HAS_SHA256_TWICE);
        ck_assert_int_eq(
            infra_login_mysql_client(&client, NULL, "secret", 6, is_secure),
            INFRA_OK);
        ck_assert_int_eq(
            infra_login_mysql_server(&proxy, greeting, new_entropy()),
            INFRA_OK);
        ck_assert_int_eq(infra_login_mysql_set_user(&proxy, &keys, is_secure),
                         INFRA_OK);
        ck_assert_int_eq(talk_mysql(&client, &proxy), INFRA_LOGIN_STEP_DONE);

        ck_assert_int_eq(
            infra_login_mysql_client(&onward, &proxy.keys, NULL, 0, 0),
            INFRA_OK);
        ck_assert_int_eq(
            infra_login_mysql_server(&server, next_greeting, new_entropy()),
            INFRA_OK);
        ck_assert_int_eq(infra_login_mysql_set_user(&server, &keys, 0),
                         INFRA_OK);
        ck_assert_int_eq(talk_mysql(&onward, &server), INFRA_LOGIN_STEP_DONE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_pass_through");
    TCase *tc = tcase_create("pass_through");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, scram_keys_log_in_onward);
    tcase_add_test(tc, another_salt_needs_the_password);
    tcase_add_test(tc, iterations_are_limited_where_they_cost);
    tcase_add_test(tc, each_end_proves_itself);
    tcase_add_test(tc, a_client_has_something_to_prove);
    tcase_add_test(tc, mysql_keys_log_in_onward);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
