from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from lockgate.merged_metrics import merged


def exposition(value: float, *, odd: str = "plain", own: bool = False) -> str:
    registry = CollectorRegistry()
    Counter("asked", "How often.", ("route",), registry=registry).labels(odd).inc(value)
    Gauge("open", "How many.", registry=registry).set(value)
    if own:
        Gauge("only_here", "One.", registry=registry).set(1)
    return generate_latest(registry).decode()


def test_series_of_others_carry_their_name():
    lines = merged(exposition(1, own=True), {"edge-1": exposition(2), "edge-2": exposition(3)}).splitlines()
    for line in (
        'asked_total{route="plain"} 1.0',
        'asked_total{worker="edge-1",route="plain"} 2.0',
        'asked_total{worker="edge-2",route="plain"} 3.0',
        "open 1.0",
        'open{worker="edge-1"} 2.0',
        "only_here 1.0",
    ):
        assert line in lines


def test_each_family_stands_once_and_together():
    lines = merged(exposition(1), {"edge-1": exposition(2), "edge-2": exposition(3, own=True)}).splitlines()
    heads = [line for line in lines if line.startswith("#")]
    assert len(heads) == len(set(heads))
    names = [line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")]
    assert names == sorted(names, key=names.index)


def test_braces_and_blanks_in_a_label_stay_what_they_are():
    text = merged("", {"edge-1": exposition(1, odd='GET /a/{id} "x"')})
    assert 'asked_total{worker="edge-1",route="GET /a/{id} \\"x\\""} 1.0' in text


def test_nobody_else_changes_nothing():
    own = exposition(1, own=True)
    assert merged(own, {}) == own
