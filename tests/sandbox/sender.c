/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies that a request was signed by the sender: policy first, then the signature. */
#include "tests/sandbox/sender.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/random.h"
#include "tests/sandbox/signature.h"

enum { AGE_MOST = 300, FUTURE_MOST = 60 };

static const char *const submission_components[] = {"@method",
                                                    "@authority",
                                                    "@path",
                                                    "content-digest",
                                                    "content-length",
                                                    "content-type",
                                                    "idempotency-key",
                                                    "submission-data-set",
                                                    "submission-provider",
                                                    "submission-period",
                                                    "submission-revision",
                                                    "document-signature",
                                                    NULL};
static const char *const question_components[] = {"@method", "@authority", "@path", NULL};

/* Called with the lock held. */
static bool have_certificates(Sender *sender)
{
    if (sender->certificates != NULL)
        return true;
    BIO *bio = sender->path != NULL ? BIO_new_file(sender->path, "r") : NULL;
    if (bio == NULL)
        return false;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        (void)sk_X509_push(certificates, certificate);
    BIO_free(bio);
    ERR_clear_error();
    if (sk_X509_num(certificates) == 0) {
        sk_X509_free(certificates);
        return false;
    }
    sender->certificates = certificates;
    return true;
}

/* True when the nonce is new; it is then remembered. */
static bool take_nonce(Sender *sender, const Buffer *nonce)
{
    uint64_t hash = random_mix(nonce->length);
    for (size_t i = 0; i < nonce->length; i++)
        hash = random_mix(hash ^ (unsigned char)nonce->data[i]);
    size_t kept = sender->nonce_count < SENDER_NONCES ? sender->nonce_count : SENDER_NONCES;
    for (size_t i = 0; i < kept; i++)
        if (sender->nonces[i] == hash)
            return false;
    sender->nonces[sender->nonce_count++ % SENDER_NONCES] = hash;
    return true;
}

typedef struct LabelSearch {
    const char *field;
    char label[STRUCTURED_NAME];
    int found;
} LabelSearch;

static void look_at_label(void *user, const char *name)
{
    LabelSearch *search = user;
    InnerList *list = memory_or_die(calloc(1, sizeof *list));
    if (structured_inner_list(search->field, name, list)) {
        const Bare *tag = structured_parameter(&list->parameters, "tag");
        if (tag != NULL && tag->kind == BARE_STRING && tag->text.data != NULL &&
            strcmp(tag->text.data, "mhsflow") == 0) {
            memcpy(search->label, name, strlen(name) + 1);
            search->found++;
        }
        structured_free_list(list);
    }
    free(list);
}

static bool covers(const InnerList *input, const char *const *components)
{
    for (; *components != NULL; components++) {
        bool covered = false;
        for (size_t i = 0; i < input->count && !covered; i++)
            covered = input->items[i].value.kind == BARE_STRING &&
                      input->items[i].value.text.data != NULL &&
                      strcmp(input->items[i].value.text.data, *components) == 0;
        if (!covered)
            return false;
    }
    return true;
}

static bool created_now(const Sender *sender, const InnerList *input)
{
    const Bare *created = structured_parameter(&input->parameters, "created");
    const Bare *expires = structured_parameter(&input->parameters, "expires");
    int64_t now = calendar_now() / 1000;
    if (created == NULL || created->kind != BARE_INTEGER)
        return false;
    if (sender->any_time)
        return true;
    if (expires != NULL && (expires->kind != BARE_INTEGER || expires->integer < now))
        return false;
    return created->integer >= now - AGE_MOST && created->integer <= now + FUTURE_MOST;
}

static bool named_text(const InnerList *input, const char *name, const Bare **ret_value)
{
    *ret_value = structured_parameter(&input->parameters, name);
    return *ret_value != NULL && (*ret_value)->kind == BARE_STRING && (*ret_value)->text.length > 0;
}

static const char *break_of_policy(const Sender *sender, const InnerList *input, bool submission)
{
    const Bare *value;
    if (!covers(input, submission ? submission_components : question_components))
        return "a required component is not covered";
    if (!created_now(sender, input))
        return "created is missing, too old or in the future";
    if (!named_text(input, "keyid", &value))
        return "keyid is missing";
    if (!named_text(input, "nonce", &value))
        return "nonce is missing";
    return NULL;
}

static bool request_field(const void *user, const char *name, Buffer *out)
{
    return http_field(user, name, out);
}

static bool any_key_verifies(const Sender *sender, const InnerList *input, const Buffer *base,
                             const Buffer *signature)
{
    for (int i = 0; i < sk_X509_num(sender->certificates); i++) {
        EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(sender->certificates, i));
        if (key != NULL && signature_verify(key, input, base, signature))
            return true;
    }
    return false;
}

static const char *prove_input(Sender *sender, const HttpRequest *request, const char *label,
                               const InnerList *input, bool submission)
{
    BUFFER_AUTO field = {0};
    BUFFER_AUTO signature = {0};
    BUFFER_AUTO base = {0};
    const Bare *nonce;
    const char *broken = break_of_policy(sender, input, submission);
    if (broken != NULL)
        return broken;
    if (!http_field(request, "Signature", &field) ||
        !structured_bytes_member(field.data, label, &signature))
        return "Signature has no such member";
    Message message = {.method = request->method,
                       .path = request->path,
                       .authority = http_header(request, "Host"),
                       .field = request_field,
                       .user = request};
    if (!signature_base(&message, input, &base))
        return "a covered component is unknown, absent or there twice";
    if (!any_key_verifies(sender, input, &base, &signature))
        return "the signature does not verify";
    if (named_text(input, "nonce", &nonce) && !take_nonce(sender, &nonce->text))
        return "the nonce was used before";
    return NULL;
}

const char *sender_prove(Sender *sender, const HttpRequest *request, bool submission,
                         const char **ret_why)
{
    BUFFER_AUTO field = {0};
    (void)pthread_mutex_lock(&sender->lock);
    const char *code = NULL;
    *ret_why = NULL;
    if (!have_certificates(sender)) {
        code = "sender_unknown";
        *ret_why = "no sender's certificate is known";
    } else if (!http_field(request, "Signature-Input", &field)) {
        *ret_why = "Signature-Input is missing";
    } else {
        LabelSearch search = {.field = field.data};
        InnerList *input = memory_or_die(calloc(1, sizeof *input));
        if (!structured_each_member(field.data, look_at_label, &search) || search.found != 1 ||
            !structured_inner_list(field.data, search.label, input))
            *ret_why = "Signature-Input has not exactly one member tagged mhsflow";
        else
            *ret_why = prove_input(sender, request, search.label, input, submission);
        structured_free_list(input);
        free(input);
    }
    (void)pthread_mutex_unlock(&sender->lock);
    return code == NULL && *ret_why != NULL ? "signature_invalid" : code;
}

bool sender_prove_document(Sender *sender, const Buffer *der, const Buffer *document)
{
    (void)pthread_mutex_lock(&sender->lock);
    bool proven =
        sender->certificates != NULL && signature_verify_cms(der, document, sender->certificates);
    (void)pthread_mutex_unlock(&sender->lock);
    return proven;
}

void sender_close(Sender *sender)
{
    sk_X509_pop_free(sender->certificates, X509_free);
    sender->certificates = NULL;
    (void)pthread_mutex_destroy(&sender->lock);
}
