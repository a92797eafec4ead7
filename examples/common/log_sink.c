/* SPDX-License-Identifier: MIT */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void log_sink_open(struct log_sink *ret, int fd)
{
    struct stat about;
    char path[32];

    *ret = (struct log_sink) { .fd = fd };
    if (fstat(fd, &about) != 0) {
        return;
    }
    ret->is_socket = S_ISSOCK(about.st_mode);
    /* A file opened anew would have its own position, and overwrite the lines
     * of another process. */
    ret->is_file = S_ISREG(about.st_mode);
    if (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0) {
            ret->fd = own;
            ret->is_own = true;
        }
    }
}

void log_sink_close(struct log_sink *sink)
{
    if (sink->is_own) {
        (void)close(sink->fd);
    }
    *sink = (struct log_sink) { .fd = -1 };
}

/* A shared descriptor that may block.  Another process may fill it after the
 * poll(); only a kernel with RWF_NOWAIT for it (pipes since Linux 6.5)
 * copes. */
static ssize_t write_with_care(int fd, const char *text, size_t size)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    struct iovec part = { .iov_base = (char *)(size_t)text,
                          .iov_len = size < PIPE_BUF ? size : PIPE_BUF };

    if (poll(&p, 1, 0) != 1 || (p.revents & POLLNVAL) != 0) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t n = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
    if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL ||
                  errno == ESPIPE)) {
        n = write(fd, part.iov_base, part.iov_len);
    }
    return n;
}

ssize_t log_sink_write(const struct log_sink *sink, const char *text,
                       size_t size)
{
    if (sink->is_socket) {
        return send(sink->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sink->is_own || sink->is_file) {
        return write(sink->fd, text, size);
    }
    return write_with_care(sink->fd, text, size);
}
