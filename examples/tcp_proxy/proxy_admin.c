/* SPDX-License-Identifier: MIT */
/* The answers of the admin listener. */
#include "proxy_admin.h"
#include "proxy.h"

#include "../common/admin_page.h"
#include "../common/arguments.h"
#include "../common/log.h"

#include <string.h>

#define PIECE 65536u

static const char json[] = "application/json";

static void answer_metrics(struct proxy *proxy, bool open, struct page *page,
                           const char **type)
{
    static char piece[PIECE];
    uint32_t format = open ? INFRA_METRICS_FORMAT_OPENMETRICS
                           : INFRA_METRICS_FORMAT_PROMETHEUS;
    size_t size;

    proxy_admin_collect(proxy);
    (void)infra_metrics_text_begin(proxy->text, format);
    while ((size = infra_metrics_text_read(proxy->text, piece, sizeof piece)) >
           0) {
        page_bytes(page, piece, size);
    }
    *type = infra_metrics_content_type(format);
}

static int find(const struct proxy *proxy, const char *name, uint32_t *ret)
{
    uint32_t id = 0;

    while (id < proxy->options.backends_count &&
           strcmp(proxy->names[id], name) != 0) {
        id++;
    }
    *ret = id;
    return id < proxy->options.backends_count ? 200 : 404;
}

static int mark_weight(struct proxy *proxy, uint32_t id,
                       const struct admin_request *request)
{
    char text[ADMIN_PATH_MAX + 1];
    const char *at = text;
    uint32_t weight;

    if (!admin_request_value(request, "weight", text) ||
        !read_number(&at, &weight) || *at != '\0' ||
        infra_balancer_set_weight(proxy->balancer, id, weight) != INFRA_OK) {
        return 400;
    }
    log_line("backend %s: the operator sets weight %u", proxy->names[id],
             (unsigned)weight);
    history_note(&proxy->history, id, INFRA_BALANCER_AXIS_ADMIN,
                 "the operator set weight %u", (unsigned)weight);
    return 200;
}

/* POST /mark?name=BACKEND&to=up|drain|down|weight */
static int mark(struct proxy *proxy, const struct admin_request *request)
{
    static const struct {
        const char *word;
        uint32_t state;
    } words[] = {
        { "up", INFRA_BALANCER_STATE_UP },
        { "drain", INFRA_BALANCER_STATE_DRAINING },
        { "down", INFRA_BALANCER_STATE_DOWN },
    };
    char name[ADMIN_PATH_MAX + 1], to[ADMIN_PATH_MAX + 1];
    uint32_t id;

    if (request->method != ADMIN_POST) {
        return 405;
    }
    if (!proxy->options.admin_writes) {
        return 403;
    }
    if (!admin_request_value(request, "name", name) ||
        !admin_request_value(request, "to", to)) {
        return 400;
    }
    int status = find(proxy, name, &id);
    if (status != 200 || strcmp(to, "weight") == 0) {
        return status != 200 ? status : mark_weight(proxy, id, request);
    }
    status = 400;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(to, words[i].word) == 0 &&
            infra_balancer_mark(proxy->balancer, id, INFRA_BALANCER_AXIS_ADMIN,
                                words[i].state) == INFRA_OK) {
            log_line("backend %s: the operator marks it %s", name, to);
            history_note(&proxy->history, id, INFRA_BALANCER_AXIS_ADMIN,
                         "the operator marked it %s", to);
            status = 200;
        }
    }
    return status;
}

static void answer(void *user, const struct admin_request *request,
                   struct admin_reply *reply)
{
    struct proxy *proxy = user;
    const char *path = request->path;

    if (strcmp(path, "/mark") == 0) {
        reply->status = mark(proxy, request);
    } else if (request->method == ADMIN_POST) {
        reply->status = 405;
    } else if (strcmp(path, "/metrics") == 0) {
        answer_metrics(proxy, request->wants_openmetrics, &reply->body,
                       &reply->type);
    } else if (strcmp(path, "/healthz") == 0) {
        bool is_well = proxy->up_count > 0;
        reply->status = is_well ? 200 : 503;
        page_add(&reply->body, is_well ? "ok\n" : "no backend is up\n");
    } else if (strcmp(path, "/status.json") == 0) {
        reply->type = json;
        proxy_admin_status(proxy, &reply->body);
    } else if (strcmp(path, "/status") == 0) {
        reply->type = "text/html; charset=utf-8";
        admin_page(&reply->body);
    } else if (strcmp(path, "/") == 0) {
        page_add(&reply->body, "/status /status.json /metrics /healthz\n");
    } else {
        reply->status = 404;
    }
}

bool proxy_admin_listen(struct proxy *proxy)
{
    const struct admin_options o = {
        .address = (const struct sockaddr *)&proxy->options.admin.storage,
        .address_size = proxy->options.admin.size,
        .answer = answer,
        .user = proxy,
    };

    if (o.address_size == 0) {
        return true;
    }
    int error = admin_create(&proxy->admin, &o);
    if (error != 0) {
        log_line("--admin: %s", strerror(error));
        return false;
    }
    log_line("operator: port %u", (unsigned)admin_port(proxy->admin));
    return true;
}
