"""An ETL over a year of hourly temperatures; README.md says where the data comes from.

`flowcore run examples/etl/etl.py --param report_path=report.txt` leaves the report in a file.
"""

from __future__ import annotations

import csv
from calendar import month_name
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from typing import TypedDict

from flowcore.sdk import Param, dag, get_current_context, task

SOURCE = Path(__file__).with_name("seattle-temps.csv")
#: The groups of the fan-out are known when the file is read: a task for each month.
MONTHS = [name.lower() for name in month_name[1:]]


class Summary(TypedDict):
    """One month; temperatures are in degrees Celsius."""

    month: str
    hours: int
    low: float
    mean: float
    high: float


class Year(TypedDict):
    """All months in order, and the two that stand out."""

    months: list[Summary]
    hours: int
    mean: float
    coldest: str
    warmest: str


@dag(
    params={"report_path": Param("", type="string", description="Where to write the report; empty: nowhere.")}
)
def etl() -> None:
    @task(multiple_outputs=True)  # one XCom for each month, so that a task reads only its own
    def extract() -> dict[str, list[float]]:
        hours: defaultdict[str, list[float]] = defaultdict(list)
        with SOURCE.open(newline="") as file:
            for row in csv.DictReader(file):
                _year, month, _day = row["date"].split("/")
                hours[MONTHS[int(month) - 1]].append(float(row["temp"]))
        return hours

    @task
    def summarise(month: str, fahrenheit: list[float]) -> Summary:
        celsius = [(degrees - 32) / 1.8 for degrees in fahrenheit]
        return Summary(
            month=month, hours=len(celsius), low=min(celsius), mean=fmean(celsius), high=max(celsius)
        )

    @task
    def year(months: list[Summary]) -> Year:
        hours = sum(month["hours"] for month in months)
        by_mean = sorted(months, key=lambda month: month["mean"])
        return Year(
            months=months,
            hours=hours,
            mean=sum(month["mean"] * month["hours"] for month in months) / hours,
            coldest=by_mean[0]["month"],
            warmest=by_mean[-1]["month"],
        )

    @task
    def report(year: Year) -> str:
        head = f"Seattle, {year['hours']} hours, {year['mean']:.1f} °C on average"
        foot = f"coldest: {year['coldest']}, warmest: {year['warmest']}"
        return "\n".join([head, *(row_of(month) for month in year["months"]), foot])

    @task(retries=2, retry_delay=timedelta(seconds=0.5))
    def publish(report: str) -> int:
        context = get_current_context()
        if context["try_number"] == 1:
            raise ConnectionError("the server for reports is being restarted")
        if path := context["params"]["report_path"]:
            Path(path).write_text(report + "\n")
        return len(report)

    hours = extract()
    publish(report(year([summarise.override(task_id=month)(month, hours[month]) for month in MONTHS])))


def row_of(month: Summary) -> str:
    bar = "█" * round(month["mean"])
    return f"{month['month']:>9} {month['low']:6.1f} {month['mean']:6.1f} {month['high']:6.1f}  {bar}"


etl()
