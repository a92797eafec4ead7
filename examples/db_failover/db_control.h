/* SPDX-License-Identifier: MIT */
/* Commands of the operator by a Unix datagram socket: one command is one
 * datagram, and so is its answer, which begins with "ok" or "no". */
#ifndef EXAMPLES_DB_CONTROL_H
#define EXAMPLES_DB_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONTROL_COMMAND_MAX 256u
#define CONTROL_ANSWER_MAX 4096u

/* A command, and the address for its answer. */
struct control_command {
    char text[CONTROL_COMMAND_MAX];
    struct sockaddr_un from;
    socklen_t from_size;
};

/* Open the socket, for this user only.  -1, with a message: it failed. */
int control_open(const char *path);

/* Take the next command, without waiting. */
bool control_next(int fd, struct control_command *ret);

void control_answer(int fd, const struct control_command *command,
                    const char *text);

/* Send a command, and print the answer.  True: it is "ok". */
bool control_tell(const char *path, char **words);

#endif
