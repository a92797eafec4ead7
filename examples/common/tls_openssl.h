/* SPDX-License-Identifier: MIT */
/* TLS for libinfra's checks and electors by OpenSSL 3: copy these two files
 * into your program.
 *
 *   struct tls_openssl *tls = tls_openssl_create("/etc/ssl/my-ca.pem");
 *   struct infra_tls functions = tls_openssl_functions(tls);
 *   struct infra_prober_options o = { .size = sizeof o, .tls = &functions };
 *   ...
 *   target.tls_name = "app.example";     // one for each backend
 *
 * and probes with tls = 1; the same for infra_elector_options, its endpoints,
 * and a lease with tls = 1.  A server must show a certificate that a trusted
 * authority signed, that is valid now, and that names what tls_name says, a
 * host or an address; without a name no check passes.
 *
 * The files are looked at with each new connection, and read again when one was
 * replaced, so that certificates can be renewed under a running program: put
 * each in place whole (rename).  While they make no sense together, or one is
 * missing, what was read before goes on to count.  Connections that stand are
 * kept. */
#ifndef TLS_OPENSSL_H
#define TLS_OPENSSL_H

#include <infra/driver.h>

struct tls_openssl;

/* Trust the authorities of this PEM file; NULL: those of the system.  NULL is
 * returned if the file cannot be read, or for lack of memory. */
struct tls_openssl *tls_openssl_create(const char *ca_file);

/* Answer connections as a server, with this certificate and its chain; both
 * files are PEM.  Clients are not asked for a certificate, a tls_name means
 * nothing, and no session is resumed.  NULL as above, or if the key does not
 * fit. */
struct tls_openssl *tls_openssl_create_server(const char *certificate_file,
                                              const char *key_file);

/* Encrypt, without a look at whom the connection leads to: any certificate and
 * any name passes, so that nothing is safe from a party in between. */
void tls_openssl_trust_all(struct tls_openssl *tls);

/* Show this certificate, with its chain, to servers that ask for one; both
 * files are PEM.  0; or -1: a file cannot be read, or the key does not fit. */
int tls_openssl_identify(struct tls_openssl *tls, const char *certificate_file,
                         const char *key_file);

/* The functions for a prober or elector, which @tls must outlive. */
struct infra_tls tls_openssl_functions(struct tls_openssl *tls);

/* NULL is allowed. */
void tls_openssl_destroy(struct tls_openssl *tls);

#endif
