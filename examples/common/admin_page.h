/* SPDX-License-Identifier: MIT */
/* The page of an admin listener at /status: it fetches /status.json every two
 * seconds, shows it, and works out rates from its counters.  Any program can
 * use it that answers this:
 *
 *   {"program": "...", "version": "...", "uptime": SECONDS, "may_write": BOOL,
 *    "facts": [VALUE...],
 *    "groups": [{"title": "...", "rows": [{"name": "...", "state": "...",
 *                "level": "good|warn|bad|idle", "why": "...",
 *                "values": [VALUE...], "actions": ["..."]}]}],
 *    "events": [{"age": SECONDS, "text": "..."}]}
 *
 * A VALUE is ["label", what to show, 1 if it is a counter].  An action is sent
 * as POST mark?name=NAME&to=ACTION with the header X-Admin. */
#ifndef EXAMPLES_ADMIN_PAGE_H
#define EXAMPLES_ADMIN_PAGE_H

#include "page.h"

void admin_page(struct page *page);

#endif
