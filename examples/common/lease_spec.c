/* SPDX-License-Identifier: MIT */
#include "lease_spec.h"

#include "arguments.h"
#include "secret.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX 253u /* Bytes of a name (RFC 1035, section 2.3.4). */
#define WORD_MAX 127u /* The limit of infra_lease_etcd(). */

/* etcd counts whole seconds, and rounds less than two up. */
#define ETCD_TTL_MIN INFRA_SEC(2)

static const char help_lease[] =
    "  file:PATH              a file, for processes of one host; not on a\n"
    "                         network file system\n"
    "  etcd:HOST:PORT,...     the members of an etcd cluster (3.4 or later).\n"
    "                         HOST is an IP address, in brackets if IPv6, or\n"
    "                         a name that is looked up once, at the start.\n"
    "                         While etcd is full (NOSPACE) the active node\n"
    "                         continues, and no other can take over\n";

static const char help_options[] =
    "  --node NAME            name of this node, another one on each\n"
    "  --ttl TIME             a node that is silent for this time is\n"
    "                         replaced; with etcd whole seconds, 2s or more\n"
    "                         (%s)\n"
    "  --floor PATH           file that keeps the greatest token seen.  A\n"
    "                         store that was restored from an old backup\n"
    "                         gives tokens again; under these this node then\n"
    "                         refuses to be active (fault: regressed) until\n"
    "                         the file is removed and the program restarted.\n"
    "                         Programs of other groups may share the file; it\n"
    "                         may not be a symbolic link\n"
    "  --user NAME            user for an etcd that has users; without --tls\n"
    "                         name and password cross the network in the\n"
    "                         clear\n"
    "  --password-file PATH, --password-env NAME, --password TEXT\n"
    "                         the password: from a file; from the\n"
    "                         environment, which is then wiped; or as an\n"
    "                         argument, which is overwritten in the list of\n"
    "                         processes at once, but visible until then\n"
    "  --tls CA_FILE          speak TLS with etcd; its certificate must be\n"
    "                         signed by an authority in this file (PEM) and\n"
    "                         name HOST\n"
    "  --tls-name NAME        name required in the certificate instead of\n"
    "                         HOST\n"
    "  --tls-cert FILE, --tls-key FILE\n"
    "                         certificate of this node and its key (PEM), for\n"
    "                         an etcd that requires one.  The files of --tls\n"
    "                         are read again when they were replaced\n";

void lease_spec_help_lease(void)
{
    (void)fputs(help_lease, stdout);
}

void lease_spec_help_options(const char *ttl)
{
    (void)printf(help_options, ttl);
}

static bool read_user(struct lease_spec *spec, const char *text)
{
    size_t size = strlen(text);

    spec->user = text;
    return (size > 0 && size <= WORD_MAX) ||
           arguments_wrong("--user: must be 1 to %u bytes", WORD_MAX);
}

static bool take_password(struct lease_spec *spec, const char *option,
                          char *password)
{
    lease_spec_forget(spec); /* The last one counts. */
    spec->password = password;
    return password != NULL &&
           ((password[0] != '\0' && strlen(password) <= WORD_MAX) ||
            arguments_wrong("%s: must be 1 to %u bytes", option, WORD_MAX));
}

static bool read_password(struct lease_spec *spec, char *text)
{
    char *password = strdup(text);

    secret_hide(text);
    return password != NULL ? take_password(spec, "--password", password)
                            : arguments_wrong("out of memory");
}

void lease_spec_forget(struct lease_spec *spec)
{
    secret_free(spec->password);
    spec->password = NULL;
}

/* A name is looked up later. */
static bool read_named_server(struct lease_server *s, char *text)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    char *colon = strrchr(text, ':');
    const char *p = colon != NULL ? colon + 1 : "";
    size_t size = strspn(text, good);
    uint32_t port;

    if (colon == NULL || (size_t)(colon - text) != size || size > HOST_MAX) {
        return arguments_wrong("--lease etcd \"%s\": must be HOST:PORT, with "
                               "an IPv6 address in brackets",
                               text);
    }
    if (!read_number(&p, &port) || *p != '\0' || port == 0 || port > 65535) {
        return arguments_wrong("--lease etcd \"%s\": port must be 1 to 65535",
                               text);
    }
    *colon = '\0';
    *s = (struct lease_server) { .host = text, .port = colon + 1 };
    return true;
}

static bool read_server(struct lease_server *s, char *text)
{
    size_t digits = strspn(text, "0123456789.");

    if (text[0] != '[' && text[digits] != ':' && text[digits] != '\0') {
        return read_named_server(s, text);
    }
    *s = (struct lease_server) { .host = text };
    if (!read_address("--lease etcd", text, false, &s->address,
                      &s->address_size)) {
        return false;
    }
    char *colon = strrchr(text, ':');
    s->port = colon + 1;
    s->host = text + (text[0] == '[');
    colon[text[0] == '[' ? -1 : 0] = '\0';
    return true;
}

static bool read_servers(struct lease_spec *spec, char *list)
{
    for (char *one; (one = strsep(&list, ",")) != NULL; spec->servers_count++) {
        if (spec->servers_count == INFRA_ELECTOR_ENDPOINTS_MAX) {
            return arguments_wrong("--lease etcd: at most %u members",
                                   INFRA_ELECTOR_ENDPOINTS_MAX);
        }
        if (!read_server(&spec->servers[spec->servers_count], one)) {
            return false;
        }
    }
    return true;
}

static bool read_lease(struct lease_spec *spec, char *text, const char *others)
{
    spec->path = NULL; /* The last one counts. */
    spec->servers_count = 0;
    if (strncmp(text, "file:", 5) == 0 && text[5] != '\0') {
        spec->path = text + 5;
        return true;
    }
    if (strncmp(text, "etcd:", 5) == 0) {
        return read_servers(spec, text + 5);
    }
    return arguments_wrong("--lease \"%s\": must be file:PATH or "
                           "etcd:HOST:PORT,...%s",
                           text, others);
}

bool lease_spec_read(struct lease_spec *spec, int option, char *value,
                     const char *others)
{
    switch (option) {
    case LEASE_SPEC_LEASE:
        return read_lease(spec, value, others);
    case LEASE_SPEC_NODE:
        return read_name("--node", value, &spec->node);
    case LEASE_SPEC_TTL:
        return read_time("--ttl", value, &spec->ttl);
    case LEASE_SPEC_FLOOR:
        return read_nonempty("--floor", value, &spec->floor);
    case LEASE_SPEC_USER:
        return read_user(spec, value);
    case LEASE_SPEC_PASSWORD:
        return read_password(spec, value);
    case LEASE_SPEC_PASSWORD_FILE:
        return take_password(spec, "--password-file",
                             secret_from_file("--password-file", value));
    case LEASE_SPEC_PASSWORD_ENV:
        return take_password(spec, "--password-env",
                             secret_from_environment("--password-env", value));
    case LEASE_SPEC_TLS:
        return read_nonempty("--tls", value, &spec->tls);
    case LEASE_SPEC_TLS_NAME:
        return read_nonempty("--tls-name", value, &spec->tls_name);
    case LEASE_SPEC_TLS_CERT:
        return read_nonempty("--tls-cert", value, &spec->tls_cert);
    case LEASE_SPEC_TLS_KEY:
        return read_nonempty("--tls-key", value, &spec->tls_key);
    default:
        return false; /* getopt_long() has named it. */
    }
}

bool lease_spec_is_given(const struct lease_spec *spec)
{
    return spec->path != NULL || spec->servers_count > 0;
}

/* Options of etcd alone, and options that they need. */
static bool fits_etcd(const struct lease_spec *spec)
{
    const struct {
        const char *name;
        const char *value;
        const char *needs;
        const char *needed;
    } options[] = {
        { "--user", spec->user, "--password", spec->password },
        { "--password", spec->password, "--user", spec->user },
        { "--tls", spec->tls, "--tls", spec->tls },
        { "--tls-name", spec->tls_name, "--tls", spec->tls },
        { "--tls-cert", spec->tls_cert, "--tls-key", spec->tls_key },
        { "--tls-key", spec->tls_key, "--tls-cert", spec->tls_cert },
        { "--tls-cert", spec->tls_cert, "--tls", spec->tls },
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (options[i].value != NULL && spec->servers_count == 0) {
            return arguments_wrong("%s is for --lease etcd", options[i].name);
        }
        if (options[i].value != NULL && options[i].needed == NULL) {
            return arguments_wrong("%s is missing: %s needs it",
                                   options[i].needs, options[i].name);
        }
    }
#ifndef LEASE_TLS
    if (spec->tls != NULL) {
        return arguments_wrong("--tls: this program was built without "
                               "OpenSSL, and speaks no TLS");
    }
#endif
    if (spec->servers_count > 0 &&
        (spec->ttl < ETCD_TTL_MIN || spec->ttl % INFRA_SEC(1) != 0)) {
        return arguments_wrong("--ttl: with etcd it must be whole seconds, 2s "
                               "at least");
    }
    return true;
}

/* Does the machine accept it?  Try. */
static bool fits_machine(infra_time ttl, infra_time drain)
{
    struct infra_gate gate = { { 0 } };
    const struct infra_failover_options options = { .size = sizeof options,
                                                    .group = "group",
                                                    .node = "node",
                                                    .gate = &gate,
                                                    .incarnation = 1,
                                                    .ttl = ttl,
                                                    .drain_timeout = drain };
    struct infra_failover *machine = NULL;
    int err = infra_failover_create(&machine, &options);

    infra_failover_destroy(machine);
    return err == INFRA_OK ||
           arguments_wrong("--ttl of %.0f ms%s: must be 100ms to 60m%s",
                           (double)ttl / 1e6, drain != 0 ? " with --drain" : "",
                           drain != 0 ? ", and --drain at most an eighth of it"
                                      : "");
}

bool lease_spec_fits(const struct lease_spec *spec, infra_time drain)
{
    return fits_etcd(spec) &&
           (!lease_spec_is_given(spec) || fits_machine(spec->ttl, drain));
}
