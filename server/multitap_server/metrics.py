"""What the server counts, for Prometheus: one registry per application, no unbounded label."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from multitap_registry.clock import Clock, utc_now
from multitap_registry.contract import Registry

from .engine.contract import Engine
from .registry_probe import RegistryProbe

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
_BUCKETS_S: Final = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip


class Metrics:
    """The counters of one application."""

    def __init__(
        self, engine: Engine, registry: Registry, probe: RegistryProbe, *, clock: Clock = utc_now
    ) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "multitap_requests",
            "Requests by route template and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "multitap_request_seconds",
            "Time from a request's head to the end of its response.",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._rows = Counter(
            "multitap_predicted_rows",
            "Rows that were answered with a prediction, by kind of head.",
            ("kind",),
            registry=self._registry,
        )
        self._registry.register(EngineCollector(engine))
        self._registry.register(RegistryCollector(registry, probe, clock))

    def observe_request(self, method: str, route: str, status: int, elapsed_s: float) -> None:
        """Count one request; unknown methods share a label."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(elapsed_s)

    def count_rows(self, kind: str, rows: int) -> None:
        """Count rows that were predicted."""
        self._rows.labels(kind).inc(rows)

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


class EngineCollector(Collector):
    """Reads the engine's statistics when it is asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, so that registering does not ask the engine."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the engine's counters and levels."""
        now = self._engine.statistics()
        counters = (
            ("forward_passes", "Forward passes of the backbone.", now.forward_passes),
            ("rows", "Rows that went through the backbone.", now.rows),
            ("tokens", "Tokens that went through the backbone.", now.tokens),
            ("adapter_loads", "Adapters that were loaded.", now.adapter_loads),
            ("adapter_evictions", "Adapters that made room for others.", now.adapter_evictions),
        )
        levels = (
            ("queued_rows", "Rows that wait for a forward pass.", now.queued_rows),
            ("resident_adapters", "Adapters in memory.", now.resident_adapters),
            ("resident_bytes", "Memory of the adapters in memory.", now.resident_bytes),
        )
        for name, text, value in counters:
            yield CounterMetricFamily(f"multitap_{name}", text, value=value)
        for name, text, value in levels:
            yield GaugeMetricFamily(f"multitap_{name}", text, value=value)


class RegistryCollector(Collector):
    """Reads what the registry knows from memory when it is asked."""

    def __init__(self, registry: Registry, probe: RegistryProbe, clock: Clock) -> None:
        self._registry = registry
        self._probe = probe
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, so that registering does not ask the registry."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the newest event's number, and how well the registry can be reached."""
        text = "Number of the newest event that this server knows of."
        yield GaugeMetricFamily("multitap_last_event", text, value=self._registry.last_event())
        since = self._registry.lagging_since
        lag_s = 0.0 if since is None else max(0.0, (self._clock() - since).total_seconds())
        text = "For how long changes by others may have been missing here, 0 where none is."
        yield GaugeMetricFamily("multitap_registry_lag_seconds", text, value=lag_s)
        if self._probe.writable is not None:
            text = "Whether the registry could be written when /readyz was asked last."
            writable = float(self._probe.writable)
            yield GaugeMetricFamily("multitap_registry_writable", text, value=writable)
