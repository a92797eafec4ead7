/* SPDX-License-Identifier: MIT */
/* The last decision as a sentence for a log. */
#include "session.h"

#include <stdarg.h>
#include <stdio.h>

/* A text that is built in a caller's buffer and cut at its end. */
struct sentence {
    char *at;
    size_t left;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *s,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(s->at, s->left, format, arguments);
    va_end(arguments);
    size_t length = n > 0 ? (size_t)n : 0;
    length = length < s->left ? length : s->left - 1;
    s->at += length;
    s->left -= length;
}

static void say_nodes(struct sentence *s, uint64_t nodes)
{
    const char *between = (nodes & (nodes - 1)) != 0 ? "nodes " : "node ";

    for (; nodes != 0; nodes &= nodes - 1) {
        say(s, "%s%u", between, first_of(nodes));
        between = ",";
    }
}

static void say_pins(struct sentence *s, uint32_t pins)
{
    const char *between = "; pins: ";

    for (; pins != 0; pins &= pins - 1) {
        say(s, "%s%s", between, infra_session_pin_name(pins & -pins));
        between = ",";
    }
}

int infra_session_explain(const struct infra_session *session, char *buffer,
                          size_t size)
{
    if (session == NULL || buffer == NULL || size == 0) {
        return INFRA_EINVAL;
    }
    const struct session *s = session_of_const(session);
    const struct infra_verdict *v = &s->last;
    struct sentence text = { buffer, size };

    say(&text, "%s: %s", infra_statement_kind_name(s->statement.kind),
        infra_verdict_kind_name(v->kind));
    if (v->nodes != 0) {
        say(&text, " to ");
        say_nodes(&text, v->nodes);
    }
    say(&text, " (%s; statement: %s", infra_verdict_reason_name(v->reason),
        infra_statement_reason_name(s->statement.reason));
    say_pins(&text, v->pins);
    if (s->serving != 0) {
        say(&text, "; serving: ");
        say_nodes(&text, s->serving);
    }
    say(&text, ")");
    return (int)(size - text.left);
}
