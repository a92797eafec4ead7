/* Addresses, and a socket that meets itself. */
#include "loopback.h"
#include "support.h"

#include "base/internal.h"
#include "driver/socket.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket that found itself is no server. */
START_TEST(a_socket_is_not_its_own_server)
{
    static const int families[] = { AF_INET, AF_INET6 };
    struct test_endpoint own;
    struct infra__address address;
    struct infra__address elsewhere;

    int fd = test_meet_itself(families[_i], &own);
    if (fd < 0 && families[_i] == AF_INET6) {
        return; /* This machine has none. */
    }
    ck_assert_int_eq(
        infra__address_import(&address, (const struct sockaddr *)&own.storage,
                              own.size),
        INFRA_OK);
    ck_assert(infra__socket_is_own_peer(fd, &address));
    elsewhere = address;
    ((struct sockaddr_in *)&elsewhere.storage)->sin_port ^= 1;
    ck_assert(!infra__socket_is_own_peer(fd, &elsewhere));
    test_reset(fd);
}
END_TEST

/* An address is IPv4, IPv6 or Unix, and as long as such a one. */
START_TEST(addresses_are_looked_at)
{
    static const struct {
        sa_family_t family;
        uint32_t size;
        int result;
    } rows[] = {
        { AF_INET, sizeof(struct sockaddr_in), INFRA_OK },
        { AF_INET, sizeof(struct sockaddr_in) - 1, INFRA_EINVAL },
        { AF_INET6, sizeof(struct sockaddr_in6), INFRA_OK },
        { AF_INET6, sizeof(struct sockaddr_in), INFRA_EINVAL },
        { AF_INET6, sizeof(struct sockaddr_storage) + 1, INFRA_EINVAL },
        { AF_UNIX, sizeof(struct sockaddr_un), INFRA_OK },
        { AF_UNIX, sizeof(sa_family_t) + 1, INFRA_OK },
        { AF_UNIX, sizeof(sa_family_t), INFRA_EINVAL },
        { AF_UNIX, sizeof(struct sockaddr_un) + 1, INFRA_EINVAL },
        { AF_NETLINK, sizeof(struct sockaddr_storage), INFRA_EINVAL },
        { AF_INET, 1, INFRA_EINVAL },
        { AF_INET, 0, INFRA_EINVAL },
    };
    struct sockaddr_storage source[2] = { 0 };
    struct infra__address address;

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        source[0].ss_family = rows[i].family;
        ck_assert_msg(infra__address_import(&address,
                                            (const struct sockaddr *)source,
                                            rows[i].size) == rows[i].result,
                      "row %zu", i);
    }
    ck_assert_int_eq(infra__address_import(&address, NULL, 16), INFRA_EINVAL);
}
END_TEST

static Suite *socket_suite(void)
{
    Suite *s = suite_create("socket");
    TCase *tc = tcase_create("socket");
    tcase_add_loop_test(tc, a_socket_is_not_its_own_server, 0, 2);
    tcase_add_test(tc, addresses_are_looked_at);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(socket_suite());
}
