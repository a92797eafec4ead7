/* SPDX-License-Identifier: MIT */
#include "users.h"

#include <errno.h>
#include <infra/sql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LINE_SIZE 2048u
#define USERS_MAX 1000000u

/* Sorted by name. */
struct table {
    struct db_user **at;
    size_t count;
    size_t room;
};

struct db_users {
    struct table now;
    struct db_user *gone; /* By `next`. */
    unsigned dialect;
};

/* Keys that were learnt at logins; one lock, as logins are rare. */
static pthread_mutex_t learnt_lock = PTHREAD_MUTEX_INITIALIZER;

/* The table: looked into by workers, changed by db_users_reload(). */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static void free_user(struct db_user *user)
{
    if (user->secret != NULL) {
        infra_login_wipe(user->secret, strlen(user->secret));
    }
    infra_login_wipe(&user->scram, sizeof user->scram);
    infra_login_wipe(&user->mysql, sizeof user->mysql);
    infra_login_wipe(&user->scram_onward, sizeof user->scram_onward);
    infra_login_wipe(&user->mysql_onward, sizeof user->mysql_onward);
    free(user->name);
    free(user->secret);
    free(user->database);
    free(user);
}

void db_users_free(struct db_users *users)
{
    if (users == NULL) {
        return;
    }
    for (size_t i = 0; i < users->now.count; i++) {
        free_user(users->now.at[i]);
    }
    while (users->gone != NULL) {
        struct db_user *user = users->gone;
        users->gone = user->next;
        free_user(user);
    }
    free(users->now.at);
    free(users);
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
static const char *make_scram(struct db_user *user)
{
    unsigned char salt[16];
    const char *secret = user->secret;
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
    user->password = user->secret;
    return err == INFRA_OK
               ? NULL
               : "a password is 1 to 1023 printable ASCII characters; for "
                 "others use the verifier of pg_authid.rolpassword";
}

static const char *make_mysql(struct db_user *user)
{
    const char *secret = user->secret;
    size_t size = strlen(secret);

    if (secret[0] == '*' && (size == 41 || size == 65)) {
        return infra_login_mysql_parse(&user->mysql, secret, size) == INFRA_OK
                   ? NULL
                   : "a hash is * and 40 or 64 hexadecimal digits";
    }
    int err = infra_login_mysql_derive(&user->mysql, secret, size);
    user->mysql_onward = user->mysql;
    user->password = user->secret;
    return err == INFRA_OK ? NULL : "a password is 1 to 255 bytes";
}

static struct db_user *find(const struct table *table, const char *name,
                            size_t size)
{
    size_t low = 0;
    size_t high = table->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const char *other = table->at[mid]->name;
        int order = strncmp(other, name, size);
        order = order == 0 ? other[size] != '\0' : order;
        if (order == 0) {
            return table->at[mid];
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

/* A line of a user. */
struct words {
    const char *name;
    const char *secret;
    const char *database; /* NULL: any. */
};

static bool is_same(const struct db_user *user, const struct words *w)
{
    return strcmp(user->secret, w->secret) == 0 &&
           (user->database == NULL) == (w->database == NULL) &&
           (w->database == NULL || strcmp(user->database, w->database) == 0);
}

/* NULL: @wrong says why. */
static struct db_user *make_user(const struct words *w, unsigned dialect,
                                 const char **wrong)
{
    struct db_user *user = calloc(1, sizeof *user);

    *wrong = "out of memory";
    if (user == NULL) {
        return NULL;
    }
    user->name = strdup(w->name);
    user->secret = strdup(w->secret);
    user->database = w->database != NULL ? strdup(w->database) : NULL;
    if (user->name != NULL && user->secret != NULL &&
        (w->database == NULL || user->database != NULL)) {
        *wrong = dialect == INFRA_SQL_POSTGRESQL ? make_scram(user)
                                                 : make_mysql(user);
    }
    if (*wrong != NULL) {
        free_user(user);
        return NULL;
    }
    return user;
}

static bool make_room(struct table *table)
{
    size_t room = table->room == 0 ? 16 : table->room * 2;

    if (table->count < table->room) {
        return true;
    }
    struct db_user **more =
        room > USERS_MAX ? NULL : realloc(table->at, room * sizeof *more);
    if (more == NULL) {
        return false;
    }
    table->at = more;
    table->room = room;
    return true;
}

/* NULL; or what is wrong.  A user that @users has already is taken from there:
 * to make keys takes time. */
static const char *read_user(const struct db_users *users, struct table *ret,
                             char *line)
{
    const char *wrong;
    char *rest = line;
    struct words w = { .name = word(&rest) };

    if (w.name == NULL || w.name[0] == '#') {
        return NULL;
    }
    w.secret = word(&rest);
    w.database = word(&rest);
    if (w.secret == NULL || word(&rest) != NULL) {
        return "a line is NAME SECRET [DATABASE]";
    }
    if (!make_room(ret)) {
        return "too many users";
    }
    struct db_user *user = find(&users->now, w.name, strlen(w.name));
    if (user != NULL && is_same(user, &w)) {
        user->is_in_both = true;
    } else {
        user = make_user(&w, users->dialect, &wrong);
        if (user == NULL) {
            return wrong;
        }
    }
    ret->at[ret->count++] = user;
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(struct db_user *const *)a)->name,
                  (*(struct db_user *const *)b)->name);
}

static bool read_lines(const struct db_users *users, struct table *ret,
                       FILE *file, char why[DB_USERS_WHY_SIZE])
{
    char line[LINE_SIZE];
    const char *wrong = NULL;

    for (unsigned number = 1;
         wrong == NULL && fgets(line, sizeof line, file) != NULL; number++) {
        wrong = strchr(line, '\n') == NULL && !feof(file)
                    ? "the line is too long"
                    : read_user(users, ret, line);
        if (wrong != NULL) {
            (void)snprintf(why, DB_USERS_WHY_SIZE, "line %u: %s", number,
                           wrong);
        }
    }
    infra_login_wipe(line, sizeof line);
    if (wrong == NULL && ferror(file)) {
        wrong = strerror(errno);
        (void)snprintf(why, DB_USERS_WHY_SIZE, "%s", wrong);
    }
    return wrong == NULL;
}

static bool sort(const struct table *table, char why[DB_USERS_WHY_SIZE])
{
    if (table->count == 0) {
        (void)snprintf(why, DB_USERS_WHY_SIZE,
                       "it has no user: add a line NAME SECRET");
        return false;
    }
    qsort(table->at, table->count, sizeof(*table->at), compare);
    for (size_t i = 1; i < table->count; i++) {
        if (compare(&table->at[i - 1], &table->at[i]) == 0) {
            (void)snprintf(why, DB_USERS_WHY_SIZE, "user %.100s is there twice",
                           table->at[i]->name);
            return false;
        }
    }
    return true;
}

/* Of a table that is not used: its users, but for those that the other table
 * has, go to the list of those that are gone, or are freed. */
static void drop(struct db_users *users, const struct table *table,
                 bool is_kept)
{
    for (size_t i = 0; i < table->count; i++) {
        struct db_user *user = table->at[i];
        if (user->is_in_both) {
            continue;
        }
        if (is_kept) {
            user->next = users->gone;
            users->gone = user;
        } else {
            free_user(user);
        }
    }
}

bool db_users_reload(struct db_users *users, const char *path,
                     char why[DB_USERS_WHY_SIZE])
{
    struct table old = users->now;
    struct table table = { 0 };
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        (void)snprintf(why, DB_USERS_WHY_SIZE, "%s", strerror(errno));
        return false;
    }
    bool is_ok = read_lines(users, &table, file, why) && sort(&table, why);
    (void)fclose(file);
    if (is_ok) {
        pthread_mutex_lock(&table_lock);
        users->now = table;
        pthread_mutex_unlock(&table_lock);
    }
    drop(users, is_ok ? &old : &table, is_ok);
    for (size_t i = 0; i < users->now.count; i++) {
        users->now.at[i]->is_in_both = false;
    }
    free(is_ok ? old.at : table.at);
    return is_ok;
}

struct db_users *db_users_read(const char *path, unsigned dialect,
                               char why[DB_USERS_WHY_SIZE])
{
    struct db_users *users = calloc(1, sizeof *users);

    if (users == NULL) {
        (void)snprintf(why, DB_USERS_WHY_SIZE, "out of memory");
        return NULL;
    }
    users->dialect = dialect;
    if (!db_users_reload(users, path, why)) {
        db_users_free(users);
        return NULL;
    }
    return users;
}

const struct db_user *db_users_find(const struct db_users *users,
                                    const char *name, size_t size)
{
    pthread_mutex_lock(&table_lock);
    const struct db_user *user = find(&users->now, name, size);
    pthread_mutex_unlock(&table_lock);
    return user;
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
