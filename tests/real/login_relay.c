/* SPDX-License-Identifier: MIT */
/* usage: login_relay pgsql|native|sha2 PORT|PATH USERS [SERVER_PORT]
 *
 * See login_relay.h. Without SERVER_PORT a client that has logged in is told so
 * by an error. */
#include "login_relay.h"

#include <infra/login.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

bool relay_find(const struct relay *r, const char *user, char ret[STORED_MAX])
{
    char line[2 * STORED_MAX], name[STORED_MAX];
    FILE *file = fopen(r->users, "r");
    bool is_found = false;

    if (file == NULL) {
        perror(r->users);
        exit(1);
    }
    while (!is_found && fgets(line, sizeof line, file) != NULL) {
        is_found = sscanf(line, "%255s %255s", name, ret) == 2 &&
                   strcmp(name, user) == 0;
    }
    (void)fclose(file);
    return is_found;
}

const unsigned char *relay_entropy(void)
{
    static unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE];

    if (getrandom(entropy, sizeof entropy, 0) != (ssize_t)sizeof entropy) {
        perror("getrandom");
        exit(1);
    }
    return entropy;
}

void relay_read(int fd, void *ret, size_t size)
{
    unsigned char *at = ret;

    while (size > 0) {
        ssize_t count = read(fd, at, size);
        if (count <= 0) {
            exit(0); /* The peer has left. */
        }
        at += count;
        size -= (size_t)count;
    }
}

void relay_write(int fd, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    while (size > 0) {
        ssize_t count = send(fd, at, size, MSG_NOSIGNAL);
        if (count <= 0) {
            exit(0);
        }
        at += count;
        size -= (size_t)count;
    }
}

void relay_report(const char *user, const char *text)
{
    (void)printf("%s: %s\n", user, text);
    (void)fflush(stdout);
}

/* False: one of both has closed. */
static bool pass_on(int from, int to)
{
    char bytes[PACKET_MAX];
    ssize_t count = read(from, bytes, sizeof bytes);

    if (count > 0) {
        relay_write(to, bytes, (size_t)count);
    }
    return count > 0;
}

static void pass_both_ways(const struct relay *r)
{
    struct pollfd fds[2] = { { .fd = r->client, .events = POLLIN },
                             { .fd = r->server, .events = POLLIN } };

    for (;;) {
        if (poll(fds, 2, -1) < 0 ||
            (fds[0].revents != 0 && !pass_on(r->client, r->server)) ||
            (fds[1].revents != 0 && !pass_on(r->server, r->client))) {
            return;
        }
    }
}

static int listen_at(const char *where)
{
    const int on = 1;
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    struct sockaddr_in address = { .sin_family = AF_INET };
    bool is_local = where[0] == '/';
    int fd = socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

    (void)snprintf(path.sun_path, sizeof path.sun_path, "%s", where);
    address.sin_port = htons((unsigned short)atoi(where));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, is_local ? (void *)&path : (void *)&address,
             is_local ? sizeof path : sizeof address) != 0 ||
        listen(fd, 16) != 0) {
        perror(where);
        exit(1);
    }
    return fd;
}

static int connect_to(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((unsigned short)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (void *)&address, sizeof address) != 0) {
        perror(port);
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        (void)fprintf(stderr, "usage: login_relay pgsql|native|sha2 PORT|PATH "
                              "USERS [SERVER_PORT]\n");
        return 2;
    }
    struct relay r = { .users = argv[3],
                       .server = -1,
                       .is_local = argv[2][0] == '/',
                       .mysql = strcmp(argv[1], "native") == 0
                                    ? INFRA_LOGIN_MYSQL_NATIVE
                                    : INFRA_LOGIN_MYSQL_CACHING_SHA2 };
    int listener = listen_at(argv[2]);
    for (;;) {
        r.client = accept(listener, NULL, NULL);
        if (r.client < 0) {
            return 1;
        }
        if (fork() == 0) {
            r.server = argc == 5 ? connect_to(argv[4]) : -1;
            bool is_in = strcmp(argv[1], "pgsql") == 0 ? relay_pgsql(&r)
                                                       : relay_mysql(&r);
            if (is_in && r.server >= 0) {
                pass_both_ways(&r);
            }
            return 0;
        }
        (void)close(r.client);
        (void)waitpid(-1, NULL, WNOHANG);
    }
}
