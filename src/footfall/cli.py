"""What can I type? One function a command; the work is done in :mod:`footfall.hosts`.

Hosts are imported inside of the commands, so that ``--help`` doesn't wait for the compiler.
"""

import contextlib
import functools
import gc
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import structlog
import typer
from rich.console import Console
from rich.table import Table

from footfall import config
from footfall.base.errors import FootfallError

if TYPE_CHECKING:
    from footfall.hosts.importing import Imported
    from footfall.hosts.init import Made
    from footfall.hosts.training import Trained
    from footfall.settings import Settings

app = typer.Typer(
    name="footfall",
    help="Tells an online shop, while the visit is still going on, who is on its site.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
failed_app = typer.Typer(help="What was refused, why, and again.", no_args_is_help=True)
app.add_typer(failed_app, name="failed")
models_app = typer.Typer(help="Which models there are, and which serves.", no_args_is_help=True)
app.add_typer(models_app, name="models")

DATA = typer.Option("--data", metavar="DIR", help="The data folder.", show_default=False)
AS_JSON = typer.Option("--json", help="Print one JSON object, for programs.")
SITE = typer.Option("--site", metavar="NAME", help="The site, if there are several.")

SLOW_START_S = 3.0
SLOW_START = "Compiling, which takes about half a minute the first time ..."

BENCHES = ("engine", "http", "replay", "similar", "tracker")
LATER_BENCHES = ("decide", "stream")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 it could not be done, 2 wrong usage."""
    structlog.configure(logger_factory=_to_stderr)  # stdout is the command's answer, often JSON
    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except FootfallError as error:
        typer.echo(f"footfall: {error}", err=True)
        return 2 if error.code == "bad_usage" else 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"footfall: {where}{error.strerror or error}. Check the path, its owner and the disk.", err=True)
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _to_stderr(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting; it gets the given ones, unparsed, as ``flags``."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "flags"]
    names = {p.name for p in own}
    knobs = [knob for knob in config.knobs() if knob.name not in names]

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        flags = {knob.name: value for knob in knobs if (value := given.pop(knob.name)) is not None}
        command(**given, flags=flags)

    options = [
        inspect.Parameter(
            knob.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(
                    knob.flag,
                    metavar=_metavar(knob.type),
                    help=f"{knob.about} [{knob.variable}; default {_default(knob)}]",
                    show_default=False,
                    rich_help_panel="Settings",
                ),
            ],
        )
        for knob in knobs
    ]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + options
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


def _metavar(kind: Any) -> str:
    plain = {int: "INTEGER", float: "NUMBER", str: "TEXT", bool: "BOOL"}
    return plain.get(kind, "A=1,B=2" if "dict" in str(kind) else "A,B")


def _default(knob: config.Knob) -> str:
    if isinstance(knob.default, tuple):
        return ",".join(knob.default) or "none"
    if isinstance(knob.default, bool):
        return str(knob.default).lower()
    return "none" if knob.default in ("", {}) else str(knob.default)


def _settings(data: Path | None, flags: dict[str, Any]) -> "Settings":
    return config.load(data, flags, os.environ)


def _print_json(value: Any) -> None:
    typer.echo(msgspec.json.encode(value).decode())


@contextlib.contextmanager
def _patience() -> Iterator[Callable[[], None]]:
    """Say why nothing happens yet, unless the function that this gives was called by then."""
    timer = threading.Timer(SLOW_START_S, typer.echo, (SLOW_START,), {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()


@app.command()
def init(
    data: Annotated[Path, DATA],
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="Name of the first site.")] = "shop",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Create a data folder with one site and one admin, and print their keys once."""
    from footfall.hosts.init import init as make

    made = make(data, site, _settings(data, {}))
    if as_json:
        _print_json(made)
    else:
        _show_keys(made)
        typer.echo(f"\nStart the server with `footfall serve --data {data}`.")


def _show_keys(made: "Made") -> None:
    typer.echo(f"site        {made.site}")
    typer.echo(f"write key   {made.write_key}   for the shop's pages; may only write events")
    typer.echo(f"server key  {made.server_key}   for the shop's back end")
    typer.echo(f"API token   {made.token}   an admin's")
    typer.echo(f"log in      {made.login_url}   works once, for a day")
    typer.echo("Keep them: they aren't shown again.")


@app.command()
def login(
    data: Annotated[Path, DATA],
    email: Annotated[str, typer.Option(help="Who wants to log in; the first admin if left out.")] = "",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Print a new one-time link to log in with and set a password."""
    from footfall.hosts.init import login_url

    url = login_url(data, email, _settings(data, {}))
    if as_json:
        _print_json({"login_url": url})
    else:
        typer.echo(url)


@app.command()
@takes_settings
def serve(data: Annotated[Path, DATA], flags: dict[str, Any]) -> None:
    """Run the server; on an empty data folder it creates one first."""
    from footfall.hosts import init as folder

    settings = folder.with_free_port(_settings(data, flags))
    if not folder.is_made(data):
        _show_keys(folder.init(data, "shop", settings))
    from footfall.hosts.running import Running

    folder.end_at_sigterm()
    with _patience() as stop_waiting, contextlib.suppress(KeyboardInterrupt):

        def ready(url: str) -> None:
            stop_waiting()
            typer.echo(f"Footfall listens on {url}. Ctrl-C ends it.")

        Running(data, settings).serve(ready)
    gc.unfreeze()  # what the server froze would be reported as leaked at exit


@app.command()
@takes_settings
def demo(
    flags: dict[str, Any],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Where everything is kept; the next demo goes on from there.")
    ] = Path("footfall-demo"),
    is_fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew: empty the demo's data folder first.")] = False,
    visitors_per_minute: Annotated[
        float, typer.Option(min=0.1, max=60_000, help="How many simulated shoppers arrive.")
    ] = 60.0,
    browsers: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=16,
            help="How many shoppers more are real browsers (headless Chromium). [default: 2 where that is installed]",
            show_default=False,
        ),
    ] = None,
    history_days: Annotated[int, typer.Option(min=1, max=365, help="How many days of history come first.")] = 30,
    history_visitors: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many shoppers that history holds.")
    ] = 6_500,
    shop_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the shop; 0 takes a free one.")] = 8701,
    layer_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the shop's variant that fills a dataLayer.")
    ] = 8702,
    seed: Annotated[int, typer.Option(help="Another number makes other shoppers.")] = 1,
) -> None:
    """Run a shop, the server and simulated shoppers, and print the dashboard's link.

    A port that is taken is replaced by a free one. Ctrl-C ends everything.
    """
    from footfall.hosts.demo import Plan, run

    plan = Plan(visitors_per_minute, history_visitors, history_days, shop_port, layer_port, browsers, seed, is_fresh)
    run(data, flags, os.environ, plan)


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Plain, gzipped, or exported Parquet.")],
    data: Annotated[Path, DATA],
    format_name: Annotated[
        str, typer.Option("--format", metavar="segment|taobao|rees46|csv", help="What the files hold.")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option("--map", metavar="TOML", help="What each column of a csv means.", show_default=False),
    ] = None,
    site: Annotated[str, SITE] = "",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Take history in, by event time, with a progress bar."""
    from footfall.hosts.importing import take_in

    result = take_in(data, _settings(data, {}), files, format_name, mapping, site)
    if as_json:
        _print_json(result)
    else:
        _show_import(result, data)
    if result.failed and result.failed == result.events:
        typer.echo("footfall: Nothing could be used: check --format and --map, and import it again.", err=True)
        raise typer.Exit(1)


def _show_import(result: "Imported", data: Path) -> None:
    typer.echo(
        f"{result.events:,} events in {result.seconds:.1f} s ({result.events_per_s:,.0f}/s): "
        f"{result.applied:,} applied, {result.duplicate:,} duplicates, {result.failed:,} failed."
    )
    typer.echo(f"The site now has {result.visitors:,} visitors with {result.orders:,} orders.")
    if result.failed:
        typer.echo(f"See why events failed: footfall failed list --data {data}")


@app.command()
def evaluate(
    data: Annotated[Path, DATA],
    site: Annotated[str, SITE] = "",
    target: Annotated[str, typer.Option(metavar="session|week", help="What is foretold: an order when.")] = "session",
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write an HTML page with plots too.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number makes other chances.")] = 0,
    trials: Annotated[int, typer.Option(min=0, max=1_000, help="Settings tried for the boosted trees.")] = 10,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Processor cores to use at most.")] = 2,
    budget_s: Annotated[float, typer.Option("--budget-s", min=1, help="No rival is begun after so long.")] = 900.0,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Judge all ways of foretelling orders by the site's own past; a server may be running beside it."""
    if "numpy" not in sys.modules:  # its linear algebra reads this once, when it is loaded
        os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads))
    from footfall.hosts.evaluating import WIDTH, evaluate_site, show
    from footfall.models.evaluation import Options

    options = Options(target, seed, threads, trials, budget_s)
    done = evaluate_site(data, _settings(data, {}), site, options, report)
    if as_json:
        _print_json(done)
        return
    show(done, Console(width=None if sys.stdout.isatty() else WIDTH))
    if report is not None:
        typer.echo(f"The report is in {report}; open it in a browser.")


@app.command()
@takes_settings
def train(
    data: Annotated[Path, DATA],
    flags: dict[str, Any],
    target: Annotated[
        str, typer.Option(metavar="session|week", help="What to foretell; both if left out. `week` learns both too.")
    ] = "",
    site: Annotated[str, SITE] = "",
    trials: Annotated[int, typer.Option(min=0, max=10_000, help="Settings of the trees that are tried.")] = 30,
    budget_s: Annotated[
        float | None, typer.Option("--budget-s", min=1, help="Longest time for trying.", show_default=False)
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Processor cores to use at most.")] = 2,
    is_promoted: Annotated[
        bool, typer.Option("--promote", help="Let the new model serve, even if it isn't shown to be better.")
    ] = False,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Learn from the site's past who will order; a running server takes the new model over by itself."""
    if target not in ("", "session", "week"):
        raise typer.BadParameter("--target is session or week")
    from footfall.hosts.progress import steps
    from footfall.hosts.training import Options, train_site

    targets = ("session",) if target == "session" else ("session", "week")
    options = Options(targets=targets, n_trials=trials, budget_s=budget_s, n_threads=threads, is_promoted=is_promoted)
    with steps() as tell:
        trained = train_site(data, _settings(data, flags), site, options, tell)
    if as_json:
        _print_json(trained)
    else:
        _show_training(trained)


def _show_training(trained: "Trained") -> None:
    typer.echo(
        f"Learned from {trained.n_rows:,} moments, {trained.n_sessions:,} sessions of {trained.n_visitors:,} visitors, "
        f"{trained.n_orders:,} with an order, in {trained.seconds:.0f} s."
    )
    table = Table("target", "ROC-AUC", "log-loss", "base rate's", "calibration error", "what moves it most", box=None)
    for target, found in trained.targets.items():
        figures = (found.roc_auc, found.log_loss, found.base_log_loss, found.ece)
        table.add_row(target, *("-" if x is None else f"{x:.4f}" for x in figures), ", ".join(found.top[:3]))
    Console(soft_wrap=False).print(table)
    for target, why in trained.skipped.items():
        typer.echo(f"{target} couldn't be learned: {why}")
    typer.echo(trained.message)


@models_app.command("list")
def models_list(
    data: Annotated[Path, DATA], site: Annotated[str, SITE] = "", as_json: Annotated[bool, AS_JSON] = False
) -> None:
    """List a site's models, newest first."""
    from footfall.hosts import moving

    found = moving.listed(data, _settings(data, {}), site)
    if as_json:
        _print_json(found)
        return
    if found["trouble"]:
        typer.echo(found["trouble"], err=True)
    if not found["versions"]:
        typer.echo(f"There is no model yet: the prior scores. Train one with `footfall train --data {data}`.")
        return
    table = Table("version", "stage", "made", "orders", "ROC-AUC", "log-loss", "", box=None)
    for row in found["versions"]:
        figures = row["metrics"].get("session", {})
        shown = ("-" if figures.get(k) is None else f"{figures[k]:.4f}" for k in ("roc_auc", "log_loss"))
        table.add_row(str(row["version"]), row["stage"], row["made"], f"{row['n_orders']:,}", *shown, row["why_not"])
    Console(soft_wrap=False).print(table)


@models_app.command("show")
def models_show(
    version: Annotated[int, typer.Argument(help="Which one.")],
    data: Annotated[Path, DATA],
    site: Annotated[str, SITE] = "",
) -> None:
    """Print a model's card and what became of it, as JSON."""
    from footfall.hosts import moving

    found = moving.shown(data, _settings(data, {}), site, version)
    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


@models_app.command("promote")
def models_promote(
    version: Annotated[int, typer.Argument(help="Which one is to serve.")],
    data: Annotated[Path, DATA],
    site: Annotated[str, SITE] = "",
) -> None:
    """Let a model serve; a running server takes it over within a second or two."""
    from footfall.hosts import moving

    moving.promote(data, _settings(data, {}), site, version)
    typer.echo(f"Model {version} serves from now on.")


@models_app.command("rollback")
def models_rollback(data: Annotated[Path, DATA], site: Annotated[str, SITE] = "") -> None:
    """Let the model serve that served before."""
    from footfall.hosts import moving

    typer.echo(f"Model {moving.rollback(data, _settings(data, {}), site)} serves again.")


@failed_app.command("list")
def failed_list(
    data: Annotated[Path, DATA],
    site: Annotated[str, SITE] = "",
    reason: Annotated[str, typer.Option(help="Only those refused for this reason.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 50,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """List refused events with their reasons, newest first."""
    from footfall.hosts import failed

    found = failed.listed(data, _settings(data, {}), site, reason, limit)
    if as_json:
        _print_json(found)
        return
    if not found.failed:
        typer.echo("No event was refused.")
        return
    table = Table("offset", "received", "reason", "detail", box=None)
    for event in found.failed:
        table.add_row(str(event.offset), event.received, event.reason, event.detail)
    Console(soft_wrap=False).print(table)
    for name, n in sorted(found.n_by_reason.items()):
        typer.echo(f"{n:,} × {name}: {failed.what_to_do(name)}")
    typer.echo(f"One of them, whole: footfall failed show OFFSET --data {data}")
    typer.echo(f"All of them, again: footfall failed replay --all --data {data}")


@failed_app.command("show")
def failed_show(
    offset: Annotated[int, typer.Argument(help="Its offset in the log.")], data: Annotated[Path, DATA]
) -> None:
    """Print one refused event with its request, as JSON."""
    from footfall.hosts import failed

    typer.echo(
        msgspec.json.format(msgspec.json.encode(failed.shown(data, _settings(data, {}), offset)), indent=2).decode()
    )


@failed_app.command("replay")
def failed_replay(
    data: Annotated[Path, DATA],
    offsets: Annotated[list[int] | None, typer.Argument(help="Which ones.", show_default=False)] = None,
    is_all: Annotated[bool, typer.Option("--all", help="All that are listed.")] = False,
    reason: Annotated[str, typer.Option(help="With --all: only those refused for this reason.")] = "",
    site: Annotated[str, SITE] = "",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Try refused events again, after what was wrong has been mended."""
    if bool(offsets) == is_all:
        raise typer.BadParameter("name OFFSETs or --all")
    from footfall.hosts import failed

    done = failed.replay(data, _settings(data, {}), site, offsets, reason)
    if as_json:
        _print_json(done)
    else:
        typer.echo(
            f"{done.replayed:,} tried again: {done.applied:,} applied, {done.duplicate:,} duplicates, "
            f"{done.failed:,} failed."
        )


@app.command()
def export(
    data: Annotated[Path, DATA],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the files go; must not exist or be empty.")
    ],
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Write events, visitors and sessions as Parquet."""
    from footfall.hosts.export import export as write

    counts = write(data, _settings(data, {}), out)
    if as_json:
        _print_json(counts)
    else:
        typer.echo(", ".join(f"{n:,} {name}" for name, n in counts.items()) + f" written to {out}.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="engine|http|replay|tracker", help="What to measure.")],
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Measure speed, with the peer or limit measured beside it in the same run."""
    if name in LATER_BENCHES:
        raise typer.BadParameter(f"`{name}` isn't there yet; there are {', '.join(BENCHES)}")
    if name not in BENCHES:
        raise typer.BadParameter(f"there is no benchmark `{name}`; there are {', '.join(BENCHES)}")
    from footfall.hosts.benches.run import run_bench

    raise typer.Exit(run_bench(name, [*(["--json"] if as_json else []), *context.args]))


@app.command()
def doctor(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Look at this data folder too.", show_default=False)
    ] = None,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Say what is installed, reachable or missing, and the command that mends it."""
    from footfall.hosts.doctor import State
    from footfall.hosts.doctor import doctor as look

    checks = look(data)
    if as_json:
        _print_json({"checks": checks, "is_ok": not any(check.is_failed for check in checks)})
    else:
        marks = {State.OK: "[green]ok[/]", State.OPTIONAL: "[dim]-[/]", State.WARNING: "[yellow]!![/]"}
        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            detail = check.detail if not check.mend else f"{check.detail}\n  -> {check.mend}"
            table.add_row(marks.get(check.state, "[red]XX[/]"), check.name, _plain(detail))
        Console(highlight=False).print(table)
    if any(check.is_failed for check in checks):
        raise typer.Exit(1)


@app.command()
def settings() -> None:
    """Print a footfall.toml with every setting, its default and what it does."""
    typer.echo(config.sample(), nl=False)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


if __name__ == "__main__":
    sys.exit(main())
