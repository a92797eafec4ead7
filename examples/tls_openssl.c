/* SPDX-License-Identifier: MIT */
/* A struct infra_transport by OpenSSL 3, which reads and writes through a BIO
 * of our own, since its socket BIO would raise SIGPIPE.
 *
 *   cc -c tls_openssl.c $(pkg-config --cflags libinfra openssl)
 */
#include "tls_openssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls_openssl {
    SSL_CTX *context;
    BIO_METHOD *socket;
};

struct session {
    SSL *ssl;
    int fd;
    int ended;    /* The peer will send no more. */
    int has_name; /* Or nobody could be verified. */
};

static int moved(BIO *bio, ssize_t count, int retry)
{
    BIO_clear_retry_flags(bio);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    }
    return (int)count;
}

static int socket_read(BIO *bio, char *bytes, int size)
{
    struct session *s = BIO_get_data(bio);
    ssize_t n = recv(s->fd, bytes, (size_t)size, MSG_DONTWAIT);

    s->ended = n == 0;
    return moved(bio, n, BIO_FLAGS_READ);
}

static int socket_write(BIO *bio, const char *bytes, int size)
{
    const struct session *s = BIO_get_data(bio);
    ssize_t n = send(s->fd, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);

    return moved(bio, n, BIO_FLAGS_WRITE);
}

static long socket_control(BIO *bio, int what, long number, void *pointer)
{
    const struct session *s = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    /* By EOF it tells a truncated stream. */
    return what == BIO_CTRL_EOF ? s->ended : what == BIO_CTRL_FLUSH;
}

struct tls_openssl *tls_openssl_create(const char *ca_file)
{
    struct tls_openssl *tls = calloc(1, sizeof *tls);

    if (tls == NULL) {
        return NULL;
    }
    tls->socket = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                               "libinfra socket");
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->socket == NULL || tls->context == NULL ||
        BIO_meth_set_read(tls->socket, socket_read) != 1 ||
        BIO_meth_set_write(tls->socket, socket_write) != 1 ||
        BIO_meth_set_ctrl(tls->socket, socket_control) != 1 ||
        SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1 ||
        (ca_file != NULL
             ? SSL_CTX_load_verify_file(tls->context, ca_file)
             : SSL_CTX_set_default_verify_paths(tls->context)) != 1) {
        tls_openssl_destroy(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

int tls_openssl_identify(struct tls_openssl *tls, const char *certificate_file,
                         const char *key_file)
{
    /* The key is held against the certificate when it is read. */
    return SSL_CTX_use_certificate_chain_file(tls->context, certificate_file) ==
                       1 &&
                   SSL_CTX_use_PrivateKey_file(tls->context, key_file,
                                               SSL_FILETYPE_PEM) == 1
               ? 0
               : -1;
}

void tls_openssl_destroy(struct tls_openssl *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        BIO_meth_free(tls->socket);
        free(tls);
    }
}

/* Whom to ask for, and whom the certificate must name.  0: no memory. */
static int set_name(SSL *ssl, const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    /* RFC 6066, section 3: SNI is for host names. */
    int ok = address != NULL || SSL_set_tlsext_host_name(ssl, name) == 1;

    ASN1_OCTET_STRING_free(address);
    return ok && SSL_set1_host(ssl, name) == 1; /* It takes addresses too. */
}

static void *open_session(void *user, int fd, const char *name)
{
    const struct tls_openssl *tls = user;
    struct session *s = calloc(1, sizeof *s);
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = BIO_new(tls->socket);

    if (s == NULL || ssl == NULL || bio == NULL ||
        (name != NULL && !set_name(ssl, name))) {
        BIO_free(bio);
        SSL_free(ssl);
        free(s);
        return NULL;
    }
    *s = (struct session) { ssl, fd, 0, name != NULL };
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* It belongs to the SSL from here on. */
    SSL_set_connect_state(ssl);
    return s;
}

/* What a call came to that moved nothing. */
static int explain(const struct session *s, int result)
{
    int why = ERR_GET_REASON(ERR_peek_error());

    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return INFRA_TRANSPORT_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return INFRA_TRANSPORT_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return INFRA_TRANSPORT_CLOSED;
    default:
        return why == SSL_R_UNEXPECTED_EOF_WHILE_READING
                   ? INFRA_TRANSPORT_TRUNCATED
                   : INFRA_TRANSPORT_ERROR;
    }
}

static int shake_hands(void *session)
{
    struct session *s = session;

    if (!s->has_name) {
        return INFRA_TRANSPORT_ERROR;
    }
    ERR_clear_error(); /* Or explain() speaks of the past. */
    int result = SSL_do_handshake(s->ssl);
    return result == 1 ? 0 : explain(s, result);
}

static long read_bytes(void *session, void *bytes, size_t size)
{
    struct session *s = session;
    size_t count;

    ERR_clear_error();
    int result = SSL_read_ex(s->ssl, bytes, size, &count);
    return result == 1 ? (long)count : explain(s, result);
}

static long write_bytes(void *session, const void *bytes, size_t size)
{
    struct session *s = session;
    size_t count;

    ERR_clear_error();
    int result = SSL_write_ex(s->ssl, bytes, size, &count);
    return result == 1 ? (long)count : explain(s, result);
}

static void close_session(void *session, int quiet)
{
    struct session *s = session;

    if (!quiet) {
        (void)SSL_shutdown(s->ssl);
    }
    SSL_free(s->ssl);
    free(s);
}

struct infra_transport tls_openssl_transport(struct tls_openssl *tls)
{
    return (struct infra_transport) { .size = sizeof(struct infra_transport),
                                      .user = tls,
                                      .open = open_session,
                                      .handshake = shake_hands,
                                      .read = read_bytes,
                                      .write = write_bytes,
                                      .close = close_session };
}
