/* SPDX-License-Identifier: MIT */
/* The token floor of the example programs: a file that outlives them, which
 * several may share, and which nobody can lead elsewhere. */
#include "support.h"

#include "../../examples/common/token_floor.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static char path[96];
static char other[96];
static int fds_before;

static void setup(void)
{
    fds_before = test_open_fds();
    (void)snprintf(directory, sizeof directory, "/tmp/infra-floor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/floor", directory);
    (void)snprintf(other, sizeof other, "%s/other", directory);
}

static void teardown(void)
{
    char new[128];

    (void)snprintf(new, sizeof new, "%s.new", path);
    (void)unlink(path);
    (void)unlink(other);
    (void)unlink(new);
    ck_assert_int_eq(rmdir(directory), 0);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static void put(const char *at, const char *text)
{
    FILE *file = fopen(at, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static const char *text_of(const char *at)
{
    static char text[1024];
    FILE *file = fopen(at, "re");

    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

/* One program after the other, each with its own groups. */
START_TEST(each_program_has_its_groups)
{
    struct token_floor web[] = { { "web", 0 }, { "mail", 0 } };
    struct token_floor db[] = { { "db", 0 } };
    struct token_floors a;
    struct token_floors b;

    ck_assert(token_floors_open(&a, path, web, 2));
    ck_assert_str_eq(text_of(path), "web 0\nmail 0\n");
    ck_assert(token_floors_open(&b, path, db, 1));
    token_floors_see(&a, 1, 7);
    ck_assert_ptr_null(token_floors_keep(&a, 0));
    token_floors_see(&b, 0, 9);
    ck_assert_ptr_null(token_floors_keep(&b, 0));
    token_floors_see(&a, 0, 3);
    ck_assert_ptr_null(token_floors_keep(&a, 0));
    ck_assert_str_eq(text_of(path), "web 3\nmail 7\ndb 9\n");

    db[0].token = 0;
    ck_assert(token_floors_open(&b, path, db, 1));
    ck_assert_uint_eq(db[0].token, 9);
}
END_TEST

/* A smaller token, or the same one, is no news, and a greater one in the file
 * is left there. */
START_TEST(a_floor_only_rises)
{
    struct token_floor web = { "web", 0 };
    struct token_floors f;

    put(path, "web 18446744073709551615\n");
    ck_assert(token_floors_open(&f, path, &web, 1));
    ck_assert_uint_eq(web.token, UINT64_MAX);
    token_floors_see(&f, 0, 5);
    ck_assert(!f.is_due);
    web.token = 5;
    ck_assert_int_eq(token_floors_write(path, &web, 1), 0);
    ck_assert_str_eq(text_of(path), "web 18446744073709551615\n");
}
END_TEST

/* At the same time, too: two programs that write as fast as they can. */
START_TEST(programs_write_side_by_side)
{
    pid_t pids[2];
    struct token_floor both[] = { { "a", 0 }, { "b", 0 } };

    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (uint64_t token = 1; token <= 50; token++) {
                struct token_floor one = { both[i].group, token };
                int error;
                do { /* While the other one has the directory. */
                    error = token_floors_write(path, &one, 1);
                } while (error == EWOULDBLOCK);
                if (error != 0) {
                    _exit(error);
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(token_floors_write(path, both, 2), 0);
    ck_assert_uint_eq(both[0].token, 50);
    ck_assert_uint_eq(both[1].token, 50);
}
END_TEST

/* What fails is said once, and tried again each second, until it is written. */
START_TEST(a_full_disk_is_tried_again)
{
    struct token_floor web = { "web", 0 };
    struct token_floors f;
    struct rlimit before;

    ck_assert(token_floors_open(&f, path, &web, 1));
    token_floors_see(&f, 0, 4);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = { .rlim_cur = 2, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_str_eq(token_floors_keep(&f, 100), strerror(EFBIG));
    ck_assert_ptr_null(token_floors_keep(&f, 100 + INFRA_SEC(1)));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    ck_assert_str_eq(text_of(path), "web 0\n");
    ck_assert_ptr_null(token_floors_keep(&f, 99 + INFRA_SEC(2)));
    ck_assert_str_eq(text_of(path), "web 0\n");
    ck_assert_str_eq(token_floors_keep(&f, 100 + INFRA_SEC(2)),
                     "written again");
    ck_assert_str_eq(text_of(path), "web 4\n");
    ck_assert_ptr_null(token_floors_keep(&f, 100 + INFRA_SEC(3)));
}
END_TEST

/* Who keeps the directory locked is waited for, and not for long. */
START_TEST(a_locked_directory_is_tried_again)
{
    struct token_floor web = { "web", 1 };
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(token_floors_write(path, &web, 1), EWOULDBLOCK);
    (void)close(fd);
    ck_assert_int_eq(token_floors_write(path, &web, 1), 0);
}
END_TEST

/* Where nothing can be written, or something else is, is an error at the start,
 * and changes nothing. */
START_TEST(what_cannot_be_kept_is_an_error_at_once)
{
    static const char *const texts[] = { "", "x\n", "web 7", "web x\n",
                                         "web 18446744073709551616\n" };
    static const char *const paths[] = { "/proc/self/floor", "/none/floor",
                                         "/dev/null", "/", "/tmp" };
    struct token_floor web = { "web", 0 };
    struct token_floors f;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ck_assert(!token_floors_open(&f, paths[i], &web, 1));
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(path, texts[i]);
        ck_assert_int_eq(token_floors_write(path, &web, 1), EBADMSG);
        ck_assert_str_eq(text_of(path), texts[i]);
    }
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* It would hang. */
    ck_assert_int_eq(token_floors_write(path, &web, 1), EINVAL);
    ck_assert(token_floors_open(&f, NULL, &web, 1));
}
END_TEST

/* A link is neither read nor written through, in place of the file or of what
 * is written first. */
START_TEST(links_are_not_followed)
{
    struct token_floor web = { "web", 5 };
    char new[128];

    put(other, "web 900\n");
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_int_eq(token_floors_write(path, &web, 1), ELOOP);
    ck_assert_uint_eq(web.token, 5);
    ck_assert_int_eq(unlink(path), 0);
    (void)snprintf(new, sizeof new, "%s.new", path);
    ck_assert_int_eq(symlink(other, new), 0);
    ck_assert_int_eq(token_floors_write(path, &web, 1), 0);
    ck_assert_str_eq(text_of(path), "web 5\n");
    ck_assert_int_eq(link(other, new), 0);
    web.token = 6;
    ck_assert_int_eq(token_floors_write(path, &web, 1), 0);
    ck_assert_str_eq(text_of(other), "web 900\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_floor");
    TCase *tc = tcase_create("floor");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_program_has_its_groups);
    tcase_add_test(tc, a_floor_only_rises);
    tcase_add_test(tc, programs_write_side_by_side);
    tcase_add_test(tc, a_full_disk_is_tried_again);
    tcase_add_test(tc, a_locked_directory_is_tried_again);
    tcase_add_test(tc, what_cannot_be_kept_is_an_error_at_once);
    tcase_add_test(tc, links_are_not_followed);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
