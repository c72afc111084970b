"""The main job, taken through whatever can happen to it, 300 times in the order Hypothesis likes.

The runs are seeded and stand in shares, so that two cores take them side by side. On PostgreSQL the
first hundred of them are taken once more. `make fuzz` does as many more as are asked for, with
seeds that change.
"""

import os

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import empty_house
from tests.machine.main_job import MainJob, Stage
from tests.sandbox.process import SandboxProcess
from tests.support.deployment import Deployment
from tests.support.world import World

pytestmark = pytest.mark.wide

IS_SQLITE = os.environ.get("TEST_DEPLOYMENT", "sqlite") == "sqlite"
RUNS = int(os.environ.get("MACHINE_RUNS", "300" if IS_SQLITE else "100"))
FIRST_SEED = int(os.environ.get("MACHINE_SEED", "1"))
SHARES = 10
STEPS = 14


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_happens_each_accepted_file_arrives_once_or_says_why(
    app: Flask, sandbox: SandboxProcess, deployed: Deployment, world: World, share: int
) -> None:
    sandbox.settings(rate_limits=False)

    shared = Stage(app, sandbox, world, lambda: empty_house(app, deployed))

    class Run(MainJob):
        stage = shared

    how = settings(
        max_examples=-(-RUNS // SHARES),
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(FIRST_SEED * 1000 + share)(Run), settings=how)
    assert shared.outcomes["attached"] >= how.max_examples / 3, "hardly anything was attached"
