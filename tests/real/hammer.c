/* SPDX-License-Identifier: MIT */
/* A client that never rests: one HTTP request after the other, a new connection
 * each, with a diary of what came of it.
 *
 *   hammer ADDRESS PORT >DIARY     until it is killed
 *   hammer now                     the time, as in the diary
 *
 * A line is when the request began and ended, in seconds of CLOCK_BOOTTIME, and
 * the body of the answer, which is to be one word; or "failed" and why. */
#include <infra/driver.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 100 /* Of one request. */
#define REST_MS 2       /* Between two. */

static double now(void)
{
    return (double)infra_driver_now() / 1e9;
}

static int wait_for(int fd, short events, infra_time until)
{
    struct pollfd p = { .fd = fd, .events = events };
    infra_time t = infra_driver_now();

    errno = ETIMEDOUT;
    return t < until && poll(&p, 1, (int)((until - t) / INFRA_MS(1))) == 1;
}

/* The answer into @buffer.  0 or an errno. */
static int talk(int fd, const struct sockaddr_in *to, char *buffer, size_t size)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    infra_time until = infra_driver_now() + INFRA_MS(PATIENCE_MS);
    size_t got = 0;
    ssize_t n;

    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 &&
        (errno != EINPROGRESS || !wait_for(fd, POLLOUT, until))) {
        return errno;
    }
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0) {
        return errno;
    }
    do {
        if (!wait_for(fd, POLLIN, until)) {
            return errno;
        }
        n = recv(fd, buffer + got, size - 1 - got, 0);
        got += n > 0 ? (size_t)n : 0;
    } while (n > 0 && got < size - 1);
    buffer[got] = '\0';
    return n < 0 ? errno : 0;
}

static void ask(const struct sockaddr_in *to)
{
    char buffer[1024] = "";
    double start = now();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : talk(fd, to, buffer, sizeof buffer);
    const char *body = strstr(buffer, "\r\n\r\n");

    if (error == 0 && body != NULL && strlen(body) > 4) {
        (void)printf("%.4f %.4f %s", start, now(), body + 4);
    } else {
        (void)printf("%.4f %.4f failed %s\n", start, now(),
                     error != 0 ? strerror(error) : "cut");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    const struct timespec rest = { .tv_nsec = REST_MS * 1000000L };

    if (argc == 2 && strcmp(argv[1], "now") == 0) {
        (void)printf("%.4f\n", now());
        return 0;
    }
    if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        (void)fprintf(stderr, "usage: hammer ADDRESS PORT | hammer now\n");
        return 2;
    }
    to.sin_port = htons((uint16_t)atoi(argv[2]));
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (;;) {
        ask(&to);
        (void)nanosleep(&rest, NULL);
    }
}
