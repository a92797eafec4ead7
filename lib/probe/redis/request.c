/* SPDX-License-Identifier: MIT */
/* Commands as arrays of words, each with its length, so that nothing in a word
 * is special (Redis serialization protocol specification). */
#include "request.h"
#include "../database.h"

#include "../../base/characters.h"

#include <stdio.h>
#include <string.h>

#define USER_MAX 255u
#define PASSWORD_MAX 4096u

/* Skip blanks at the front of @at. The size of the word there; 0: none. */
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

static bool may_ask(unsigned char c)
{
    return c != '\t' && !infra__is_control(c);
}

static bool is_question_allowed(const char *question)
{
    const char *at = question;

    return infra__text_is_made_of(may_ask, question, strlen(question)) &&
           next_word(&at) > 0;
}

bool infra__redis_options_are_allowed(const struct infra_probe_redis_options *o)
{
    return infra__database_options_are_allowed(o, USER_MAX, PASSWORD_MAX) &&
           (o->user == NULL || o->password != NULL) &&
           (o->question == NULL || is_question_allowed(o->question));
}

/* "$5\r\n" before five bytes, "*5\r\n" before five words. */
static void add_count(struct infra__request *r, char type, size_t count)
{
    char head[32];

    (void)snprintf(head, sizeof head, "%c%zu\r\n", type, count);
    infra__request_add_text(r, head);
}

static void add_word(struct infra__request *r, const char *word, size_t size)
{
    add_count(r, '$', size);
    infra__request_add(r, word, size);
    infra__request_add_text(r, "\r\n");
}

/* The words of @text, separated by blanks. */
static void add_words(struct infra__request *r, const char *text)
{
    const char *at = text;
    size_t count = 0;

    for (size_t size; (size = next_word(&at)) > 0; at += size) {
        count++;
    }
    add_count(r, '*', count);
    at = text;
    for (size_t size; (size = next_word(&at)) > 0; at += size) {
        add_word(r, at, size);
    }
}

void infra__redis_request_write(struct infra__request *r,
                                const struct infra_probe_redis_options *o)
{
    if (o->password != NULL) {
        add_count(r, '*', o->user != NULL ? 3 : 2);
        add_word(r, "AUTH", 4);
        if (o->user != NULL) {
            add_word(r, o->user, strlen(o->user));
        }
        add_word(r, o->password, strlen(o->password));
    }
    add_words(r, "PING");
    if (o->ask == 1) {
        add_words(r, "ROLE");
    }
    if (o->question != NULL) {
        add_words(r, o->question);
    }
}
