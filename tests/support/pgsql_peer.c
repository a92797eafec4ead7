#include "pgsql_peer.h"

#include <string.h>

struct test_heap pgsql_heap;
struct infra_probe *pgsql_probe;

void pgsql_put(struct pgsql_bytes *b, const void *bytes, size_t size)
{
    ck_assert_uint_le(size, sizeof b->at - b->size);
    memcpy(b->at + b->size, bytes, size);
    b->size += size;
}

static void put_u32(struct pgsql_bytes *b, size_t number)
{
    const char bytes[] = { (char)(number >> 24), (char)(number >> 16),
                           (char)(number >> 8), (char)number };

    pgsql_put(b, bytes, sizeof bytes);
}

void pgsql_put_message(struct pgsql_bytes *b, char type, const void *body,
                       size_t size)
{
    pgsql_put(b, &type, 1);
    put_u32(b, size + 4);
    pgsql_put(b, body, size);
}

static void put_field(struct pgsql_bytes *b, char type, const char *text)
{
    pgsql_put(b, &type, 1);
    pgsql_put(b, text, strlen(text) + 1);
}

void pgsql_put_error(struct pgsql_bytes *b, const char *severity,
                     const char *code, const char *message)
{
    struct pgsql_bytes body = { 0 };

    put_field(&body, 'S', severity);
    put_field(&body, 'V', severity);
    put_field(&body, 'C', code);
    put_field(&body, 'M', message);
    put_field(&body, 'F', "postmaster.c");
    pgsql_put(&body, "", 1);
    pgsql_put_message(b, 'E', body.at, body.size);
}

void pgsql_put_row(struct pgsql_bytes *b, const char *const *cells,
                   size_t count)
{
    struct pgsql_bytes body = { 0 };
    const char two[] = { (char)(count >> 8), (char)count };

    pgsql_put(&body, two, sizeof two);
    for (size_t i = 0; i < count; i++) {
        if (cells[i] == NULL) {
            put_u32(&body, UINT32_MAX);
        } else {
            put_u32(&body, strlen(cells[i]));
            pgsql_put(&body, cells[i], strlen(cells[i]));
        }
    }
    pgsql_put_message(b, 'D', body.at, body.size);
}

void pgsql_setup(void)
{
    test_heap_init(&pgsql_heap, -1);
    pgsql_probe = NULL;
}

void pgsql_teardown(void)
{
    infra_probe_destroy(pgsql_probe);
    ck_assert_int_eq(pgsql_heap.live, 0);
}

void pgsql_create(struct infra_probe_pgsql_options o)
{
    infra_probe_destroy(pgsql_probe);
    pgsql_probe = NULL;
    o.size = sizeof o;
    o.allocator = &pgsql_heap.allocator;
    ck_assert_int_eq(infra_probe_pgsql(&pgsql_probe, &o), INFRA_OK);
}

struct infra_probe_result pgsql_run(struct test_transport *t)
{
    struct infra_probe_result r;

    infra_probe_start(pgsql_probe, 0, t->now);
    test_transport_run(t, infra_probe_exchange(pgsql_probe));
    ck_assert_int_eq(infra_probe_result(pgsql_probe, &r), INFRA_OK);
    return r;
}

const char *pgsql_message(void)
{
    return infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_MESSAGE);
}
