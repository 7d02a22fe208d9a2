/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the ends of the certificates in a file. */
#include "daemon/net/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

static int64_t end_of(const X509 *certificate)
{
    struct tm parts = {0};

    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? timegm(&parts) : 0;
}

bool certificate_first_end(const char *path, int64_t *ret_end, Error *err)
{
    BIO *file = BIO_new_file(path, "r");
    int64_t first = INT64_MAX;
    X509 *one;

    while (file && (one = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
        int64_t end = end_of(one);
        first = end < first ? end : first;
        X509_free(one);
    }
    BIO_free(file);
    if (first == INT64_MAX)
        return error_set(err, ERROR_CONFIG, "certificate.file",
                         "cannot find a certificate in \"%s\"", path);
    *ret_end = first;
    return true;
}
