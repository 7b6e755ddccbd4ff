"""What a server's processes used, from /proc: CPU time and peak memory of a process and all its descendants."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    """CPU time in seconds."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def __sub__(self, earlier: "Cpu") -> "Cpu":
        return Cpu(self.user - earlier.user, self.system - earlier.system)


def tree(pid: int, proc: Path = PROC) -> list[int]:
    """Return `pid` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in proc.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name), proc)):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu_of(pids: Iterable[int], proc: Path = PROC) -> Cpu:
    """Return the CPU time of `pids`, threads that have ended and children that were waited for included."""
    user = system = 0
    for pid in pids:
        if fields := _stat(pid, proc):  # proc(5): utime, stime, cutime, cstime
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return Cpu(user / _TICK, system / _TICK)


def forget_peaks(pids: Iterable[int]) -> None:
    """Let the peak of the memory of `pids` begin at what they use now (proc(5), clear_refs)."""
    for pid in pids:
        (PROC / str(pid) / "clear_refs").write_text("5")


def peak_memory(pids: Iterable[int], proc: Path = PROC) -> float:
    """Return the sum of the peak resident memory of `pids` in MiB: what they share is counted in each."""
    kib = 0
    for pid in pids:
        for line in (proc / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                kib += int(line.split()[1])
    return kib / 1024


def name_of(pid: int) -> str:
    """Return the name of a process, none if there is no such process."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int, proc: Path) -> list[str]:
    """Return the fields of /proc/pid/stat from the third one (the state) on; none if there is no such process."""
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the second one, the name, may hold spaces and brackets
