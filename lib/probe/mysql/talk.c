/* SPDX-License-Identifier: MIT */
/* The conversation with MySQL: greeting, TLS if wanted, login, questions, and a
 * farewell, so that the server counts no broken connection. */
#include "mysql.h"

#include "../../base/internal.h"
#include "../../base/printable.h"

#include <assert.h>
#include <string.h>

#define COMMAND_QUIT 0x01u
#define COMMAND_QUERY 0x03u

/* Send a packet after what is still to be sent. The caller fills it. */
static unsigned char *say(struct infra__mysql *m, uint32_t size)
{
    unsigned char *packet = m->output + m->output_size;
    size_t unsent = m->probe.output_size;

    assert(size + INFRA__MYSQL_HEADER_SIZE <=
           INFRA__MYSQL_OUTPUT_MAX - m->output_size);
    infra__mysql_packets_header(&m->packets, packet, size);
    m->output_size += INFRA__MYSQL_HEADER_SIZE + size;
    infra__probe_send(&m->probe, packet - unsent,
                      unsent + INFRA__MYSQL_HEADER_SIZE + size);
    return packet + INFRA__MYSQL_HEADER_SIZE;
}

/* Commands begin a sequence. */
static unsigned char *say_command(struct infra__mysql *m, uint32_t size)
{
    m->packets.sequence = 0;
    return say(m, size);
}

static void leave(struct infra__mysql *m, uint32_t reason)
{
    *say_command(m, 1) = COMMAND_QUIT;
    infra__probe_leave(&m->probe, reason);
}

static uint32_t judge_role(const struct infra__mysql *m)
{
    const struct infra_probe_result *r = &m->probe.result;
    infra_time lag_max = m->limits.lag_max;

    if (m->limits.expect == INFRA_PROBE_ROLE_PRIMARY &&
        (r->has & INFRA_PROBE_HAS_WRITABLE) == 0) {
        return INFRA_PROBE_REASON_BAD_REPLY;
    }
    uint32_t reason = infra__database_judge_role(&m->limits, r);
    if (reason != INFRA_PROBE_REASON_PASSED || lag_max == 0 ||
        r->role != INFRA_PROBE_ROLE_REPLICA) {
        return reason;
    }
    if (m->status.is_stopped || (r->has & INFRA_PROBE_HAS_LAG) == 0) {
        return INFRA_PROBE_REASON_NOT_REPLICATING;
    }
    return r->lag > lag_max ? INFRA_PROBE_REASON_LAGGING
                            : INFRA_PROBE_REASON_PASSED;
}

/* @error: the reason of the error to the host's question, or PASSED. */
static uint32_t judge(const struct infra__mysql *m, uint32_t error)
{
    uint32_t reason = judge_role(m);

    return reason == INFRA_PROBE_REASON_PASSED
               ? infra__database_judge_answer(&m->limits, &m->probe.result,
                                              error)
               : reason;
}

static void ask(struct infra__mysql *m, enum infra__mysql_question question)
{
    const char *text = infra__mysql_status_ask(&m->status, question);
    text = text != NULL ? text : m->question;
    size_t size = strlen(text);
    unsigned char *p = say_command(m, (uint32_t)size + 1);

    p[0] = COMMAND_QUERY;
    memcpy(p + 1, text, size);
    m->step = INFRA__MYSQL_ANSWER;
}

static void ask_next(struct infra__mysql *m)
{
    uint32_t next = m->status.question + 1u;

    while (next < INFRA__MYSQL_QUESTIONS && !m->asks[next]) {
        next++;
    }
    if (next < INFRA__MYSQL_QUESTIONS) {
        ask(m, (enum infra__mysql_question)next);
    } else {
        leave(m, judge(m, INFRA_PROBE_REASON_PASSED));
    }
}

/* The login failed. For the anonymous user that is usual, and it shows that the
 * server is alive. */
static void take_refusal(struct infra__mysql *m, uint32_t reason)
{
    if (!m->has_user && (reason == INFRA_PROBE_REASON_LOGIN_REFUSED ||
                         reason == INFRA_PROBE_REASON_LOGIN_UNKNOWN)) {
        m->message[0] = '\0';
        m->probe.result.status = 0;
        reason = INFRA_PROBE_REASON_PASSED;
    }
    infra__probe_finish(&m->probe, reason);
}

/* Is the server out of service? The host's question may be refused
 * otherwise. */
static bool is_fatal(const struct infra__mysql *m, uint32_t reason)
{
    return m->status.question == INFRA__MYSQL_ASK_HOST
               ? reason == INFRA_PROBE_REASON_STARTING ||
                     reason == INFRA_PROBE_REASON_STOPPING
               : reason != INFRA_PROBE_REASON_SERVER_ERROR;
}

/* A question was answered by an error. It counts if the server is out of
 * service or if the answer is needed. */
static void take_question_error(struct infra__mysql *m, uint32_t reason)
{
    uint32_t question = m->status.question == INFRA__MYSQL_ASK_REPLICATION_OLD
                            ? INFRA__MYSQL_ASK_REPLICATION
                            : m->status.question;

    if (is_fatal(m, reason)) {
        infra__probe_finish(&m->probe, reason);
    } else if (question == INFRA__MYSQL_ASK_HOST) {
        leave(m, judge(m, reason));
    } else if (m->needs[question]) {
        leave(m, reason);
    } else {
        ask_next(m);
    }
}

static void take_error(struct infra__mysql *m)
{
    uint32_t number = infra__mysql_error_read(m->head, m->head_size, m->message,
                                              sizeof m->message);
    uint32_t reason = infra__mysql_error_reason(number);

    if (number == 0) {
        infra__probe_finish(&m->probe, INFRA_PROBE_REASON_BAD_REPLY);
        return;
    }
    if (number == INFRA__MYSQL_SYNTAX_ERROR &&
        m->status.question == INFRA__MYSQL_ASK_REPLICATION) {
        m->message[0] = '\0';
        ask(m, INFRA__MYSQL_ASK_REPLICATION_OLD);
        return;
    }
    m->probe.result.status = number;
    if (m->step == INFRA__MYSQL_ANSWER) {
        take_question_error(m, reason);
    } else if (m->step == INFRA__MYSQL_LOGIN) {
        take_refusal(m, reason);
    } else {
        infra__probe_finish(&m->probe, reason);
    }
}

/* The check has failed. Go on until the server refuses the login: it counts a
 * login that is broken off against this host, and blocks the host in the
 * end. */
static void lose(struct infra__mysql *m, uint32_t reason)
{
    m->is_lost = true;
    m->reason = reason;
}

void infra__mysql_log_in(struct infra__mysql *m)
{
    const bool is_user = m->has_user && !m->is_lost; /* Else nobody. */
    const char *method = infra__mysql_methods[m->greeting.method].name;
    const char *password = is_user ? m->password : NULL;
    unsigned char login[INFRA__MYSQL_LOGIN_MAX];
    unsigned char answer[INFRA_LOGIN_MESSAGE_MAX];
    size_t size;

    m->login.keys = is_user ? m->keys : (struct infra_login_mysql_keys) { 0 };
    infra__mysql_login_client(&m->login, password,
                              password != NULL ? strlen(password) : 0, m->tls);
    (void)infra__mysql_login_first(&m->login, method, strlen(method),
                                   m->greeting.challenge,
                                   sizeof m->greeting.challenge, answer, &size);
    size = infra__mysql_login(&m->greeting, is_user ? m->name : "",
                              m->login.method, answer, size,
                              m->tls && !m->is_lost, login);
    memcpy(say(m, (uint32_t)size), login, size);
    m->step = INFRA__MYSQL_LOGIN;
}

static void take_greeting(struct infra__mysql *m)
{
    if (!infra__mysql_greeting_read(&m->greeting, m->head, m->head_size)) {
        infra__probe_finish(&m->probe, INFRA_PROBE_REASON_BAD_REPLY);
    } else if (m->greeting.is_too_old) {
        take_refusal(m, INFRA_PROBE_REASON_LOGIN_UNKNOWN);
    } else if (!m->tls) {
        infra__mysql_log_in(m);
    } else if (m->greeting.has_tls) {
        infra__mysql_tls_request(&m->greeting,
                                 say(m, INFRA__MYSQL_TLS_REQUEST_SIZE));
        m->step = INFRA__MYSQL_TLS;
    } else { /* The user's name is not sent in clear. */
        lose(m, INFRA_PROBE_REASON_TLS);
        infra__mysql_log_in(m);
    }
}

static void set_message(struct infra__mysql *m, const char *text)
{
    /* After another failure it would name the wrong one. */
    text = m->is_lost ? "" : text;
    infra__copy_printable(m->message, sizeof m->message,
                          (const unsigned char *)text, strlen(text));
}

/* There is no answer. Send one that the server refuses. */
static void give_up(struct infra__mysql *m, uint32_t reason)
{
    if (!m->is_lost && m->has_user) {
        lose(m, reason);
    }
    m->is_given_up = true;
    memset(say(m, INFRA__MYSQL_NO_ANSWER_SIZE), 0, INFRA__MYSQL_NO_ANSWER_SIZE);
}

/* The login cannot go on. */
static void take_login_flaw(struct infra__mysql *m)
{
    switch (m->login.reason) {
    case INFRA_LOGIN_REASON_UNKNOWN_METHOD:
        set_message(m, m->login.asked);
        give_up(m, INFRA_PROBE_REASON_LOGIN_UNKNOWN);
        break;
    case INFRA_LOGIN_REASON_NEEDS_TLS:
        set_message(m, "caching_sha2_password: the server does not have the "
                       "password in its cache, and asks for the password "
                       "itself, which is sent over TLS only");
        give_up(m, INFRA_PROBE_REASON_LOGIN_NEEDS_TLS);
        break;
    case INFRA_LOGIN_REASON_NEEDS_PASSWORD: /* And the user has none. */
        set_message(m, m->login.asked);
        take_refusal(m, INFRA_PROBE_REASON_LOGIN_UNKNOWN);
        break;
    default:
        set_message(m, m->login.asked);
        infra__probe_finish(&m->probe, INFRA_PROBE_REASON_BAD_REPLY);
        break;
    }
}

static void take_login_end(struct infra__mysql *m)
{
    if (m->is_lost) {
        leave(m, m->reason);
    } else {
        m->message[0] = '\0';
        ask_next(m);
    }
}

/* After the answer that is none. */
static void take_last_word(struct infra__mysql *m)
{
    if (m->head[0] == INFRA__MYSQL_OK) {
        take_login_end(m);
    } else if (m->is_lost) {
        infra__probe_finish(&m->probe, m->reason);
    } else {
        take_refusal(m, INFRA_PROBE_REASON_LOGIN_UNKNOWN);
    }
}

static void take_login_reply(struct infra__mysql *m)
{
    unsigned char answer[INFRA_LOGIN_MESSAGE_MAX];
    size_t size;

    if (m->is_given_up) {
        take_last_word(m);
        return;
    }
    switch (infra__mysql_login_next(&m->login, m->head, m->head_size, answer,
                                    &size)) {
    case INFRA_LOGIN_STEP_WAIT:
        break;
    case INFRA_LOGIN_STEP_SEND:
        memcpy(say(m, (uint32_t)size), answer, size);
        break;
    case INFRA_LOGIN_STEP_DONE:
        take_login_end(m);
        break;
    default:
        if (m->is_lost &&
            m->login.reason != INFRA_LOGIN_REASON_UNKNOWN_METHOD) {
            infra__probe_finish(&m->probe, m->reason);
        } else {
            take_login_flaw(m);
        }
        break;
    }
}

static void take_packet(struct infra__mysql *m)
{
    if (m->head[0] == INFRA__MYSQL_ERROR && !m->is_lost) {
        take_error(m);
    } else if (m->step == INFRA__MYSQL_GREETING) {
        take_greeting(m);
    } else if (m->step == INFRA__MYSQL_LOGIN) {
        take_login_reply(m);
    }
}

static void take_answer_byte(struct infra__mysql *m, unsigned char c)
{
    enum infra__mysql_rows_event event = infra__mysql_status_byte(
        &m->status, c, m->packets.size, m->packets.left);

    if (event == INFRA__MYSQL_ROWS_BAD) {
        infra__probe_finish(&m->probe, INFRA_PROBE_REASON_BAD_REPLY);
    } else if (event == INFRA__MYSQL_ROWS_END) {
        infra__mysql_status_tell(&m->status, &m->probe.result);
        ask_next(m);
    }
}

void infra__mysql_hear(struct infra__mysql *m, unsigned char c)
{
    enum infra__mysql_packets_event event =
        infra__mysql_packets_byte(&m->packets, c);

    if (event == INFRA__MYSQL_HEADER) {
        m->head_size = 0;
        return;
    }
    if (event == INFRA__MYSQL_BAD) {
        infra__probe_finish(&m->probe, m->packets.reason);
        return;
    }
    if (m->head_size < INFRA__MYSQL_HEAD_MAX) {
        m->head[m->head_size++] = c;
    }
    if (m->step == INFRA__MYSQL_ANSWER && m->head[0] != INFRA__MYSQL_ERROR) {
        take_answer_byte(m, c);
    } else if (event == INFRA__MYSQL_LAST) {
        take_packet(m);
    }
}
