/* SPDX-License-Identifier: MIT */
/* A server that lets one client after the other log in against a file of users,
 * logs in as that client at a real server, with what the client has proven, and
 * then passes bytes in both directions. Sockets block: a process is for one
 * client.
 *
 * The file has a line for each user: a name, a blank, and what is stored of the
 * password. */
#ifndef TESTS_REAL_LOGIN_RELAY_H
#define TESTS_REAL_LOGIN_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#define STORED_MAX 256u
#define PACKET_MAX 4096u

struct relay {
    const char *users; /* The file. */
    int client;
    int server;     /* -1: only the login is served. */
    bool is_local;  /* The client is on a socket in the file system. */
    unsigned mysql; /* enum infra_login_mysql_method of the greeting. */
};

/* What is stored of a user's password. False: there is no such user. */
bool relay_find(const struct relay *r, const char *user, char ret[STORED_MAX]);

/* New entropy for a login. */
const unsigned char *relay_entropy(void);

/* All bytes, or the process of this client ends. */
void relay_read(int fd, void *ret, size_t size);
void relay_write(int fd, const void *bytes, size_t size);

/* Report a login: a line on the standard output. */
void relay_report(const char *user, const char *text);

/* Log in a client, and at the server. False: it was refused. */
bool relay_pgsql(const struct relay *r);
bool relay_mysql(const struct relay *r);

#endif
