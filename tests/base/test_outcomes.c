/* The outcome of an errno: a row for each that connect, send, recv, the options
 * of sockets and epoll can give. */
#include "support.h"

#include "base/internal.h"

#include <errno.h>
#include <string.h>

static const struct {
    int error;
    uint32_t outcome;
} rows[] = {
    { 0, INFRA_OUTCOME_OK },
    { ECONNREFUSED, INFRA_OUTCOME_REFUSED },
    { ENOENT, INFRA_OUTCOME_REFUSED },
    { ENOTDIR, INFRA_OUTCOME_REFUSED },
    { ELOOP, INFRA_OUTCOME_REFUSED },
    { ENAMETOOLONG, INFRA_OUTCOME_REFUSED },
    { EPROTOTYPE, INFRA_OUTCOME_REFUSED },
    { EAGAIN, INFRA_OUTCOME_REFUSED },
    { EWOULDBLOCK, INFRA_OUTCOME_REFUSED },
    { ETIMEDOUT, INFRA_OUTCOME_TIMEOUT },
    { ECONNRESET, INFRA_OUTCOME_RESET },
    { ECONNABORTED, INFRA_OUTCOME_RESET },
    { ENETRESET, INFRA_OUTCOME_RESET },
    { ENOTCONN, INFRA_OUTCOME_RESET },
    { EPIPE, INFRA_OUTCOME_RESET },
    { ESHUTDOWN, INFRA_OUTCOME_RESET },
    { ENETUNREACH, INFRA_OUTCOME_UNREACHABLE },
    { EHOSTUNREACH, INFRA_OUTCOME_UNREACHABLE },
    { ENETDOWN, INFRA_OUTCOME_UNREACHABLE },
    { EHOSTDOWN, INFRA_OUTCOME_UNREACHABLE },
    { ENONET, INFRA_OUTCOME_UNREACHABLE },
    { ENOPROTOOPT, INFRA_OUTCOME_UNREACHABLE },
    { EPROTO, INFRA_OUTCOME_UNREACHABLE },
    { EMSGSIZE, INFRA_OUTCOME_UNREACHABLE },
    { EOPNOTSUPP, INFRA_OUTCOME_UNREACHABLE },
    { EINVAL, INFRA_OUTCOME_UNREACHABLE },
    { EACCES, INFRA_OUTCOME_UNREACHABLE },
    { EPERM, INFRA_OUTCOME_UNREACHABLE },
    { EAFNOSUPPORT, INFRA_OUTCOME_UNREACHABLE },
    { EPROTONOSUPPORT, INFRA_OUTCOME_UNREACHABLE },
    { ENODEV, INFRA_OUTCOME_UNREACHABLE },
    { ENXIO, INFRA_OUTCOME_UNREACHABLE },
    { EMFILE, INFRA_OUTCOME_LOCAL },
    { ENFILE, INFRA_OUTCOME_LOCAL },
    { ENOMEM, INFRA_OUTCOME_LOCAL },
    { ENOBUFS, INFRA_OUTCOME_LOCAL },
    { ENOSPC, INFRA_OUTCOME_LOCAL },
    { EADDRNOTAVAIL, INFRA_OUTCOME_LOCAL },
    { EADDRINUSE, INFRA_OUTCOME_LOCAL },
    { EBADF, INFRA_OUTCOME_LOCAL },
    { EFAULT, INFRA_OUTCOME_LOCAL },
    { ENOTSOCK, INFRA_OUTCOME_LOCAL },
    { EDESTADDRREQ, INFRA_OUTCOME_LOCAL },
    { EISCONN, INFRA_OUTCOME_LOCAL },
    { EALREADY, INFRA_OUTCOME_LOCAL },
    { EINPROGRESS, INFRA_OUTCOME_LOCAL },
    { EINTR, INFRA_OUTCOME_LOCAL },
    /* An unknown errno is not LOCAL. */
    { ENOTEMPTY, INFRA_OUTCOME_UNREACHABLE },
    { 100000, INFRA_OUTCOME_UNREACHABLE },
    { -1, INFRA_OUTCOME_UNREACHABLE },
};

/* Each errno has its outcome. */
START_TEST(errors_have_outcomes)
{
    ck_assert_msg(infra_outcome_of_errno(rows[_i].error) == rows[_i].outcome,
                  "%s: %s", strerror(rows[_i].error),
                  infra_outcome_name(infra_outcome_of_errno(rows[_i].error)));
}
END_TEST

static Suite *outcomes_suite(void)
{
    Suite *s = suite_create("outcomes");
    TCase *tc = tcase_create("errno");
    tcase_add_loop_test(tc, errors_have_outcomes, 0,
                        (int)INFRA__COUNT_OF(rows));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(outcomes_suite());
}
