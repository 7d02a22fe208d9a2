#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the style sheet into a C source: embed_style.py STYLE OUTPUT"""
import pathlib
import sys


def main(style, output):
    lines = pathlib.Path(style).read_text(encoding="utf-8").splitlines()
    quoted = "\n".join('    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in lines)
    pathlib.Path(output).write_text(
        f'/* Made from style.css by embed_style.py. */\n#include "daemon/console/page.h"\n\n'
        f"const char layout_style[] =\n{quoted};\nconst size_t layout_style_size = sizeof layout_style - 1;\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
