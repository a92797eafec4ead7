/* SPDX-License-Identifier: MIT */
/* The bytes of a connection, in the clear or through a session of the host's
 * TLS library: both give the runner an enum infra_tls_answer. A session belongs
 * to one connection and ends with it; the job owns the descriptor. */
#include "internal.h"

#include <assert.h>
#include <errno.h>

INFRA__NO_TAIL_PADDING(struct infra_tls, close);

static const char *const answers[] = {
    [-INFRA_TLS_WANT_READ] = "want read",
    [-INFRA_TLS_WANT_WRITE] = "want write",
    [-INFRA_TLS_CLOSED] = "closed",
    [-INFRA_TLS_TRUNCATED] = "truncated",
    [-INFRA_TLS_ERROR] = "error",
};

const char *infra_tls_answer_name(long answer)
{
    bool is_known = answer < 0 && answer >= INFRA_TLS_ERROR;

    return is_known ? answers[-answer] : "unknown";
}

int infra__tls_import(struct infra_tls *ret, const struct infra_tls *from)
{
    struct infra_tls t = { .size = sizeof t };
    int err = infra__options_import(&t, sizeof t, from, sizeof t);

    if (err != INFRA_OK) {
        return err;
    }
    if (from != NULL &&
        (t.open == NULL || t.handshake == NULL || t.read == NULL ||
         t.write == NULL || t.close == NULL)) {
        return INFRA_EINVAL;
    }
    *ret = t;
    return INFRA_OK;
}

static long failed(uint32_t outcome, uint32_t *ret)
{
    *ret = outcome;
    return INFRA_TLS_ERROR;
}

/* The answer of a system call that moved no bytes. */
static long answer_errno(long later, uint32_t *ret)
{
    if (errno == EAGAIN || errno == EINTR) {
        return later; /* After a signal epoll reports it ready at once. */
    }
    return failed(infra_outcome_of_errno(errno), ret);
}

/* A session's answer if it makes sense: 1 to @size bytes, or an enum
 * infra_tls_answer; else ERROR. */
static long checked(long answer, size_t size, uint32_t *ret)
{
    if (answer > 0 && (size_t)answer <= size) {
        return answer;
    }
    if (answer < 0 && answer > INFRA_TLS_ERROR) {
        return answer;
    }
    return failed(INFRA_OUTCOME_ERROR, ret);
}

long infra__stream_read(const struct infra__job *job, void *bytes, size_t size,
                        uint32_t *ret)
{
    if (job->session != NULL) {
        return checked(job->tls->read(job->session, bytes, size), size, ret);
    }
    ssize_t count = recv(job->fd, bytes, size, MSG_DONTWAIT);
    if (count < 0) {
        return answer_errno(INFRA_TLS_WANT_READ, ret);
    }
    return count > 0 ? count : INFRA_TLS_CLOSED;
}

long infra__stream_write(const struct infra__job *job, const void *bytes,
                         size_t size, uint32_t *ret)
{
    if (job->session != NULL) {
        return checked(job->tls->write(job->session, bytes, size), size, ret);
    }
    /* The host's SIGPIPE is its own. */
    ssize_t count = send(job->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return count >= 0 ? count : answer_errno(INFRA_TLS_WANT_WRITE, ret);
}

long infra__stream_secure(struct infra__job *job, uint32_t *ret)
{
    if (job->tls == NULL || job->secured) {
        return failed(INFRA_OUTCOME_LOCAL, ret);
    }
    if (job->session == NULL) {
        /* Clear bytes before the handshake may be an attacker's and must not
         * pass for bytes after it (CVE-2021-23222). */
        if (infra__socket_holds_bytes(job->fd)) {
            return failed(INFRA_OUTCOME_ERROR, ret);
        }
        job->session = job->tls->open(job->tls->user, job->fd,
                                      job->addresses[job->endpoint].tls_name);
        if (job->session == NULL) {
            return failed(INFRA_OUTCOME_LOCAL, ret);
        }
    }
    int answer = job->tls->handshake(job->session);
    if (answer == 0) {
        job->secured = true;
        return 0;
    }
    if (answer == INFRA_TLS_WANT_READ || answer == INFRA_TLS_WANT_WRITE) {
        return answer;
    }
    /* Even an end of stream is a failed handshake here. */
    return failed(INFRA_OUTCOME_ERROR, ret);
}

void infra__stream_end(struct infra__job *job, bool quiet)
{
    if (job->session != NULL) {
        job->tls->close(job->session, quiet);
    }
    job->session = NULL;
    job->secured = false;
    job->holds = false;
}
