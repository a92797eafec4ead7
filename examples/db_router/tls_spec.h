/* SPDX-License-Identifier: MIT */
/* Which connections of the proxy speak TLS, by its options, and the functions
 * that do (tls_openssl.h).  Without OpenSSL at the build the options are
 * refused. */
#ifndef EXAMPLES_DB_ROUTER_TLS_SPEC_H
#define EXAMPLES_DB_ROUTER_TLS_SPEC_H

#include <infra/driver.h>
#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

enum tls_client {
    TLS_CLIENT_OFF,
    TLS_CLIENT_ALLOW,
    TLS_CLIENT_REQUIRE /* Clients without it may not log in. */
};

enum tls_node {
    TLS_NODE_OFF,
    TLS_NODE_REQUIRE, /* Any certificate passes. */
    TLS_NODE_VERIFY   /* An authority must have signed it, and it must name the
                         node. */
};

/* NULL: not given. */
struct tls_spec {
    uint32_t client; /* enum tls_client */
    uint32_t node;   /* enum tls_node */
    bool has_client; /* --client-tls was given. */
    const char *client_cert;
    const char *client_key;
    const char *node_ca;   /* NULL: the authorities of the system. */
    const char *node_name; /* NULL: the node's address. */
    const char *node_cert;
    const char *node_key;
};

enum tls_spec_option {
    TLS_SPEC_FIRST = 1024,
    TLS_SPEC_CLIENT = TLS_SPEC_FIRST,
    TLS_SPEC_CLIENT_CERT,
    TLS_SPEC_CLIENT_KEY,
    TLS_SPEC_NODE,
    TLS_SPEC_NODE_CA,
    TLS_SPEC_NODE_NAME,
    TLS_SPEC_NODE_CERT,
    TLS_SPEC_NODE_KEY
};

/* clang-format off */
#define TLS_SPEC_OPTIONS                                                  \
    { "client-tls", required_argument, NULL, TLS_SPEC_CLIENT },           \
    { "client-tls-cert", required_argument, NULL, TLS_SPEC_CLIENT_CERT }, \
    { "client-tls-key", required_argument, NULL, TLS_SPEC_CLIENT_KEY },   \
    { "node-tls", required_argument, NULL, TLS_SPEC_NODE },               \
    { "node-tls-ca", required_argument, NULL, TLS_SPEC_NODE_CA },         \
    { "node-tls-name", required_argument, NULL, TLS_SPEC_NODE_NAME },     \
    { "node-tls-cert", required_argument, NULL, TLS_SPEC_NODE_CERT },     \
    { "node-tls-key", required_argument, NULL, TLS_SPEC_NODE_KEY }
/* clang-format on */

/* Read one of the options; fits: all were read, and the files are there.
 * False: the error is on stderr. */
bool tls_spec_read(struct tls_spec *spec, int option, const char *value);
bool tls_spec_fits(struct tls_spec *spec);
void tls_spec_help(void);

struct tls_openssl;

/* The functions for connections of one kind; each thread has its own, as files
 * that were replaced are read again with a connection. */
struct tls_side {
    struct infra_tls functions;
    struct tls_openssl *by; /* NULL: no TLS. */
};

/* With TLS off @ret has none.  False: NULL; else what is wrong, for @why. */
bool tls_open_clients(struct tls_side *ret, const struct tls_spec *spec,
                      const char **why);
bool tls_open_nodes(struct tls_side *ret, const struct tls_spec *spec,
                    const char **why);
void tls_close(struct tls_side *side);

/* Can both be opened?  False: @why. */
bool tls_spec_try(const struct tls_spec *spec, const char **why);

/* The name that a node's certificate must have; @host: room for it. */
const char *tls_node_name(const struct tls_spec *spec,
                          const struct sockaddr_storage *address,
                          socklen_t size, char host[NI_MAXHOST]);

#endif
