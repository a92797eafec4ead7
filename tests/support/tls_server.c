/* SPDX-License-Identifier: MIT */
#include "tls_server.h"

#include "loopback.h"
#include "support.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add_extension(X509 *certificate, int id, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, id, value);

    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(X509_add_ext(certificate, e, -1), 1);
    X509_EXTENSION_free(e);
}

struct tls_identity tls_identity_make(const char *names,
                                      const struct tls_identity *issuer,
                                      int days)
{
    struct tls_identity made = { .key = EVP_EC_gen("P-256"),
                                 .certificate = X509_new() };
    X509 *x = made.certificate;
    X509_NAME *name = X509_get_subject_name(x);
    static long serial;

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -30 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(x), days * 86400L);
    /* Who is named like its issuer counts as having signed itself. */
    char text[32];
    snprintf(text, sizeof text, "libinfra test %ld", serial);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)text, -1, -1, 0);
    X509_set_pubkey(x, made.key);
    X509_set_issuer_name(
        x, issuer != NULL ? X509_get_subject_name(issuer->certificate) : name);
    if (names != NULL) {
        add_extension(x, NID_subject_alt_name, names);
    } else {
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    }
    ck_assert_int_gt(
        X509_sign(x, issuer != NULL ? issuer->key : made.key, EVP_sha256()), 0);
    return made;
}

void tls_identity_free(struct tls_identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

void tls_identity_save(const struct tls_identity *identity, const char *path)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, identity->certificate), 1);
    ck_assert_int_eq(fclose(file), 0);
}

static void converse(struct tls_server *server, SSL *ssl)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char request[1024];
    size_t sent = 0;

    server->shook_hands = true;
    strncpy(server->asked_name, name != NULL ? name : "",
            sizeof server->asked_name - 1);
    if (server->rekeys) {
        (void)SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    }
    int asked = SSL_read(ssl, request, sizeof request);
    if (asked <= 0) { /* It wanted no more than to shake hands. */
        server->heard_notify =
            SSL_get_error(ssl, asked) == SSL_ERROR_ZERO_RETURN;
        return;
    }
    while (sent < server->reply_size) {
        size_t count = server->reply_size - sent;
        if (server->rekeys) {
            (void)SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        }
        int n = SSL_write(ssl, server->reply + sent,
                          count < 20000 ? (int)count : 20000);
        if (n <= 0) {
            return; /* It has heard enough. */
        }
        sent += (size_t)n;
    }
    if (!server->is_rude) {
        (void)SSL_shutdown(ssl);
    }
}

static void *serve(void *arg)
{
    struct tls_server *server = arg;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    int fd = test_accept(server->listener);
    sigset_t pipe;

    /* A client that leaves is no reason to die. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    SSL_CTX_set_min_proto_version(context, server->version);
    SSL_CTX_set_max_proto_version(context, server->version);
    SSL_CTX_use_certificate(context, server->identity->certificate);
    SSL_CTX_use_PrivateKey(context, server->identity->key);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        converse(server, ssl);
    }
    SSL_free(ssl);
    (void)close(fd);
    SSL_CTX_free(context);
    return NULL;
}

void tls_server_start(struct tls_server *server)
{
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

void tls_server_join(struct tls_server *server)
{
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
}
