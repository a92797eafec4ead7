/* SPDX-License-Identifier: MIT */
/* db_router's PostgreSQL, between bytes that come and bytes that go. */
#include "../support/support.h"
#include "pg_host.h"

#include <stdlib.h>
#include <string.h>

struct text {
    unsigned char bytes[4096];
    size_t size;
};

/* Append a message; @body may contain zeros. */
static void add(struct text *t, char type, const void *body, size_t size)
{
    t->bytes[t->size] = (unsigned char)type;
    pg_set_u32(t->bytes + t->size + 1, (uint32_t)size + 4);
    memcpy(t->bytes + t->size + 5, body, size);
    t->size += 5 + size;
}

#define ADD(t, type, body) add(t, type, body, sizeof(body) - 1)

static struct text conversation(void)
{
    struct text t = { .size = 0 };

    ADD(&t, 'Q', "SELECT 1\0");
    ADD(&t, 'P', "\0SELECT $1\0\0\0");
    ADD(&t, 'B', "\0\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'S', "");
    ADD(&t, 'P', "named\0UPDATE t SET a = $1\0\0\0");
    ADD(&t, 'D', "Snamed\0");
    ADD(&t, 'S', "");
    ADD(&t, 'B', "\0named\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'S', "");
    ADD(&t, 'B', "\0\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'C', "Snamed\0");
    ADD(&t, 'S', "");
    ADD(&t, 'S', "");
    return t;
}

static void talk(struct pg_host *h, const struct text *t, size_t part)
{
    for (size_t at = 0; at < t->size; at += part) {
        size_t size = part < t->size - at ? part : t->size - at;
        pg_host_client(h, t->bytes + at, size);
        while (h->is_out && !h->client.takes_more && !h->has_ended) {
            pg_host_answer(h);
        }
    }
}

/* Any split of a client's bytes gives a server the same bytes, and the client
 * the same answers. */
START_TEST(any_split_of_the_client_gives_the_same)
{
    struct text t = conversation();
    struct pg_host *all = malloc(sizeof *all);
    struct pg_host *split = malloc(sizeof *split);

    pg_host_begin(all);
    pg_host_begin(split);
    talk(all, &t, t.size);
    talk(split, &t, (size_t)_i);
    ck_assert(!all->has_ended);
    ck_assert(!split->has_ended);
    ck_assert_uint_eq(all->units, 5);
    ck_assert_uint_eq(all->units, split->units);
    ck_assert_uint_eq(link_out_size(&all->server.link),
                      link_out_size(&split->server.link));
    ck_assert_mem_eq(all->server.link.out.at, split->server.link.out.at,
                     link_out_size(&all->server.link));
    ck_assert_uint_eq(link_out_size(&all->client.link),
                      link_out_size(&split->client.link));
    ck_assert_mem_eq(all->client.link.out.at, split->client.link.out.at,
                     link_out_size(&all->client.link));
    pg_host_finish(all);
    pg_host_finish(split);
    free(all);
    free(split);
}
END_TEST

/* A named statement has the name of its text on servers, and is prepared on a
 * server that does not have it, of which the client hears nothing. */
START_TEST(a_statement_is_prepared_where_it_is_missing)
{
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    ADD(&t, 'P', "mine\0SELECT 5\0\0\0");
    ADD(&t, 'S', "");
    talk(h, &t, t.size);
    ck_assert_uint_eq(h->statement.kind, INFRA_STATEMENT_READ);
    pg_host_other_server(h);
    pg_host_clear(h);
    t.size = 0;
    ADD(&t, 'B', "\0mine\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'S', "");
    talk(h, &t, t.size);
    ck_assert_uint_eq(h->statement.kind, INFRA_STATEMENT_READ);
    const unsigned char *out = h->server.link.out.at;
    ck_assert_int_eq(out[0], 'P');
    ck_assert_str_eq((const char *)out + 5, "infra_1");
    ck_assert_str_eq((const char *)out + 13, "SELECT 5");
    ck_assert_int_eq(out[5 + 8 + 9 + 2], 'B');
    ck_assert_str_eq((const char *)out + 5 + 8 + 9 + 2 + 6, "infra_1");
    /* Nothing but ReadyForQuery. */
    ck_assert_uint_eq(link_out_size(&h->client.link), 6);
    pg_host_finish(h);
    free(h);
}
END_TEST

/* A group is a read only if each of its statements is. */
START_TEST(a_group_with_a_write_is_a_write)
{
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    ADD(&t, 'P', "\0SELECT 1\0\0\0");
    ADD(&t, 'B', "\0\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'P', "\0DELETE FROM t\0\0\0");
    ADD(&t, 'B', "\0\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'S', "");
    talk(h, &t, t.size);
    ck_assert_uint_eq(h->statement.kind, INFRA_STATEMENT_WRITE);
    ck_assert_uint_eq(h->statement.count, 2);
    pg_host_finish(h);
    free(h);
}
END_TEST

/* A group of which the client wants answers before its Sync goes at once, to
 * the primary. */
START_TEST(a_flush_sends_an_open_group)
{
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    ADD(&t, 'P', "\0SELECT 1\0\0\0");
    ADD(&t, 'H', "");
    pg_host_client(h, t.bytes, t.size);
    ck_assert_uint_eq(h->units, 1);
    ck_assert_uint_eq(h->statement.kind, INFRA_STATEMENT_WRITE);
    ck_assert(h->client.takes_more);
    t.size = 0;
    ADD(&t, 'S', "");
    pg_host_client(h, t.bytes, t.size);
    ck_assert(!h->client.takes_more);
    pg_host_answer(h);
    ck_assert(!h->is_out);
    pg_host_finish(h);
    free(h);
}
END_TEST

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
} malformed[] = {
    { "an unknown type", "y\0\0\0\4", 5 },
    { "a length of 3", "Q\0\0\0\3", 5 },
    { "a length beyond the limit", "Q\0\2\0\0", 5 },
    { "a Query without zero", "Q\0\0\0\5a", 6 },
    { "a Query with a zero inside", "Q\0\0\0\7a\0\0", 8 },
    { "a Parse without text", "P\0\0\0\5\0S\0\0\0\4", 11 },
    { "a Bind without names", "B\0\0\0\5\0S\0\0\0\4", 11 },
    { "a Describe of nothing", "D\0\0\0\4S\0\0\0\4", 10 },
    { "a Query inside of a group", "E\0\0\0\x9\0\0\0\0\0Q\0\0\0\5\0", 16 },
};

/* What is not the protocol ends the connection, and nothing of it is sent. */
START_TEST(malformed_messages_end_the_connection)
{
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    pg_host_client(h, malformed[_i].bytes, malformed[_i].size);
    ck_assert_msg(h->has_ended, "%s", malformed[_i].name);
    ck_assert_uint_eq(link_out_size(&h->server.link), 0);
    pg_host_finish(h);
    free(h);
}
END_TEST

static const char rows[] = "T\0\0\0\6\0\0"
                           "D\0\0\0\xa\0\0abcd"
                           "N\0\0\0\5\0"
                           "C\0\0\0\xdSELECT 1\0"
                           "Z\0\0\0\5I";

/* Any split of a server's bytes gives a client the same bytes. */
START_TEST(any_split_of_the_server_gives_the_same)
{
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);
    size_t part = (size_t)_i;

    pg_host_begin(h);
    ADD(&t, 'Q', "SELECT 1\0");
    pg_host_client(h, t.bytes, t.size);
    for (size_t at = 0; at < sizeof rows - 1; at += part) {
        size_t left = sizeof rows - 1 - at;
        pg_host_server(h, rows + at, part < left ? part : left);
    }
    ck_assert(!h->has_ended);
    ck_assert(!h->is_out);
    ck_assert_uint_eq(link_out_size(&h->client.link), sizeof rows - 1);
    ck_assert_mem_eq(h->client.link.out.at, rows, sizeof rows - 1);
    pg_host_finish(h);
    free(h);
}
END_TEST

/* With --defer-begin a BEGIN is answered at once. Its own words come before the
 * first statement, which is sent when they have worked. */
START_TEST(a_held_begin_comes_first)
{
    static const char begun[] = "C\0\0\0\12BEGIN\0Z\0\0\0\5T";
    static const char words[] = "Q\0\0\0\24BEGIN READ ONLY\0";
    static const char first[] = "Q\0\0\0\15SELECT 1\0";
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    h->limits.defers_begin = true;
    ADD(&t, 'Q', "BEGIN READ ONLY\0");
    pg_host_client(h, t.bytes, t.size);
    ck_assert(!h->is_out);
    ck_assert_uint_eq(link_out_size(&h->server.link), 0);
    ck_assert_uint_eq(link_out_size(&h->client.link), sizeof begun - 1);
    ck_assert_mem_eq(h->client.link.out.at, begun, sizeof begun - 1);
    pg_host_clear(h);
    pg_host_client(h, first, sizeof first - 1);
    ck_assert_uint_eq(link_out_size(&h->server.link), sizeof words - 1);
    ck_assert_mem_eq(h->server.link.out.at, words, sizeof words - 1);
    pg_host_clear(h);
    pg_host_server(h, begun, sizeof begun - 1);
    ck_assert_uint_eq(link_out_size(&h->client.link), 0);
    ck_assert_uint_eq(link_out_size(&h->server.link), sizeof first - 1);
    ck_assert_mem_eq(h->server.link.out.at, first, sizeof first - 1);
    pg_host_server(h, "C\0\0\0\15SELECT 1\0Z\0\0\0\5T", 20);
    ck_assert(!h->is_out);
    ck_assert_uint_eq(h->result.transaction, INFRA_SESSION_TRANSACTION_OPEN);
    ck_assert_uint_eq(link_out_size(&h->client.link), 20);
    pg_host_finish(h);
    free(h);
}
END_TEST

/* The same with the extended protocol: each message has its answer. A group
 * that does more than to begin, or does not execute, is sent. */
START_TEST(a_group_that_begins_is_answered)
{
    static const char begun[] = "1\0\0\0\4"
                                "2\0\0\0\4"
                                "n\0\0\0\4"
                                "C\0\0\0\12BEGIN\0"
                                "Z\0\0\0\5T";
    static const char over[] = "1\0\0\0\4"
                               "2\0\0\0\4"
                               "C\0\0\0\15ROLLBACK\0"
                               "Z\0\0\0\5I";
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    h->limits.defers_begin = true;
    ADD(&t, 'P', "mine\0BEGIN\0\0\0");
    ADD(&t, 'B', "\0mine\0\0\0\0\0\0\0");
    ADD(&t, 'D', "P\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'S', "");
    pg_host_client(h, t.bytes, t.size);
    ck_assert_uint_eq(link_out_size(&h->client.link), sizeof begun - 1);
    ck_assert_mem_eq(h->client.link.out.at, begun, sizeof begun - 1);
    pg_host_clear(h);
    t.size = 0;
    ADD(&t, 'P', "\0ROLLBACK\0\0\0");
    ADD(&t, 'B', "\0\0\0\0\0\0\0\0");
    ADD(&t, 'E', "\0\0\0\0\0");
    ADD(&t, 'S', "");
    pg_host_client(h, t.bytes, t.size);
    ck_assert_uint_eq(link_out_size(&h->client.link), sizeof over - 1);
    ck_assert_mem_eq(h->client.link.out.at, over, sizeof over - 1);
    ck_assert_uint_eq(h->units, 0);
    t.size = 0;
    ADD(&t, 'P', "\0BEGIN\0\0\0");
    ADD(&t, 'S', "");
    pg_host_client(h, t.bytes, t.size);
    ck_assert_uint_eq(h->units, 1);
    ck_assert_uint_eq(h->statement.kind, INFRA_STATEMENT_WRITE);
    pg_host_finish(h);
    free(h);
}
END_TEST

static const struct {
    const char *text;
    bool is_plain;
} begins[] = {
    { "BEGIN", true },
    { " begin work ;", true },
    { "START TRANSACTION READ WRITE, ISOLATION LEVEL\tREPEATABLE READ", true },
    { "BEGIN\nISOLATION LEVEL SERIALIZABLE, READ ONLY, NOT DEFERRABLE", true },
    { "START TRANSACTION WITH CONSISTENT SNAPSHOT", false },
    { "BEGIN garbage", false },
    { "/* a comment */ BEGIN", false },
    { "BEGIN; SELECT 1", false },
    { "BEGIN -- now", false },
};

/* A BEGIN with more than the words of its modes is sent at once, and so is one
 * that is too long to be kept. */
START_TEST(only_a_plain_begin_is_held)
{
    struct infra_statement s = { .kind = INFRA_STATEMENT_BEGIN };
    char blanks[BEGIN_TEXT_MAX + 1];

    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        const char *text = begins[i].text;
        ck_assert_msg(begin_text_is_plain(text, strlen(text)) ==
                          begins[i].is_plain,
                      "%s", text);
    }
    memset(blanks, ' ', sizeof blanks);
    memcpy(blanks, "BEGIN", 5);
    begin_text_check(&s, blanks, sizeof blanks - 1);
    ck_assert_uint_eq(s.kind, INFRA_STATEMENT_BEGIN);
    begin_text_check(&s, blanks, sizeof blanks);
    ck_assert_uint_eq(s.kind, INFRA_STATEMENT_WRITE);
    ck_assert(end_text_is_rollback(" Abort work", 11));
    ck_assert(!end_text_is_rollback("COMMIT", 6));
}
END_TEST

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
} lies[] = {
    { "a length of 0", "D\0\0\0\0", 5 },
    { "a length beyond all", "D\x7f\xff\xff\xff", 5 },
    { "a status that none has", "Z\0\0\0\5X", 6 },
    { "a tag without zero", "C\0\0\0\5X", 6 },
    { "a tag that is too long", "C\0\2\0\0X", 6 },
    { "a login", "R\0\0\0\x8\0\0\0\0", 9 },
    { "an unknown type", "y\0\0\0\4", 5 },
    { "the end of the server", "E\0\0\0\x1eSFATAL\0VFATAL\0C57P01\0Mx\0\0",
      31 },
};

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
} failures[] = {
    { "an error", "E\0\0\0\x1eSERROR\0VERROR\0C42601\0Mx\0\0", 31 },
    { "no transaction", "C\0\0\0\12BEGIN\0Z\0\0\0\5I", 17 },
};

/* If the BEGIN fails, nothing of the statement is sent. */
START_TEST(a_begin_that_fails_sends_nothing)
{
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    h->limits.defers_begin = true;
    ADD(&t, 'Q', "BEGIN READ\0");
    ADD(&t, 'Q', "DELETE FROM t\0");
    pg_host_client(h, t.bytes, t.size);
    pg_host_clear(h);
    pg_host_server(h, failures[_i].bytes, failures[_i].size);
    ck_assert_msg(h->has_ended, "%s", failures[_i].name);
    ck_assert_uint_eq(link_out_size(&h->server.link), 0);
    pg_host_finish(h);
    free(h);
}
END_TEST

/* A server that lies ends its connection, and the client gets none of it. */
START_TEST(a_server_that_lies_is_cut)
{
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    ADD(&t, 'Q', "SELECT 1\0");
    pg_host_client(h, t.bytes, t.size);
    pg_host_server(h, lies[_i].bytes, lies[_i].size);
    ck_assert_msg(h->has_ended, "%s", lies[_i].name);
    ck_assert_uint_eq(link_out_size(&h->client.link), 0);
    pg_host_finish(h);
    free(h);
}
END_TEST

/* A refusal to write, before anything was answered, may be sent again; behind a
 * row it may not. */
START_TEST(a_refusal_is_told_apart)
{
    static const char refusal[] = "E\0\0\0\x1dSERROR\0VERROR\0C25006\0Mx\0\0";
    struct text t = { .size = 0 };
    struct pg_host *h = malloc(sizeof *h);

    pg_host_begin(h);
    ADD(&t, 'Q', "SELECT f()\0");
    pg_host_client(h, t.bytes, t.size);
    if (_i == 1) {
        pg_host_server(h, "T\0\0\0\6\0\0", 7);
    }
    pg_host_server(h, refusal, sizeof refusal - 1);
    ck_assert_uint_eq(h->failures, _i == 0 ? 1 : 0);
    pg_host_answer(h);
    ck_assert_uint_eq(h->result.is_error, 1);
    pg_host_finish(h);
    free(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pg_wire");
    TCase *client = tcase_create("client");
    TCase *server = tcase_create("server");

    tcase_add_loop_test(client, any_split_of_the_client_gives_the_same, 1, 80);
    tcase_add_test(client, a_statement_is_prepared_where_it_is_missing);
    tcase_add_test(client, a_group_with_a_write_is_a_write);
    tcase_add_test(client, a_flush_sends_an_open_group);
    tcase_add_loop_test(client, malformed_messages_end_the_connection, 0,
                        sizeof malformed / sizeof malformed[0]);
    suite_add_tcase(s, client);
    tcase_add_loop_test(server, any_split_of_the_server_gives_the_same, 1, 50);
    tcase_add_test(server, a_held_begin_comes_first);
    tcase_add_test(server, a_group_that_begins_is_answered);
    tcase_add_loop_test(server, a_begin_that_fails_sends_nothing, 0,
                        (int)(sizeof failures / sizeof failures[0]));
    tcase_add_test(server, only_a_plain_begin_is_held);
    tcase_add_loop_test(server, a_server_that_lies_is_cut, 0,
                        sizeof lies / sizeof lies[0]);
    tcase_add_loop_test(server, a_refusal_is_told_apart, 0, 2);
    suite_add_tcase(s, server);
    return s;
}

int main(void)
{
    return test_main(suite());
}
