/* SPDX-License-Identifier: Apache-2.0 */
/* libxml2's push parser, closed to everything but plain elements and text in UTF-8. */
#include "daemon/dataset/document_xml.h"

#include "daemon/dataset/document.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/xmlerror.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 32768

static xmlParserInput *load_nothing(const char *url, const char *id, xmlParserCtxt *parser)
{
    (void)url, (void)id, (void)parser;
    return NULL;
}

int xml_line(const XmlInput *input)
{
    return input->parser ? xmlSAX2GetLineNumber(input->parser) : 0;
}

bool xml_stop(XmlInput *input)
{
    input->stopped = true;
    xmlStopParser(input->parser);
    return false;
}

bool xml_refuse(XmlInput *input, const char *code, const char *format, ...)
{
    char text[200];
    va_list args;
    if (input->stopped)
        return false;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(input->err, ERROR_DATA, code, "%s:%d: %s", input->name, xml_line(input), text);
    return xml_stop(input);
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    xml_refuse(context, "document.doctype", "a DOCTYPE is never read");
}

static void on_comment(void *context, const xmlChar *text)
{
    (void)text;
    xml_refuse(context, "document.comment", "a comment where none may be");
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *data)
{
    (void)target, (void)data;
    xml_refuse(context, "document.instruction", "a processing instruction where none may be");
}

static void on_reference(void *context, const xmlChar *name)
{
    (void)name;
    xml_refuse(context, "document.entity", "an entity that XML does not define itself");
}

static xmlEntity *on_entity(void *context, const xmlChar *name)
{
    (void)context;
    return xmlGetPredefinedEntity(name);
}

/* The library's own messages may repeat what stands in the file; ours do not. */
static const char *reason(int code)
{
    switch (code) {
    case XML_ERR_DOCUMENT_END:
    case XML_ERR_DOCUMENT_EMPTY:
    case XML_ERR_TAG_NOT_FINISHED:
    case XML_ERR_GT_REQUIRED:
        return "the document is empty, cut off, or goes on after its end";
    case XML_ERR_TAG_NAME_MISMATCH:
        return "an end tag does not match its start";
    case XML_ERR_INVALID_ENCODING:
    case XML_ERR_INVALID_CHAR:
    case XML_ERR_INVALID_CHARREF:
    case XML_I18N_CONV_FAILED:
    case XML_ERR_UNSUPPORTED_ENCODING:
        return "a character that is not UTF-8 or that XML forbids";
    case XML_ERR_UNDECLARED_ENTITY:
        return "an entity that XML does not define itself";
    case XML_ERR_ATTRIBUTE_REDEFINED:
        return "an attribute stands twice";
    case XML_ERR_DOCUMENT_START:
        return "the document does not begin with an element";
    default:
        return "the document is not well-formed XML";
    }
}

static void on_error(void *context, xmlErrorPtr error)
{
    XmlInput *input = context;
    if (input->stopped || error->level < XML_ERR_ERROR)
        return;
    error_set(input->err, ERROR_DATA, "document.xml", "%s:%d: %s (%d)", input->name, error->line,
              reason(error->code), error->code);
    xml_stop(input);
}

bool xml_open(XmlInput *input, const xmlSAXHandler *handler, Error *err)
{
    xmlSetExternalEntityLoader(load_nothing);
    input->err = err;
    input->handler = *handler;
    input->handler.internalSubset = on_doctype;
    input->handler.comment = on_comment;
    input->handler.processingInstruction = on_instruction;
    input->handler.reference = on_reference;
    input->handler.getEntity = on_entity;
    input->handler.serror = on_error;
    input->parser = xmlCreatePushParserCtxt(&input->handler, input, NULL, 0, NULL);
    if (!input->parser)
        return error_set(err, ERROR_LATER, "document.memory", "no memory to read %s", input->name);
    xmlCtxtUseOptions(input->parser, XML_PARSE_NONET);
    return true;
}

void xml_close(XmlInput *input)
{
    if (input->parser)
        xmlFreeParserCtxt(input->parser);
    input->parser = NULL;
}

/* What the parser would have to hold in one piece: a tag from < to >, or a value between them. */
static bool guard(XmlInput *input, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (c == '<' || c == '>') {
            input->in_tag = c == '<';
            input->since = 0;
        } else if (!c) {
            return xml_refuse(input, "document.utf8", "a NUL: the document is not UTF-8");
        } else if (++input->since >
                   (input->in_tag ? DOCUMENT_TAG_LIMIT : DOCUMENT_FIELD_LIMIT * 6)) {
            return xml_refuse(input, "document.size", "a %s is longer than any may be",
                              input->in_tag ? "tag" : "value");
        }
    }
    return true;
}

/* Other encodings show in their first bytes or say so in the declaration. */
static bool encoding_check(XmlInput *input, const char *bytes, size_t size)
{
    static const char bom[] = "\xef\xbb\xbf";
    char head[257];
    size_t skip = size >= 3 && memcmp(bytes, bom, 3) == 0 ? 3 : 0;
    if (!size)
        return xml_refuse(input, "document.empty", "the document is empty");
    if (size > skip && !strchr("< \t\r\n", bytes[skip]))
        return xml_refuse(input, "document.start", "this is no XML in UTF-8");
    size_t length = size - skip < sizeof head - 1 ? size - skip : sizeof head - 1;
    memcpy(head, bytes + skip, length);
    head[length] = '\0';
    const char *end = strstr(head, "?>"), *says = strstr(head, "encoding");
    if (text_starts(head, "<?xml") && end && says && says < end) {
        says += strcspn(says, "\"'");
        if (!*says || (strncasecmp(says + 1, "utf-8", 5) != 0) || !strchr("\"'", says[6]))
            return xml_refuse(input, "document.encoding",
                              "the document says another encoding than UTF-8");
    }
    return true;
}

static bool push(XmlInput *input, const char *bytes, size_t size)
{
    if (!guard(input, bytes, size))
        return false;
    xmlParseChunk(input->parser, bytes, (int)size, 0);
    return !input->stopped;
}

bool xml_feed(XmlInput *input, FILE *file, const char *bytes, size_t size)
{
    char chunk[CHUNK];
    bool first = true;
    for (;;) {
        size_t more = CHUNK;
        if (file) {
            more = fread(chunk, 1, CHUNK, file);
            if (ferror(file))
                return error_errno(input->err, errno, "document.read", "could not read %s",
                                   input->name);
        } else {
            more = size < CHUNK ? size : CHUNK;
            memcpy(chunk, bytes, more);
            bytes += more;
            size -= more;
        }
        if (first && !encoding_check(input, chunk, more))
            return false;
        first = false;
        if (!more)
            break;
        if (!push(input, chunk, more))
            return false;
    }
    xmlParseChunk(input->parser, NULL, 0, 1);
    if (!input->stopped &&
        !input->parser->wellFormed) { /* a schema's plug hides it from on_error */
        const xmlError *last = xmlCtxtGetLastError(input->parser);
        int code = last ? last->code : 0;
        xml_refuse(input, "document.xml", "%s (%d)", reason(code), code);
    }
    return !input->stopped;
}

bool xml_open_file(const char *path, FILE **ret, Error *err)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, errno, "document.open", "could not open %s", path);
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode)) {
        close(fd);
        return error_set(err, ERROR_DATA, "document.open", "%s is not a file", path);
    }
    *ret = fdopen(fd, "re");
    if (!*ret) {
        close(fd);
        return error_errno(err, errno, "document.open", "could not open %s", path);
    }
    return true;
}
