#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Make a patch series for review from the overlay, patches/ and a manifest.

series.py TREE OUTDIR [--signoff "Name <mail>"]

TREE is what dev/prepare.sh made: TREE.mk/manifest lists the files that are ours,
TREE.mk/pristine/ has the originals of those that a patch changes.  The manifest
(dev/series/manifest) says which patch of the series brings which file and which
of patches/; dev/series/NAME.txt is that patch's subject and changelog.  Without one
it is that of the one of patches/ which is all that it brings.

A file comes whole, with one exception: Makefile, Kconfig and index.rst grow.  A
line of theirs comes when what it names has come; see stage() below.  After the
last patch all is as in TREE, or this program fails.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
AUTHOR = "Multikernel developers <linux-kernel@vger.kernel.org>"
TIME = 1767225600	# as the test kernels': the same input gives the same series


def die(*lines):
    for line in lines:
        print(f"error: {line}", file=sys.stderr)
    sys.exit(1)


class Patch:
    def __init__(self, nr, name):
        self.nr = nr		# from 1
        self.name = name
        self.files = []		# of the overlay
        self.hooks = []		# of patches/, and MAINTAINERS.patch
        self.configs = []	# symbols of Kconfig that come with it
        self.prompts = []	# those that get their prompt
        self.link_with = None	# its objects are linked from that patch on


def read_manifest(path):
    patches, takes = [], {}
    for n, line in enumerate(open(path), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "patch":
            patches.append(Patch(len(patches) + 1, words[1]))
            continue
        if not patches:
            die(f"{path}:{n}: this belongs to no patch")
        p = patches[-1]
        if words[0] == "config":
            p.configs += words[1:]
        elif words[0] == "prompt":
            p.prompts += words[1:]
        elif words[0] == "link-with":
            p.link_with = words[1]
        elif len(words) == 1:
            takes.setdefault(words[0], []).append((p, n))
        else:
            die(f"{path}:{n}: not understood: {line.strip()}")
    names = [p.name for p in patches]
    for p in patches:
        if p.link_with and p.link_with not in names:
            die(f"{path}: {p.name}: link-with {p.link_with}: there is no such patch")
        p.link_nr = names.index(p.link_with) + 1 if p.link_with else p.nr
    return patches, takes


def assign(patches, takes, overlay, hooks):
    """Each file and hook to one patch; all mistakes are told at once."""
    wrong = []
    used = set()
    for f in overlay + hooks:
        by = [(entry, p) for entry, ps in takes.items() for p, _ in ps
              if f == entry or entry.endswith("/") and f.startswith(entry)]
        used.update(entry for entry, _ in by)
        if not by:
            wrong.append(f"{f}: no entry of dev/series/manifest takes it")
        elif len(by) > 1:
            wrong.append(f"{f}: {' and '.join(p.name for _, p in by)} take it")
        else:
            (by[0][1].hooks if f in hooks else by[0][1].files).append(f)
    for entry, ps in takes.items():
        if entry not in used:
            wrong.append(f"dev/series/manifest:{ps[0][1]}: {entry}: there is no such file")
    for p in patches:
        if not os.path.exists(f"{HERE}/{p.name}.txt") and (p.files or len(p.hooks) != 1):
            wrong.append(f"dev/series/{p.name}.txt is missing")
    for f in os.listdir(HERE):
        if f.endswith(".txt") and f[:-4] not in [p.name for p in patches] + ["cover-letter"]:
            wrong.append(f"dev/series/{f}: dev/series/manifest has no such patch")
    if wrong:
        die(*wrong)


class Stager:
    """What a file that grows looks like after patch number nr."""

    def __init__(self, patches):
        self.came, self.linked = {}, {}
        for p in patches:
            for f in p.files:
                self.came[f] = p.nr
                self.linked[f] = p.link_nr
        self.config = {c: p.nr for p in patches for c in p.configs}
        self.prompt = {c: p.nr for p in patches for c in p.prompts}

    def grows(self, path):
        return os.path.basename(path) in ("Kconfig", "index.rst") or \
            path.endswith("/Makefile") and not path.startswith("tools/")

    def stage(self, path, text, nr):
        base = os.path.basename(path)
        d = os.path.dirname(path)
        if base == "Kconfig":
            text = self.kconfig(path, text, nr)
        elif base == "index.rst":
            text = "".join(
                line for line in text.splitlines(True)
                if self.came.get(f"{d}/{line.strip()}.rst", 0) <= nr)
        else:
            text = self.makefile(path, text, nr)
        return re.sub(r"\n\n\n+", "\n\n", text).rstrip("\n") + "\n"

    def kconfig(self, path, text, nr):
        out = ""
        for block in re.split(r"^(?=config )", text, flags=re.M):
            m = re.match(r"config (\w+)", block)
            if m:
                if m[1] not in self.config:
                    die(f"{path}: no patch has 'config {m[1]}'")
                if self.config[m[1]] > nr:
                    continue
                if self.prompt.get(m[1], 0) > nr:
                    block = re.sub(r'^(\tbool ".*")$', r"\1 if COMPILE_TEST",
                                   block, count=1, flags=re.M)
            out += block
        return out

    def has_object(self, path, word, nr):
        d = os.path.dirname(path)
        if word.endswith("/"):
            return any(f.startswith(f"{d}/{word}") and n <= nr for f, n in self.linked.items())
        for ext in (".c", ".S"):
            if f"{d}/{word[:-2]}{ext}" in self.linked:
                return self.linked[f"{d}/{word[:-2]}{ext}"] <= nr
        die(f"{path}: {word}: there is no source of it")

    def makefile(self, path, text, nr):
        out, comment = "", ""
        for line in text.splitlines(True):
            if line.endswith("\\\n"):
                die(f"{path}: a line that goes on in the next one is not understood")
            if line.startswith("#") and "SPDX" not in line:
                comment += line
                continue
            m = re.match(r"(obj-\S+\s*[+:]?=)(.*)", line)
            if m:
                words = [w for w in m[2].split() if self.has_object(path, w, nr)]
                line = f"{m[1]} {' '.join(words)}\n" if words else None
            m = line and re.match(r"(?:CFLAGS|AFLAGS)_(\w+\.o)\b", line)
            if m and not self.has_object(path, m[1], nr):
                line = None
            if line is not None:
                out += comment + line
            comment = ""
        return out + comment


def posted(path, text, signoff):
    """A file as the poster sends it: MAINTAINERS names him."""
    if path == "MAINTAINERS" and signoff:
        text, n = re.subn(f"^M:\t{re.escape(AUTHOR)}$", lambda m: f"M:\t{signoff}", text, flags=re.M)
        if n != 1:
            die(f"MAINTAINERS.patch: has not one line 'M:\t{AUTHOR}'")
    return text


class Repo:
    def __init__(self, path, author):
        self.path = path
        name, mail = re.match(r"(.*) <(.*)>$", author).groups()
        self.env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1",
                        GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=mail, GIT_COMMITTER_NAME=name,
                        GIT_COMMITTER_EMAIL=mail, TZ="UTC")
        self.git("init", "-q", "-b", "series")

    def git(self, *args, **kw):
        r = subprocess.run(["git", "-C", self.path, *args], env=self.env, text=True,
                           capture_output=True, **kw)
        if r.returncode:
            die(f"git {' '.join(args)}: {r.stderr.strip()}")
        return r.stdout

    def commit(self, message, second):
        for v in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            self.env[v] = f"@{TIME + second} +0000"
        self.git("add", "-A", "-f", ".")
        self.git("commit", "-q", "--no-verify", "--cleanup=verbatim", "-F", "-", input=message)


def changelog(p, signoff):
    if os.path.exists(f"{HERE}/{p.name}.txt"):
        text = open(f"{HERE}/{p.name}.txt").read()
    else:
        text = open(f"{TOP}/{p.hooks[0]}").read().partition("\n---\n")[0]
        text = text.partition("Subject: [PATCH] ")[2].replace("\n ", " ", 1)
    text = text.strip("\n")
    lines = text.split("\n")
    if len(lines) < 3 or lines[1] or not re.match(r"[A-Za-z0-9_/]+(, \w+)*: .+[^.]$", lines[0]):
        # "x86/apic: Do", "tty: hvc: Do"; an empty line; the changelog
        die(f"{p.name}: not a subject 'area: What', an empty line and a changelog")
    if re.search(r"^(Signed-off|Reviewed|Acked|Tested)-by:", text, re.M):
        die(f"{p.name}: its changelog has a tag of somebody")
    return text + (f"\n\nSigned-off-by: {signoff}\n" if signoff else "\n")


def section(path, title):
    """The section of an .rst page, as it is; None if there is none."""
    lines = open(f"{TOP}/{path}").read().split("\n")
    for i in range(len(lines) - 1):
        if lines[i] == title and re.fullmatch(r"[=\-~]+", lines[i + 1] or " "):
            mark = lines[i + 1][0]
            j = i + 2
            while j + 1 < len(lines) and not (lines[j] and len(lines[j + 1]) >= len(lines[j])
                                              and re.fullmatch(re.escape(mark) + "+", lines[j + 1])):
                j += 1
            return "\n".join(lines[i + 2:j if j + 1 < len(lines) else None]).strip("\n")
    return None


def cover_letter(patches):
    """Subject and text.  A line '@include PAGE TITLE' becomes that section, @NAME the number
    of that patch."""
    numbers = {p.name: str(p.nr) for p in patches}
    missing = []

    def fill(text):
        # Paragraphs are as wide as a page of the documentation, which is wider than a mail
        blocks = text.split("\n\n")
        for i, b in enumerate(blocks):
            lines = b.split("\n")
            if b.startswith("- "):
                blocks[i] = "\n".join(textwrap.fill(" ".join(x.split()), 75, subsequent_indent="  ",
                                                    break_on_hyphens=False)
                                      for x in re.split(r"\n(?=- )", b))
            elif not any(re.match(r"[=-]{3,}|\s", x) for x in lines):
                blocks[i] = textwrap.fill(" ".join(lines), 75, break_on_hyphens=False)
            else:
                blocks[i] = "\n".join("  " + x for x in lines)
        return "\n\n".join(blocks)

    def include(m):
        got = section(m[1], m[2])
        if got is None:
            missing.append(f"{m[1]} has no section '{m[2]}'")
            return f"(not measured yet: {m[1]}, \"{m[2]}\")"
        return fill(got)
    text = open(f"{HERE}/cover-letter.txt").read()
    text = re.sub(r"^@include (\S+) (.*)$", include, text, flags=re.M)
    subject, _, body = text.partition("\n")
    for name in re.findall(r"(?<!\S)@([a-z0-9-]+)", body):
        if name not in numbers:
            die(f"cover letter: @{name}: there is no such patch")
    body = re.sub(r"(?<!\S)@([a-z0-9-]+)", lambda m: numbers[m[1]], body)
    for m in missing:
        print(f"warning: cover letter: {m}", file=sys.stderr)
    return subject, body.strip("\n")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("tree")
    ap.add_argument("out")
    ap.add_argument("--signoff")
    a = ap.parse_args()

    side = f"{a.tree}.mk"
    ours = open(f"{side}/manifest").read().split("\n")[:-1]
    pristine = [os.path.relpath(os.path.join(d, f), f"{side}/pristine")
                for d, _, fs in os.walk(f"{side}/pristine") for f in fs]
    patched = [f for f in ours if f in set(pristine)]
    overlay = [f for f in ours if f not in set(pristine)]
    hooks = sorted("patches/" + f for f in os.listdir(f"{TOP}/patches") if f.endswith(".patch"))
    hooks.append("MAINTAINERS.patch")
    patches, takes = read_manifest(f"{HERE}/manifest")
    assign(patches, takes, overlay, hooks)
    stager = Stager(patches)

    with tempfile.TemporaryDirectory(prefix="mk-series.") as tmp:
        repo = Repo(tmp, a.signoff or AUTHOR)
        for f in patched:
            os.makedirs(os.path.dirname(f"{tmp}/{f}") or tmp, exist_ok=True)
            shutil.copy(f"{side}/pristine/{f}", f"{tmp}/{f}")
        repo.commit("Linux 6.12, the files that the series changes", 0)
        for p in patches:
            for f in sorted(overlay):
                if stager.came[f] > p.nr or stager.came[f] < p.nr and not stager.grows(f):
                    continue
                os.makedirs(os.path.dirname(f"{tmp}/{f}"), exist_ok=True)
                shutil.copy(f"{a.tree}/{f}", f"{tmp}/{f}")
                if stager.grows(f):
                    text = open(f"{a.tree}/{f}").read()
                    open(f"{tmp}/{f}", "w").write(stager.stage(f, text, p.nr))
            for h in p.hooks:
                r = subprocess.run(["patch", "-d", tmp, "-p1", "-N", "-f", "-s", "-r", "-",
                                    "--no-backup-if-mismatch", "-i", f"{TOP}/{h}"],
                                   capture_output=True, text=True)
                if r.returncode:
                    die(f"{p.name}: {h} does not apply here: {r.stdout.strip()}")
            if "MAINTAINERS.patch" in p.hooks:
                text = open(f"{tmp}/MAINTAINERS").read()
                open(f"{tmp}/MAINTAINERS", "w").write(posted("MAINTAINERS", text, a.signoff))
            repo.commit(changelog(p, a.signoff), p.nr)
        wrong = [f for f in ours if open(f"{tmp}/{f}").read() !=
                 posted(f, open(f"{a.tree}/{f}").read(), a.signoff)]
        if wrong:
            die(*[f"{f}: not as in {a.tree} after the last patch" for f in wrong])

        shutil.rmtree(a.out, ignore_errors=True)
        os.makedirs(a.out)
        repo.git("format-patch", "-q", "-o", os.path.abspath(a.out), "--cover-letter", "-n",
                 "--zero-commit", "--no-signature", "--no-renames", "--stat=72", f"HEAD~{len(patches)}")
    cover = f"{a.out}/0000-cover-letter.patch"
    text = open(cover).read()
    subject, body = cover_letter(patches)
    text = text.replace("*** SUBJECT HERE ***", subject).replace("*** BLURB HERE ***", body)
    open(cover, "w").write(text)
    print(f"{len(patches)} patches and a cover letter: {a.out}")


main()
