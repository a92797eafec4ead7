/* SPDX-License-Identifier: MIT */
#include "pair_admin.h"

#include "../common/admin_page.h"

#include <infra/infra.h>
#include <stdio.h>
#include <string.h>

static void print_value(struct page *page, const char *label, uint64_t number)
{
    page_print(page, ",[\"%s\",\"%llu\",0]", label, (unsigned long long)number);
}

static void print_group(struct page *page, const struct pair_admin *a,
                        uint32_t number, infra_time now)
{
    const struct pair_role *role = a->roles[number];
    struct pair_view v;
    char why[200];

    a->kind->inspect(role, &v);
    (void)snprintf(why, sizeof why, "%s, for %llu s%s%s", v.reason,
                   (unsigned long long)((now - v.since) / INFRA_SEC(1)),
                   role->is_fit ? "" : "; this node is not fit to serve",
                   role->is_linked ? "" : "; its interface is down");
    page_add(page, "{\"name\":");
    page_json(page, role->service.group->name);
    page_add(page, ",\"state\":");
    page_json(page, v.state);
    page_print(page, ",\"level\":\"%s\",\"why\":",
               role->service.is_wanted ? "good"
               : role->is_fit          ? "idle"
                                       : "bad");
    page_json(page, why);
    page_add(page, ",\"values\":[[\"addresses\",");
    page_json(page, role->service.group->addresses_text);
    page_add(page, ",0]");
    print_value(page, "token", role->service.token);
    print_value(page, "activations", v.activations);
    if (v.valid_until > now) {
        page_print(page, ",[\"lease holds for\",\"%.1f s\",0]",
                   (double)(v.valid_until - now) / 1e9);
    }
    page_add(page, "]}");
}

static void print_status(struct page *page, const struct pair_admin *a)
{
    infra_time now = infra_driver_now();
    uint32_t version = infra_version();

    page_print(page,
               "{\"program\":\"lb_pair\",\"version\":\"%u.%u.%u\","
               "\"uptime\":%.3f,\"may_write\":false,\"facts\":[[\"node\",",
               (unsigned)(version >> 16), (unsigned)(version >> 8 & 0xff),
               (unsigned)(version & 0xff), (double)(now - a->started) / 1e9);
    page_json(page, a->options->lease.node);
    page_add(page, ",0],[\"command\",");
    page_json(page, a->options->command[0]);
    page_add(page, ",0]],\"groups\":[{\"title\":\"Groups\",\"rows\":[");
    for (uint32_t i = 0; i < a->options->groups_count; i++) {
        page_add(page, i > 0 ? "," : "");
        print_group(page, a, i, now);
    }
    page_add(page, "]}],\"events\":[]}\n");
}

static void print_metrics(struct page *page, const struct pair_admin *a,
                          uint32_t format)
{
    char piece[4096];
    size_t size;

    for (uint32_t i = 0; i < a->options->groups_count; i++) {
        const struct pair_role *role = a->roles[i];
        struct pair_view v;
        a->kind->inspect(role, &v);
        (void)infra_metrics_set(a->metrics, a->serves[i],
                                role->service.is_wanted);
        if (v.failover.size != 0) {
            (void)infra_collect_failover(a->collect, role->service.group->name,
                                         &v.failover);
        }
    }
    (void)infra_metrics_text_begin(a->text, format);
    while ((size = infra_metrics_text_read(a->text, piece, sizeof piece)) > 0) {
        page_bytes(page, piece, size);
    }
}

static void answer(void *user, const struct admin_request *request,
                   struct admin_reply *reply)
{
    const struct pair_admin *a = user;
    uint32_t format = request->wants_openmetrics
                          ? INFRA_METRICS_FORMAT_OPENMETRICS
                          : INFRA_METRICS_FORMAT_PROMETHEUS;

    if (request->method == ADMIN_POST) {
        reply->status = 405;
    } else if (strcmp(request->path, "/metrics") == 0) {
        reply->type = infra_metrics_content_type(format);
        print_metrics(&reply->body, a, format);
    } else if (strcmp(request->path, "/status.json") == 0) {
        reply->type = "application/json";
        print_status(&reply->body, a);
    } else if (strcmp(request->path, "/status") == 0) {
        reply->type = "text/html; charset=utf-8";
        admin_page(&reply->body);
    } else if (strcmp(request->path, "/healthz") == 0) {
        page_add(&reply->body, "ok\n");
    } else {
        reply->status = 404;
    }
}

static int add_series(struct pair_admin *a)
{
    static const char *const labels[] = { "group", "node" };
    const struct infra_metrics_family f = {
        .size = sizeof f,
        .name = "infra_pair_serves",
        .help = "1: this node serves the group.",
        .kind = INFRA_METRICS_KIND_GAUGE,
        .labels = labels,
        .labels_count = 2,
    };
    uint32_t family;
    int err = infra_metrics_family_add(a->metrics, &f, &family);

    for (uint32_t i = 0; i < a->options->groups_count && err == INFRA_OK; i++) {
        const char *values[] = { a->options->groups[i].name,
                                 a->options->lease.node };
        err =
            infra_metrics_series_add(a->metrics, family, values, &a->serves[i]);
    }
    return err;
}

bool pair_admin_open(struct pair_admin *a, const struct pair_options *options,
                     const struct pair_role_kind *kind,
                     struct pair_role *const *roles)
{
    const struct admin_options o = {
        .address = (const struct sockaddr *)&options->admin,
        .address_size = options->admin_size,
        .answer = answer,
        .user = a,
    };

    a->options = options;
    a->kind = kind;
    a->roles = roles;
    a->started = infra_driver_now();
    if (options->admin_size == 0) {
        return true;
    }
    int err = infra_metrics_create(&a->metrics, NULL);
    err = err != INFRA_OK ? err : add_series(a);
    err =
        err != INFRA_OK ? err : infra_metrics_text_create(&a->text, a->metrics);
    err = err != INFRA_OK
              ? err
              : infra_collect_create(&a->collect, a->metrics, "infra", NULL);
    if (err != INFRA_OK) {
        pair_say("metrics: %s", infra_strerror(err));
        return false;
    }
    int error = admin_create(&a->admin, &o);
    if (error != 0) {
        pair_say("--admin: %s", strerror(error));
    }
    return error == 0;
}

void pair_admin_close(struct pair_admin *a)
{
    admin_destroy(a->admin);
    infra_collect_destroy(a->collect);
    infra_metrics_text_destroy(a->text);
    infra_metrics_destroy(a->metrics);
}

int pair_admin_fd(const struct pair_admin *a)
{
    return a->admin != NULL ? admin_fd(a->admin) : -1;
}

infra_time pair_admin_deadline(const struct pair_admin *a)
{
    return a->admin != NULL ? admin_deadline(a->admin) : INFRA_TIME_NEVER;
}

void pair_admin_turn(struct pair_admin *a, infra_time now)
{
    if (a->admin != NULL) {
        admin_step(a->admin, now);
    }
}
