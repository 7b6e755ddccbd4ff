"""The plots of the report, as small SVG files on white, for light and dark pages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from benchmarks import goals
from benchmarks.environments import TITLES

COLOURS = {"sqlite": "#3a6ea5", "mariadb": "#c06c2b"}
SHADES = ("#3a6ea5", "#8fb3d9", "#c06c2b", "#e3b58f")
LIMIT = "#a02c2c"
STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "idjag_demo",
}


def draw(figures: dict[str, Any], directory: Path) -> None:
    """Write cpu.svg, latency.svg, growth.svg and servers.svg into `directory`, those that there are figures for."""
    directory.mkdir(exist_ok=True)
    plots = {
        "cpu": (_cpu, "scenarios"),
        "latency": (_latency, "scenarios"),
        "growth": (_growth, "growth"),
        "servers": (_servers, "servers"),
    }
    with plt.rc_context(STYLE):
        for name, (plot, part) in plots.items():
            if not figures[part]:
                continue
            plot(figures)
            plt.savefig(directory / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
            plt.close("all")


def _grouped(axes: Axes, labels: Sequence[str], series: Mapping[str, tuple[Sequence[float], str]]) -> None:
    """Draw horizontal bars: one group for each label, one bar in it for each series (values, colour)."""
    height = 0.8 / len(series)
    for index, (name, (values, colour)) in enumerate(series.items()):
        places = [row + index * height for row in range(len(labels))]
        bars = axes.barh(places, values, height * 0.92, color=colour, label=name)
        labels_of_bars = [f"{value:.2f}" if value else "" for value in values]  # 0: not measured
        axes.bar_label(bars, labels_of_bars, padding=2, fontsize=7)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(labels))], labels)
    axes.invert_yaxis()


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=columns, frameon=False)


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _value(measured: Sequence[dict[str, Any]], field: str, **wanted: Any) -> float:
    found = [each[field] for each in measured if all(each[name] == value for name, value in wanted.items())]
    return float(found[0]) if found else 0.0


def _names(measured: Sequence[dict[str, Any]], field: str) -> list[Any]:
    return list(dict.fromkeys(each[field] for each in measured))


def _cpu(figures: dict[str, Any]) -> None:
    measured, titles = figures["scenarios"], figures["titles"]
    scenarios = _names(measured, "scenario")
    _, axes = plt.subplots(figsize=(7, 4.6))
    series = {
        TITLES[database]: (
            [_value(measured, "cpu_ms", scenario=name, database=database, concurrency=1) for name in scenarios],
            COLOURS[database],
        )
        for database in _names(measured, "database")
    }
    _grouped(axes, [titles[name] for name in scenarios], series)
    drawn = False
    for goal in goals.GOALS:
        if goal.what == goals.CPU and goal.scenario in scenarios:
            row = scenarios.index(goal.scenario)
            axes.plot([goal.limit] * 2, [row - 0.25, row + 0.75], color=LIMIT, label=None if drawn else "goal")
            drawn = True
    _logarithmic(axes)
    axes.set_xlabel("CPU ms for a request, concurrency 1 (logarithmic)")
    _legend(axes, 3)


def _latency(figures: dict[str, Any]) -> None:
    measured, titles = figures["scenarios"], figures["titles"]
    databases, scenarios = _names(measured, "database"), _names(measured, "scenario")
    _, columns = plt.subplots(1, len(databases), figsize=(4.4 * len(databases), 4.2), sharey=True, squeeze=False)
    for axes, database in zip(columns[0], databases, strict=True):
        for concurrency, colour, shift in ((1, SHADES[0], -0.15), (8, SHADES[2], 0.15)):
            for row, name in enumerate(scenarios):
                found = [
                    each["latency"]
                    for each in measured
                    if (each["scenario"], each["database"], each["concurrency"]) == (name, database, concurrency)
                ]
                for latency in found:
                    axes.plot([latency["p50"], latency["p99"]], [row + shift] * 2, color=colour, linewidth=1)
                    axes.plot(
                        [latency["p50"], latency["p95"], latency["p99"]],
                        [row + shift] * 3,
                        color=colour,
                        linestyle="",
                        marker="|",
                        markersize=7,
                        label=f"{concurrency} at once" if row == 0 else None,
                    )
        axes.set_yticks(range(len(scenarios)), [titles[name] for name in scenarios])
        _logarithmic(axes)
        axes.set_title(TITLES[database], fontsize=9)
        axes.set_xlabel("ms: p50, p95, p99 (logarithmic)")
        _legend(axes, 2)
    columns[0][0].invert_yaxis()


def _growth(figures: dict[str, Any]) -> None:
    measured, titles = figures["growth"], figures["titles"]
    ratios = goals.growth_ratios(measured)
    databases = _names(measured, "database")
    _, rows = plt.subplots(len(databases), 1, figsize=(7, 3.4 * len(databases)), sharex=True, squeeze=False)
    for (axes,), database in zip(rows, databases, strict=True):
        states = list(dict.fromkeys(state for key, each in ratios.items() if key[1] == database for state, _ in each))
        scenarios = [scenario for scenario, each in ratios if each == database]
        series = {
            state: ([dict(ratios[name, database]).get(state, 0.0) for name in scenarios], SHADES[index % len(SHADES)])
            for index, state in enumerate(states)
        }
        _grouped(axes, [titles[name] for name in scenarios], series)
        axes.axvspan(1 - goals.TOLERANCE, 1 + goals.TOLERANCE, color="#dddddd", zorder=0)
        axes.set_title(TITLES[database], fontsize=9)
        axes.set_xlabel("CPU for a request, over that with the small database (grey: ±20 %)")
    _legend(rows[-1][0], 1)


def _servers(figures: dict[str, Any]) -> None:
    measured, titles = figures["servers"], figures["titles"]
    database = _names(measured, "database")[-1]
    scenarios, servers = _names(measured, "scenario"), _names(measured, "server")
    _, axes = plt.subplots(figsize=(7, 4))
    series = {
        server: (
            [
                _value(measured, "cpu_ms", scenario=name, server=server, database=database, concurrency=1)
                for name in scenarios
            ],
            SHADES[index % len(SHADES)],
        )
        for index, server in enumerate(servers)
    }
    _grouped(axes, [titles[name] for name in scenarios], series)
    _logarithmic(axes)
    axes.set_xlabel(f"CPU ms for a request on {TITLES[database]}, concurrency 1 (logarithmic)")
    _legend(axes, 2)
