/* SPDX-License-Identifier: MIT */
/* The file of users: who may log in at the proxy, and as whom it logs in at the
 * nodes.  One user a line, words with blanks between:
 *
 *   NAME SECRET [DATABASE]
 *
 * SECRET is a password, or what a server stores of it: SCRAM-SHA-256$... for
 * PostgreSQL, *HEX for MySQL and MariaDB (login.h).  DATABASE: the only one
 * that the user may use; without it, any.  Empty lines and those that begin
 * with # do not count.  A password with a blank cannot stand there.
 *
 * The file can be read again while threads look for users.  What was taken out
 * of it is kept until the end, as sessions go on with it. */
#ifndef EXAMPLES_DB_ROUTER_USERS_H
#define EXAMPLES_DB_ROUTER_USERS_H

#include <infra/login.h>
#include <stdbool.h>
#include <stddef.h>

struct db_user {
    struct db_user *next; /* Of those that are not in the file any more. */
    char *name;
    char *secret;         /* As in the file. */
    const char *password; /* The same; NULL: only what a server stores. */
    char *database;       /* NULL: any. */
    bool is_in_both;      /* While the file is read again. */
    struct infra_login_scram_keys scram; /* Of the dialect in use; else 0. */
    struct infra_login_mysql_keys mysql;
    /* What logs in at the nodes; see the functions below. */
    struct infra_login_scram_keys scram_onward;
    struct infra_login_mysql_keys mysql_onward;
};

struct db_users; /* A file. */

#define DB_USERS_WHY_SIZE 256u

/* Read a file.  @dialect: enum infra_sql_dialect, whose keys are made, which
 * takes milliseconds for a password of PostgreSQL.  NULL: @why has the error,
 * with its line. */
struct db_users *db_users_read(const char *path, unsigned dialect,
                               char why[DB_USERS_WHY_SIZE]);

/* Read it again, from one thread.  Users whose line is as before keep what was
 * learnt of them.  False: nothing has changed. */
bool db_users_reload(struct db_users *users, const char *path,
                     char why[DB_USERS_WHY_SIZE]);

/* No thread uses them any more. */
void db_users_free(struct db_users *users);

/* The user of this name; NULL: none.  Any thread; it stays until
 * db_users_free(). */
const struct db_user *db_users_find(const struct db_users *users,
                                    const char *name, size_t size);

/* Keys for logins at the nodes, from any thread: with what a client has proven
 * at its login, or a login at a node has computed.  Without any, the result has
 * no iterations, or none of `has`. */
void db_user_learn_scram(const struct db_user *user,
                         const struct infra_login_scram_keys *keys);
void db_user_scram(const struct db_user *user,
                   struct infra_login_scram_keys *ret);
void db_user_learn_mysql(const struct db_user *user,
                         const struct infra_login_mysql_keys *keys);
void db_user_mysql(const struct db_user *user,
                   struct infra_login_mysql_keys *ret);

#endif
