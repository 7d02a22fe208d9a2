#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the migrations into a C source: embed_migrations.py OUTPUT NNNN_name.sql…"""
import pathlib
import re
import sys


def literal(text):
    lines = text.splitlines(keepends=True)
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for line in lines)
    return "\n".join(f'     "{line}"' for line in quoted)


def main(output, *sources):
    entries = []
    for number, source in enumerate(sorted(sources, key=lambda s: pathlib.Path(s).name), start=1):
        path = pathlib.Path(source)
        match = re.fullmatch(r"(\d{4})_([a-z_]+)\.sql", path.name)
        if not match or int(match[1]) != number:
            sys.exit(f"{path.name}: migrations are numbered from 0001 without a gap")
        entries.append(f'    {{{number}, "{match[2]}",\n{literal(path.read_text(encoding="utf-8"))}}},\n')
    body = "".join(entries)
    pathlib.Path(output).write_text(
        "/* Made from schema/ by embed_migrations.py. */\n"
        '#include "daemon/store/migrate.h"\n\n'
        f"const Migration migrations[] = {{\n{body}    {{0, NULL, NULL}},\n}};\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
