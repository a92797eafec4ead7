/* SPDX-License-Identifier: MIT */
#include "lease_store.h"

#include "arguments.h"
#include "entropy.h"
#ifdef LEASE_TLS
#include "tls_openssl.h"
#endif

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool add_endpoint(struct lease_access *a, const struct lease_server *s,
                         const struct sockaddr *address, socklen_t size)
{
    uint32_t i = a->endpoints_count;

    if (i == INFRA_ELECTOR_ENDPOINTS_MAX) {
        return arguments_wrong("--lease etcd \"%s\": more than %u addresses "
                               "in all",
                               s->host, INFRA_ELECTOR_ENDPOINTS_MAX);
    }
    const char *name = a->spec->tls_name != NULL ? a->spec->tls_name : s->host;
    memcpy(&a->addresses[i], address, size);
    a->endpoints[i] = (struct infra_elector_endpoint) {
        .address = (const struct sockaddr *)&a->addresses[i],
        .tls_name = a->spec->tls != NULL ? name : NULL,
        .address_size = size,
    };
    a->endpoints_count++;
    return true;
}

/* All addresses of a name: the server may listen on any. */
static bool look_up(struct lease_access *a, const struct lease_server *s)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    bool ok = true;

    if (s->address_size != 0) {
        return add_endpoint(a, s, (const struct sockaddr *)&s->address,
                            s->address_size);
    }
    int error = getaddrinfo(s->host, s->port, &hints, &found);
    if (error != 0) {
        return arguments_wrong("--lease etcd \"%s\": %s", s->host,
                               error == EAI_SYSTEM ? strerror(errno)
                                                   : gai_strerror(error));
    }
    for (const struct addrinfo *i = found; i != NULL && ok; i = i->ai_next) {
        ok = add_endpoint(a, s, i->ai_addr, i->ai_addrlen);
    }
    freeaddrinfo(found);
    return ok;
}

#ifdef LEASE_TLS
static bool is_readable(const char *option, const char *path)
{
    return path == NULL || access(path, R_OK) == 0 ||
           arguments_wrong("%s %s: %s", option, path, strerror(errno));
}

static bool open_tls(struct lease_access *a)
{
    const struct lease_spec *s = a->spec;

    if (s->tls == NULL) {
        return true;
    }
    if (!is_readable("--tls", s->tls) ||
        !is_readable("--tls-cert", s->tls_cert) ||
        !is_readable("--tls-key", s->tls_key)) {
        return false;
    }
    a->tls = tls_openssl_create(s->tls);
    if (a->tls == NULL) {
        return arguments_wrong("--tls %s: there is no certificate in it (PEM)",
                               s->tls);
    }
    if (s->tls_cert != NULL &&
        tls_openssl_identify(a->tls, s->tls_cert, s->tls_key) != 0) {
        return arguments_wrong("--tls-cert %s, --tls-key %s: not a certificate "
                               "and the key to it (PEM)",
                               s->tls_cert, s->tls_key);
    }
    a->functions = tls_openssl_functions(a->tls);
    return true;
}

void lease_access_close(struct lease_access *access)
{
    tls_openssl_destroy(access->tls);
}
#else
static bool open_tls(const struct lease_access *a)
{
    return a->spec->tls == NULL; /* Already refused, with the reason. */
}

void lease_access_close(struct lease_access *access)
{
    (void)access;
}
#endif

bool lease_access_open(struct lease_access *access,
                       const struct lease_spec *spec)
{
    *access = (struct lease_access) { .spec = spec };
    for (uint32_t i = 0; i < spec->servers_count; i++) {
        if (!look_up(access, &spec->servers[i])) {
            return false;
        }
    }
    return open_tls(access);
}

static bool open_file(struct lease_store *s, const struct lease_spec *spec,
                      const struct infra_failover_options *machine)
{
    char path[PATH_MAX];
    const struct infra_lease_file_options o = { .size = sizeof o,
                                                .path = path,
                                                .node = machine->node,
                                                .incarnation =
                                                    machine->incarnation,
                                                .ttl = machine->ttl };
    int size = snprintf(path, sizeof path, "%s%s%s", spec->path,
                        spec->has_groups ? "." : "",
                        spec->has_groups ? machine->group : "");

    if ((size_t)size >= sizeof path) {
        return arguments_wrong("--lease file:%s: %s", spec->path,
                               strerror(ENAMETOOLONG));
    }
    int err = infra_lease_file(&s->lease, &o);
    return err == INFRA_OK ||
           arguments_wrong("--lease file:%s: %s", path,
                           err == INFRA_EINVAL ? "is something else than a "
                                                 "lease"
                                               : arguments_why(err));
}

static bool open_etcd(struct lease_store *s, const struct lease_access *access,
                      const struct infra_failover_options *machine)
{
    const struct lease_spec *spec = access->spec;
    const struct infra_lease_etcd_options o = {
        .size = sizeof o,
        .group = machine->group,
        .node = machine->node,
        .user = spec->user,
        .password = spec->password,
        .incarnation = machine->incarnation,
        .ttl = machine->ttl,
        .endpoints_count = access->endpoints_count,
        .tls = spec->tls != NULL,
    };
    int err = infra_lease_etcd(&s->lease, &o);

    return err == INFRA_OK ||
           arguments_wrong("--lease etcd: %s", arguments_why(err));
}

bool lease_store_open(struct lease_store *store,
                      const struct lease_access *access,
                      struct infra_driver *driver,
                      const struct infra_failover_options *machine)
{
    struct infra_failover_options m = *machine;
    struct infra_elector_options o = {
        .size = sizeof o,
        .failover = &m,
        .endpoints = access->endpoints,
        .tls = access->tls != NULL ? &access->functions : NULL,
        .endpoints_count = access->endpoints_count,
    };

    *store = (struct lease_store) { .ttl = access->spec->ttl };
    m.node = access->spec->node;
    m.ttl = access->spec->ttl;
    if (!entropy_read(&m.incarnation)) {
        return false;
    }
    m.incarnation |= 1; /* Zero is none. */
    if (access->spec->path != NULL ? !open_file(store, access->spec, &m)
                                   : !open_etcd(store, access, &m)) {
        return false;
    }
    o.lease = store->lease;
    int err = infra_elector_create(&store->elector, driver, &o);
    if (err != INFRA_OK) {
        infra_lease_destroy(store->lease);
        return arguments_wrong("--lease or --ttl: %s", arguments_why(err));
    }
    return true;
}

void lease_store_close(struct lease_store *store)
{
    infra_elector_destroy(store->elector);
}

const char *lease_store_news(struct lease_store *store, uint32_t *ret_detail)
{
    struct infra_lease_status stats = { .size = sizeof stats };
    infra_time now = infra_driver_now();

    (void)infra_lease_inspect(store->lease, &stats);
    *ret_detail = stats.detail;
    if (stats.unknowns != store->unknowns) {
        uint32_t bit = 1u << stats.reason;
        bool is_new = (store->told & bit) == 0;
        store->unknowns = stats.unknowns;
        store->calls = stats.calls;
        store->failed_at = now;
        store->told |= bit;
        return is_new ? infra_lease_reason_name(stats.reason) : NULL;
    }
    if (store->told != 0 && now >= store->failed_at + store->ttl &&
        stats.calls > store->calls + 1) { /* The last may be out. */
        store->told = 0;
        *ret_detail = 0;
        return "answers";
    }
    return NULL;
}
