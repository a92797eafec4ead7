/* SPDX-License-Identifier: MIT */
/* An OpenSSL server for one connection, with a certificate made for the
 * occasion. */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* An authority and what it signed. */
struct tls_identity {
    EVP_PKEY *key;
    X509 *certificate;
};

/* @names as in a subjectAltName ("DNS:a,IP:127.0.0.1"); NULL: an authority,
 * which signs itself. A negative @days has expired. */
struct tls_identity tls_identity_make(const char *names,
                                      const struct tls_identity *issuer,
                                      int days);
void tls_identity_free(struct tls_identity *identity);

/* Write the certificate to a file that exists. */
void tls_identity_save(const struct tls_identity *identity, const char *path);

struct tls_server {
    const struct tls_identity *identity;
    const char *reply; /* To whatever was asked. */
    size_t reply_size;
    int version;  /* TLS1_2_VERSION, ... */
    bool is_rude; /* It ends without close_notify. */
    bool rekeys; /* It changes its keys before it reads and before it writes. */
    int listener;
    pthread_t thread;
    /* Out: */
    bool shook_hands;
    bool heard_notify;   /* The client said close_notify and nothing else. */
    char asked_name[64]; /* SNI */
};

/* Serve the next connection of the listener on a thread. */
void tls_server_start(struct tls_server *server);
void tls_server_join(struct tls_server *server);

#endif
