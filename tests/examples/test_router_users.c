/* SPDX-License-Identifier: MIT */
/* The user file of db_router, and what becomes of it when it is read again. */
#include "failing_malloc.h"
#include "support.h"

#include "users.h"

#include <infra/sql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERIFIER                                    \
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"  \
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define HASH "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"

static char path[64];
static struct db_users *users;
static char why[DB_USERS_WHY_SIZE];

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    (void)strcpy(path, "/tmp/infra-test-users-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    malloc_countdown = -1;
    write_file("# of the test\n\n"
               "app first\n"
               "  one\tsecond d\n"
               "hashed " HASH "\n"
               "gone third");
    users = db_users_read(path, INFRA_SQL_MYSQL, why);
    ck_assert_msg(users != NULL, "%s", why);
}

static void teardown(void)
{
    malloc_countdown = -1;
    db_users_free(users);
    (void)unlink(path);
}

static const struct db_user *find(const char *name)
{
    return db_users_find(users, name, strlen(name));
}

static bool reload(const char *text)
{
    write_file(text);
    return db_users_reload(users, path, why);
}

/* A line is a user, with a password or a hash, and a database or any. */
START_TEST(a_line_is_a_user)
{
    ck_assert_str_eq(find("app")->password, "first");
    ck_assert_ptr_null(find("app")->database);
    ck_assert_str_eq(find("one")->database, "d");
    ck_assert_ptr_null(find("hashed")->password);
    ck_assert_uint_ne(find("hashed")->mysql.has, 0);
    ck_assert_str_eq(find("gone")->password, "third");
    ck_assert_ptr_null(find("ap"));
    ck_assert_ptr_null(find("apple"));
    ck_assert_ptr_null(find("#"));
    ck_assert_ptr_eq(db_users_find(users, "apple", 3), find("app"));
}
END_TEST

static const struct {
    const char *text;
    const char *why;
    uint32_t dialect;
} wrong_files[] = {
    { "", "it has no user: add a line NAME SECRET", INFRA_SQL_MYSQL },
    { "a b\nc\n", "line 2: a line is NAME SECRET [DATABASE]", INFRA_SQL_MYSQL },
    { "a b c d\n", "line 1: a line is NAME SECRET [DATABASE]",
      INFRA_SQL_MYSQL },
    { "b x\na b\na b\n", "user a is there twice", INFRA_SQL_MYSQL },
    { "a *00000000000000000000000000000000000000zz\n",
      "line 1: a hash is * and 40 or 64 hexadecimal digits", INFRA_SQL_MYSQL },
    { "a SCRAM-SHA-256$1\n",
      "line 1: a SCRAM-SHA-256 verifier is "
      "SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER",
      INFRA_SQL_POSTGRESQL },
};

/* What is wrong is said with its line, and without the secret. */
START_TEST(what_is_wrong_is_said_with_its_line)
{
    write_file(wrong_files[_i].text);
    ck_assert_ptr_null(db_users_read(path, wrong_files[_i].dialect, why));
    ck_assert_str_eq(why, wrong_files[_i].why);
}
END_TEST

/* A line of more than two thousand bytes, and a file that is not there. */
START_TEST(files_that_cannot_be_read_are_refused)
{
    char line[3000];

    memset(line, 'x', sizeof line - 1);
    line[1] = ' ';
    line[sizeof line - 1] = '\0';
    write_file(line);
    ck_assert_ptr_null(db_users_read(path, INFRA_SQL_MYSQL, why));
    ck_assert_str_eq(why, "line 1: the line is too long");
    ck_assert_ptr_null(
        db_users_read("/nonexistent/users", INFRA_SQL_MYSQL, why));
    ck_assert_str_eq(why, "No such file or directory");
}
END_TEST

/* A user whose line is as before is the same one, with what was learnt. */
START_TEST(a_line_that_stays_keeps_its_user)
{
    const struct db_user *app = find("app");
    const struct db_user *hashed = find("hashed");
    struct infra_login_mysql_keys keys = { .has = INFRA_LOGIN_HAS_SHA1 };

    db_user_learn_mysql(hashed, &keys);
    ck_assert(reload("hashed " HASH "\nnew x\napp first\n"));
    ck_assert_ptr_eq(find("app"), app);
    ck_assert_ptr_eq(find("hashed"), hashed);
    db_user_mysql(hashed, &keys);
    ck_assert_uint_eq(keys.has, INFRA_LOGIN_HAS_SHA1);
    ck_assert_str_eq(find("new")->password, "x");
}
END_TEST

/* One that was changed or removed goes on for who has it already. */
START_TEST(a_line_that_went_leaves_its_user_to_sessions)
{
    const struct db_user *app = find("app");
    const struct db_user *one = find("one");
    const struct db_user *gone = find("gone");

    ck_assert(reload("app other\none second e\n"));
    ck_assert_ptr_ne(find("app"), app);
    ck_assert_str_eq(find("app")->password, "other");
    ck_assert_str_eq(app->password, "first");
    ck_assert_str_eq(find("one")->database, "e");
    ck_assert_str_eq(one->database, "d");
    ck_assert_ptr_null(find("gone"));
    ck_assert_str_eq(gone->name, "gone");
    ck_assert(reload("app first\n"));
    ck_assert_str_eq(app->password, "first");
}
END_TEST

/* A file with a fault changes nothing, also if users before it are new. */
START_TEST(a_bad_file_changes_nothing)
{
    const struct db_user *app = find("app");

    ck_assert(!reload("new x\napp first\napp first\n"));
    ck_assert_str_eq(why, "user app is there twice");
    ck_assert(!reload("new x\napp other\nbad\n"));
    ck_assert_str_eq(why, "line 3: a line is NAME SECRET [DATABASE]");
    ck_assert(!reload(""));
    ck_assert_ptr_eq(find("app"), app);
    ck_assert_ptr_nonnull(find("gone"));
    ck_assert_ptr_null(find("new"));
    ck_assert(reload("new x\n"));
    ck_assert_ptr_null(find("app"));
}
END_TEST

/* Each allocation may fail: the file is not read, and nothing has changed. */
START_TEST(every_allocation_may_fail)
{
    const struct db_user *app = find("app");
    long n = 0;

    write_file("app first\nnew x d\nother y\n");
    for (bool is_ok = false; !is_ok; n++) {
        malloc_countdown = n;
        is_ok = db_users_reload(users, path, why);
        malloc_countdown = -1;
        ck_assert_ptr_eq(find("app"), app);
        ck_assert_int_eq(find("new") != NULL, is_ok);
        ck_assert_int_lt(n, 100);
    }
    ck_assert_int_ge(n, 8);
    struct db_users *again = NULL;
    for (n = 0; again == NULL; n++) {
        malloc_countdown = n;
        again = db_users_read(path, INFRA_SQL_MYSQL, why);
        malloc_countdown = -1;
        ck_assert_int_lt(n, 100);
    }
    db_users_free(again);
}
END_TEST

/* PostgreSQL: keys are those of the verifier, or of the password. */
START_TEST(verifiers_and_passwords_make_keys)
{
    write_file("v " VERIFIER "\np password\n");
    struct db_users *pg = db_users_read(path, INFRA_SQL_POSTGRESQL, why);
    ck_assert_msg(pg != NULL, "%s", why);
    const struct db_user *v = db_users_find(pg, "v", 1);
    const struct db_user *p = db_users_find(pg, "p", 1);
    ck_assert_ptr_null(v->password);
    ck_assert_uint_eq(v->scram.iterations, 4096);
    ck_assert_uint_eq(v->scram_onward.iterations, 0);
    ck_assert_str_eq(p->password, "password");
    ck_assert_uint_gt(p->scram.iterations, 0);
    struct infra_login_scram_keys keys = v->scram;
    db_user_learn_scram(v, &keys);
    keys = (struct infra_login_scram_keys) { 0 };
    db_user_scram(v, &keys);
    ck_assert_uint_eq(keys.iterations, 4096);
    db_users_free(pg);
}
END_TEST

static atomic_bool is_enough;

static void *look(void *arg)
{
    const char *name = arg;
    uintptr_t found = 0;

    while (!atomic_load(&is_enough)) {
        const struct db_user *user = find(name);
        if (user != NULL) {
            struct infra_login_mysql_keys keys;
            db_user_mysql(user, &keys);
            found += user->password[0] != '\0';
        }
    }
    return (void *)found;
}

/* Threads look for users while the file is read again. */
START_TEST(threads_look_while_it_is_read_again)
{
    pthread_t threads[2];
    char name[] = "app";
    void *found;

    atomic_store(&is_enough, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, look, name), 0);
    }
    for (int i = 0; i < 50; i++) {
        ck_assert(reload(i % 3 == 0   ? "app first\n"
                         : i % 3 == 1 ? "app second\nnew x\n"
                                      : "new x\n"));
    }
    atomic_store(&is_enough, true);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &found), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("router_users");
    TCase *file = tcase_create("file");
    TCase *again = tcase_create("again");
    const int wrong = (int)(sizeof wrong_files / sizeof wrong_files[0]);

    tcase_add_checked_fixture(file, setup, teardown);
    tcase_add_test(file, a_line_is_a_user);
    tcase_add_loop_test(file, what_is_wrong_is_said_with_its_line, 0, wrong);
    tcase_add_test(file, files_that_cannot_be_read_are_refused);
    tcase_add_test(file, verifiers_and_passwords_make_keys);
    suite_add_tcase(suite, file);
    tcase_add_checked_fixture(again, setup, teardown);
    tcase_add_test(again, a_line_that_stays_keeps_its_user);
    tcase_add_test(again, a_line_that_went_leaves_its_user_to_sessions);
    tcase_add_test(again, a_bad_file_changes_nothing);
    tcase_add_test(again, every_allocation_may_fail);
    tcase_add_test(again, threads_look_while_it_is_read_again);
    suite_add_tcase(suite, again);
    return test_main(suite);
}
