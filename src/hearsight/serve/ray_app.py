"""The same server on several machines: replicas under Ray Serve, which starts, watches and fills them.

    serve run hearsight.serve.ray_app:app max_streams=16 cpus=2 max_replicas=4

Each replica is one process with one model, as ``hearsight serve`` is; Ray hands new streams to the replicas
that have least to do, adds replicas while streams take more than three quarters of the places, and replaces
one that dies. There is no cluster code here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from ray import serve

from hearsight.assets import DEFAULT_MODEL
from hearsight.errors import HearsightError
from hearsight.recognizer import Recognizer
from hearsight.serve.admission import Load, Room
from hearsight.serve.app import Options, Service
from hearsight.serve.calibration import first_cost
from hearsight.serve.engine import Engine

FILLED = 0.75
"""Share of its places that a replica shall have taken; beyond it Ray starts another."""
UPSCALE_S = 5.0
DOWNSCALE_S = 300.0
"""A replica goes only when it has been idle for long: live streams last for hours."""
FAREWELL_S = 30.0
_NUMBERS = {"max_streams": 16, "cpus": 2.0, "min_replicas": 1, "max_replicas": 4}


def app(arguments: Mapping[str, str]) -> serve.Application:
    """What ``serve run`` runs.

    Args:
        arguments: ``model``, ``max_streams`` (of a replica), ``cpus`` (of a replica), ``min_replicas``,
            ``max_replicas``, ``allow_origin`` (several between commas); all may be left out. The token is in
            the variable ``HEARSIGHT_TOKEN``.

    Raises:
        HearsightError: an argument is unknown, or is no number where one is needed.
    """
    if unknown := set(arguments) - {*_NUMBERS, "model", "allow_origin"}:
        raise HearsightError(f"{', '.join(sorted(unknown))} is no argument: see docs/scale.md")
    numbers = {name: _number(name, arguments.get(name, default)) for name, default in _NUMBERS.items()}
    origins = tuple(filter(None, arguments.get("allow_origin", "").split(",")))
    options = Options(
        token=os.environ.get("HEARSIGHT_TOKEN"),
        origins=origins,
        room=Room(max_streams=int(numbers["max_streams"])),
    )
    return application(
        arguments.get("model", DEFAULT_MODEL),
        options,
        cpus=numbers["cpus"],
        replicas=(int(numbers["min_replicas"]), int(numbers["max_replicas"])),
    )


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise HearsightError(f"{name} is {value!r}: give a number") from None
    if not 0 < number < math.inf:
        raise HearsightError(f"{name} is {value!r}: give a number above 0")
    return number


def application(model: str, options: Options, *, cpus: float, replicas: tuple[int, int]) -> serve.Application:
    """Replicas of a server.

    Args:
        model: name or folder of a bundle, which every machine must have.
        options: of each replica; host and port are Ray's.
        cpus: processors of a replica.
        replicas: fewest and most.
    """
    places = options.room.max_streams
    engines: list[Engine] = []

    def build() -> Any:
        # Called in the replica: what cannot travel is made there.
        recognizer = Recognizer.load(model)
        load = Load(first_cost(recognizer.bundle), cpus)
        engine = Engine(recognizer, room=options.room, load=load)
        engines.append(engine)
        return Service(engine, options).app

    @serve.deployment(
        name="hearsight",
        # Recordings and short requests beside the streams.
        max_ongoing_requests=places + options.limits.uploads + 8,
        autoscaling_config={
            "min_replicas": replicas[0],
            "max_replicas": replicas[1],
            "target_ongoing_requests": max(1.0, FILLED * places),
            "upscale_delay_s": UPSCALE_S,
            "downscale_delay_s": DOWNSCALE_S,
        },
        # For pictures of this size a second thread of kornia-rs is only overhead.
        ray_actor_options={
            "num_cpus": cpus,
            "runtime_env": {"env_vars": {"RAYON_NUM_THREADS": "1"}},
        },
        graceful_shutdown_timeout_s=FAREWELL_S,
    )
    @serve.ingress(build)
    class Replica:
        """One process with one model."""

        def check_health(self) -> None:
            """Ray replaces a replica whose engine has died."""
            if engines and not engines[-1].is_alive:
                raise RuntimeError("the engine is dead")

    deployment: Any = Replica
    return deployment.bind()
