/* SPDX-License-Identifier: Apache-2.0 */
/* libxml2 for documents of unknown origin: one way to open, feed and refuse; dataset/ only.
 *
 * Options are NONET and nothing else: no NOENT, DTDLOAD, DTDATTR, XINCLUDE, HUGE.
 * The library's loader of external things is replaced by one that always fails,
 * for the whole process.  DOCTYPE, comments and processing instructions are
 * refused as they begin. */
#pragma once

#include "daemon/base/error.h"
#include "daemon/base/text.h"

#include <libxml/parser.h>
#include <stdio.h>

typedef struct XmlInput {
    const char *name; /* for errors */
    xmlParserCtxt *parser;
    xmlSAXHandler handler;
    Error *err;
    bool stopped; /* *err is set; later calls from the parser do nothing */
    /* The guard on the bytes as they come. */
    size_t since; /* bytes since the last < or > */
    bool in_tag;
} XmlInput;

/* `handler` gives the functions for elements and text; its context is the struct that begins with
 * this one. */
bool xml_open(XmlInput *input, const xmlSAXHandler *handler, Error *err);

/* All of `file`, or all of `bytes` when `file` is NULL. */
bool xml_feed(XmlInput *input, FILE *file, const char *bytes, size_t size);
void xml_close(XmlInput *input);

/* Set the error and stop.  Always false. */
bool xml_refuse(XmlInput *input, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
bool xml_stop(XmlInput *input);
int xml_line(const XmlInput *input);

/* A regular file to read from; a folder or a device is refused. */
bool xml_open_file(const char *path, FILE **ret, Error *err);
