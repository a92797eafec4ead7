/* SPDX-License-Identifier: MIT */
#include "users.h"

#include "../common/arguments.h"

#include <errno.h>
#include <infra/sql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LINE_SIZE 2048u
#define USERS_MAX 1000000u

struct db_users {
    struct db_user *users; /* Sorted by name. */
    size_t count;
    size_t room;
    unsigned dialect;
};

/* Keys that were learnt at logins; one lock, as logins are rare. */
static pthread_mutex_t learnt_lock = PTHREAD_MUTEX_INITIALIZER;

static void free_user(struct db_user *user)
{
    if (user->password != NULL) {
        infra_login_wipe(user->password, strlen(user->password));
    }
    infra_login_wipe(&user->scram, sizeof user->scram);
    infra_login_wipe(&user->mysql, sizeof user->mysql);
    infra_login_wipe(&user->scram_onward, sizeof user->scram_onward);
    infra_login_wipe(&user->mysql_onward, sizeof user->mysql_onward);
    free(user->name);
    free(user->password);
    free(user->database);
}

void db_users_free(struct db_users *users)
{
    if (users != NULL) {
        for (size_t i = 0; i < users->count; i++) {
            free_user(&users->users[i]);
        }
        free(users->users);
        free(users);
    }
}

/* The next word of a line, or NULL. */
static char *word(char **rest)
{
    char *p = *rest;

    p += strspn(p, " \t\r\n");
    if (*p == '\0') {
        return NULL;
    }
    char *start = p;
    p += strcspn(p, " \t\r\n");
    if (*p != '\0') {
        *p++ = '\0';
    }
    *rest = p;
    return start;
}

/* NULL; or what is wrong, without the secret. */
static const char *make_scram(struct db_user *user, const char *secret)
{
    unsigned char salt[16];
    size_t size = strlen(secret);

    if (strncmp(secret, "SCRAM-SHA-256$", 14) == 0) {
        return infra_login_scram_parse(&user->scram, secret, size) == INFRA_OK
                   ? NULL
                   : "a SCRAM-SHA-256 verifier is "
                     "SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER";
    }
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
        return "no entropy";
    }
    int err = infra_login_scram_derive(&user->scram, secret, size, salt,
                                       sizeof salt, 0);
    user->password = strdup(secret);
    return err == INFRA_OK && user->password != NULL
               ? NULL
               : "a password is 1 to 1023 printable ASCII characters; for "
                 "others use the verifier of pg_authid.rolpassword";
}

static const char *make_mysql(struct db_user *user, const char *secret)
{
    size_t size = strlen(secret);

    if (secret[0] == '*' && (size == 41 || size == 65)) {
        return infra_login_mysql_parse(&user->mysql, secret, size) == INFRA_OK
                   ? NULL
                   : "a hash is * and 40 or 64 hexadecimal digits";
    }
    int err = infra_login_mysql_derive(&user->mysql, secret, size);
    user->mysql_onward = user->mysql;
    user->password = strdup(secret);
    return err == INFRA_OK && user->password != NULL
               ? NULL
               : "a password is 1 to 255 bytes";
}

/* NULL; or what is wrong. */
static const char *read_user(struct db_users *users, char *line)
{
    struct db_user user = { 0 };
    char *rest = line;
    const char *name = word(&rest);

    if (name == NULL || name[0] == '#') {
        return NULL;
    }
    const char *secret = word(&rest);
    const char *database = word(&rest);
    if (secret == NULL || word(&rest) != NULL) {
        return "a line is NAME SECRET [DATABASE]";
    }
    const char *wrong = users->dialect == INFRA_SQL_POSTGRESQL
                            ? make_scram(&user, secret)
                            : make_mysql(&user, secret);
    user.name = strdup(name);
    user.database = database != NULL ? strdup(database) : NULL;
    if (wrong == NULL &&
        (user.name == NULL || (database != NULL && user.database == NULL))) {
        wrong = "out of memory";
    }
    if (wrong == NULL && users->count == users->room) {
        size_t room = users->room == 0 ? 16 : users->room * 2;
        struct db_user *more = room > USERS_MAX
                                   ? NULL
                                   : realloc(users->users, room * sizeof *more);
        wrong = more == NULL ? "too many users" : NULL;
        users->users = more != NULL ? more : users->users;
        users->room = more != NULL ? room : users->room;
    }
    if (wrong != NULL) {
        free_user(&user);
        return wrong;
    }
    users->users[users->count++] = user;
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct db_user *)a)->name,
                  ((const struct db_user *)b)->name);
}

static bool read_lines(struct db_users *users, const char *name,
                       const char *path, FILE *file)
{
    char line[LINE_SIZE];
    bool is_ok = true;

    for (unsigned number = 1; is_ok && fgets(line, sizeof line, file) != NULL;
         number++) {
        const char *wrong = strchr(line, '\n') == NULL && !feof(file)
                                ? "the line is too long"
                                : read_user(users, line);
        if (wrong != NULL) {
            is_ok = arguments_wrong("%s %s: line %u: %s", name, path, number,
                                    wrong);
        }
    }
    infra_login_wipe(line, sizeof line);
    if (is_ok && ferror(file)) {
        is_ok = arguments_wrong("%s %s: %s", name, path, strerror(errno));
    }
    return is_ok;
}

static bool sort(struct db_users *users, const char *name, const char *path)
{
    if (users->count == 0) {
        return arguments_wrong("%s %s: it has no user: add a line NAME SECRET",
                               name, path);
    }
    qsort(users->users, users->count, sizeof users->users[0], compare);
    for (size_t i = 1; i < users->count; i++) {
        if (strcmp(users->users[i - 1].name, users->users[i].name) == 0) {
            return arguments_wrong("%s %s: user %s is there twice", name, path,
                                   users->users[i].name);
        }
    }
    return true;
}

struct db_users *db_users_read(const char *name, const char *path,
                               unsigned dialect)
{
    struct db_users *users = calloc(1, sizeof *users);
    FILE *file = fopen(path, "re");

    if (file == NULL || users == NULL) {
        (void)arguments_wrong("%s %s: %s", name, path, strerror(errno));
        if (file != NULL) {
            (void)fclose(file);
        }
        free(users);
        return NULL;
    }
    users->dialect = dialect;
    bool is_ok = read_lines(users, name, path, file) && sort(users, name, path);
    (void)fclose(file);
    if (!is_ok) {
        db_users_free(users);
        return NULL;
    }
    return users;
}

const struct db_user *db_users_find(const struct db_users *users,
                                    const char *name, size_t size)
{
    size_t low = 0;
    size_t high = users->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const char *other = users->users[mid].name;
        int order = strncmp(other, name, size);
        order = order == 0 ? other[size] != '\0' : order;
        if (order == 0) {
            return &users->users[mid];
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

/* Users are constant but for their keys. */
static struct db_user *writable(const struct db_user *user)
{
    union {
        const struct db_user *constant;
        struct db_user *user;
    } u = { .constant = user };

    return u.user;
}

void db_user_learn_scram(const struct db_user *user,
                         const struct infra_login_scram_keys *keys)
{
    pthread_mutex_lock(&learnt_lock);
    writable(user)->scram_onward = *keys;
    pthread_mutex_unlock(&learnt_lock);
}

void db_user_scram(const struct db_user *user,
                   struct infra_login_scram_keys *ret)
{
    pthread_mutex_lock(&learnt_lock);
    *ret = user->scram_onward;
    pthread_mutex_unlock(&learnt_lock);
}

void db_user_learn_mysql(const struct db_user *user,
                         const struct infra_login_mysql_keys *keys)
{
    pthread_mutex_lock(&learnt_lock);
    writable(user)->mysql_onward = *keys;
    pthread_mutex_unlock(&learnt_lock);
}

void db_user_mysql(const struct db_user *user,
                   struct infra_login_mysql_keys *ret)
{
    pthread_mutex_lock(&learnt_lock);
    *ret = user->mysql_onward;
    pthread_mutex_unlock(&learnt_lock);
}
