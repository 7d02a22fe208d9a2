/* SPDX-License-Identifier: Apache-2.0 */
/* Detached CMS over a digest.
 *
 * OpenSSL 3.0 has no call for "sign this digest": the structure is made in parts
 * (CMS_PARTIAL), the attributes that CMS_final() would add are added here, and then
 * only the signature over the attributes is left to make. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/sign/key_private.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#define FLAGS (CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP)

DEFINE_CLEANUP(CMS_ContentInfo *, CMS_ContentInfo_free, cms);
DEFINE_CLEANUP(ASN1_TIME *, ASN1_TIME_free, asn1_time);
DEFINE_CLEANUP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free, octets);

static bool add_attributes(CMS_SignerInfo *signer, const uint8_t digest[DIGEST_SIZE],
                           int64_t now_wall)
{
    _cleanup_(asn1_time) ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(now_wall / CLOCK_SECOND));
    _cleanup_(octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    return now && octets && ASN1_OCTET_STRING_set(octets, digest, DIGEST_SIZE) &&
           CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
                                       OBJ_nid2obj(NID_pkcs7_data), -1) &&
           CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, octets,
                                       -1) &&
           CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, now->type, now, -1);
}

bool signer_key_document(const SignerKey *key, const uint8_t digest[DIGEST_SIZE], int64_t now_wall,
                         Arena *arena, const uint8_t **ret, size_t *ret_size, Error *err)
{
    if (!signer_key_signs_documents(key))
        return error_set(err, ERROR_CONFIG, "sign.key",
                         "an Ed25519 key cannot sign documents: use P-256 or RSA");
    _cleanup_(cms) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, key->chain, NULL, FLAGS);
    CMS_SignerInfo *signer =
        cms ? CMS_add1_signer(cms, key->certificate, key->pkey, EVP_sha256(), FLAGS) : NULL;
    unsigned char *bytes = NULL;
    int size = 0;
    if (signer && add_attributes(signer, digest, now_wall) && CMS_SignerInfo_sign(signer) &&
        CMS_set_detached(cms, 1))
        size = i2d_CMS_ContentInfo(cms, &bytes);
    if (size <= 0) {
        unsigned long number = ERR_get_error();
        ERR_clear_error();
        return error_set(err, ERROR_LATER, "sign.document", "could not sign a document: %s",
                         number ? ERR_reason_error_string(number) : "no reason given");
    }
    *ret = (const uint8_t *)arena_copy(arena, bytes, (size_t)size);
    *ret_size = (size_t)size;
    OPENSSL_free(bytes);
    return true;
}
