#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the parser of reStructuredText says of a page that a patch changes, and did
not say of the page before.  For pages that can't be made without all of
Documentation/: what only sphinx knows is taken as it stands.

rst.py BEFORE AFTER FOLDER: FOLDER is where the entries of a toctree lie.
"""
import os
import sys

import docutils.core
import docutils.utils
from docutils import nodes
from docutils.parsers.rst import Directive, directives, roles

entries = []


class AsItIs(Directive):
    optional_arguments = 100
    final_argument_whitespace = True
    has_content = True
    option_spec = dict.fromkeys(["maxdepth", "caption", "glob", "hidden", "numbered", "titlesonly",
                                 "literal"], lambda x: x)

    def run(self):
        if self.name == "toctree":
            entries.extend(x.strip() for x in self.content if x.strip())
        return []


for name in ("toctree", "only", "kernel-doc", "kernel-include", "include"):
    directives.register_directive(name, AsItIs)
for name in ("ref", "doc", "c:func", "c:type", "manpage"):
    roles.register_local_role(name, lambda n, raw, text, *_: ([nodes.literal(raw, text)], []))


def said(path):
    """Messages without line numbers, and the entries of toctrees."""
    entries.clear()
    report = []

    class Stream:
        @staticmethod
        def write(text):
            report.append(text)
    docutils.core.publish_doctree(open(path, encoding="utf-8").read(), source_path="page", settings_overrides={
        "warning_stream": Stream, "report_level": 2, "halt_level": 5,
        "file_insertion_enabled": False})
    return ["".join(x.split(":", 2)[2:]).strip() for x in "".join(report).split("\npage")
            if x.count(":") > 1], list(entries)


before, after, folder = sys.argv[1:]
old, old_entries = said(before)
new, new_entries = said(after)
for x in new:
    if x in old:
        old.remove(x)
    else:
        print(f"{after}: {x}")
for x in set(new_entries) - set(old_entries):
    if not os.path.exists(f"{folder}/{x}.rst"):
        print(f"{after}: toctree: {x}: there is no such page")
for x in set(x for x in new_entries if new_entries.count(x) > old_entries.count(x) + 1):
    print(f"{after}: toctree: {x}: stands twice")
