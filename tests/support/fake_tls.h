/* SPDX-License-Identifier: MIT */
/* A struct infra_tls without a TLS library, awkward on purpose. On the wire
 * each byte is the plain one xor 0x55; the client's handshake is "H", the
 * server's "h", and 0xff is close_notify. */
#ifndef TESTS_FAKE_TLS_H
#define TESTS_FAKE_TLS_H

#include <infra/driver.h>
#include <stdbool.h>

#define FAKE_TLS_HELD_MAX 256u
#define FAKE_TLS_NOTIFY "\xff"

/* The user of these functions, and a log of what was asked of it. */
struct fake_tls {
    /* How to be: */
    size_t piece;        /* Most bytes that one call moves; 0: any. */
    bool reads_by_write; /* A read has to write a "K" first, once. */
    bool writes_by_read; /* A write has to read a "k" first, once. */
    bool waits_to_begin; /* The handshake wants to write, once, for nothing. */
    bool is_instant;     /* It is secure at once, and holds "early". */
    bool has_no_memory;  /* open() fails. */
    bool is_absurd;      /* read and write answer this: */
    long absurd;
    int absurd_handshake; /* The handshake does; 0: what it should. */
    /* What happened: */
    int opened;
    int closed;
    int quiet;
    int reads;
    char name[64];
};

/* The functions, over @fake. */
struct infra_tls fake_tls_functions(struct fake_tls *fake);

/* What a server of this kind puts on the wire for @size bytes, in place. */
void fake_tls_code(char *bytes, size_t size);

#endif
