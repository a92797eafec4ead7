/* SPDX-License-Identifier: MIT */
/* The protocols of MySQL and of MariaDB, which differ in their SQL and in how
 * they say a position. */
#include "mysql_state.h"

#define FUNCTIONS                                                       \
    .client_size = sizeof(struct mysql_client),                         \
    .server_size = sizeof(struct mysql_server), .greet = mysql_greet,   \
    .login = mysql_login, .welcome = mysql_welcome, .cut = mysql_cut,   \
    .cut_more = mysql_cut_more, .note = mysql_note,                     \
    .say_done = mysql_say_done, .say = mysql_say, .leave = mysql_leave, \
    .connect = mysql_connect, .secured = mysql_secured,                 \
    .server_login = mysql_server_login, .learn = mysql_learn,           \
    .adopt = mysql_adopt, .begin = mysql_begin, .send = mysql_send,     \
    .follow = mysql_follow, .finish = mysql_finish, .cancel = mysql_cancel

const struct protocol protocol_mysql = { .name = "mysql",
                                         .dialect = INFRA_SQL_MYSQL,
                                         .position_kind = INFRA_POSITION_MYSQL,
                                         FUNCTIONS };

const struct protocol protocol_mariadb = { .name = "mariadb",
                                           .dialect = INFRA_SQL_MARIADB,
                                           .position_kind =
                                               INFRA_POSITION_MARIADB,
                                           FUNCTIONS };
