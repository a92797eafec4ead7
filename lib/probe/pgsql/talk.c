/* SPDX-License-Identifier: MIT */
/* The conversation with PostgreSQL: TLS, the login, until the server is ready;
 * questions, each of which ends with the server ready again, also after an
 * error; a farewell. */
#include "pgsql.h"

#include "../../base/printable.h"

#include <string.h>

static void say(struct infra__pgsql *p, enum infra__pgsql_state state,
                const void *bytes, size_t size)
{
    p->state = (uint8_t)state;
    infra__probe_send(&p->probe, bytes, size);
}

void infra__pgsql_introduce(struct infra__pgsql *p)
{
    say(p, INFRA__PGSQL_LOGIN, p->startup.at, p->startup.size);
}

void infra__pgsql_start(struct infra__pgsql *p)
{
    static const char tls_request[] = {
        0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f
    };

    p->messages = (struct infra__pgsql_messages) { 0 };
    infra__pgsql_login_start(&p->login);
    p->login.is_clear_allowed = p->is_clear_allowed;
    p->reason = INFRA_PROBE_REASON_PASSED;
    p->has_columns = p->has_row = p->is_complete = false;
    if (p->wants_tls) {
        say(p, INFRA__PGSQL_TLS, tls_request, sizeof tls_request);
    } else {
        infra__pgsql_introduce(p);
    }
}

static void leave(struct infra__pgsql *p, uint32_t reason)
{
    static const char terminate[] = { 'X', 0, 0, 0, 4 };

    infra__probe_send(&p->probe, terminate, sizeof terminate);
    infra__probe_leave(&p->probe, reason);
}

static void set_message(struct infra__pgsql *p, const char *text)
{
    infra__copy_printable(p->message, sizeof p->message,
                          (const unsigned char *)text, strlen(text));
}

static void fail(struct infra__pgsql *p, uint32_t reason, const char *text)
{
    set_message(p, text);
    infra__probe_finish(&p->probe, reason);
}

/* End before the login: there the protocol has no farewell, and the server
 * accepts a close but logs a reset. */
static void break_off(struct infra__pgsql *p, uint32_t reason, const char *text)
{
    set_message(p, text);
    infra__probe_close(&p->probe, reason);
}

/* The byte that answers the request for TLS. */
static void handle_tls_answer(struct infra__pgsql *p,
                              const unsigned char *bytes, size_t count)
{
    switch (bytes[0]) {
    case 'S':
        if (count > 1) {
            /* Injected in clear by a party in between, to pass for the
             * server's words inside TLS (CVE-2021-23222). */
            fail(p, INFRA_PROBE_REASON_TLS,
                 "bytes in clear before the handshake");
        } else {
            infra__probe_upgrade(&p->probe);
        }
        break;
    case 'N':
        break_off(p, INFRA_PROBE_REASON_TLS, "the server has no TLS");
        break;
    case 'E': /* Its text may be forged (CVE-2024-10977). */
        fail(p, INFRA_PROBE_REASON_SERVER_ERROR, "an error in place of TLS");
        break;
    default:
        fail(p, INFRA_PROBE_REASON_WRONG_PROTOCOL, "");
        break;
    }
}

static void handle_login(struct infra__pgsql *p)
{
    const struct infra__pgsql_messages *m = &p->messages;

    if (!p->wants_login && infra__pgsql_login_is_asked(m)) {
        break_off(p, INFRA_PROBE_REASON_PASSED, "");
        return;
    }
    switch (infra__pgsql_login_next(&p->login, m)) {
    case INFRA__PGSQL_LOGIN_WAIT:
        break;
    case INFRA__PGSQL_LOGIN_ANSWER:
        say(p, INFRA__PGSQL_LOGIN, p->login.answer, p->login.answer_size);
        break;
    case INFRA__PGSQL_LOGIN_DONE:
        p->state = INFRA__PGSQL_SETTLING;
        break;
    case INFRA__PGSQL_LOGIN_FAILED:
        break_off(p, p->login.reason, p->login.text);
        break;
    }
}

/* The version is one of the parameters that the server reports: name and value,
 * each with its zero. */
static void handle_parameter(struct infra__pgsql *p)
{
    static const char name[] = "server_version";
    const struct infra__pgsql_messages *m = &p->messages;
    const unsigned char *value = m->body + sizeof name;

    if (m->size > sizeof name && memcmp(m->body, name, sizeof name) == 0) {
        infra__copy_printable(
            p->version, sizeof p->version, value,
            strnlen((const char *)value, m->size - sizeof name));
    }
}

/* Ask the host's question, or leave. */
static void ask_for_host(struct infra__pgsql *p, uint32_t verdict)
{
    if (p->question.size == 0) {
        leave(p, verdict);
        return;
    }
    p->verdict = verdict;
    p->answer = (struct infra__pgsql_answer) { 0 };
    say(p, INFRA__PGSQL_ASKING_FOR_HOST, p->question.at, p->question.size);
}

static void tell_host(struct infra__pgsql *p)
{
    if (p->answer.has_number) {
        p->probe.result.has |= INFRA_PROBE_HAS_ANSWER;
        p->probe.result.answer = p->answer.number;
    }
    leave(p, p->verdict == INFRA_PROBE_REASON_PASSED
                 ? infra__database_judge_answer(&p->limits, &p->probe.result,
                                                p->answer.error)
                 : p->verdict);
}

/* The answer is complete, or an error came in its place. */
static void judge_answer(struct infra__pgsql *p)
{
    struct infra_probe_result *result = &p->probe.result;

    if (p->reason != INFRA_PROBE_REASON_PASSED) {
        leave(p, p->reason);
    } else if (!p->has_row || !p->is_complete) {
        fail(p, INFRA_PROBE_REASON_BAD_REPLY, "");
    } else {
        infra__pgsql_row_tell(&p->row, &p->memory, p->probe.now, result);
        ask_for_host(p, infra__pgsql_row_judge(&p->row, result, &p->limits));
    }
}

static void handle_ready(struct infra__pgsql *p)
{
    const void *question;

    if (p->state == INFRA__PGSQL_ASKING) {
        judge_answer(p);
    } else if (p->state == INFRA__PGSQL_ASKING_FOR_HOST) {
        tell_host(p);
    } else if (p->asks) {
        size_t size = infra__pgsql_question(&question);
        say(p, INFRA__PGSQL_ASKING, question, size);
    } else {
        ask_for_host(p, INFRA_PROBE_REASON_PASSED);
    }
}

static bool is_asking(const struct infra__pgsql *p)
{
    return p->state == INFRA__PGSQL_ASKING ||
           p->state == INFRA__PGSQL_ASKING_FOR_HOST;
}

static void handle_error(struct infra__pgsql *p)
{
    struct infra__pgsql_error e =
        infra__pgsql_error_read(&p->messages, p->message);

    if (e.is_final || !is_asking(p)) {
        infra__probe_finish(&p->probe, e.reason);
    } else if (p->state == INFRA__PGSQL_ASKING) { /* READY follows. */
        p->reason = e.reason;
    } else {
        p->answer.has_number = false;
        p->answer.error = e.reason;
    }
}

/* May this part of an answer come now? */
static bool handle_answer(struct infra__pgsql *p)
{
    const struct infra__pgsql_messages *m = &p->messages;

    if (p->state != INFRA__PGSQL_ASKING ||
        p->reason != INFRA_PROBE_REASON_PASSED) {
        return false;
    }
    switch (m->type) {
    case 'T':
        p->has_columns = !p->has_columns && infra__pgsql_columns_are_ours(m);
        return p->has_columns;
    case 'D':
        p->has_row =
            p->has_columns && !p->has_row && infra__pgsql_row_read(&p->row, m);
        return p->has_row;
    default:
        p->is_complete = p->has_row && !p->is_complete;
        return p->is_complete;
    }
}

/* The host's question may have no rows, or several. */
static bool handle_answer_for_host(struct infra__pgsql *p)
{
    switch (p->messages.type) {
    case 'T':
        p->answer.has_columns = true;
        return true;
    case 'D':
        infra__pgsql_answer_row(&p->answer, &p->messages);
        return p->answer.has_columns;
    default:
        return true;
    }
}

static bool is_inside(const struct infra__pgsql *p)
{
    return p->state == INFRA__PGSQL_SETTLING || is_asking(p);
}

/* False: the protocol forbids it here. */
static bool handle_message(struct infra__pgsql *p)
{
    switch (p->messages.type) {
    case 'E':
        handle_error(p);
        return true;
    case 'R': /* authentication */
        if (p->state != INFRA__PGSQL_LOGIN) {
            return false;
        }
        handle_login(p);
        return true;
    case 'S': /* parameter */
        if (!is_inside(p)) {
            return false;
        }
        handle_parameter(p);
        return true;
    case 'K': /* cancellation key */
        return p->state == INFRA__PGSQL_SETTLING;
    case 'N': /* notice */
        return true;
    case 'A': /* notification */
        return is_inside(p);
    case 'Z': /* ready */
        if (!is_inside(p)) {
            return false;
        }
        handle_ready(p);
        return true;
    case 'I': /* complete, for an empty query */
        return p->state == INFRA__PGSQL_ASKING_FOR_HOST;
    case 'T': /* columns */
    case 'D': /* row */
    case 'C': /* complete */
        return p->state == INFRA__PGSQL_ASKING_FOR_HOST
                   ? handle_answer_for_host(p)
                   : handle_answer(p);
    default:
        return false;
    }
}

void infra__pgsql_hear(struct infra__pgsql *p, const void *bytes, size_t count)
{
    struct infra__pgsql_input in = { .at = bytes, .count = count };

    if (p->state == INFRA__PGSQL_TLS) {
        handle_tls_answer(p, bytes, count);
        return;
    }
    while (p->probe.want == INFRA_WANT_IO && !p->probe.is_leaving) {
        switch (infra__pgsql_messages_next(&p->messages, &in)) {
        case INFRA__PGSQL_MORE:
            return;
        case INFRA__PGSQL_MESSAGE:
            if (!handle_message(p)) {
                fail(p, INFRA_PROBE_REASON_BAD_REPLY, "");
            }
            break;
        case INFRA__PGSQL_BAD:
            fail(p, p->messages.reason, "");
            break;
        }
    }
}
