/* An exchange for tests, and a driver to run it over real sockets. */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include "loopback.h"

#include "driver/internal.h"

#define TALK_HEARD_MAX 64u

/* An exchange that connects, says its piece, listens until it has heard enough,
 * and remembers what it was told. */
struct talk {
    struct infra__job job;
    struct infra__address addresses[2];
    const char *say;
    size_t say_size;
    size_t enough; /* Bytes to hear; SIZE_MAX: until EOF. */
    int flood_fd;  /* Sends for ever: again for all that is heard; 0: none. */
    bool idles;    /* Rather than being done. */
    bool stays;    /* After the peer's end, and after CLOSE. */
    bool redials;  /* On failure, at the other address and 10 s more. */
    bool secures;  /* Wants TLS when connected. */
    size_t upgrade_after; /* Bytes heard before it wants TLS; 0: never. */
    uint32_t want;
    uint32_t endpoint;
    infra_time deadline;
    uint32_t notes[INFRA_NOTE_DEADLINE + 1u]; /* How many of each. */
    uint32_t outcome;                         /* With FAILED. */
    uint32_t done;
    size_t heard_size;
    char heard[TALK_HEARD_MAX]; /* The first of it. */
};

/* What the talks run on: made before each test; after it nothing may be left,
 * in memory or open. */
extern struct infra_driver *talk_driver;
void talk_setup(void);
void talk_teardown(void);

/* Attach a talk with @endpoint that has until the virtual second 10. */
void talk_init(struct talk *t, const struct test_endpoint *endpoint);

void talk_step(infra_time now);

/* Step at the virtual second 1 until the talk is over. */
void talk_settle(const struct talk *t);

/* Step at the virtual second 1 until it was told @note. */
void talk_settle_until(const struct talk *t, uint32_t note);

#endif
