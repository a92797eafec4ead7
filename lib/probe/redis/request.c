/* SPDX-License-Identifier: MIT */
/* Commands as arrays of words, each with its length, so that nothing in a word
 * is special (Redis serialization protocol specification). */
#include "request.h"

#include "../../base/characters.h"
#include "../answer.h"

#include <stdio.h>
#include <string.h>

#define USER_MAX 255u
#define PASSWORD_MAX 4096u

/* Take the next word from the front of @at; size 0: there is none. */
static size_t next_word(const char **at)
{
    size_t size = 0;

    while (**at == ' ') {
        (*at)++;
    }
    while ((*at)[size] != '\0' && (*at)[size] != ' ') {
        size++;
    }
    return size;
}

static bool is_question_allowed(const char *question)
{
    const char *at = question;
    size_t size = 0;

    for (; question[size] != '\0'; size++) {
        if (size == INFRA__QUESTION_MAX || question[size] == '\t' ||
            infra__is_control((unsigned char)question[size])) {
            return false;
        }
    }
    return next_word(&at) > 0;
}

bool infra__redis_options_are_allowed(const struct infra_probe_redis_options *o)
{
    const struct infra__answer_limits limits = { o->answer_min, o->answer_max };

    return (o->user == NULL ||
            (o->password != NULL && strlen(o->user) <= USER_MAX)) &&
           (o->password == NULL || strlen(o->password) <= PASSWORD_MAX) &&
           (o->question == NULL || is_question_allowed(o->question)) &&
           infra__answer_limits_are_allowed(&limits, o->question) &&
           o->expect <= INFRA_PROBE_ROLE_REPLICA && o->ask <= 1 && o->tls <= 1;
}

/* Counts if there is nothing at @at yet. */
struct request {
    char *at;
    size_t size;
};

static void add(struct request *q, const char *bytes, size_t size)
{
    if (q->at != NULL) {
        memcpy(q->at + q->size, bytes, size);
    }
    q->size += size;
}

/* "$5\r\n" before five bytes, "*5\r\n" before five words. */
static void add_count(struct request *q, char type, size_t count)
{
    char head[32];
    int size = snprintf(head, sizeof head, "%c%zu\r\n", type, count);

    add(q, head, (size_t)size);
}

static void add_bytes(struct request *q, const char *word, size_t size)
{
    add_count(q, '$', size);
    add(q, word, size);
    add(q, "\r\n", 2);
}

static void add_word(struct request *q, const char *word)
{
    add_bytes(q, word, strlen(word));
}

static void add_question(struct request *q, const char *question)
{
    const char *at = question;
    size_t count = 0;

    for (size_t size; (size = next_word(&at)) > 0; at += size) {
        count++;
    }
    add_count(q, '*', count);
    at = question;
    for (size_t size; (size = next_word(&at)) > 0; at += size) {
        add_bytes(q, at, size);
    }
}

size_t infra__redis_request_write(char *ret,
                                  const struct infra_probe_redis_options *o)
{
    struct request q = { .at = ret };

    if (o->password != NULL) {
        add_count(&q, '*', o->user != NULL ? 3 : 2);
        add_word(&q, "AUTH");
        if (o->user != NULL) {
            add_word(&q, o->user);
        }
        add_word(&q, o->password);
    }
    add_count(&q, '*', 1);
    add_word(&q, "PING");
    if (o->ask == 1) {
        add_count(&q, '*', 1);
        add_word(&q, "ROLE");
    }
    if (o->question != NULL) {
        add_question(&q, o->question);
    }
    return q.size;
}
