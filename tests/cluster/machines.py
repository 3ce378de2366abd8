"""A standalone cluster of separate processes on loopback, whose workers have nothing of the project."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

from tests.benchmarks import cpu

SPARK_HOME = Path(pyspark.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[2]
EXECUTOR, PARSER = "CoarseGrainedExecutorBackend", "corpus.crawl.child"


@dataclass
class Done:
    code: int
    said: str


@dataclass
class Cluster:
    """A master and its workers. `folder` holds logs, working folders and the shuffle space of each worker."""

    folder: Path
    archive: Path
    port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, workers: int = 2) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        place = ("--host", "127.0.0.1", "--webui-port", "0")
        self._launch("master", "org.apache.spark.deploy.master.Master", *place, "--port", str(self.port))
        for number in range(workers):
            self.add_worker(f"worker{number}")

    def add_worker(self, name: str, **environment: str) -> None:
        """One more worker with one core; ready when the master knows it."""
        known = self._log("master").count("Registering worker")
        words = (
            "--host",
            "127.0.0.1",
            "--webui-port",
            "0",
            "-c",
            "1",
            "-m",
            "2g",
            "-d",
            str(self.folder / name),
        )
        space = {"SPARK_LOCAL_DIRS": str(self.folder / f"{name}-space"), **environment}
        self._launch(name, "org.apache.spark.deploy.worker.Worker", *words, self.master, **space)
        until(lambda: self._log("master").count("Registering worker") > known, f"{name} to be registered")

    @property
    def master(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    def submit(
        self, job: str, *words: str, conf: Sequence[str] = (), python: str = ""
    ) -> subprocess.Popen[str]:
        """Start spark-submit with the archive, as a user would; its driver has this environment."""
        settings = [
            "spark.driver.host=127.0.0.1",
            "spark.driver.bindAddress=127.0.0.1",
            "spark.ui.enabled=false",
        ]
        settings += ["spark.executor.memory=1g", "spark.cores.max=2", *conf]
        settings += [f"spark.pyspark.python={python or './environment/bin/python'}"]
        settings += [f"spark.pyspark.driver.python={sys.executable}"]
        command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", self.master]
        command += [word for setting in settings for word in ("--conf", setting)]
        command += ["--archives", f"{self.archive}#environment", str(REPOSITORY / "jobs" / job), *words]
        names = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK", "SPARK"))}
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=names, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, job: str, *words: str, conf: Sequence[str] = (), seconds: float = 600) -> Done:
        """Submit and wait."""
        return wait(self.submit(job, *words, conf=conf), seconds)

    def kill(self, name: str) -> None:
        """End a worker and the executors below it at once, as a machine that loses its power."""
        for pid in reversed(list(cpu.tree(self.processes[name].pid))):
            _kill(pid)
        self.processes.pop(name).wait()

    def pids(self, words: str) -> list[int]:
        """The processes below the workers whose command line holds `words`."""
        below = [pid for name, process in self.processes.items() for pid in cpu.tree(process.pid)]
        return [pid for pid in below if words in command_line(pid)]

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _launch(self, name: str, main: str, *words: str, **environment: str) -> None:
        bare = {"PATH": "/usr/bin:/bin", "SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
        bare |= {"SPARK_DAEMON_MEMORY": "256m", **environment}
        if home := os.environ.get("JAVA_HOME"):
            bare["JAVA_HOME"] = home
        elif (java := shutil.which("java")) and not java.startswith("/usr/bin"):
            bare["JAVA_HOME"] = str(Path(java).resolve().parents[1])
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(SPARK_HOME / "bin" / "spark-class"), main, *words],
                env=bare,
                stdout=log,
                stderr=log,
                cwd="/",
            )


@contextlib.contextmanager
def cluster(folder: Path, archive: Path) -> Iterator[Cluster]:
    folder.mkdir(parents=True)
    made = Cluster(folder, archive)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def wait(process: subprocess.Popen[str], seconds: float = 600) -> Done:
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_all(process)
        said, _ = process.communicate()
        raise AssertionError(f"not at an end after {seconds:g} s:\n{said[-3000:]}") from None
    return Done(process.returncode, said)


def kill_all(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a driver: spark-submit, its JVM and its Python."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def until(true: Callable[[], object], what: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def kept_and_lost(said: str) -> dict[str, int]:
    """The counts that a job prints at its end, by outcome and reason."""
    found = re.findall(r"^ +(kept|dropped|failed) +([a-z_]*) +([\d,]+) ", said, re.MULTILINE)
    return {f"{outcome} {reason}".strip(): int(count.replace(",", "")) for outcome, reason, count in found}


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
