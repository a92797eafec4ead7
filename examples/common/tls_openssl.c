/* SPDX-License-Identifier: MIT */
/* A struct infra_tls by OpenSSL 3, which reads and writes through a BIO
 * of our own, since its socket BIO would raise SIGPIPE.
 *
 * cc -c tls_openssl.c $(pkg-config --cflags libinfra openssl) */
#include "tls_openssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { AUTHORITIES, CERTIFICATE, KEY, FILES };

/* A file as it was when read. */
struct source {
    char *path; /* NULL: none. */
    struct stat seen;
};

struct tls_openssl {
    SSL_CTX *context;
    BIO_METHOD *socket;
    struct source sources[FILES];
    int is_server;
    int trusts_all;
};

struct session {
    SSL *ssl;
    int fd;
    int ended;  /* The peer's stream has ended. */
    int is_bad; /* Without a name a server cannot be verified. */
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
    /* EOF tells OpenSSL of a truncated stream. */
    return what == BIO_CTRL_EOF ? s->ended : what == BIO_CTRL_FLUSH;
}

static int is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A context of the present files; NULL: they do not fit together, or no memory.
 * The key is checked against the certificate. */
static SSL_CTX *make_context(const struct tls_openssl *tls)
{
    const char *authorities = tls->sources[AUTHORITIES].path;
    const char *certificate = tls->sources[CERTIFICATE].path;
    SSL_CTX *context =
        SSL_CTX_new(tls->is_server ? TLS_server_method() : TLS_client_method());

    if (context == NULL ||
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        (!tls->is_server &&
         (authorities != NULL
              ? SSL_CTX_load_verify_file(context, authorities)
              : SSL_CTX_set_default_verify_paths(context)) != 1) ||
        (certificate != NULL &&
         (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
          SSL_CTX_use_PrivateKey_file(context, tls->sources[KEY].path,
                                      SSL_FILETYPE_PEM) != 1))) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context,
                       tls->is_server || tls->trusts_all ? SSL_VERIFY_NONE
                                                         : SSL_VERIFY_PEER,
                       NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* One read for a record, not two. */
    if (tls->is_server) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context,
                            SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        (void)SSL_CTX_set_num_tickets(context, 0);
    }
    return context;
}

/* Read the files if one has changed.  While one is missing, or they do not fit,
 * as during a replacement, the old context stays, and the next connection tries
 * again.  -1: nothing was read. */
static int read_files(struct tls_openssl *tls)
{
    struct stat now[FILES];
    int is_new = tls->context == NULL;

    memset(now, 0, sizeof now);
    for (int i = 0; i < FILES; i++) {
        const struct source *s = &tls->sources[i];
        if (s->path != NULL && stat(s->path, &now[i]) != 0) {
            return -1;
        }
        is_new |= !is_same(&s->seen, &now[i]);
    }
    SSL_CTX *context = is_new ? make_context(tls) : NULL;
    if (context == NULL) {
        return is_new ? -1 : 0;
    }
    SSL_CTX_free(tls->context); /* Sessions keep it as long as they need. */
    tls->context = context;
    for (int i = 0; i < FILES; i++) {
        tls->sources[i].seen = now[i];
    }
    return 0;
}

/* Copy a path; NULL is none.  0: no memory. */
static int set_path(struct tls_openssl *tls, int which, const char *path)
{
    tls->sources[which].path = path != NULL ? strdup(path) : NULL;
    return path == NULL || tls->sources[which].path != NULL;
}

static struct tls_openssl *create(const char *authorities,
                                  const char *certificate, const char *key,
                                  int is_server)
{
    struct tls_openssl *tls = calloc(1, sizeof *tls);

    if (tls == NULL) {
        return NULL;
    }
    tls->is_server = is_server;
    tls->socket = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                               "libinfra socket");
    if (tls->socket == NULL || !set_path(tls, AUTHORITIES, authorities) ||
        !set_path(tls, CERTIFICATE, certificate) || !set_path(tls, KEY, key) ||
        BIO_meth_set_read(tls->socket, socket_read) != 1 ||
        BIO_meth_set_write(tls->socket, socket_write) != 1 ||
        BIO_meth_set_ctrl(tls->socket, socket_control) != 1 ||
        read_files(tls) != 0) {
        tls_openssl_destroy(tls);
        return NULL;
    }
    return tls;
}

struct tls_openssl *tls_openssl_create(const char *ca_file)
{
    return create(ca_file, NULL, NULL, 0);
}

struct tls_openssl *tls_openssl_create_server(const char *certificate_file,
                                              const char *key_file)
{
    return create(NULL, certificate_file, key_file, 1);
}

void tls_openssl_trust_all(struct tls_openssl *tls)
{
    tls->trusts_all = 1;
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_NONE, NULL);
}

/* NULL, NULL: show nothing. */
static void set_identity(struct tls_openssl *tls, char *certificate, char *key)
{
    free(tls->sources[CERTIFICATE].path);
    free(tls->sources[KEY].path);
    tls->sources[CERTIFICATE] = (struct source) { .path = certificate };
    tls->sources[KEY] = (struct source) { .path = key };
}

int tls_openssl_identify(struct tls_openssl *tls, const char *certificate_file,
                         const char *key_file)
{
    char *certificate = strdup(certificate_file);
    char *key = strdup(key_file);

    if (certificate == NULL || key == NULL) {
        free(certificate);
        free(key);
        return -1;
    }
    set_identity(tls, certificate, key);
    if (read_files(tls) != 0) {
        set_identity(tls, NULL, NULL);
        return -1;
    }
    return 0;
}

void tls_openssl_destroy(struct tls_openssl *tls)
{
    if (tls != NULL) {
        for (int i = 0; i < FILES; i++) {
            free(tls->sources[i].path);
        }
        SSL_CTX_free(tls->context);
        BIO_meth_free(tls->socket);
        free(tls);
    }
}

/* The name to ask for and to verify.  0: no memory. */
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
    struct tls_openssl *tls = user;

    (void)read_files(tls);
    struct session *s = calloc(1, sizeof *s);
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = BIO_new(tls->socket);

    if (s == NULL || ssl == NULL || bio == NULL ||
        (name != NULL && !tls->is_server && !set_name(ssl, name))) {
        BIO_free(bio);
        SSL_free(ssl);
        free(s);
        return NULL;
    }
    *s = (struct session) {
        ssl, fd, 0, name == NULL && !tls->is_server && !tls->trusts_all
    };
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* It belongs to the SSL from here on. */
    if (tls->is_server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return s;
}

/* The answer of a call that moved nothing. */
static int explain(const struct session *s, int result)
{
    int why = ERR_GET_REASON(ERR_peek_error());

    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return INFRA_TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return INFRA_TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return INFRA_TLS_CLOSED;
    default:
        return why == SSL_R_UNEXPECTED_EOF_WHILE_READING ? INFRA_TLS_TRUNCATED
                                                         : INFRA_TLS_ERROR;
    }
}

static int shake_hands(void *session)
{
    struct session *s = session;

    if (s->is_bad) {
        return INFRA_TLS_ERROR;
    }
    ERR_clear_error(); /* Or explain() sees an old error. */
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

struct infra_tls tls_openssl_functions(struct tls_openssl *tls)
{
    return (struct infra_tls) { .size = sizeof(struct infra_tls),
                                .user = tls,
                                .open = open_session,
                                .handshake = shake_hands,
                                .read = read_bytes,
                                .write = write_bytes,
                                .close = close_session };
}
