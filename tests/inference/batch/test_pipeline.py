import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest

from colorize_tf.inference.batch.pipeline import Budget, run_pipeline
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError


class Numbers:
    """Stages that double numbers; what a task's number is in `fails` raises in that stage."""

    def __init__(self, weight=1.0, **fails):
        self.weight = weight
        self.fails = fails
        self.written = {}
        self.batches = []
        self.held = self.most_held = 0
        self.lock = threading.Lock()

    def check(self, stage, number):
        if number in self.fails.get(stage, ()):
            raise ValueError(f"{stage} {number}")

    def open(self, task):
        number = int(task.source.name)
        self.check("open", number)
        return number, self.weight

    def decode(self, task, opened):
        with self.lock:
            self.held += 1
            self.most_held = max(self.held, self.most_held)
        try:
            self.check("decode", opened)
        except ValueError:
            self.release()
            raise
        return opened

    def predict(self, photographs):
        self.batches.append(len(photographs))
        for number in photographs:
            self.check("predict", number)
        return [2 * number for number in photographs]

    def write(self, task, photograph, predicted):
        self.release()
        self.check("write", photograph)
        self.written[photograph] = predicted

    def release(self):
        with self.lock:
            self.held -= 1


def tasks(count):
    return [Task(Path(str(number)), (Path("out") / str(number),)) for number in range(count)]


def run(count, stages, *, jobs=3, megapixels=100.0, **options):
    outcomes = run_pipeline(tasks(count), stages, jobs=jobs, megapixels=megapixels, **options)
    return {
        int(task.source.name): None if error is None else str(error) for task, error in outcomes
    }


@pytest.mark.parametrize("jobs", [1, 4])
def test_every_task_goes_through_all_stages(jobs):
    stages = Numbers()
    assert run(50, stages, jobs=jobs) == dict.fromkeys(range(50))
    assert stages.written == {number: 2 * number for number in range(50)}


def test_no_tasks_give_no_results():
    assert run(0, Numbers()) == {}


@pytest.mark.parametrize("stage", ["open", "decode", "predict", "write"])
def test_a_failed_task_does_not_stop_the_others(stage):
    stages = Numbers(**{stage: {3, 4, 19}})
    outcomes = run(20, stages)
    assert {number for number, error in outcomes.items() if error} == {3, 4, 19}
    assert outcomes[4] == f"{stage} 4"
    assert stages.written.keys() == set(range(20)) - {3, 4, 19}


def test_the_batch_size_is_limited():
    stages = Numbers()
    run(40, stages, jobs=8, batch_size=4)
    assert sum(stages.batches) == 40 and max(stages.batches) <= 4


@pytest.mark.parametrize(("weight", "most"), [(1.0, 5), (2.0, 2), (3.0, 1), (1000.0, 1)])
def test_memory_is_bounded(weight, most):
    stages = Numbers(weight)
    assert len(run(30, stages, jobs=8, megapixels=5.0)) == 30
    assert stages.most_held <= most


@pytest.mark.parametrize("stage", ["open", "decode", "predict", "write"])
def test_a_failed_task_releases_its_memory(stage):
    stages = Numbers(5.0, **{stage: set(range(0, 20, 2))})
    assert len(run(20, stages, megapixels=5.0)) == 20


def test_the_limit_counts_written_tasks():
    stages = Numbers(open={0, 1, 2}, write={4})
    outcomes = run(20, stages, limit=3)
    assert sorted(number for number, error in outcomes.items() if error is None) == [3, 5, 6]
    assert stages.written.keys() == {3, 5, 6}


def test_ctrl_c_finishes_and_yields_tasks_being_written():
    stages = Numbers()
    begun = threading.Event()
    ended = threading.Event()

    def write(task, photograph, predicted):
        begun.set()
        ended.wait(10)
        stages.written[photograph] = predicted

    def predict(photographs):
        if begun.is_set():
            raise KeyboardInterrupt
        return photographs

    def decode(task, opened):
        # The second photograph comes when the first is being written.
        if opened == 1:
            begun.wait(10)
        return opened

    stages.write, stages.predict, stages.decode = write, predict, decode
    threading.Timer(0.1, ended.set).start()
    told = []
    with pytest.raises(KeyboardInterrupt):
        for task, error in run_pipeline(tasks(50), stages, jobs=1, megapixels=3.0):
            told.append((int(task.source.name), error))
    assert told == [(0, None)]
    assert stages.written.keys() == {0}


def test_an_unavailable_model_stops_the_pipeline():
    stages = Numbers()

    def predict(photographs):
        if 7 in photographs:
            stages.batches.append("gone")
            raise ModelUnavailableError("no answer")
        return photographs

    stages.predict = predict
    told = []
    with pytest.raises(ModelUnavailableError, match="no answer"):
        for task, error in run_pipeline(tasks(50), stages, jobs=1, megapixels=3.0):
            told.append((int(task.source.name), error))
    assert stages.batches == ["gone"]
    assert sorted(told) == [(number, None) for number in sorted(stages.written)]
    assert 7 not in stages.written


def test_a_budget_blocks_until_enough_is_released():
    budget = Budget(3.0)
    budget.acquire(2.0)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(budget.acquire, 2.0)
        assert not second.done()
        budget.release(2.0)
        assert second.result(timeout=10) is None


def test_closing_a_budget_cancels_waiting_threads():
    budget = Budget(1.0)
    budget.acquire(1.0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(budget.acquire, 1.0)
        budget.close()
        with pytest.raises(CancelledError):
            waiting.result(timeout=10)
