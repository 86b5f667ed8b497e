"""One version for every distribution: say whether all files agree on it, or write a new one into all of them.

    python scripts/bump_version.py --check
    python scripts/bump_version.py --repair
    python scripts/bump_version.py 0.2.0

The core's ``pyproject.toml`` is the source. Its version, and its ``[project.urls]``, are those of every plugin in
``plugins/`` that has URLs, and of ``CITATION.cff``; a plugin that ``gsmooth new`` has just made has no URLs, and its
own version. Everything that requires the core (the plugins, the template that ``gsmooth new`` fills in, and the plugin
in
``examples/``) asks for the same minor version, ``gsmooth-core>=0.2,<0.3``. ``--repair`` makes these files agree with
the core's. A new version also turns the section *Unreleased* in ``CHANGELOG.md`` into that version's section, with the
day.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNRELEASED = "## Unreleased\n"
URLS = r"^\[project\.urls\]\n(?:.+\n)+"


def put(path: Path, text: str, pattern: str, new: str) -> str:
    """``text``, of the file ``path``, with the one match of ``pattern`` replaced; ``SystemExit`` unless it is one."""
    text, found = re.subn(pattern, lambda match: new, text, flags=re.MULTILINE)
    if found != 1:
        raise SystemExit(f"{path} has {found} places that match {pattern}, not 1; see scripts/bump_version.py")
    return text


def numbers(version: str) -> tuple[int, int, int]:
    """The three numbers of a version. ``SystemExit`` where it has another form."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise SystemExit(f"a version is three numbers, as 0.2.0, not {version!r}")
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def core_version(root: Path) -> str:
    """The version in the core's ``pyproject.toml``."""
    return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def with_version(root: Path, version: str) -> dict[Path, str]:
    """The text that each file should have if ``version`` is the version of all; the changelog is not among them."""
    major, minor, _ = numbers(version)
    core = root / "pyproject.toml"
    metadata = core.read_text(encoding="utf-8")
    [urls] = re.findall(URLS, metadata, flags=re.MULTILINE)
    texts = {core: put(core, metadata, r'^version = ".*"$', f'version = "{version}"')}
    plugins = sorted(root.glob("plugins/*/pyproject.toml"))
    others = [*root.glob("examples/*/pyproject.toml"), *root.glob("gsmooth_core/**/pyproject.toml.txt")]
    for path in [*plugins, *others]:
        text = path.read_text(encoding="utf-8")
        text = put(path, text, r'"gsmooth-core[^"]*"', f'"gsmooth-core>={major}.{minor},<{major}.{minor + 1}"')
        if path in plugins and "[project.urls]" in text:
            text = put(path, text, r'^version = ".*"$', f'version = "{version}"')
            text = put(path, text, URLS, urls)
        texts[path] = text
    citation = root / "CITATION.cff"
    text = put(citation, citation.read_text(encoding="utf-8"), r"^version: .*$", f"version: {version}")
    homepage = tomllib.loads(metadata)["project"]["urls"]["Homepage"]
    texts[citation] = put(citation, text, r"^repository-code: .*$", f"repository-code: {homepage}")
    return texts


def released(changelog: str) -> list[str]:
    """The versions that have a section in the changelog, the newest first."""
    return re.findall(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", changelog, flags=re.MULTILINE)


def disagreements(root: Path) -> list[str]:
    """A sentence for each file that does not agree with the core's ``pyproject.toml``."""
    version = core_version(root)
    wrong = [
        f"{path.relative_to(root)} differs from pyproject.toml in its version or URLs; try --repair"
        for path, text in with_version(root, version).items()
        if text != path.read_text(encoding="utf-8")
    ]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if changelog.count(UNRELEASED) != 1:
        wrong.append("CHANGELOG.md lacks its one section Unreleased")
    if released(changelog)[:1] not in ([], [version]):
        wrong.append(f"CHANGELOG.md has {released(changelog)[0]} as its newest version, and pyproject.toml {version}")
    return wrong


def bump(root: Path, version: str, day: str) -> list[Path]:
    """Write ``version``, released on ``day`` (as 2026-12-31), into every file, and return those that have changed."""
    path = root / "CHANGELOG.md"
    changelog = path.read_text(encoding="utf-8")
    if numbers(version) < numbers(core_version(root)) or version in released(changelog):
        raise SystemExit(f"{version} is not newer than {core_version(root)}, the version now; name a newer one")
    news = changelog.partition(UNRELEASED)[2].partition("\n## ")[0]
    if not re.search(r"^- ", news, flags=re.MULTILINE):
        raise SystemExit("CHANGELOG.md says nothing under Unreleased; say there what this version changes")
    texts = with_version(root, version)
    texts[path] = put(path, changelog, f"^{UNRELEASED}", f"{UNRELEASED}\n## {version} - {day}\n")
    citation = root / "CITATION.cff"
    dateless = re.sub(r"^date-released: .*\n", "", texts[citation], flags=re.MULTILINE)
    texts[citation] = put(citation, dateless, r"^version: .*$", f"version: {version}\ndate-released: {day}")
    return write(texts)


def write(texts: dict[Path, str]) -> list[Path]:
    """Write each file whose text is another, and return those."""
    changed = [path for path, text in texts.items() if text != path.read_text(encoding="utf-8")]
    for path in changed:
        path.write_text(texts[path], encoding="utf-8")
    return changed


def main(arguments: list[str] | None = None, root: Path = ROOT) -> None:
    """The command. It ends with ``SystemExit`` and a sentence where something is wrong."""
    parser = argparse.ArgumentParser(description="One version for every distribution.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("version", nargs="?", help="the new version, as 0.2.0")
    what.add_argument("--check", action="store_true", help="say whether all files agree; exit 1 where they do not")
    what.add_argument("--repair", action="store_true", help="make all files agree with pyproject.toml")
    given = parser.parse_args(arguments)
    if given.check:
        wrong = disagreements(root)
        if wrong:
            raise SystemExit("\n".join(wrong))
        print(f"every file agrees with version {core_version(root)}")
        return
    if given.repair:
        changed = write(with_version(root, core_version(root)))
    else:
        changed = bump(root, given.version, date.today().isoformat())
    for path in changed:
        print(path.relative_to(root))


if __name__ == "__main__":
    main()
