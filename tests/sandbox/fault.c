/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the list of faults, matches requests against it, and holds stalled requests. */
#include "tests/sandbox/fault.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/random.h"

enum { RULES_MOST = 64, STALL_DEFAULT = 60 };

typedef struct Rule {
    char target[12];
    char method[8]; /* "" = any */
    char path[80];  /* a beginning; "" = any */
    int64_t times;  /* -1 = for ever */
    uint32_t percent;
    uint64_t asked;
    Fault fault;
} Rule;

#define X(name, text) text,
const char *const fault_action_names[FAULT_COUNT] = {FAULT_ACTIONS(X)};
#undef X

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static Rule rules[RULES_MOST];
static size_t rule_count;
static uint64_t generation;
static bool stopped;

static bool copy_text(char *to, size_t size, const char *text)
{
    if (text == NULL)
        text = "";
    size_t length = strlen(text);
    if (length >= size)
        return false;
    memcpy(to, text, length + 1);
    return true;
}

static bool parse_path(Rule *rule, const char *path)
{
    if (path == NULL)
        return true;
    const char *space = strchr(path, ' ');
    if (space != NULL && (size_t)(space - path) < sizeof rule->method) {
        memcpy(rule->method, path, (size_t)(space - path));
        path = space + 1;
    }
    return copy_text(rule->path, sizeof rule->path, path);
}

static bool parse_action(Fault *fault, const char *name)
{
    for (int action = FAULT_STATUS; name != NULL && action < FAULT_COUNT; action++) {
        if (strcmp(name, fault_action_names[action]) == 0) {
            fault->action = (FaultAction)action;
            return true;
        }
    }
    return false;
}

static int64_t integer_of(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static bool known_keys(const json_t *object)
{
    static const char *const keys[] = {"target", "path",        "action",  "status", "retry_after",
                                       "times",  "after_bytes", "percent", "seconds"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            known = known || strcmp(key, keys[i]) == 0;
        if (!known)
            return false;
    }
    return true;
}

static const char *parse_rule(const json_t *object, Rule *ret_rule)
{
    Rule rule = {.times = integer_of(object, "times", -1)};
    const char *target = json_string_value(json_object_get(object, "target"));
    if (!json_is_object(object) || !known_keys(object))
        return "a rule has an unknown member";
    if (target == NULL || (strcmp(target, "feed") != 0 && strcmp(target, "receiver") != 0))
        return "a rule's target is neither feed nor receiver";
    if (!copy_text(rule.target, sizeof rule.target, target) ||
        !parse_path(&rule, json_string_value(json_object_get(object, "path"))))
        return "a rule's path is too long";
    if (!parse_action(&rule.fault, json_string_value(json_object_get(object, "action"))))
        return "a rule's action is unknown";
    if (!copy_text(rule.fault.retry_after, sizeof rule.fault.retry_after,
                   json_string_value(json_object_get(object, "retry_after"))))
        return "a rule's retry_after is too long";
    rule.fault.status = (unsigned)integer_of(object, "status", 503);
    if (rule.fault.status < 200 || rule.fault.status > 599)
        return "a rule's status is out of bounds";
    rule.percent = (uint32_t)integer_of(object, "percent", 100);
    rule.fault.after_bytes = (uint64_t)integer_of(object, "after_bytes", -1);
    rule.fault.seconds = (uint32_t)integer_of(object, "seconds", STALL_DEFAULT);
    *ret_rule = rule;
    return NULL;
}

bool fault_add(const char *json, size_t length, const char **ret_why)
{
    json_t *root = json_loadb(json, length, 0, NULL);
    json_t *list = json_is_array(root) ? json_incref(root) : json_array();
    Rule parsed[RULES_MOST];
    size_t count = 0;
    if (root != NULL && !json_is_array(root))
        json_array_append(list, root);
    *ret_why = root == NULL ? "the body is not JSON" : NULL;
    for (; *ret_why == NULL && count < json_array_size(list); count++)
        *ret_why = count == RULES_MOST ? "there are too many rules"
                                       : parse_rule(json_array_get(list, count), &parsed[count]);
    (void)pthread_mutex_lock(&lock);
    if (*ret_why == NULL && rule_count + count > RULES_MOST)
        *ret_why = "there are too many rules";
    if (*ret_why == NULL) {
        memcpy(rules + rule_count, parsed, count * sizeof parsed[0]);
        rule_count += count;
    }
    (void)pthread_mutex_unlock(&lock);
    json_decref(list);
    json_decref(root);
    return *ret_why == NULL;
}

void fault_clear(void)
{
    (void)pthread_mutex_lock(&lock);
    rule_count = 0;
    generation++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

size_t fault_count(void)
{
    (void)pthread_mutex_lock(&lock);
    size_t count = rule_count;
    (void)pthread_mutex_unlock(&lock);
    return count;
}

static bool rule_applies(Rule *rule, const char *target, const char *method, const char *path)
{
    if (rule->times == 0 || strcmp(rule->target, target) != 0)
        return false;
    if (rule->method[0] != '\0' && strcmp(rule->method, method) != 0)
        return false;
    if (strncmp(path, rule->path, strlen(rule->path)) != 0)
        return false;
    /* Which requests are hit is the same in every run. */
    uint64_t draw = random_field(1, (uint32_t)(rule - rules), rule->asked++, 0);
    return random_below(draw, 100) < rule->percent;
}

Fault fault_match(const char *target, const char *method, const char *path)
{
    Fault fault = {.action = FAULT_NONE};
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rule_count; i++) {
        if (!rule_applies(&rules[i], target, method, path))
            continue;
        if (rules[i].times > 0)
            rules[i].times--;
        fault = rules[i].fault;
        break;
    }
    (void)pthread_mutex_unlock(&lock);
    return fault;
}

void fault_stall(uint32_t seconds)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    (void)pthread_mutex_lock(&lock);
    uint64_t began = generation;
    while (!stopped && generation == began)
        if (pthread_cond_timedwait(&changed, &lock, &until) != 0)
            break;
    (void)pthread_mutex_unlock(&lock);
}

void fault_stop(void)
{
    (void)pthread_mutex_lock(&lock);
    stopped = true;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}
