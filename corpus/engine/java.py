"""Find a Java that Spark can use before Spark is started, so that its absence is one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from corpus.engine.errors import UserError

OLDEST, NEWEST_TESTED = 17, 21
_WAY_OUT = f"install Java {OLDEST} or {NEWEST_TESTED} (Debian: openjdk-17-jre-headless) or set JAVA_HOME."


def require_java(environment: Mapping[str, str] | None = None) -> int:
    """The major version of the Java that Spark would start. Raises UserError if there is none that fits."""
    env = os.environ if environment is None else environment
    if env.get("PYSPARK_GATEWAY_PORT"):  # spark-submit started us: a JVM is running already
        return 0
    home = env.get("JAVA_HOME")
    on_path = shutil.which("java", path=env.get("PATH", os.defpath))
    program = os.path.join(home, "bin", "java") if home else on_path
    if program is None:
        raise UserError(f"Spark needs Java and none was found: {_WAY_OUT}")
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"Spark needs Java, and {program} cannot be run ({error}): {_WAY_OUT}") from error
    major = major_version(answer.stderr + answer.stdout)
    if major < OLDEST:
        found = f"Java {major}" if major else "of no version that it tells"
        raise UserError(f"Spark needs Java {OLDEST} or newer, and {program} is {found}: {_WAY_OUT}")
    return major


def major_version(text: str) -> int:
    """8 for `1.8.0_392`, 17 for `17.0.15`; 0 where `java -version` printed something else."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else 0
