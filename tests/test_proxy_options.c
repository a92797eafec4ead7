/* SPDX-License-Identifier: MIT */
/* The arguments of the proxy of examples/: what is wrong is said, and not done.
 * */
#include "support.h"

#include "proxy_child.h"

#include <string.h>
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
    { { "--check", "http:/a b" }, "\"http:/a b\": invalid argument" },
    { { "--check", "http,pth=/" }, "\"http,pth=/\": pth" },
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
    { { "--on-all-down", "panic" }, "must be refuse, anybody or last-up" },
    { { "--outlier", "0" }, "--outlier \"0\": must be 1 to 1000" },
    { { "--slow-start", "soon" }, "--slow-start \"soon\": must be a time" },
    { { "--threads", "0" }, "--threads \"0\": must be 1 to 256" },
    { { "--rise", "-1" }, "--rise \"-1\": must be 1 to 1000" },
    { { "--inter", "2" }, "--inter \"2\": must be a time such as 500ms" },
    { { "--inter", "0s" }, "--inter \"0s\": must be a time" },
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

static Suite *options_suite(void)
{
    Suite *s = suite_create("proxy_options");
    TCase *tc = tcase_create("arguments");
    tcase_add_loop_test(tc, wrong_arguments_are_explained, 0,
                        sizeof wrong / sizeof wrong[0]);
    tcase_add_test(tc, taken_port_is_said);
    tcase_add_test(tc, help_names_every_option);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(options_suite());
}
