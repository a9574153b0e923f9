"""Kafka's jars for a laptop: copied by Maven from their coordinates, each checked by its hash.

Standard library only: `infra.setup` runs it before any package is installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess

from infra.steps import ROOT, SetupFailed, is_made, mark_made, recipe, run, say

POM = ROOT / "infra" / "kafka" / "pom.xml"
SUMS = ROOT / "infra" / "kafka" / "jars.sha256"
JARS = ROOT / ".local" / "kafka" / "libs"
OLDEST_JAVA = 17


def jars_are_there() -> bool:
    """Tell whether `.local/kafka/libs` was made from today's pom and sums."""
    return is_made(JARS, _made_from())


def fetch_jars() -> None:
    """Copy the jars by Maven, check them (Maven pins no hashes), put them in place in one move."""
    _check_java()
    say("fetching Kafka's jars by Maven into .local/kafka/libs")
    fresh = JARS.with_name("libs.new")
    shutil.rmtree(fresh, ignore_errors=True)
    maven = ["mvn", "-B", "-ntp", "-C", "-q", "-Dstyle.color=never", "-f", str(POM)]
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"]
    run([*maven, *copy], quiet=True)
    wanted = {}
    for line in SUMS.read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        wanted[name] = digest
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in fresh.iterdir()}
    wrong = [name for name in sorted(wanted | found) if wanted.get(name) != found.get(name)]
    if wrong:
        raise SetupFailed(
            f"these jars are not those of infra/kafka/jars.sha256: {', '.join(wrong)}"
        )
    shutil.rmtree(JARS, ignore_errors=True)
    fresh.rename(JARS)
    mark_made(JARS, _made_from())


def _made_from() -> str:
    return recipe(POM, SUMS, extra="")


def _check_java() -> None:
    """Stop early on a Java that Kafka 4 can not run on: its own message is a stack trace."""
    told = subprocess.run(["java", "-version"], capture_output=True, check=False, text=True).stderr
    version = told.split('"')[1] if '"' in told else "0"
    if int(version.split(".")[0].split("-")[0]) < OLDEST_JAVA:
        raise SetupFailed(
            f"Kafka needs Java {OLDEST_JAVA} or newer, `java -version` says {version!r}"
        )
