"""Serves a house of services: one per process in a company, all six in one process on a laptop."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType
from typing import Self

import structlog
import uvicorn
from fastapi import FastAPI

from contracts.errors import QuotewrightError, Unavailable
from infra import log as logs
from infra.admin import admin_routes
from infra.auth import security_of
from infra.clock import wall_clock
from infra.collecting import SetAside
from infra.gauges import Standing
from infra.metrics import Meter, metrics_route
from infra.parts import Builder
from infra.reading import Clock
from infra.running import Service, World
from infra.settings import Settings, load
from infra.status import Status, status_routes
from infra.topics import Keeping, create_topics
from infra.web import Readiness, Surroundings, application

log = structlog.get_logger("infra.service")
START_S = 20.0
SWITCH_S = 0.02
LOOK_DEADLINE_S = 3.0
# A caller must let go of a quiet connection before we do: one that we close while he is sending
# on it costs him his request, and he may not send a POST again. Our own clients let go after 5 s,
# most proxies after 60 s.
KEEP_ALIVE_S = 75


class House:
    """One process with one or more services and one HTTP door."""

    def __init__(
        self, settings: Settings, builders: Mapping[str, Builder], clock: Clock = wall_clock
    ) -> None:
        """Build the services in turn; on failure whatever was opened is closed again."""
        if settings.bus == "kafka":
            topics = {
                settings.facts_topic: settings.partitions,
                settings.inbound_topic: settings.partitions,
                settings.parked_topic: 1,
            }
            keeping = Keeping(settings.replication, settings.min_in_sync, settings.retention_days)
            create_topics(settings.kafka_bootstrap, settings.kafka_client(), topics, keeping)
        self.settings = settings
        self.services: list[Service] = []
        self._clock = clock
        self._set_aside = SetAside()
        self.meter = Meter()
        self.meter.registry.register(Standing(self.statuses))
        self._lookers = ThreadPoolExecutor(max(1, len(builders)), thread_name_prefix="look")
        world = World(settings, clock, self.meter)
        try:
            for name, build in builders.items():
                self.services.append(Service(settings, name, build, world))
        except BaseException:
            self.stop()
            raise

    def app(self) -> FastAPI:
        """Return the HTTP door of all services here."""
        routers = [service.parts.router for service in self.services]
        routers += [each.parts.face.routes() for each in self.services if each.parts.face]
        routers += [
            admin_routes(
                service.parts.prefix or f"/{service.parts.name}",
                service.plumbing.ledger,
                service.parts.registry,
            )
            for service in self.services
        ]
        routers += [
            status_routes(service.parts.prefix or f"/{service.parts.name}", self._looker(service))
            for service in self.services
        ]
        routers.append(metrics_route(lambda: self.meter.registry))
        security = security_of(self.settings, self._clock, time.monotonic)
        title = (
            "Quotewright"
            if len(self.services) > 1
            else f"Quotewright {self.services[0].parts.name}"
        )
        faces = [each.parts.face for each in self.services if each.parts.face]
        draw = faces[0].problem if faces else None
        around = Surroundings(clock=self._clock, answered=self.meter.answered, draw_problem=draw)
        return application(title, routers, security, self.readiness, around)

    def readiness(self) -> Readiness:
        """Say whether all services here are ready."""
        each = self.statuses()
        lag = {name: behind for one in each for name, behind in one.lag().items()}
        return Readiness(
            all(one.ready for one in each), lag, tuple(r for one in each for r in one.reasons)
        )

    def statuses(self) -> list[Status]:
        """Say how each service stands; a database that hangs costs no more than the deadline."""
        return self._look(self.services)

    def _looker(self, service: Service) -> Callable[[], Status]:
        return lambda: self._look([service])[0]

    def _look(self, services: Sequence[Service]) -> list[Status]:
        until = time.monotonic() + LOOK_DEADLINE_S
        looks = [self._lookers.submit(service.status) for service in services]
        found = []
        for service, look in zip(services, looks, strict=True):
            try:
                found.append(look.result(max(0.0, until - time.monotonic())))
            except TimeoutError:
                look.cancel()
                found.append(service.status(look=False))
        return found

    def start(self) -> None:
        """Start all loops.

        They wait for the network far more than they compute. Handing the interpreter on every 5 ms,
        as Python does by default, makes each of them wait for all others at every answer.
        """
        sys.setswitchinterval(SWITCH_S)
        self._set_aside.begin()
        for service in self.services:
            service.start()

    def stop(self) -> None:
        """Stop all services; safe after a failed start."""
        threads = [threading.Thread(target=service.stop) for service in self.services]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._lookers.shutdown(wait=False, cancel_futures=True)
        self._set_aside.end()


def serve(name: str, build: Builder) -> None:
    """Run one service here until SIGTERM or SIGINT; the end of every services/x/main.py."""
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    try:
        house = House(settings, {name: build})
    except QuotewrightError as fault:
        log.error("not_started", service=name, code=fault.code, reason=fault.message)  # noqa: TRY400, the sentence says it
        sys.exit(1)
    run(house)


def run(house: House) -> None:
    """Serve HTTP and run the loops until a signal; then end the requests, drain, and return."""
    server = http_server(house.app(), house.settings.http_host, house.settings.http_port)

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        server.should_exit = True

    # The server raises a signal again when it has shut down: without a handler of ours the
    # process would die there, before it has drained.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    house.start()
    names = [each.parts.name for each in house.services]
    log.info("serving", port=house.settings.http_port, services=names)
    try:
        server.run()
    finally:
        house.stop()
        log.info("stopped")


class Serving:
    """Serves a house from a thread of its own, for as long as the context lasts."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._server = http_server(house.app(), house.settings.http_host, house.settings.http_port)
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    def __enter__(self) -> Self:
        """Start loops and HTTP; returns when requests are taken.

        Raises: Unavailable, after 20 s.
        """
        self._house.start()
        self._thread.start()
        until = time.monotonic() + START_S
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                self._house.stop()
                raise Unavailable(f"port {self._house.settings.http_port} can not be served")
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the requests and the loops."""
        self._server.should_exit = True
        self._thread.join(START_S)
        self._house.stop()


def http_server(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """Return the server of an application, not yet started; port 0 takes a free one."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE_S,
        lifespan="off",
    )
    return uvicorn.Server(config)
