"""What is computed from what was measured."""

import os
from pathlib import Path

import pytest

from benchmarks import statements
from benchmarks.measure import percentile, signing_rate
from benchmarks.server import cpu_of, peak_memory, tree


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1), (50.5, 51)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_one_value_is_every_percentile() -> None:
    assert [percentile([2.0], percent) for percent in (50, 95, 99)] == [2, 2, 2]


def process(
    proc: Path, pid: int, parent: int, name: str = "granian", ticks: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> None:
    directory = proc / str(pid)
    directory.mkdir()
    user, system, childrens_user, childrens_system = ticks
    (directory / "stat").write_text(
        f"{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 {user} {system} {childrens_user} {childrens_system} 20 0 64 0\n"
    )
    (directory / "status").write_text(f"Name:\t{name}\nVmPeak:\t 9999999 kB\nVmHWM:\t {pid} kB\nVmRSS:\t 1 kB\n")


def test_the_tree_of_a_server_is_itself_and_all_its_descendants(tmp_path: Path) -> None:
    for pid, parent in ((10, 1), (11, 10), (12, 11), (20, 1), (21, 20)):
        process(tmp_path, pid, parent)
    assert sorted(tree(10, tmp_path)) == [10, 11, 12]


def test_cpu_is_user_and_system_time_with_that_of_children_that_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.server._TICK", 100)
    process(tmp_path, 10, 1, ticks=(100, 20, 3, 4))
    process(tmp_path, 11, 10, ticks=(1000, 200, 0, 0))
    assert cpu_of([10, 11], tmp_path) == pytest.approx(13.27)
    assert cpu_of([10], tmp_path) == pytest.approx(1.27)


def test_brackets_and_spaces_in_the_name_of_a_process_shift_nothing(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, ticks=(100, 20, 3, 4))
    process(tmp_path, 11, 1, name="a) R 7 (b", ticks=(100, 20, 3, 4))
    assert cpu_of([11], tmp_path) == cpu_of([10], tmp_path)


def test_memory_is_the_sum_of_the_peaks(tmp_path: Path) -> None:
    process(tmp_path, 1024, 1)
    process(tmp_path, 2048, 1024)
    assert peak_memory([1024, 2048], tmp_path) == 3


def test_statements_are_averaged_and_transactions_stand_apart() -> None:
    sql = ["BEGIN IMMEDIATE", "INSERT INTO a VALUES (1)", "SAVEPOINT s", "select 1", "COMMIT", "SET NAMES utf8"]
    assert statements.averages([{"grant": "", "sql": sql}] * 4, 4) == (2, 3, 0)


def test_token_exchanges_are_counted() -> None:
    exchange, bearer = (f"urn:ietf:params:oauth:grant-type:{name}" for name in ("token-exchange", "jwt-bearer"))
    lines = [{"grant": grant, "sql": []} for grant in (exchange, "", bearer)] * 16
    assert statements.averages(lines, 16) == (0, 0, 1)


def test_the_yardstick_binds_the_process_to_a_core_only_while_it_signs() -> None:
    cores = os.sched_getaffinity(0)
    assert signing_rate(min(cores), seconds=0.01) > 0
    assert os.sched_getaffinity(0) == cores
