/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include "../base/internal.h"
#include "../base/secret.h"

static const char *const steps[] = {
    [INFRA_LOGIN_STEP_WAIT] = "wait",
    [INFRA_LOGIN_STEP_SEND] = "send",
    [INFRA_LOGIN_STEP_DONE] = "done",
    [INFRA_LOGIN_STEP_REFUSED] = "refused",
};

static const char *const reasons[] = {
    [INFRA_LOGIN_REASON_NONE] = "none",
    [INFRA_LOGIN_REASON_WRONG_PASSWORD] = "wrong password",
    [INFRA_LOGIN_REASON_UNKNOWN_USER] = "unknown user",
    [INFRA_LOGIN_REASON_MALFORMED] = "malformed",
    [INFRA_LOGIN_REASON_TOO_LONG] = "too long",
    [INFRA_LOGIN_REASON_MISSING] = "attribute missing",
    [INFRA_LOGIN_REASON_BAD_BASE64] = "bad base64",
    [INFRA_LOGIN_REASON_WRONG_NONCE] = "wrong nonce",
    [INFRA_LOGIN_REASON_CHANNEL_BINDING] = "channel binding",
    [INFRA_LOGIN_REASON_OTHER_IDENTITY] = "other identity",
    [INFRA_LOGIN_REASON_EXTENSION] = "unknown extension",
    [INFRA_LOGIN_REASON_UNKNOWN_METHOD] = "unknown method",
    [INFRA_LOGIN_REASON_TOO_COSTLY] = "too many iterations",
    [INFRA_LOGIN_REASON_REFUSED] = "refused by the server",
    [INFRA_LOGIN_REASON_FORGED] = "forged",
    [INFRA_LOGIN_REASON_NEEDS_TLS] = "needs TLS",
    [INFRA_LOGIN_REASON_NEEDS_PASSWORD] = "needs the password",
    [INFRA_LOGIN_REASON_OTHER_SALT] = "other salt",
    [INFRA_LOGIN_REASON_NOT_ASCII] = "password is not ASCII",
    [INFRA_LOGIN_REASON_OUT_OF_ORDER] = "out of order",
};

const char *infra_login_step_name(uint32_t step)
{
    return INFRA__NAME(steps, step);
}

const char *infra_login_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_login_mysql_method_name(uint32_t method)
{
    return infra__mysql_methods[method < INFRA__COUNT_OF(infra__mysql_methods)
                                    ? method
                                    : INFRA_LOGIN_MYSQL_UNKNOWN]
        .name;
}

void infra_login_wipe(void *bytes, size_t size)
{
    if (bytes != NULL) {
        infra__wipe(bytes, size);
    }
}
