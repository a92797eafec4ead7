/* SPDX-License-Identifier: MIT */
/* What a statement leaves on its connection. Rules only: a pin is started by
 * what the statement says it does, and dropped by what drops all of its kind,
 * since a session does not count locks or names. */
#include "session.h"

static const struct {
    uint32_t flag;
    uint32_t pin;
} marks[] = {
    { INFRA_STATEMENT_TEMPORARY, INFRA_SESSION_PIN_TEMPORARY },
    { INFRA_STATEMENT_SESSION_LOCK, INFRA_SESSION_PIN_ADVISORY },
    { INFRA_STATEMENT_TABLE_LOCK, INFRA_SESSION_PIN_TABLES },
    { INFRA_STATEMENT_XA, INFRA_SESSION_PIN_XA },
    { INFRA_STATEMENT_WRITES_VARIABLE, INFRA_SESSION_PIN_VARIABLE },
    { INFRA_STATEMENT_SEQUENCE, INFRA_SESSION_PIN_SEQUENCE },
    { INFRA_STATEMENT_HOLD, INFRA_SESSION_PIN_CURSOR },
    { INFRA_STATEMENT_PREPARE, INFRA_SESSION_PIN_PREPARED },
    { INFRA_STATEMENT_LISTEN, INFRA_SESSION_PIN_LISTEN },
    { INFRA_STATEMENT_FOLLOWED, INFRA_SESSION_PIN_LAST },
};

static const struct {
    uint32_t pin;
    uint32_t flags;
} uses[] = {
    { INFRA_SESSION_PIN_VARIABLE,
      INFRA_STATEMENT_READS_VARIABLE | INFRA_STATEMENT_WRITES_VARIABLE },
    { INFRA_SESSION_PIN_SEQUENCE, INFRA_STATEMENT_SEQUENCE },
    { INFRA_SESSION_PIN_CURSOR, INFRA_STATEMENT_CURSOR },
    { INFRA_SESSION_PIN_PREPARED, INFRA_STATEMENT_PREPARE |
                                      INFRA_STATEMENT_EXECUTE |
                                      INFRA_STATEMENT_DEALLOCATE },
    { INFRA_SESSION_PIN_LISTEN, INFRA_STATEMENT_LISTEN },
    { INFRA_SESSION_PIN_LAST, INFRA_STATEMENT_FOLLOWS },
};

static uint32_t pins_of(uint32_t flags)
{
    uint32_t pins = 0;

    for (size_t i = 0; i < INFRA__COUNT_OF(marks); i++) {
        pins |= (flags & marks[i].flag) != 0 ? marks[i].pin : 0;
    }
    return pins;
}

/* In a text of several, one may start again what another has dropped. */
static bool drops(const struct infra_statement *s)
{
    return (s->flags & INFRA_STATEMENT_RESETS) != 0 && s->count == 1;
}

uint32_t infra__pins_started(const struct infra_statement *statement)
{
    uint32_t pins = drops(statement) ? 0 : pins_of(statement->flags);

    if ((statement->flags & INFRA_STATEMENT_SERIALIZABLE) != 0 &&
        (statement->kind == INFRA_STATEMENT_SESSION ||
         statement->reason == INFRA_STATEMENT_REASON_SERIALIZABLE) &&
        statement->kind != INFRA_STATEMENT_BEGIN &&
        (statement->flags & INFRA_STATEMENT_NEXT_TRANSACTION) == 0) {
        pins |= INFRA_SESSION_PIN_PRIMARY;
    }
    return pins;
}

uint32_t infra__pins_ended(const struct infra_statement *statement)
{
    const uint32_t all =
        INFRA_STATEMENT_DEALLOCATE | INFRA_STATEMENT_LEXER_MODE;

    if (drops(statement)) {
        return (statement->flags & all) == all ? UINT32_MAX
                                               : pins_of(statement->flags);
    }
    if ((statement->flags & INFRA_STATEMENT_DEALLOCATE) != 0 &&
        statement->count == 1 && statement->name_length == 0) {
        return INFRA_SESSION_PIN_PREPARED;
    }
    return 0;
}

uint32_t infra__pins_binding(uint32_t pins,
                             const struct infra_statement *statement)
{
    uint32_t binding = pins & PINS_BIND_ALL;

    for (size_t i = 0; i < INFRA__COUNT_OF(uses); i++) {
        if ((pins & uses[i].pin) != 0 &&
            (statement->flags & uses[i].flags) != 0) {
            binding |= uses[i].pin;
        }
    }
    return binding;
}
