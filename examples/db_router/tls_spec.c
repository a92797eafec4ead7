/* SPDX-License-Identifier: MIT */
#include "tls_spec.h"

#include "../common/arguments.h"
#ifdef DB_ROUTER_TLS
#include "../common/tls_openssl.h"
#endif

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "TLS:\n"
    "  --client-tls WHAT      off; allow: clients that ask for it get it;\n"
    "                         require: others may not log in (allow with\n"
    "                         --client-tls-cert, else off)\n"
    "  --client-tls-cert FILE, --client-tls-key FILE\n"
    "                         the proxy's certificate with its chain, and the\n"
    "                         key to it (PEM)\n"
    "  --node-tls WHAT        off; require: encrypted, whatever certificate "
    "the\n"
    "                         node shows, so a party in between can read it;\n"
    "                         verify: signed by an authority and naming the "
    "node\n"
    "                         (off)\n"
    "  --node-tls-ca FILE     those authorities (PEM); without it those of "
    "the\n"
    "                         system\n"
    "  --node-tls-name NAME   name required in the certificate instead of the\n"
    "                         node's ADDR\n"
    "  --node-tls-cert FILE, --node-tls-key FILE\n"
    "                         the proxy's certificate and key (PEM) for nodes\n"
    "                         that require one\n"
    "                         Files that were replaced are read again with "
    "the\n"
    "                         next connection; at SIGHUP the log says if they "
    "are\n"
    "                         wrong\n"
    "\n";

void tls_spec_help(void)
{
    (void)fputs(help, stdout);
}

static bool read_what(const char *name, const char *text,
                      const char *const words[3], uint32_t *ret)
{
    for (uint32_t i = 0; i < 3; i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return arguments_wrong("%s \"%s\": must be %s, %s or %s", name, text,
                           words[0], words[1], words[2]);
}

bool tls_spec_read(struct tls_spec *spec, int option, const char *value)
{
    static const char *const client[] = { "off", "allow", "require" };
    static const char *const node[] = { "off", "require", "verify" };

    switch (option) {
    case TLS_SPEC_CLIENT:
        spec->has_client = true;
        return read_what("--client-tls", value, client, &spec->client);
    case TLS_SPEC_CLIENT_CERT:
        return read_nonempty("--client-tls-cert", value, &spec->client_cert);
    case TLS_SPEC_CLIENT_KEY:
        return read_nonempty("--client-tls-key", value, &spec->client_key);
    case TLS_SPEC_NODE:
        return read_what("--node-tls", value, node, &spec->node);
    case TLS_SPEC_NODE_CA:
        return read_nonempty("--node-tls-ca", value, &spec->node_ca);
    case TLS_SPEC_NODE_NAME:
        return read_nonempty("--node-tls-name", value, &spec->node_name);
    case TLS_SPEC_NODE_CERT:
        return read_nonempty("--node-tls-cert", value, &spec->node_cert);
    default:
        return read_nonempty("--node-tls-key", value, &spec->node_key);
    }
}

const char *tls_node_name(const struct tls_spec *spec,
                          const struct sockaddr_storage *address,
                          socklen_t size, char host[NI_MAXHOST])
{
    if (spec->node_name != NULL) {
        return spec->node_name;
    }
    return getnameinfo((const struct sockaddr *)address, size, host, NI_MAXHOST,
                       NULL, 0, NI_NUMERICHOST) == 0
               ? host
               : NULL;
}

/* Options that need another one. */
static bool has_all(const struct tls_spec *spec)
{
    bool verifies = spec->node == TLS_NODE_VERIFY;
    bool has_nodes = spec->node != TLS_NODE_OFF;
    bool has_clients = spec->client != TLS_CLIENT_OFF;
    const struct {
        const char *name;
        bool is_given;
        const char *needs;
        bool is_there;
    } options[] = {
        { "--client-tls", has_clients, "--client-tls-cert",
          spec->client_cert != NULL },
        { "--client-tls-cert", spec->client_cert != NULL, "--client-tls-key",
          spec->client_key != NULL },
        { "--client-tls-key", spec->client_key != NULL, "--client-tls-cert",
          spec->client_cert != NULL },
        { "--node-tls-ca", spec->node_ca != NULL, "--node-tls verify",
          verifies },
        { "--node-tls-name", spec->node_name != NULL, "--node-tls verify",
          verifies },
        { "--node-tls-cert", spec->node_cert != NULL, "--node-tls-key",
          spec->node_key != NULL },
        { "--node-tls-key", spec->node_key != NULL, "--node-tls-cert",
          spec->node_cert != NULL },
        { "--node-tls-cert", spec->node_cert != NULL, "--node-tls", has_nodes },
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (options[i].is_given && !options[i].is_there) {
            return arguments_wrong("%s is missing: %s needs it",
                                   options[i].needs, options[i].name);
        }
    }
    return true;
}

#ifdef DB_ROUTER_TLS
static bool is_readable(const char *option, const char *path)
{
    return path == NULL || access(path, R_OK) == 0 ||
           arguments_wrong("%s %s: %s", option, path, strerror(errno));
}

bool tls_spec_fits(struct tls_spec *spec)
{
    const char *why = NULL;

    if (spec->client_cert != NULL && !spec->has_client) {
        spec->client = TLS_CLIENT_ALLOW;
    }
    return has_all(spec) &&
           is_readable("--client-tls-cert", spec->client_cert) &&
           is_readable("--client-tls-key", spec->client_key) &&
           is_readable("--node-tls-ca", spec->node_ca) &&
           is_readable("--node-tls-cert", spec->node_cert) &&
           is_readable("--node-tls-key", spec->node_key) &&
           (tls_spec_try(spec, &why) || arguments_wrong("%s", why));
}

bool tls_open_clients(struct tls_side *ret, const struct tls_spec *spec,
                      const char **why)
{
    if (spec->client == TLS_CLIENT_OFF) {
        return true;
    }
    ret->by = tls_openssl_create_server(spec->client_cert, spec->client_key);
    if (ret->by == NULL) {
        *why = "--client-tls-cert, --client-tls-key: not a certificate and the "
               "key to it (PEM)";
        return false;
    }
    ret->functions = tls_openssl_functions(ret->by);
    return true;
}

bool tls_open_nodes(struct tls_side *ret, const struct tls_spec *spec,
                    const char **why)
{
    if (spec->node == TLS_NODE_OFF) {
        return true;
    }
    ret->by = tls_openssl_create(spec->node_ca);
    if (ret->by == NULL) {
        *why = "--node-tls-ca: there is no certificate in it (PEM)";
        return false;
    }
    if (spec->node == TLS_NODE_REQUIRE) {
        tls_openssl_trust_all(ret->by);
    }
    if (spec->node_cert != NULL &&
        tls_openssl_identify(ret->by, spec->node_cert, spec->node_key) != 0) {
        *why = "--node-tls-cert, --node-tls-key: not a certificate and the key "
               "to it (PEM)";
        tls_close(ret);
        return false;
    }
    ret->functions = tls_openssl_functions(ret->by);
    return true;
}

void tls_close(struct tls_side *side)
{
    tls_openssl_destroy(side->by);
    side->by = NULL;
}
#else
bool tls_spec_fits(struct tls_spec *spec)
{
    const char *given = spec->client != TLS_CLIENT_OFF ? "--client-tls"
                        : spec->client_cert != NULL    ? "--client-tls-cert"
                        : spec->node != TLS_NODE_OFF   ? "--node-tls"
                                                       : NULL;

    return given == NULL
               ? has_all(spec)
               : arguments_wrong("%s: this program was built without OpenSSL, "
                                 "and speaks no TLS",
                                 given);
}

bool tls_open_clients(struct tls_side *ret, const struct tls_spec *spec,
                      const char **why)
{
    (void)ret;
    (void)spec;
    (void)why;
    return true;
}

bool tls_open_nodes(struct tls_side *ret, const struct tls_spec *spec,
                    const char **why)
{
    return tls_open_clients(ret, spec, why);
}

void tls_close(struct tls_side *side)
{
    (void)side;
}
#endif

bool tls_spec_try(const struct tls_spec *spec, const char **why)
{
    struct tls_side clients = { 0 };
    struct tls_side nodes = { 0 };
    bool is_ok = tls_open_clients(&clients, spec, why) &&
                 tls_open_nodes(&nodes, spec, why);

    tls_close(&clients);
    tls_close(&nodes);
    return is_ok;
}
