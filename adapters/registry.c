/* SPDX-License-Identifier: Apache-2.0 */
/* The adapters that are built in: a list one can read. */
#include "adapters/adapter.h"
#include "adapters/feed/feeds.h"
#include "adapters/submit/submits.h"
#include "daemon/base/cleanup.h"

#include <string.h>

static const FeedAdapter *const feeds[] = {&feed_mef, &feed_updated_since, &feed_csv_drop,
                                           &feed_mymup_dump};
static const SubmitAdapter *const submits[] = {&submit_https, &submit_mesh, &submit_portal};

const FeedAdapter *const *feed_adapters(size_t *ret_count)
{
    *ret_count = COUNT_OF(feeds);
    return feeds;
}

const SubmitAdapter *const *submit_adapters(size_t *ret_count)
{
    *ret_count = COUNT_OF(submits);
    return submits;
}

const FeedAdapter *feed_adapter(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(feeds); i++)
        if (strcmp(feeds[i]->name, name) == 0)
            return feeds[i];
    return NULL;
}

const SubmitAdapter *submit_adapter(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(submits); i++)
        if (strcmp(submits[i]->name, name) == 0)
            return submits[i];
    return NULL;
}

const OptionDecl *adapter_options(const char *kind, const char *adapter)
{
    if (strcmp(kind, "feed") == 0) {
        const FeedAdapter *feed = feed_adapter(adapter);
        return feed ? feed->options : NULL;
    }
    const SubmitAdapter *submit = submit_adapter(adapter);
    return submit ? submit->options : NULL;
}
