/* SPDX-License-Identifier: MIT */
#include "db_control.h"

#include "../common/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS_MAX 10

static int wrong(const char *path, int fd)
{
    int error = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    (void)arguments_wrong("%s: %s", path, strerror(error));
    return -1;
}

static bool set_path(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address->sun_path, path, strlen(path));
    return true;
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Remove the socket of a process that was killed: it refuses connections. */
static void clear_away(const struct sockaddr_un *address)
{
    int fd = open_socket();

    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
        errno == ECONNREFUSED) {
        (void)unlink(address->sun_path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

int control_open(const char *path)
{
    struct sockaddr_un address;
    int fd = open_socket();

    if (fd < 0 || !set_path(&address, path)) {
        return wrong(path, fd);
    }
    clear_away(&address);
    mode_t before = umask(077);
    int err = bind(fd, (const struct sockaddr *)&address, sizeof address);
    (void)umask(before);
    return err == 0 ? fd : wrong(path, fd);
}

bool control_next(int fd, struct control_command *ret)
{
    ret->from_size = sizeof ret->from;
    ssize_t size = recvfrom(fd, ret->text, sizeof ret->text - 1, MSG_DONTWAIT,
                            (struct sockaddr *)&ret->from, &ret->from_size);
    if (size < 0) {
        return false;
    }
    ret->text[size] = '\0';
    return true;
}

void control_answer(int fd, const struct control_command *command,
                    const char *text)
{
    /* The sender may have gone. */
    (void)sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
                 (const struct sockaddr *)&command->from, command->from_size);
}

bool control_tell(const char *path, char **words)
{
    char text[CONTROL_COMMAND_MAX] = "";
    char answer[CONTROL_ANSWER_MAX + 1];
    struct sockaddr_un address;
    const struct sockaddr_un any = { .sun_family = AF_UNIX };
    const struct timeval limit = { .tv_sec = ANSWER_SECONDS_MAX };
    int fd = open_socket();

    for (size_t at = 0; *words != NULL && at < sizeof text; words++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s",
                               at > 0 ? " " : "", *words);
    }
    /* The system gives an address for the answer. */
    if (fd < 0 || !set_path(&address, path) ||
        bind(fd, (const struct sockaddr *)&any, sizeof any.sun_family) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
        return wrong(path, fd) == 0;
    }
    ssize_t size = recv(fd, answer, sizeof answer - 1, 0);
    if (size < 0) {
        return wrong(path, fd) == 0;
    }
    (void)close(fd);
    answer[size] = '\0';
    (void)puts(answer);
    return strncmp(answer, "ok", 2) == 0;
}
