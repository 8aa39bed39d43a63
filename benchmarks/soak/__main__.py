"""A week in an hour: mixed traffic on the real service, through everything that goes wrong.

    python -m benchmarks.soak [--seconds 300] [--jobs N] [--at-once 4] [--rate 0.25] [--kill 0.05]
                              [--restart 60] [--rotate 20] [--seed 1]

Users submit jobs, wait for them, follow their logs, give up and come back, cancel, pull artifacts,
delete. The service starts every adapter itself. What adapters report passes a proxy that resets,
truncates, delays and refuses a share of the requests; a share of the adapters is killed (SIGKILL)
at a random moment; the service is killed and started again; the token is replaced, and the old one
refused. In the end each job must have the metrics its adapters measured, each adapter that failed
its own message, each that was killed either its metrics or the reason, each log every line once,
each artifact its content. Then follows what the client's process held at the beginning, after its
warm-up and at the end, and whether adapters are left. It exits with 1 when something was lost or
leaked.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from benchmarks.soak.leaks import Snapshot, leaks, processes_of, report, snapshot
from benchmarks.soak.traffic import Traffic
from evalhub import AsyncEvalHubClient
from evalhub.testing import RealEvalHub
from evalhub.testing.faults import Answer, Delay, Faults, Hang, Reset, Truncate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.registry import docker_registry  # noqa: E402 - after the path to it

FAULTS = (
    Answer(429, headers={"Retry-After": "1"}),
    Answer(500),
    Answer(502, b"dial tcp: connection refused"),
    Answer(503),
    Delay(0.5),
    Hang(forwarded=True),
    Reset(),
    Reset(after=10),
    Reset(forwarded=True),
    Truncate(),
)
DOWN = 1.0
LAST_REPORT = 60.0
OVERLAP = 3.0
"""Seconds for which a token that was replaced is still valid."""


class Tokens:
    """A token in a file that is replaced now and then; the old one is valid for a while."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._valid: dict[str, float] = {}
        self.rotate()

    def rotate(self) -> None:
        now = time.monotonic()
        self._valid = {token: min(end, now + OVERLAP) for token, end in self._valid.items()}
        token = token_hex()
        self._valid[token] = float("inf")
        replacement = self.path.with_suffix(".new")
        replacement.write_text(token)
        replacement.replace(self.path)

    def valid(self) -> set[str]:
        now = time.monotonic()
        return {token for token, end in self._valid.items() if end > now}


def main() -> None:
    """Run the soak and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="of two benchmarks each")
    parser.add_argument("--at-once", type=int, default=4, help="users at a time")
    parser.add_argument("--rate", type=float, default=0.25, help="share of requests that break")
    parser.add_argument("--kill", type=float, default=0.05, help="share of adapters killed")
    parser.add_argument("--restart", type=float, default=60.0, help="seconds between restarts")
    parser.add_argument("--rotate", type=float, default=20.0, help="seconds between tokens")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-run-")))
        for name in ("client", "adapters"):
            (folder / name).mkdir()
        tempfile.tempdir = str(folder / "client")
        sys.exit(asyncio.run(soak(options, folder, stack)))


async def soak(options: argparse.Namespace, folder: Path, stack: ExitStack) -> bool:
    """Return whether something was lost or leaked."""
    start = time.monotonic()
    tokens = Tokens(folder / "token")
    registry = stack.enter_context(docker_registry(folder / "registry"))
    mark = f"SOAK={folder.name}"
    service = stack.enter_context(
        RealEvalHub(
            config={"database": {"url": f"file:{folder}/hub.db"}}, env={"SOAK": folder.name}
        )
    )
    faults = stack.enter_context(Faults(service.url))
    faults.require_token(tokens.valid)
    faults.at_random(options.rate, *FAULTS, seed=options.seed, path="*/events")
    front = stack.enter_context(Faults(service.url))
    front.require_token(tokens.valid)
    environment = {
        "SOAK_PROXY": faults.url,
        "EVALHUB_AUTH_TOKEN_PATH": str(tokens.path),
        "REGISTRY_URL": registry.url,
        "TMPDIR": str(folder / "adapters"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
    }
    snapshots: list[Snapshot] = []
    counts: Counter[str] = Counter()
    async with AsyncExitStack() as open_:
        client = await open_.enter_async_context(
            AsyncEvalHubClient(front.url, auth_token_path=tokens.path)
        )
        traffic = Traffic(
            client, await add_provider(client, environment), options.kill, options.seed
        )
        disturbances = [
            asyncio.create_task(every(options.rotate, lambda: rotate(tokens, counts))),
            asyncio.create_task(every(options.restart, lambda: restart(service, counts))),
        ]
        number = 0
        while number < options.jobs and time.monotonic() - start < options.seconds:
            batch = range(number, min(number + options.at_once, options.jobs))
            await asyncio.gather(*(traffic.one(each) for each in batch))
            number = batch.stop
            snapshots.append(snapshot())
            for proxy in (faults, front):
                counts.update(str(exchange.action) for exchange in proxy.seen)
                proxy.seen.clear()
        for disturbance in disturbances:
            disturbance.cancel()
        await asyncio.gather(*disturbances, return_exceptions=True)
        left = await adapters_left(mark)
    problems = traffic.problems + leaks(snapshots) + [f"left running: {line}" for line in left]
    files = list((folder / "adapters").iterdir())
    ended = traffic.done["adapters killed"] + 2 * traffic.done["cancelled"]
    if len(files) > ended:
        problems.append(f"{len(files)} temporary files of {ended} adapters that were stopped")
    print(f"{traffic.done['jobs']} jobs of two adapters, {time.monotonic() - start:.0f} s")
    for what, count in sorted(traffic.done.items()):
        print(f"{count:6} {what}")
    print("disturbances and requests:")
    for what, count in counts.most_common():
        print(f"{count:6} {what}")
    print(report(snapshots))
    print("\n".join(problems) or "nothing lost, nothing wrong, nothing leaked")
    return bool(problems)


async def adapters_left(mark: str) -> list[str]:
    """Return the adapters that still run after the time that a last report may take.

    A service that was started again cannot stop the adapters of a job that is cancelled: they end
    when it refuses their reports.
    """
    end = time.monotonic() + LAST_REPORT
    while left := [line for line in processes_of(mark) if "-configdir" not in line]:
        if time.monotonic() > end:
            break
        await asyncio.sleep(0.5)
    return left


async def add_provider(client: AsyncEvalHubClient, environment: dict[str, str]) -> str:
    """Register the adapter with the service and return the provider's id."""
    command = f"{sys.executable} -m evalhub.adapter benchmarks.soak.adapter:SoakAdapter"
    local = {
        "command": command,
        "env": [{"name": name, "value": value} for name, value in environment.items()],
    }
    provider = await client.providers.create(
        {
            "name": "soak",
            "benchmarks": [{"id": "one"}, {"id": "two"}],
            "runtime": {"local": local},
        }
    )
    return provider.id


async def every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act every so often; 0 is never."""
    while seconds:
        await asyncio.sleep(seconds)
        await act()


async def rotate(tokens: Tokens, counts: Counter[str]) -> None:
    tokens.rotate()
    counts["token replaced"] += 1


async def restart(service: RealEvalHub, counts: Counter[str]) -> None:
    await asyncio.to_thread(service.restart, down=DOWN)
    counts["service killed and started again"] += 1


if __name__ == "__main__":
    main()
