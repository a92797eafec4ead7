/* SPDX-License-Identifier: MIT */
/* The arguments of the proxy of examples/: what is wrong is said, and not done.
 * */
#include "support.h"

#include "proxy_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each wrong argument ends with status 2 and a line that names it. */
static const struct {
    const char *args[6];
    const char *says;
} wrong[] = {
    { { "127.0.0.1:1" }, "--listen ADDR:PORT is missing" },
    { { "--listen", "127.0.0.1:0" }, "at least one BACKEND" },
    { { "--listen", "nowhere" }, "--listen \"nowhere\": must be ADDR:PORT" },
    { { "--listen", "[::1:80" }, "with an IPv6 ADDR in brackets" },
    { { "--listen", "::1:80" }, "not an IPv4 address" },
    { { "--listen", "[127.0.0.1]:80" }, "not an IPv6 address" },
    { { "--listen", "127.0.0.1:70000" }, "port must be 0 to 65535" },
    { { "--listen", "127.0.0.1:0", "127.0.0.1:0" },
      "backend \"127.0.0.1:0\": port must be 1 to 65535" },
    { { "--listen", "127.0.0.1:0", "127.0.0.1:x" }, "port must be 1 to" },
    { { "--listen", "127.0.0.1:0", "127.0.0.1:1", "127.0.0.1:1,backup" },
      "backend \"127.0.0.1:1\": given twice" },
    { { "--listen", "127.0.0.1:0", "127.0.0.1:1,weight=0" },
      "weight must be 1 to 65535" },
    { { "--listen", "127.0.0.1:0", "127.0.0.1:1,spare" },
      "\"spare\" is neither weight=N nor backup" },
    { { "--balance", "best" },
      "--balance \"best\": must be round-robin or smooth-weighted" },
    { { "--balance", "round-robin", "--listen", "127.0.0.1:0",
        "127.0.0.1:1,weight=2" },
      "round-robin ignores weights" },
    { { "--check", "icmp" }, "--check \"icmp\": no such kind (kinds: agent" },
    { { "--check", "http:/a b" }, "--check \"http\": invalid argument" },
    { { "--check", "http,pth=/" },
      "--check \"http\": setting 1, pth is not known" },
    { { "--check", "redis,expect=slave" }, "expect" },
    { { "--check", "http:/,field=Content-Length: 1" }, "Content-Length (" },
    { { "--check", "http:/,host=a,field=Host: b" }, "Host (" },
    { { "--check", "http:/,field=A-b: c\\r\\nD: e" }, "A-b (" },
    { { "--check", "http:/,field=A: b\\x00" }, "field (" },
    { { "--check", "http:/,field=A b: c" }, "field (" },
    { { "--check", "http:/,field=A" }, "field (" },
    { { "--check", "http:/,field=A: b,field=TE: c" }, "TE (" },
    { { "--check", "http:/a\\x00b" }, "path (" },
    { { "--check", "redis,question=a,answer_min=x" }, "answer_min (" },
    { { "--check", "mysql,password" }, "a setting is NAME=VALUE" },
    { { "--check", "tcp,connect_timeout=2h" }, "connect_timeout" },
    { { "--check", "redis,password-file=/nowhere" },
      "--check /nowhere: No such file" },
    { { "--check", "redis,password-file=/dev/null" },
      "--check /dev/null: must be 1 to 4096 bytes" },
    { { "--check", "redis,password-env=NOBODY_HAS_THIS" },
      "--check NOBODY_HAS_THIS: the environment has to have it" },
    { { "--on-all-down", "panic" }, "must be refuse, anybody or last-up" },
    { { "--outlier", "0" }, "--outlier \"0\": must be 1 to 1000" },
    { { "--slow-start", "soon" }, "--slow-start \"soon\": must be a time" },
    { { "--threads", "0" }, "--threads \"0\": must be 1 to 256" },
    { { "--rise", "-1" }, "--rise \"-1\": must be 1 to 1000" },
    { { "--inter", "2" }, "--inter \"2\": must be a time such as 500ms" },
    { { "--inter", "0s" }, "--inter \"0s\": must be a time" },
    { { "--inter", "922337204m" }, "--inter \"922337204m\": must be a time" },
    { { "--idle-timeout", "922337204m" }, "--idle-timeout \"922337204m\"" },
    { { "--idle-timeout", "525601m" }, "a year (525600m) at most" },
    { { "--connect-timeout", "4294967296s" }, "must be a time" },
    { { "--slow-start", "31536001s" }, "must be a time" },
    { { "--check", "tcp,connect_timeout=922337204m" }, "bad connect_timeout" },
    { { "--check", "tcp,connect_timeout=4294967295s" }, "bad connect_timeout" },
    { { "--check-port", "0" }, "--check-port \"0\": must be 1 to 65535" },
    { { "--admin", "x" }, "--admin \"127.0.0.1:x\"" },
    { { "--admin", "nowhere:1" }, "--admin \"nowhere:1\"" },
    { { "--listen", "127.0.0.1:0", "--admin-writes", "127.0.0.1:1" },
      "--admin-writes needs --admin" },
    { { "--what" }, "--what" },
};

START_TEST(wrong_arguments_are_explained)
{
    struct child child;

    child_run(&child, wrong[_i].args);
    int status = child_wait_end(&child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 2,
                  "%s: status %#x", wrong[_i].says, (unsigned)status);
    ck_assert_msg(strstr(child.log, wrong[_i].says) != NULL, "%s: %s",
                  wrong[_i].says, child.log);
}
END_TEST

/* A port that is taken is a fault of the system, not of the arguments. */
START_TEST(taken_port_is_said)
{
    char name[32];
    struct child child;
    int listener = backend_listen(0, name);

    child_run(&child,
              (const char *[]) { "--listen", name, "127.0.0.1:1", NULL });
    int status = child_wait_end(&child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    ck_assert_ptr_nonnull(strstr(child.log, "Address already in use"));
    close(listener);
}
END_TEST

START_TEST(help_names_every_option)
{
    static const char *const options[] = {
        "--listen",        "--threads",      "--balance",
        "--check",         "--inter",        "--rise",
        "--fall",          "--idle-timeout", "--connect-timeout",
        "--drain-timeout", "--help",         "weight=N",
        "smooth-weighted", "two-choices",    "backup",
        "--fastinter",     "--downinter",    "--slow-start",
        "--outlier",       "--on-all-down",  "mysql",
        "pgsql",           "redis",          "script",
    };

    struct child child;

    child_run(&child, (const char *[]) { "--help", NULL });
    ck_assert_int_eq(child_wait_end(&child), 0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        ck_assert_msg(strstr(child.log, options[i]) != NULL, "no %s",
                      options[i]);
    }
}
END_TEST

/* Of a secret nothing is said, wherever it stands in what is wrong. */
static const char *const leaks[] = {
    "mysql,user=u,password=SECRET,pth=1",
    "mysql,user=u,password=a,SECRET",
    "mysql,user=u,password=a,SECRET=b",
    "mysql,user=u,password=SECRET,expect=slave",
    "mysql,password=SECRET,lag_max=x",
    "mysql:SECRET",
    "mysql password=SECRET",
    "redis,SECRET",
    "tcp,password=SECRET",
    "script,send=AUTH SECRET,pth=1",
};

START_TEST(wrong_check_keeps_a_secret)
{
    const char *const args[] = { "--check", leaks[_i], NULL };
    struct child child;

    child_run(&child, args);
    int status = child_wait_end(&child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    ck_assert_ptr_nonnull(strstr(child.log, "--check"));
    ck_assert_ptr_null(strstr(child.log, "SECRET"));
}
END_TEST

/* All of a file of /proc. */
static size_t read_proc(const struct child *child, const char *file, char *ret,
                        size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)child->pid, file);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(ret, 1, size, f);
    fclose(f);
    return n;
}

/* Where a password may come from; what is on the command line is hidden. */
static const char *const checks[] = {
    "redis,password=SECRET",
    "redis,user=u,password-env=PROBE_PASSWORD",
    "redis,user=u,password-file=PATH",
};

START_TEST(password_is_not_to_be_seen)
{
    const char *args[] = { "--check", checks[_i], "", NULL };
    static char text[1 << 16];
    struct child child;
    char name[32];
    char asked[64] = "";
    char with_path[64] = "redis,user=u,password-file=/tmp/proxy_XXXXXX";
    char *path = strchr(with_path, '/');
    int file = mkstemp(path);

    ck_assert_int_eq(write(file, "SECRET\n", 7), 7);
    close(file);
    if (strstr(checks[_i], "-env=") != NULL) {
        setenv("PROBE_PASSWORD", "SECRET", 1);
    }
    int listener = backend_listen(0, name);
    args[1] = strstr(checks[_i], "-file=") != NULL ? with_path : checks[_i];
    args[2] = name;
    child_start(&child, args);
    unlink(path);
    unsetenv("PROBE_PASSWORD");
    /* The server is told. */
    int fd = backend_accept(listener);
    ck_assert_int_gt(recv(fd, asked, sizeof asked - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(asked, "SECRET"));
    size_t size = read_proc(&child, "cmdline", text, sizeof text);
    ck_assert_ptr_null(memmem(text, size, "SECRET", 6));
    size = read_proc(&child, "environ", text, sizeof text);
    ck_assert_ptr_null(memmem(text, size, "SECRET", 6));
    close(fd);
    close(listener);
    child_stop(&child);
}
END_TEST

static Suite *options_suite(void)
{
    Suite *s = suite_create("proxy_options");
    TCase *tc = tcase_create("arguments");
    tcase_add_loop_test(tc, wrong_arguments_are_explained, 0,
                        sizeof wrong / sizeof wrong[0]);
    tcase_add_loop_test(tc, wrong_check_keeps_a_secret, 0,
                        sizeof leaks / sizeof leaks[0]);
    tcase_add_loop_test(tc, password_is_not_to_be_seen, 0,
                        sizeof checks / sizeof checks[0]);
    tcase_add_test(tc, taken_port_is_said);
    tcase_add_test(tc, help_names_every_option);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(options_suite());
}
